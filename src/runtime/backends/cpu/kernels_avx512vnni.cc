// Kernels for AVX-512 with VNNI: one vpdpbusd multiplies 64 weights. Sums wrap modulo 2^32 and the
// true sum fits, so they are exact.
#include "runtime/backends/cpu/kernels.h"

#if defined(__AVX512VNNI__) || defined(TF2_EMULATE_ISA)

#include "runtime/backends/cpu/lrn_512.h"
#include "runtime/backends/cpu/primitives_512.h"
#include "runtime/backends/cpu/requantize_512.h"
#include "runtime/backends/cpu/table_512.h"

namespace tf2::runtime::cpu {
namespace {

struct Isa : Requantizer512<Primitives512>, Normalizer512, Tables512 {};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {

const KernelSet* Avx512VnniKernels() {
  static constexpr KernelSet kSet = WithSquares(ByteKernels("avx512vnni", Conv<>), 1, 1);
  return &kSet;
}

}  // namespace tf2::runtime::cpu

#else

namespace tf2::runtime::cpu {
const KernelSet* Avx512VnniKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
