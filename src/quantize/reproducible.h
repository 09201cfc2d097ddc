// The same artifact on every processor: rounding compares errors that are almost equal, so that a
// float sum in another order becomes other weights. oneDNN and OpenBLAS choose that order by
// processor; both have one for AVX2 that processors from 2013 on share.
#ifndef TF2_QUANTIZE_REPRODUCIBLE_H_
#define TF2_QUANTIZE_REPRODUCIBLE_H_

namespace tf2::quantize {

// Holds both libraries to AVX2 for the rest of the process where the processor has it. To be called
// before anything executes a float graph or quantises: kernels that exist stay as they are. What
// the environment asks for (ONEDNN_MAX_CPU_ISA, OPENBLAS_CORETYPE) is left to it.
//
// OpenBLAS 0.3.21 takes processors that are newer than it for ones with SSE3 only, which this makes
// faster, too.
void UseCommonInstructions();

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_REPRODUCIBLE_H_
