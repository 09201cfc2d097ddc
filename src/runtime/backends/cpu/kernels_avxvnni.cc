// Kernels for AVX-VNNI: vpdpbusd in registers of 256 bits. Sums wrap modulo 2^32 and the true sum
// fits, so they are exact.
#include "runtime/backends/cpu/kernels.h"

#if defined(__AVXVNNI__) || defined(TF2_EMULATE_ISA)

#include "runtime/backends/cpu/lrn_256.h"
#include "runtime/backends/cpu/primitives_256.h"
#include "runtime/backends/cpu/requantize_256.h"

namespace tf2::runtime::cpu {
namespace {

struct Primitives : Primitives256 {
  static constexpr bool kShortSums = false;
  static constexpr int kPanelTiles = 1;
  // 2 sums a pixel, 2 weights, 1 feature: 15 of 16 registers.
  static constexpr int Pixels(int) { return 6; }

  static Vector Dot(Vector acc, Features features, Weights weights) {
    return _mm256_dpbusd_avx_epi32(acc, features, weights);
  }
};

struct PairPrimitives : Primitives256::Pairs {
  static Vector Dot(Vector acc, Features features, Weights weights) {
    return _mm256_dpwssd_avx_epi32(acc, features, weights);
  }
};

struct ColumnPrimitives : Primitives256::Columns {
  static constexpr int kRows = 4;

  static void Gather(const std::uint8_t* const (&rows)[kRows], std::uint8_t* to) {
    const __m128i a = LoadRow(rows[0]), b = LoadRow(rows[1]);
    const __m128i c = LoadRow(rows[2]), d = LoadRow(rows[3]);
    const __m128i ab_low = _mm_unpacklo_epi8(a, b), ab_high = _mm_unpackhi_epi8(a, b);
    const __m128i cd_low = _mm_unpacklo_epi8(c, d), cd_high = _mm_unpackhi_epi8(c, d);
    auto* const at = reinterpret_cast<__m128i*>(to);
    _mm_storeu_si128(at, _mm_unpacklo_epi16(ab_low, cd_low));
    _mm_storeu_si128(at + 1, _mm_unpackhi_epi16(ab_low, cd_low));
    _mm_storeu_si128(at + 2, _mm_unpacklo_epi16(ab_high, cd_high));
    _mm_storeu_si128(at + 3, _mm_unpackhi_epi16(ab_high, cd_high));
  }
  static Vector Dot(Vector acc, Features features, const std::int8_t* weights) {
    return _mm256_dpbusd_avx_epi32(acc, features, Primitives256::Load(weights));
  }
};

struct Isa : Requantizer256<Primitives>, Normalizer256 {
  using Pairs = PairPrimitives;
  using Columns = ColumnPrimitives;
};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {

const KernelSet* AvxVnniKernels() {
  static constexpr KernelSet kSet = WithSquares(ByteKernels("avxvnni", Conv<>), 1, 1);
  return &kSet;
}

}  // namespace tf2::runtime::cpu

#else

namespace tf2::runtime::cpu {
const KernelSet* AvxVnniKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
