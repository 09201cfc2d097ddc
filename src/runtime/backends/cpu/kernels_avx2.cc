// Kernels for AVX2. vpmaddubsw adds two products of an unsigned feature (128 is added to each by
// flipping its highest bit, and taken back by the bias) and a signed weight in 16 bits with
// saturation; planes of weights up to 64 keep that exact: 2 * 255 * 64 = 32,640. Sums wrap modulo
// 2^32, and the true sum fits.
#include "runtime/backends/cpu/kernels.h"

#if defined(__AVX2__)

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace tf2::runtime::cpu {
namespace {

struct Isa {
  static constexpr int kTilePixels = 4;
  static constexpr int kPanelTiles = 1;
  static constexpr int kLanes = 8;
  using Weight = std::int8_t;
  using Vector = __m256i;
  using Features = __m256i;
  using Weights = __m256i;

  static __m256i Load256(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }

  static Vector Load(const std::int32_t* from) { return Load256(from); }

  static void Save(std::int32_t* to, Vector sums) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), sums);
  }

  static Features Broadcast(const std::uint8_t* from) {
    std::int32_t four;
    std::memcpy(&four, from, sizeof four);
    return _mm256_xor_si256(_mm256_set1_epi32(four), _mm256_set1_epi8(-128));
  }

  static Weights LoadWeights(const Weight* from) { return Load256(from); }

  static Vector Dot(Vector acc, Features features, Weights weights) {
    const __m256i pairs = _mm256_maddubs_epi16(features, weights);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }

  // v >> s, arithmetic, for |v| < 2^50 and s <= 47: 2^62 is added before a logical shift and
  // 2^62 >> s taken off after it.
  static __m256i ShiftRight(__m256i v, __m256i s) {
    const __m256i bias = _mm256_set1_epi64x(std::int64_t{1} << 62);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(v, bias), s),
                            _mm256_srlv_epi64(bias, s));
  }

  static __m256i Clamp(__m256i v, __m256i low, __m256i high) {
    v = _mm256_blendv_epi8(v, low, _mm256_cmpgt_epi64(low, v));
    return _mm256_blendv_epi8(v, high, _mm256_cmpgt_epi64(v, high));
  }

  // Four saturated results of channels from c on, as int64.
  static __m256i Scale(__m128i sums, const Requantization& r, int c, __m128i res, __m256i low,
                       __m256i high) {
    __m256i v = _mm256_add_epi64(
        _mm256_mul_epi32(_mm256_cvtepi32_epi64(sums), Load256(r.alpha + c)), Load256(r.half + c));
    if (r.t != nullptr) {
      v = _mm256_add_epi64(v, _mm256_sllv_epi64(_mm256_cvtepi8_epi64(res), Load256(r.t + c)));
    }
    return Clamp(ShiftRight(v, Load256(r.s + c)), low, high);
  }

  // The low halves of eight int64 values as int32, in order.
  static __m256i Narrow(__m256i first, __m256i second) {
    const __m256 mixed = _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second),
                                           _MM_SHUFFLE(2, 0, 2, 0));
    return _mm256_permute4x64_epi64(_mm256_castps_si256(mixed), _MM_SHUFFLE(3, 1, 2, 0));
  }

  // Eight saturated results of channels from c on, as int32.
  static __m256i Scale8(__m256i sums, const Requantization& r, int c, __m128i res) {
    const __m256i low = _mm256_set1_epi64x(r.relu ? 0 : r.wide ? -32768 : -128);
    const __m256i high = _mm256_set1_epi64x(r.wide ? 32767 : 127);
    const __m256i first = Scale(_mm256_castsi256_si128(sums), r, c, res, low, high);
    const __m256i second =
        Scale(_mm256_extracti128_si256(sums, 1), r, c + 4, _mm_srli_si128(res, 4), low, high);
    return Narrow(first, second);
  }

  static void Store(const std::int32_t* sums, const Requantization& r, int channel,
                    const std::uint8_t* res, std::uint8_t* out, int n) {
    alignas(16) std::uint8_t residual[kTile] = {};
    if (r.t != nullptr) std::memcpy(residual, res, static_cast<std::size_t>(n));
    const __m128i rest = _mm_load_si128(reinterpret_cast<const __m128i*>(residual));
    const __m256i first = Scale8(Load256(sums), r, channel, rest);
    const __m256i second = Scale8(Load256(sums + 8), r, channel + 8, _mm_srli_si128(rest, 8));
    const __m256i words =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), _MM_SHUFFLE(3, 1, 2, 0));
    alignas(32) std::uint8_t bytes[2 * kTile];
    if (r.wide) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(bytes), words);
      std::memcpy(out, bytes, 2 * static_cast<std::size_t>(n));
      return;
    }
    const __m128i y =
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    if (n == kTile) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), y);
      return;
    }
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes), y);
    std::memcpy(out, bytes, static_cast<std::size_t>(n));
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {

const KernelSet* Avx2Kernels() {
  static constexpr KernelSet kSet = {.isa = "avx2",
                                     .tile_pixels = Isa::kTilePixels,
                                     .panel_tiles = Isa::kPanelTiles,
                                     .weight_bytes = sizeof(Isa::Weight),
                                     .weight_limit = 64,
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
const KernelSet* Avx2Kernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
