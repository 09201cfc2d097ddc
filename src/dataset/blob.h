// The bytes of a data file: mapped when it is plain, unpacked into memory when it is a gzip or xz
// file (told from its first bytes, not its name). Unpacking is bounded.
#ifndef TF2_DATASET_BLOB_H_
#define TF2_DATASET_BLOB_H_

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace tf2::dataset {

// Most bytes that a compressed file may unpack to: 2^31. Larger sets are unpacked by the user,
// since plain files are mapped.
inline constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{1} << 31;
// For the `prefix` arguments below: everything.
inline constexpr std::uint64_t kWhole = std::numeric_limits<std::uint64_t>::max();

// Bytes, and whether they are all there are.
struct Unpacked {
  std::vector<std::uint8_t> bytes;
  bool complete = true;
};

bool IsGzip(std::span<const std::uint8_t> bytes);
bool IsXz(std::span<const std::uint8_t> bytes);

// Unpacks a gzip or xz stream (several members or streams one after the other too) until `prefix`
// bytes are there or it ends. Memory grows with what is unpacked, not with what a header promises.
// Errors: kDataLoss (damaged, truncated), kResourceExhausted (more than `max_bytes`).
Result<Unpacked> Unpack(std::span<const std::uint8_t> packed, std::uint64_t prefix = kWhole,
                        std::uint64_t max_bytes = kMaxUnpackedBytes);

// Unpacks a raw deflate stream of a zip member to exactly `size` bytes; kDataLoss otherwise.
Result<std::vector<std::uint8_t>> InflateRaw(std::span<const std::uint8_t> packed,
                                             std::uint64_t size);

class Blob {
 public:
  // A compressed file is unpacked up to `prefix` bytes; a plain one is always whole.
  static Result<Blob> Open(const std::string& path, std::uint64_t prefix = kWhole);
  // Owns `bytes`.
  static Blob FromBytes(std::vector<std::uint8_t> bytes);

  std::span<const std::uint8_t> bytes() const {
    return in_memory_ ? std::span<const std::uint8_t>(unpacked_.bytes) : file_.bytes();
  }
  // False when `prefix` cut something off.
  bool complete() const { return !in_memory_ || unpacked_.complete; }

 private:
  MappedFile file_;
  Unpacked unpacked_;
  bool in_memory_ = false;
};

}  // namespace tf2::dataset

#endif  // TF2_DATASET_BLOB_H_
