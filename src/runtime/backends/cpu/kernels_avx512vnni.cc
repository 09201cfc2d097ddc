// Kernels for AVX-512 with VNNI: one vpdpbusd multiplies 64 weights. It takes unsigned features, so
// 128 is added to each (by flipping its highest bit) and taken back by the bias; sums wrap modulo
// 2^32, and the true sum fits, so the result is exact.
#include "runtime/backends/cpu/kernels.h"

#if defined(__AVX512VNNI__)

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace tf2::runtime::cpu {
namespace {

struct Isa {
  static constexpr int kTilePixels = 8;
  static constexpr int kPanelTiles = 3;
  static constexpr int kLanes = 16;
  using Weight = std::int8_t;
  using Vector = __m512i;
  using Features = __m512i;
  using Weights = __m512i;

  static Vector Load(const std::int32_t* from) { return _mm512_loadu_si512(from); }

  static void Save(std::int32_t* to, Vector sums) { _mm512_storeu_si512(to, sums); }

  static Features Broadcast(const std::uint8_t* from) {
    std::int32_t four;
    std::memcpy(&four, from, sizeof four);
    return _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(-128));
  }

  static Weights LoadWeights(const Weight* from) { return _mm512_loadu_si512(from); }

  static Vector Dot(Vector acc, Features features, Weights weights) {
    return _mm512_dpbusd_epi32(acc, features, weights);
  }

  // Eight results of channels from c on, before saturation.
  static __m512i Scale(const std::int32_t* from, const Requantization& r, int c, __m128i res) {
    const __m512i sums =
        _mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    __m512i v = _mm512_add_epi64(_mm512_mul_epi32(sums, _mm512_loadu_si512(r.alpha + c)),
                                 _mm512_loadu_si512(r.half + c));
    if (r.t != nullptr) {
      v = _mm512_add_epi64(
          v, _mm512_sllv_epi64(_mm512_cvtepi8_epi64(res), _mm512_loadu_si512(r.t + c)));
    }
    return _mm512_srav_epi64(v, _mm512_loadu_si512(r.s + c));
  }

  static void Store(const std::int32_t* sums, const Requantization& r, int channel,
                    const std::uint8_t* res, std::uint8_t* out, int n) {
    const auto mask = static_cast<__mmask16>((1U << n) - 1);
    const __m128i residual = r.t != nullptr ? _mm_maskz_loadu_epi8(mask, res) : _mm_setzero_si128();
    const __m512i low = Scale(sums, r, channel, residual);
    const __m512i high = Scale(sums + 8, r, channel + 8, _mm_srli_si128(residual, 8));
    if (r.wide) {
      __m256i y = _mm256_set_m128i(_mm512_cvtsepi64_epi16(high), _mm512_cvtsepi64_epi16(low));
      if (r.relu) y = _mm256_max_epi16(y, _mm256_setzero_si256());
      _mm256_mask_storeu_epi16(out, mask, y);
    } else {
      __m128i y = _mm_unpacklo_epi64(_mm512_cvtsepi64_epi8(low), _mm512_cvtsepi64_epi8(high));
      if (r.relu) y = _mm_max_epi8(y, _mm_setzero_si128());
      _mm_mask_storeu_epi8(out, mask, y);
    }
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {

const KernelSet* Avx512VnniKernels() {
  static constexpr KernelSet kSet = {.isa = "avx512vnni",
                                     .tile_pixels = Isa::kTilePixels,
                                     .panel_tiles = Isa::kPanelTiles,
                                     .weight_bytes = sizeof(Isa::Weight),
                                     .weight_limit = 127,
                                     .transposed_lanes = 0,
                                     .offset_128 = true,
                                     .conv = Conv,
                                     .depthwise = Depthwise,
                                     .max_pool = MaxPool,
                                     .avg_pool = AvgPool,
                                     .add = Add};
  return &kSet;
}

}  // namespace tf2::runtime::cpu

#else

namespace tf2::runtime::cpu {
const KernelSet* Avx512VnniKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
