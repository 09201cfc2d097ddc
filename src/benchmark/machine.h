// What this machine can do at most, measured: the roofs that a layer's speed is compared with.
#ifndef TF2_BENCHMARK_MACHINE_H_
#define TF2_BENCHMARK_MACHINE_H_

#include <string>
#include <string_view>

namespace tf2::benchmark {

// The processor's name as the operating system gives it; empty where it does not.
std::string ProcessorName();

// Multiply-accumulates of 8-bit numbers per second that `threads` threads reach with the
// instruction of an instruction set on registers alone, nothing loaded or stored: TDPBUSD (amx),
// VPDPBUSD (avx512vnni, avxvnni), VPMADDUBSW and a 16-bit addition (avx2), PMADDWD and an addition
// (portable, x86). The machine must have it; AMX needs the leave that runtime/backends/cpu/amx.h
// asks for. 0 where there is no probe for it. Takes about a tenth of a second.
double PeakMacsPerSecond(std::string_view isa, int threads);

// Bytes per second that `threads` threads read from a buffer far larger than the caches.
double ReadBytesPerSecond(int threads);

// The same from a buffer of 256 KiB for each thread, which second-level caches keep.
double CacheReadBytesPerSecond(int threads);

}  // namespace tf2::benchmark

#endif  // TF2_BENCHMARK_MACHINE_H_
