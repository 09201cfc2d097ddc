// The vector instructions of x86, or what a test emulates them with (and has included before).
#ifndef TF2_RUNTIME_BACKENDS_CPU_INTRINSICS_H_
#define TF2_RUNTIME_BACKENDS_CPU_INTRINSICS_H_

#if !defined(TF2_EMULATE_ISA)
#include <immintrin.h>
#endif

#endif  // TF2_RUNTIME_BACKENDS_CPU_INTRINSICS_H_
