// Requantisation in registers of 256 bits, for the kernels for AVX2 and AVX-VNNI. Included by
// their kernels_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_
#define TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/accumulate_impl.h"
#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

// Arithmetic in float is rounded down, and raises nothing, while this lives. No such arithmetic may
// cross its ends: it must depend on what is read, and be written, in between, in a function that is
// not inlined.
class RoundingDown {
 public:
  RoundingDown() {
    constexpr std::uint32_t kRounding = 0x6000;
    constexpr std::uint32_t kDown = 0x2000;
    constexpr std::uint32_t kMasks = 0x1F80;  // of all exceptions
    asm volatile("stmxcsr %0" : "=m"(before_) : : "memory");
    const std::uint32_t down = (before_ & ~kRounding) | kDown | kMasks;
    asm volatile("ldmxcsr %0" : : "m"(down) : "memory");
  }
  ~RoundingDown() { asm volatile("ldmxcsr %0" : : "m"(before_) : "memory"); }
  RoundingDown(const RoundingDown&) = delete;
  RoundingDown& operator=(const RoundingDown&) = delete;

 private:
  std::uint32_t before_;
};

template <typename P>
struct Requantizer256 : AccumulatorOf<P> {
  using P::Load;

  static __m128i Load128(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }

  // The results of 8 channels before saturation. `residual`: of those from them on.
  template <bool kResidual>
  static __m256i Scale(__m256 scale, __m256 residual_scale, __m256i sums, __m128i residual) {
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale);
    __m256 add = _mm256_set1_ps(0.5F);
    if constexpr (kResidual) {
      add = _mm256_add_ps(
          add, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(residual)), residual_scale));
    }
    v = _mm256_add_ps(v, add);
    return _mm256_cvtps_epi32(v);
  }

  template <bool kResidual>
  [[gnu::noinline]] static void StoreFast(const Sink& sink, const FastRequantization& r,
                                          const Rows& rows) {
    const RoundingDown down;
    const __m256 scale[2] = {_mm256_load_ps(r.scale), _mm256_load_ps(r.scale + 8)};
    const __m256 residual_scale[2] = {_mm256_load_ps(r.residual), _mm256_load_ps(r.residual + 8)};
    const __m128i low = Load128(r.low);
    const __m128i high = Load128(r.high);
    const __m128i zero = _mm_set1_epi8(static_cast<char>(sink.zero));
    const __m128i residual_zero = _mm_set1_epi8(static_cast<char>(sink.residual_zero));
    const std::int32_t* sums = rows.sums;
    for (int i = 0; i < rows.count; ++i, sums += rows.stride) {
      __m128i residual = _mm_setzero_si128();
      if constexpr (kResidual) {
        residual = _mm_xor_si128(Load128(rows.residual + rows.residual_at[i]), residual_zero);
      }
      const __m256i words =
          _mm256_packs_epi32(Scale<kResidual>(scale[0], residual_scale[0], Load(sums), residual),
                             Scale<kResidual>(scale[1], residual_scale[1], Load(sums + 8),
                                              _mm_unpackhi_epi64(residual, residual)));
      // [first 4, third 4 | second 4, fourth 4] of words.
      __m128i y =
          _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      y = _mm_shuffle_epi32(y, _MM_SHUFFLE(3, 1, 2, 0));
      y = _mm_xor_si128(_mm_min_epi8(_mm_max_epi8(y, low), high), zero);
      std::uint8_t* const out = rows.output + rows.output_at[i];
      if (rows.channels == kTile) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), y);
      } else {
        alignas(16) std::uint8_t bytes[kTile];
        _mm_store_si128(reinterpret_cast<__m128i*>(bytes), y);
        std::memcpy(out, bytes, static_cast<std::size_t>(rows.channels));
      }
    }
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_
