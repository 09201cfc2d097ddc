#include "base/rng.h"

#include <bit>

#include "base/result.h"

namespace tf2 {
namespace {

std::uint64_t SplitMix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) : seed_(seed) {
  for (std::uint64_t& word : state_) word = SplitMix(seed);
}

std::uint64_t Rng::Next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Rng::Below(std::uint64_t n) {
  TF2_CHECK(n > 0);
  // Values at or above the largest multiple of n are drawn again.
  const std::uint64_t excess = (~std::uint64_t{0} % n + 1) % n;
  std::uint64_t value = Next();
  while (value > ~std::uint64_t{0} - excess) value = Next();
  return value % n;
}

std::int64_t Rng::Between(std::int64_t lo, std::int64_t hi) {
  TF2_CHECK(lo <= hi);
  const std::uint64_t span = static_cast<std::uint64_t>(hi) - static_cast<std::uint64_t>(lo) + 1;
  const std::uint64_t offset = span == 0 ? Next() : Below(span);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(lo) + offset);
}

double Rng::Double() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

float Rng::Float() { return static_cast<float>(Next() >> 40) * 0x1p-24f; }

float Rng::Uniform(float lo, float hi) {
  const float value = lo + (hi - lo) * Float();
  return value < hi ? value : lo;
}

float Rng::Normal() {
  double sum = -6.0;
  for (int i = 0; i < 12; ++i) sum += Double();
  return static_cast<float>(sum);
}

bool Rng::Chance(double p) { return Double() < p; }

Rng Rng::Fork(std::uint64_t stream) const {
  std::uint64_t state = seed_;
  const std::uint64_t base = SplitMix(state);
  state = stream ^ 0xd1b54a32d192ed03u;
  return Rng(base ^ SplitMix(state));
}

}  // namespace tf2
