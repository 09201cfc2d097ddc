// Arrays of numbers to files: .npy (format 1.0) and .npz (a zip of stored .npy members), readable
// by numpy and by array.h.
#ifndef TF2_DATASET_ARRAY_WRITER_H_
#define TF2_DATASET_ARRAY_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataset/preprocess.h"

namespace tf2::dataset {

// An array in memory, elements in C order, little-endian.
struct NamedArray {
  std::string name;
  ElementType type = ElementType::kF32;
  std::vector<std::int64_t> dims;
  std::vector<std::uint8_t> bytes;

  // The elements are copied.
  static NamedArray Floats(std::string name, std::vector<std::int64_t> dims,
                           std::span<const float> values);
  static NamedArray Int64s(std::string name, std::vector<std::int64_t> dims,
                           std::span<const std::int64_t> values);
};

// The bytes of a .npy file; the name is not in it.
std::vector<std::uint8_t> ToNpy(const NamedArray& array);
// The bytes of a .npz file with a member for each array, in order. Slashes in names stay; names
// that repeat are refused. Errors: kInvalidArgument; kResourceExhausted beyond the 4 GiB of a zip
// file.
Result<std::vector<std::uint8_t>> ToNpz(std::span<const NamedArray> arrays);

// Writes one array as .npy or any number as .npz, by the end of `path`, in one step. Errors:
// another ending, several arrays for a .npy, those of WriteFileAtomically.
Status WriteArrays(const std::string& path, std::span<const NamedArray> arrays);
// Whether WriteArrays takes `path` and `count` arrays: before the work.
Status CheckArrayPath(const std::string& path, std::size_t count);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_ARRAY_WRITER_H_
