#include "base/hash.h"

#include <fmt/format.h>
#include <zlib.h>

#include <bit>
#include <cstring>

namespace tf2 {
namespace {

// A bijection of 64 bits in which every input bit reaches every output bit (the finaliser of
// splitmix64).
std::uint64_t Mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

std::uint32_t Crc32(std::span<const std::uint8_t> bytes, std::uint32_t crc) {
  if (bytes.empty()) return crc;
  return static_cast<std::uint32_t>(::crc32_z(crc, bytes.data(), bytes.size()));
}

std::uint64_t Hash64(std::span<const std::uint8_t> bytes, std::uint64_t seed) {
  std::uint64_t state = Mix(seed ^ bytes.size() * 0x9e3779b97f4a7c15u);
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    state = std::rotl(state ^ Mix(word), 27) * 0x9e3779b97f4a7c15u;
  }
  std::uint64_t tail = 0;
  if (at < bytes.size()) std::memcpy(&tail, bytes.data() + at, bytes.size() - at);
  return Mix(state ^ Mix(tail));
}

std::uint64_t Hash64(std::string_view text, std::uint64_t seed) {
  return Hash64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, seed);
}

Hasher& Hasher::Add(std::string_view part) {
  state_ = Hash64(part, state_);
  return *this;
}

Hasher& Hasher::Add(std::span<const std::uint8_t> part) {
  state_ = Hash64(part, state_);
  return *this;
}

Hasher& Hasher::Add(std::int64_t part) {
  state_ = Hash64({reinterpret_cast<const std::uint8_t*>(&part), sizeof(part)}, state_);
  return *this;
}

std::string Hasher::Hex() const { return fmt::format("{:016x}", state_); }

}  // namespace tf2
