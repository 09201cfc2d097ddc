// Kernels for AVX2. vpmaddubsw adds two products of unsigned features and signed weights in 16
// bits; as many of its results are added in 16 bits as the panel's runs say, which is exact because
// the weights were packed so (pack.h), and only then widened to 32.
#include "runtime/backends/cpu/kernels.h"

#if defined(__AVX2__)

#include "runtime/backends/cpu/lrn_256.h"
#include "runtime/backends/cpu/primitives_256.h"
#include "runtime/backends/cpu/requantize_256.h"

namespace tf2::runtime::cpu {
namespace {

struct Primitives : Primitives256 {
  static constexpr bool kShortSums = true;
  static constexpr int kPanelTiles = 1;
  // 2 sums a pixel in 16 and in 32 bits, 2 weights, 1 feature: 15 of 16 registers.
  static constexpr int Pixels(int) { return 3; }

  static Weights LoadWeights(const void* from) {
    Weights weights = Load(from);
    // In a register, rather than read again for every pixel.
    asm volatile("" : "+x"(weights));
    return weights;
  }
  static Short Multiply(Features features, Weights weights) {
    return _mm256_maddubs_epi16(features, weights);
  }
  static Short AddShort(Short a, Short b) {
    Short sum = _mm256_add_epi16(a, b);
    // Here and now: compilers otherwise gather all products before they add, and spill them.
    asm volatile("" : "+x"(sum));
    return sum;
  }
  static Vector AddPairs(Vector acc, Short pairs) {
    // The ones in memory, since every register holds sums.
    alignas(32) static constexpr std::int16_t kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1,
                                                           1, 1, 1, 1, 1, 1, 1, 1};
    __m256i wide;
    asm("vpmaddwd %2, %1, %0" : "=x"(wide) : "x"(pairs), "m"(kOnes));
    return _mm256_add_epi32(acc, wide);
  }
};

struct PairPrimitives : Primitives256::Pairs {
  static Vector Dot(Vector acc, Features features, Weights weights) {
    Vector sum = _mm256_add_epi32(acc, _mm256_madd_epi16(features, weights));
    asm volatile("" : "+x"(sum));  // as in AddShort
    return sum;
  }
};

struct ColumnPrimitives : Primitives256::Columns {
  static constexpr int kRows = 2;

  static void Gather(const std::uint8_t* const (&rows)[kRows], std::uint8_t* to) {
    const __m128i first = LoadRow(rows[0]), second = LoadRow(rows[1]);
    const __m128i low = _mm_unpacklo_epi8(first, second);
    const __m128i high = _mm_unpackhi_epi8(first, second);
    auto* const at = reinterpret_cast<__m256i*>(to);
    _mm256_storeu_si256(at, _mm256_cvtepu8_epi16(low));
    _mm256_storeu_si256(at + 1, _mm256_cvtepu8_epi16(high));
  }
  static Vector Dot(Vector acc, Features features, const std::int8_t* weights) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(features, Primitives256::Load(weights)));
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

const KernelSet* Avx2Kernels() {
  static constexpr KernelSet kSet = WithSquares(ByteKernels("avx2", Conv<>), 2, 2.2);
  return &kSet;
}

}  // namespace tf2::runtime::cpu

#else

namespace tf2::runtime::cpu {
const KernelSet* Avx2Kernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
