#include <utility>

#include "base/files.h"
#include "dataset/array.h"

namespace tf2::dataset {
namespace {

Result<Numbers> FromNpy(std::span<const std::uint8_t> bytes, std::string name) {
  TF2_ASSIGN_OR_RETURN(const ArrayHeader header, ParseNpyHeader(bytes));
  TF2_ASSIGN_OR_RETURN(const Array array, ViewArray(header, bytes));
  Numbers numbers = {std::move(name), array.dims, {}};
  std::int64_t count = 1;
  for (const std::int64_t d : array.dims) count *= d;
  numbers.values.reserve(static_cast<std::size_t>(count));
  std::vector<std::int64_t> index(array.dims.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* at = array.data;
    for (std::size_t axis = 0; axis < index.size(); ++axis) at += index[axis] * array.strides[axis];
    numbers.values.push_back(LoadElement(array.type, at));
    for (std::size_t axis = index.size(); axis-- > 0;) {
      if (++index[axis] < array.dims[axis]) break;
      index[axis] = 0;
    }
  }
  return numbers;
}

Result<std::vector<Numbers>> Read(std::span<const std::uint8_t> bytes) {
  std::vector<Numbers> all;
  if (IsNpy(bytes)) {
    TF2_ASSIGN_OR_RETURN(all.emplace_back(), FromNpy(bytes, ""));
    return all;
  }
  if (!IsZip(bytes)) return InvalidArgument("this is neither a .npy nor a .npz file");
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> members, ListZip(bytes));
  for (const std::string& member : members) {
    if (!member.ends_with(".npy")) continue;
    TF2_ASSIGN_OR_RETURN(const auto content, ReadZipMember(bytes, {member}));
    auto numbers = FromNpy(*content, member.substr(0, member.size() - 4));
    if (!numbers.ok()) return std::move(numbers.error()).At(member);
    all.push_back(*std::move(numbers));
  }
  return all;
}

}  // namespace

Result<std::vector<Numbers>> ReadNumbers(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  auto all = Read(file.bytes());
  if (!all.ok()) return std::move(all.error()).At(path);
  return all;
}

}  // namespace tf2::dataset
