// Memory for what a kernel keeps while it runs.
#ifndef TF2_RUNTIME_BACKENDS_CPU_SCRATCH_H_
#define TF2_RUNTIME_BACKENDS_CPU_SCRATCH_H_

#include <cstdint>

namespace tf2::runtime::cpu {

// At least so many bytes, of the calling thread's own, aligned to 64; valid until its next call.
void* Scratch(std::int64_t bytes);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_SCRATCH_H_
