// What the tile registers of this processor do, on one thread: the figures behind the blocking of
// the AMX kernels (src/runtime/backends/cpu/kernels_amx.cc). Least times over many runs.
//   tf2_tiles_bench
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include "runtime/backends/cpu/aligned_buffer.h"
#include "runtime/backends/cpu/amx.h"
#include "runtime/backends/cpu/tile_config.h"

namespace tf2::runtime::cpu {
namespace {

constexpr int kStepBytes = 2 * kTileBytes;  // of weights

// Nanoseconds of fn(), the least of many.
template <typename Fn>
double Least(const Fn& fn) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::infinity();
  const auto end = Clock::now() + std::chrono::milliseconds(300);
  for (auto start = Clock::now(); start < end; start = Clock::now()) {
    fn();
    const std::chrono::duration<double, std::nano> taken = Clock::now() - start;
    least = std::min(least, taken.count());
  }
  return least;
}

void Multiply() {
  _tile_dpbusd(0, 4, 6);
  _tile_dpbusd(1, 4, 7);
  _tile_dpbusd(2, 5, 6);
  _tile_dpbusd(3, 5, 7);
}

// Two tiles of features from one page, two of weights.
void LoadStep(const std::uint8_t* features, const std::uint8_t* weights) {
  _tile_loadd(4, features, kRowBytes);
  _tile_loadd(6, weights, kRowBytes);
  _tile_loadd(7, weights + kTileBytes, kRowBytes);
  _tile_loadd(5, features + kTileBytes, kRowBytes);
}

// A step of four loads and four products, the weights of `bytes` in turn.
double Step(const AlignedVector<std::uint8_t>& memory, std::size_t bytes) {
  const std::size_t steps = std::max<std::size_t>(bytes / kStepBytes, 512);
  return Least([&] {
           for (std::size_t i = 0; i < steps; ++i) {
             LoadStep(memory.data(), memory.data() + 4096 + i * kStepBytes % bytes);
             Multiply();
           }
         }) /
         static_cast<double>(steps);
}

// Dependent additions, which take a cycle each.
void Idle(int cycles) {
  std::uint64_t x = 0;
  for (int i = 0; i < cycles; ++i) __asm__ volatile("add $1, %0" : "+r"(x));
}

int Main() {
  if (const std::string& obstacle = AmxObstacle(); !obstacle.empty()) {
    fmt::print(stderr, "tf2_tiles_bench: {}\n", obstacle);
    return 1;
  }
  const ConfiguredTiles tiles;
  constexpr std::size_t kMost = 16 << 20;
  // As features and weights lie: rows across two lines take five times as long to load.
  const AlignedVector<std::uint8_t> memory(4096 + kMost, 1);
  constexpr int kTimes = 1000;
  const auto each = [](double nanoseconds) { return nanoseconds / kTimes; };
  fmt::print("a cycle                                  {:7.2f} ns\n",
             each(Least([] { Idle(kTimes); })));
  fmt::print("four products, registers                 {:7.2f} ns\n", each(Least([] {
               for (int i = 0; i < kTimes; ++i) Multiply();
             })));
  fmt::print("four loads of a tile, one page           {:7.2f} ns\n", each(Least([&] {
               for (int i = 0; i < kTimes; ++i) LoadStep(memory.data(), memory.data() + 2048);
             })));
  for (const std::size_t kilobytes : {2, 16, 256, 1024, 16384}) {
    fmt::print("four of both, weights of {:6} KiB      {:7.2f} ns\n", kilobytes,
               Step(memory, kilobytes << 10));
  }
  for (const int cycles : {0, 250, 500, 750, 1000, 1250, 1500, 2000, 4000}) {
    constexpr int kRuns = 32;
    const auto runs = [&](bool products) {
      return Least([&] {
               for (int i = 0; i < kRuns; ++i) {
                 if (products) Multiply();
                 Idle(cycles);
               }
             }) /
             kRuns;
    };
    fmt::print("four products after {:4} idle cycles      {:7.2f} ns more than those\n", cycles,
               runs(true) - runs(false));
  }
  return 0;
}

}  // namespace
}  // namespace tf2::runtime::cpu

int main() { return tf2::runtime::cpu::Main(); }
