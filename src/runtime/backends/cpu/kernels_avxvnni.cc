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

struct Isa : Requantizer256<Primitives>, Normalizer256 {
  using Pairs = PairPrimitives;
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
