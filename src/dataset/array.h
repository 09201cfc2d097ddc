// Arrays of numbers in files: .npy, .npz members, idx, and CIFAR-10 records seen as arrays with
// strides. Nothing is copied: an Array points into the bytes it was parsed from.
#ifndef TF2_DATASET_ARRAY_H_
#define TF2_DATASET_ARRAY_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataset/preprocess.h"

namespace tf2::dataset {

// Element [i0, i1, ...] lies at data + sum(i_k * strides[k]) bytes.
struct Array {
  const std::uint8_t* data = nullptr;
  ElementType type = ElementType::kU8;
  std::vector<std::int64_t> dims;
  std::vector<std::int64_t> strides;

  std::string DimsText() const;  // "[10000, 28, 28]"
};

// What the header of an array file says; the elements follow it.
struct ArrayHeader {
  ElementType type = ElementType::kU8;
  std::vector<std::int64_t> dims;
  bool fortran_order = false;
  // Bytes before the first element.
  std::uint64_t offset = 0;

  // Bytes of all elements.
  std::uint64_t ElementsBytes() const;
  // Bytes from the start of the file that hold the first `count` along axis 0.
  std::uint64_t PrefixBytes(std::int64_t count) const;
};

bool IsNpy(std::span<const std::uint8_t> bytes);
bool IsZip(std::span<const std::uint8_t> bytes);
bool IsIdx(std::span<const std::uint8_t> bytes);

// Headers from the first bytes of a file (64 KiB suffice). Dimensions are at least 1 and their
// product fits. Errors: kDataLoss (damaged, truncated), kUnsupported (element types and byte orders
// that are not read), kInvalidArgument (empty array).
Result<ArrayHeader> ParseNpyHeader(std::span<const std::uint8_t> bytes);
Result<ArrayHeader> ParseIdxHeader(std::span<const std::uint8_t> bytes);

// The array behind `header`. `bytes` is the file, or with `complete` false a part of it from the
// start: then the array's axis 0 is cut to what is there. kDataLoss when elements are missing.
Result<Array> ViewArray(const ArrayHeader& header, std::span<const std::uint8_t> bytes,
                        bool complete = true);

// CIFAR-10 binary: records of a label byte and 3072 pixels [3, 32, 32]. The pixels as [n, 3, 32,
// 32], the labels as [n].
inline constexpr std::int64_t kCifarRecordBytes = 3073;
struct CifarArrays {
  Array pixels;
  Array labels;
};
Result<CifarArrays> ViewCifar(std::span<const std::uint8_t> bytes, bool complete = true);

// A member of a zip file (stored or deflated), by the first of `names` that is there, with or
// without ".npy"; nothing when none is. Errors: kDataLoss, kUnsupported (encrypted, other methods,
// zip64), kResourceExhausted.
Result<std::optional<std::vector<std::uint8_t>>> ReadZipMember(
    std::span<const std::uint8_t> zip, const std::vector<std::string>& names);
// Names of all members.
Result<std::vector<std::string>> ListZip(std::span<const std::uint8_t> zip);

// An array read into memory as real numbers.
struct Numbers {
  std::string name;  // of the member; empty for a .npy
  std::vector<std::int64_t> dims;
  std::vector<double> values;  // in C order
};
// All arrays of a .npy or .npz file. Errors: as above, located at `path` and the member.
Result<std::vector<Numbers>> ReadNumbers(const std::string& path);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_ARRAY_H_
