// Checksums of files and keys of caches. Both are stable: the same bytes give the same value on
// every machine and in every version. Neither resists an adversary.
#ifndef TF2_BASE_HASH_H_
#define TF2_BASE_HASH_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tf2 {

// CRC-32 as in zlib and PNG. `crc` continues an earlier one: Crc32(b, Crc32(a)) == Crc32(a + b).
std::uint32_t Crc32(std::span<const std::uint8_t> bytes, std::uint32_t crc = 0);

// 64-bit hash of `bytes`.
std::uint64_t Hash64(std::span<const std::uint8_t> bytes, std::uint64_t seed = 0);
std::uint64_t Hash64(std::string_view text, std::uint64_t seed = 0);

// A key of several parts. Parts do not run together: Add("ab"), Add("c") differs from Add("a"),
// Add("bc").
class Hasher {
 public:
  Hasher& Add(std::string_view part);
  Hasher& Add(std::span<const std::uint8_t> part);
  Hasher& Add(std::int64_t part);
  std::uint64_t Digest() const { return state_; }
  // Digest() as 16 lower-case hexadecimal digits: for file names.
  std::string Hex() const;

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15u;
};

}  // namespace tf2

#endif  // TF2_BASE_HASH_H_
