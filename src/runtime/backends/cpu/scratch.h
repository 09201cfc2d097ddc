// Memory for what a kernel keeps while it runs.
#ifndef TF2_RUNTIME_BACKENDS_CPU_SCRATCH_H_
#define TF2_RUNTIME_BACKENDS_CPU_SCRATCH_H_

#include <cstdint>

namespace tf2::runtime::cpu {

// Makes sure that the calling thread has so many bytes, until it ends. Where there is no memory for
// them: false, and it keeps what it has.
bool ReserveScratch(std::int64_t bytes);
// What it has.
std::int64_t ReservedScratch();

// At least so many bytes of the calling thread's own, aligned to 64, valid until its next call.
// Throws std::bad_alloc where they were not reserved and there is no memory.
void* Scratch(std::int64_t bytes);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_SCRATCH_H_
