#include "dataset/array_writer.h"

#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/files.h"
#include "base/hash.h"

namespace tf2::dataset {
namespace {

static_assert(std::endian::native == std::endian::little);

template <typename T>
NamedArray Make(std::string name, ElementType type, std::vector<std::int64_t> dims,
                std::span<const T> values) {
  NamedArray array = {std::move(name), type, std::move(dims), {}};
  array.bytes.resize(values.size_bytes());
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), values.size_bytes());
  return array;
}

// numpy's name of a type.
std::string_view Descr(ElementType type) {
  switch (type) {
    case ElementType::kU8:
      return "|u1";
    case ElementType::kI8:
      return "|i1";
    case ElementType::kU16:
      return "<u2";
    case ElementType::kI16:
      return "<i2";
    case ElementType::kU32:
      return "<u4";
    case ElementType::kI32:
      return "<i4";
    case ElementType::kU64:
      return "<u8";
    case ElementType::kI64:
      return "<i8";
    case ElementType::kF32:
      return "<f4";
    case ElementType::kF64:
      return "<f8";
  }
  TF2_CHECK(false, "no such element type");
}

std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// What a zip file says of one member, in both of its headers.
struct Member {
  std::string name;
  std::uint32_t crc;
  std::uint32_t size;
  std::uint32_t offset;

  // Version needed, flags, method (stored), time and date (1980-01-01), sums, lengths.
  void WriteFields(ByteWriter& w) const {
    w.Write<std::uint16_t>(20);
    w.Write<std::uint16_t>(0);
    w.Write<std::uint16_t>(0);
    w.Write<std::uint16_t>(0);
    w.Write<std::uint16_t>(0x21);
    w.Write(crc);
    w.Write(size);
    w.Write(size);
    w.Write(static_cast<std::uint16_t>(name.size()));
    w.Write<std::uint16_t>(0);
  }
};

}  // namespace

NamedArray NamedArray::Floats(std::string name, std::vector<std::int64_t> dims,
                              std::span<const float> values) {
  return Make(std::move(name), ElementType::kF32, std::move(dims), values);
}
NamedArray NamedArray::Int64s(std::string name, std::vector<std::int64_t> dims,
                              std::span<const std::int64_t> values) {
  return Make(std::move(name), ElementType::kI64, std::move(dims), values);
}

std::vector<std::uint8_t> ToNpy(const NamedArray& array) {
  std::string shape;
  for (const std::int64_t d : array.dims) shape += fmt::format("{}, ", d);
  if (array.dims.size() == 1) shape.pop_back();  // "(3,)"
  if (array.dims.size() > 1) shape.resize(shape.size() - 2);
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 Descr(array.type), shape);
  constexpr std::size_t kPreamble = 10;
  while ((kPreamble + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  ByteWriter w;
  w.WriteBytes(AsBytes("\x93NUMPY"));
  w.Write<std::uint8_t>(1);
  w.Write<std::uint8_t>(0);
  w.Write(static_cast<std::uint16_t>(dict.size()));
  w.WriteBytes(AsBytes(dict));
  w.WriteBytes(array.bytes);
  return std::move(w).Take();
}

Result<std::vector<std::uint8_t>> ToNpz(std::span<const NamedArray> arrays) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max() - (1U << 20);
  std::set<std::string> names;
  std::vector<Member> members;
  std::uint64_t total = 0;
  for (const NamedArray& array : arrays) {
    total += array.bytes.size() + array.name.size() + 1024;
    if (total > kMost) return ResourceExhausted("arrays of more than 4 GiB do not fit an .npz");
    if (array.name.empty() || array.name.size() > 60000 || !names.insert(array.name).second)
      return InvalidArgument("\"{}\" cannot name an array of an .npz", array.name);
  }
  ByteWriter w;
  std::uint32_t offset = 0;
  for (const NamedArray& array : arrays) {
    const std::vector<std::uint8_t> npy = ToNpy(array);
    members.push_back(
        {array.name + ".npy", Crc32(npy), static_cast<std::uint32_t>(npy.size()), offset});
    const Member& m = members.back();
    w.Write<std::uint32_t>(0x04034b50);
    m.WriteFields(w);
    w.WriteBytes(AsBytes(m.name));
    w.WriteBytes(npy);
    offset += static_cast<std::uint32_t>(30 + m.name.size() + npy.size());
  }
  std::uint32_t directory = 0;
  for (const Member& m : members) {
    w.Write<std::uint32_t>(0x02014b50);
    w.Write<std::uint16_t>(20);
    m.WriteFields(w);
    w.Write<std::uint16_t>(0);  // comment
    w.Write<std::uint16_t>(0);  // disk
    w.Write<std::uint16_t>(0);  // attributes
    w.Write<std::uint32_t>(0);
    w.Write(m.offset);
    w.WriteBytes(AsBytes(m.name));
    directory += static_cast<std::uint32_t>(46 + m.name.size());
  }
  const auto count = static_cast<std::uint16_t>(members.size());
  w.Write<std::uint32_t>(0x06054b50);
  w.Write<std::uint32_t>(0);  // disks
  w.Write(count);
  w.Write(count);
  w.Write(directory);
  w.Write(offset);
  w.Write<std::uint16_t>(0);  // comment
  return std::move(w).Take();
}

Status CheckArrayPath(const std::string& path, std::size_t count) {
  if (path.ends_with(".npz")) return {};
  if (!path.ends_with(".npy")) return InvalidArgument("{}: name the file .npy or .npz", path);
  if (count == 1) return {};
  return InvalidArgument("{}: a .npy holds one array, there are {}: name the file .npz", path,
                         count);
}

Status WriteArrays(const std::string& path, std::span<const NamedArray> arrays) {
  TF2_RETURN_IF_ERROR(CheckArrayPath(path, arrays.size()));
  if (path.ends_with(".npy")) return WriteFileAtomically(path, ToNpy(arrays[0]));
  TF2_ASSIGN_OR_RETURN(const auto bytes, ToNpz(arrays));
  return WriteFileAtomically(path, bytes);
}

}  // namespace tf2::dataset
