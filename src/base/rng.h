// Random numbers that are the same on every machine and library: xoshiro256** seeded through
// splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018). No
// std::*_distribution, whose results are left to the library. Seeds are always explicit. An object
// belongs to one thread.
#ifndef TF2_BASE_RNG_H_
#define TF2_BASE_RNG_H_

#include <cstdint>
#include <utility>
#include <vector>

namespace tf2 {

class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  // 64 uniform bits.
  std::uint64_t Next();
  // Uniform in [0, n), without bias; n > 0.
  std::uint64_t Below(std::uint64_t n);
  // Uniform in [lo, hi], both included; lo <= hi.
  std::int64_t Between(std::int64_t lo, std::int64_t hi);
  // Uniform in [0, 1): 53 and 24 random bits.
  double Double();
  float Float();
  // Uniform in [lo, hi).
  float Uniform(float lo, float hi);
  // Mean 0, deviation 1, |z| <= 6: the sum of twelve uniforms, so that no library's log or cos
  // enters.
  float Normal();
  // True with probability `p`.
  bool Chance(double p);
  // An independent generator for item `stream`, whatever has been drawn from this one since it was
  // seeded.
  Rng Fork(std::uint64_t stream) const;

  // Fisher-Yates.
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }
  // An element of a non-empty list.
  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[Below(items.size())];
  }

 private:
  std::uint64_t seed_;
  std::uint64_t state_[4];
};

}  // namespace tf2

#endif  // TF2_BASE_RNG_H_
