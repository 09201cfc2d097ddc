#include "dataset/array.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace tf2::dataset {
namespace {

constexpr std::array<std::uint8_t, 6> kNpyMagic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
// More elements than any file here holds; keeps products far from overflow.
constexpr std::int64_t kMaxElements = std::int64_t{1} << 44;
constexpr std::size_t kMaxDims = 8;

Status CheckDims(const std::vector<std::int64_t>& dims) {
  if (dims.empty() || dims.size() > kMaxDims) {
    return InvalidArgument("an array of {} dimensions", dims.size());
  }
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 1) return InvalidArgument("the array [{}] is empty", fmt::join(dims, ", "));
    if (dim > kMaxElements / count) {
      return DataLoss("impossible dimensions [{}]", fmt::join(dims, ", "));
    }
    count *= dim;
  }
  return {};
}

// Reads the Python dictionary of a .npy header.
class DictReader {
 public:
  explicit DictReader(std::string_view text) : text_(text) {}

  // Goes behind "'key':" and blanks; false when the key is not there.
  bool Find(std::string_view key) {
    for (const char quote : {'\'', '"'}) {
      const std::string quoted = quote + std::string(key) + quote;
      const std::size_t at = text_.find(quoted);
      if (at == std::string_view::npos) continue;
      at_ = at + quoted.size();
      SkipBlanks();
      if (!Take(':')) return false;
      SkipBlanks();
      return true;
    }
    return false;
  }
  bool Take(char expected) {
    if (at_ >= text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }
  bool Take(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  std::optional<std::string_view> Quoted() {
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return std::nullopt;
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return value;
  }
  std::optional<std::vector<std::int64_t>> Tuple() {
    std::vector<std::int64_t> values;
    if (!Take('(')) return std::nullopt;
    while (true) {
      SkipBlanks();
      if (Take(')')) return values;
      std::int64_t value = 0;
      const std::size_t start = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
        value = value * 10 + (text_[at_++] - '0');
        if (value > kMaxElements) return std::nullopt;
      }
      if (at_ == start || values.size() > kMaxDims) return std::nullopt;
      values.push_back(value);
      SkipBlanks();
      if (!Take(',') && (at_ >= text_.size() || text_[at_] != ')')) return std::nullopt;
    }
  }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// "<f4" and the like.
Result<ElementType> ParseDescr(std::string_view descr) {
  struct Known {
    std::string_view code;
    ElementType type;
  };
  constexpr std::array kKnown = {
      Known{"u1", ElementType::kU8},  Known{"i1", ElementType::kI8},
      Known{"b1", ElementType::kU8},  Known{"u2", ElementType::kU16},
      Known{"i2", ElementType::kI16}, Known{"u4", ElementType::kU32},
      Known{"i4", ElementType::kI32}, Known{"u8", ElementType::kU64},
      Known{"i8", ElementType::kI64}, Known{"f4", ElementType::kF32},
      Known{"f8", ElementType::kF64},
  };
  if (descr.size() == 3 && (descr[0] == '<' || descr[0] == '|' || descr[0] == '=')) {
    for (const Known& known : kKnown) {
      if (descr.substr(1) == known.code) return known.type;
    }
  }
  return WithHint(Unsupported("elements of type '{}' are not read", descr),
                  "save the array with .astype('<f4') or .astype('u1')");
}

}  // namespace

std::string Array::DimsText() const { return fmt::format("[{}]", fmt::join(dims, ", ")); }

std::uint64_t ArrayHeader::ElementsBytes() const {
  std::uint64_t bytes = static_cast<std::uint64_t>(ElementBytes(type));
  for (const std::int64_t dim : dims) bytes *= static_cast<std::uint64_t>(dim);
  return bytes;
}

std::uint64_t ArrayHeader::PrefixBytes(std::int64_t count) const {
  const std::uint64_t all = ElementsBytes();
  if (fortran_order || count >= dims[0]) return offset + all;
  return offset + all / static_cast<std::uint64_t>(dims[0]) * static_cast<std::uint64_t>(count);
}

bool IsNpy(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kNpyMagic.size() &&
         std::equal(kNpyMagic.begin(), kNpyMagic.end(), bytes.begin());
}

bool IsIdx(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 8 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] >= 8 && bytes[2] <= 14 &&
         bytes[3] >= 1 && bytes[3] <= kMaxDims;
}

Result<ArrayHeader> ParseNpyHeader(std::span<const std::uint8_t> bytes) {
  if (!IsNpy(bytes)) return InvalidArgument("not a .npy file");
  ByteReader reader(bytes);
  TF2_RETURN_IF_ERROR(reader.Skip(kNpyMagic.size()));
  TF2_ASSIGN_OR_RETURN(const auto major, reader.Read<std::uint8_t>());
  TF2_RETURN_IF_ERROR(reader.Skip(1));
  std::uint64_t length = 0;
  if (major == 1) {
    TF2_ASSIGN_OR_RETURN(length, reader.Read<std::uint16_t>());
  } else if (major == 2 || major == 3) {
    TF2_ASSIGN_OR_RETURN(length, reader.Read<std::uint32_t>());
  } else {
    return Unsupported("version {} of the .npy format is not known", major);
  }
  TF2_ASSIGN_OR_RETURN(const auto raw, reader.ReadBytes(length));
  DictReader dict(std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size()));
  ArrayHeader header;
  header.offset = reader.position();
  const Error damaged = DataLoss("the header of the .npy data is damaged");
  if (!dict.Find("descr")) return damaged;
  const auto descr = dict.Quoted();
  if (!descr) {
    return Unsupported("arrays of records are not read");
  }
  TF2_ASSIGN_OR_RETURN(header.type, ParseDescr(*descr));
  if (!dict.Find("fortran_order")) return damaged;
  header.fortran_order = dict.Take("True");
  if (!header.fortran_order && !dict.Take("False")) return damaged;
  if (!dict.Find("shape")) return damaged;
  auto dims = dict.Tuple();
  if (!dims) return damaged;
  header.dims = *std::move(dims);
  TF2_RETURN_IF_ERROR(CheckDims(header.dims));
  return header;
}

Result<ArrayHeader> ParseIdxHeader(std::span<const std::uint8_t> bytes) {
  if (!IsIdx(bytes)) return InvalidArgument("not an idx file");
  if (bytes[2] != 8) {
    return Unsupported("an idx file with elements of type 0x{:02x}: only bytes (0x08) are read",
                       bytes[2]);
  }
  ArrayHeader header;
  header.offset = 4 + 4 * std::uint64_t{bytes[3]};
  if (bytes.size() < header.offset) return DataLoss("the header of the idx file is truncated");
  for (std::size_t at = 4; at < header.offset; at += 4) {
    std::int64_t dim = 0;
    for (std::size_t k = 0; k < 4; ++k) dim = dim * 256 + bytes[at + k];
    header.dims.push_back(dim);
  }
  TF2_RETURN_IF_ERROR(CheckDims(header.dims));
  return header;
}

Result<Array> ViewArray(const ArrayHeader& header, std::span<const std::uint8_t> bytes,
                        bool complete) {
  const std::uint64_t all = header.offset + header.ElementsBytes();
  Array array;
  array.type = header.type;
  array.dims = header.dims;
  if (bytes.size() < all) {
    const std::uint64_t have = bytes.size() - std::min<std::uint64_t>(header.offset, bytes.size());
    const std::uint64_t one = header.ElementsBytes() / static_cast<std::uint64_t>(header.dims[0]);
    if (complete || header.fortran_order || have < one) {
      return DataLoss("truncated: {} bytes where an array {} needs {}", bytes.size(),
                      array.DimsText(), all);
    }
    array.dims[0] = static_cast<std::int64_t>(have / one);
  }
  array.data = bytes.data() + header.offset;
  array.strides.resize(array.dims.size());
  std::int64_t stride = ElementBytes(header.type);
  for (std::size_t k = 0; k < array.dims.size(); ++k) {
    const std::size_t axis = header.fortran_order ? k : array.dims.size() - 1 - k;
    array.strides[axis] = stride;
    stride *= array.dims[axis];
  }
  return array;
}

Result<CifarArrays> ViewCifar(std::span<const std::uint8_t> bytes, bool complete) {
  const std::size_t record = kCifarRecordBytes;
  const auto count = static_cast<std::int64_t>(bytes.size() / record);
  if (count == 0 || (complete && bytes.size() % record != 0)) {
    return WithHint(
        DataLoss("{} bytes are no multiple of the {} of a CIFAR-10 record", bytes.size(), record),
        "the file is truncated or not in CIFAR-10's binary format");
  }
  for (std::size_t i = 0; i < bytes.size() / record; ++i) {
    if (bytes[i * record] > 9) {
      return WithHint(DataLoss("record {} has label {}; CIFAR-10 has 0..9", i, bytes[i * record]),
                      "the file is damaged or not in CIFAR-10's binary format");
    }
  }
  CifarArrays arrays;
  arrays.pixels = {
      bytes.data() + 1, ElementType::kU8, {count, 3, 32, 32}, {kCifarRecordBytes, 1024, 32, 1}};
  arrays.labels = {bytes.data(), ElementType::kU8, {count}, {kCifarRecordBytes}};
  return arrays;
}

}  // namespace tf2::dataset
