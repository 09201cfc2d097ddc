// Bounded little-endian reading and writing of binary formats: reading past the end is a kDataLoss
// with the offset, never undefined behaviour. The host is little-endian (checked at compile time).
#ifndef TF2_BASE_BYTES_H_
#define TF2_BASE_BYTES_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace tf2 {

static_assert(std::endian::native == std::endian::little);

// A scalar that has a fixed width on disk: integers, floats and enums; not bool.
template <typename T>
concept WireScalar = (std::is_arithmetic_v<T> || std::is_enum_v<T>)&&!std::is_same_v<T, bool> &&
                     sizeof(T) <= 8;

// Reads from a view that must outlive it.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::size_t position() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }
  bool AtEnd() const { return remaining() == 0; }

  // The next scalar. An enum's value is not checked.
  template <WireScalar T>
  Result<T> Read() {
    if (remaining() < sizeof(T)) return Truncated(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  // The next `n` bytes, as a view.
  Result<std::span<const std::uint8_t>> ReadBytes(std::uint64_t n);
  // The next `n` scalars. The length is checked before anything is allocated.
  template <WireScalar T>
  Result<std::vector<T>> ReadArray(std::uint64_t n) {
    if (n > remaining() / sizeof(T)) return Truncated(n);
    std::vector<T> values(n);
    if (n != 0) std::memcpy(values.data(), bytes_.data() + at_, n * sizeof(T));
    at_ += n * sizeof(T);
    return values;
  }
  // A string written by ByteWriter::String, at most `max_bytes` long.
  Result<std::string> ReadString(std::uint32_t max_bytes = 1 << 20);
  Status Skip(std::uint64_t n);
  // Goes to an absolute offset, at most the size.
  Status Seek(std::uint64_t offset);

 private:
  Error Truncated(std::uint64_t need) const;

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

// Appends to a buffer of its own.
class ByteWriter {
 public:
  template <WireScalar T>
  void Write(T value) {
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof(T));
  }
  void WriteBytes(std::span<const std::uint8_t> bytes);
  template <WireScalar T>
  void WriteArray(std::span<const T> values) {
    WriteBytes({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
  }
  // Length as uint32, then the characters.
  void WriteString(std::string_view text);
  // Appends zeros until size() is a multiple of `alignment`.
  void AlignTo(std::size_t alignment);
  // Overwrites a scalar written before, at `offset`.
  template <WireScalar T>
  void Patch(std::size_t offset, T value) {
    TF2_CHECK(offset <= bytes_.size() && bytes_.size() - offset >= sizeof(T));
    std::memcpy(bytes_.data() + offset, &value, sizeof(T));
  }
  std::size_t size() const { return bytes_.size(); }
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  std::vector<std::uint8_t> Take() && { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace tf2

#endif  // TF2_BASE_BYTES_H_
