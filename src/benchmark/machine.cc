#include "benchmark/machine.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/parallel.h"
#include "runtime/backends/cpu/aligned_buffer.h"

namespace tf2::benchmark {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Work of all threads together per second: the best of many short runs of `work` on each, so that
// other programs disturb few of them.
double BestRate(int rounds, int threads, double work_of_one,
                const std::function<void(int thread)>& work) {
  ThreadPool pool(threads);
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    pool.ForRanges(threads, [&](std::int64_t, std::int64_t, int thread) { work(thread); });
    best = std::max(best, threads * work_of_one / SecondsSince(start));
  }
  return best;
}

#if defined(__x86_64__)

constexpr int kLoops = 1 << 18;
constexpr int kChains = 10;  // independent sums: more than latency times throughput

// Takes every sum through one instruction a loop. The empty assembler text makes the operands
// unknown to the compiler in each loop and uses the sums at the end, so that nothing moves out or
// vanishes. A vector type cannot be the argument of a template here, nor stand in parentheses.
// NOLINTBEGIN(modernize-avoid-c-arrays,bugprone-macro-parentheses)
#define TF2_PROBE(name, target_isa, vector, zero, step)                                   \
  __attribute__((target(target_isa))) void name() {                                       \
    vector sums[kChains];                                                                 \
    for (vector & sum : sums) sum = zero;                                                 \
    vector a = zero;                                                                      \
    vector b = zero;                                                                      \
    for (int i = 0; i < kLoops; ++i) {                                                    \
      __asm__ volatile("" : "+x"(a), "+x"(b));                                            \
      _Pragma("GCC unroll 16") for (int k = 0; k < kChains; ++k) sums[k] = step(sums[k]); \
    }                                                                                     \
    for (vector & sum : sums) __asm__ volatile("" : : "x"(sum));                          \
  }

#define TF2_STEP_512(s) _mm512_dpbusd_epi32(s, a, b)
#define TF2_STEP_VNNI(s) _mm256_dpbusd_avx_epi32(s, a, b)
#define TF2_STEP_AVX2(s) _mm256_add_epi16(s, Multiply256(a, b))
#define TF2_STEP_SSE2(s) _mm_add_epi32(s, Multiply128(a, b))

// In assembler, since compilers would otherwise multiply once for all sums.
__attribute__((target("avx2"), always_inline)) inline __m256i Multiply256(__m256i a, __m256i b) {
  __m256i product;
  __asm__ volatile("vpmaddubsw %2, %1, %0" : "=x"(product) : "x"(a), "x"(b));
  return product;
}
inline __m128i Multiply128(__m128i a, __m128i b) {
  __asm__ volatile("pmaddwd %1, %0" : "+x"(a) : "x"(b));
  return a;
}

TF2_PROBE(Probe512, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), TF2_STEP_512)
TF2_PROBE(ProbeVnni, "avx2,avxvnni", __m256i, _mm256_setzero_si256(), TF2_STEP_VNNI)
TF2_PROBE(ProbeAvx2, "avx2", __m256i, _mm256_setzero_si256(), TF2_STEP_AVX2)
TF2_PROBE(ProbeSse2, "sse2", __m128i, _mm_setzero_si128(), TF2_STEP_SSE2)
// NOLINTEND(modernize-avoid-c-arrays,bugprone-macro-parentheses)

constexpr int kInstructions = kLoops * kChains;

// The compilers that know AMX.
#if __GNUC__ >= 11 || __clang_major__ >= 11
#define TF2_PROBE_AMX
constexpr int kTileLoops = 1 << 13;
constexpr int kTileInstructions = kTileLoops * 4;

// Products of full tiles of zeros into four others, as convolutions add them.
__attribute__((target("amx-tile,amx-int8"))) void ProbeAmx() {
  // The operand of LDTILECFG: the palette, from 16 the tiles' bytes a row, from 48 their rows.
  alignas(64) std::array<std::uint8_t, 64> config = {1};
  for (std::size_t tile = 0; tile < 8; ++tile) {
    config[16 + 2 * tile] = 64;
    config[48 + tile] = 16;
  }
  __asm__ volatile("" : : "r"(config.data()) : "memory");
  _tile_loadconfig(config.data());
  for (int i = 0; i < kTileLoops; ++i) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
}
#endif

struct Probe {
  std::string_view isa;
  void (*run)();
  int instructions;
  int macs;  // of one instruction
};
constexpr Probe kProbes[] = {
#if defined(TF2_PROBE_AMX)
    {"amx", ProbeAmx, kTileInstructions, 16 * 16 * 64},
#endif
    {"avx512vnni", Probe512, kInstructions, 64},
    {"avxvnni", ProbeVnni, kInstructions, 32},
    {"avx2", ProbeAvx2, kInstructions, 32},
    {"portable", ProbeSse2, kInstructions, 8}};

#endif

}  // namespace

std::string ProcessorName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const std::size_t colon = line.find(": ");
    return colon == std::string::npos ? "" : line.substr(colon + 2);
  }
  return "";
}

double PeakMacsPerSecond(std::string_view isa, int threads) {
#if defined(__x86_64__)
  for (const Probe& probe : kProbes) {
    if (probe.isa != isa) continue;
    return BestRate(60, threads, static_cast<double>(probe.instructions) * probe.macs,
                    [&](int) { probe.run(); });
  }
#endif
  static_cast<void>(isa);
  static_cast<void>(threads);
  return 0;
}

namespace {

// Bytes per second that threads read from a buffer of `words` each, `passes` times a run.
double ReadRate(int threads, std::size_t words, int passes, int rounds) {
  // As weights lie: where they are many, in large pages.
  std::vector<runtime::cpu::AlignedVector<std::uint64_t>> buffers(
      static_cast<std::size_t>(threads));
  for (auto& buffer : buffers) buffer.assign(words, 1);
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(threads));
  return BestRate(rounds, threads, static_cast<double>(words) * 8 * passes, [&](int t) {
    const auto& buffer = buffers[static_cast<std::size_t>(t)];
    std::array<std::uint64_t, 8> sum = {};
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t i = 0; i < words; i += 8) {
        for (std::size_t k = 0; k < 8; ++k) sum[k] += buffer[i + k];
      }
    }
    for (const std::uint64_t s : sum) sums[static_cast<std::size_t>(t)] += s;
  });
}

}  // namespace

double ReadBytesPerSecond(int threads) {
  constexpr std::size_t kWords = std::size_t{1} << 24;  // 128 MiB for each thread
  return ReadRate(threads, kWords, 1, 12);
}

double CacheReadBytesPerSecond(int threads) {
  constexpr std::size_t kWords = std::size_t{1} << 15;  // 256 KiB for each thread
  return ReadRate(threads, kWords, 64, 60);
}

}  // namespace tf2::benchmark
