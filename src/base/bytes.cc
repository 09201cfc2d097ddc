#include "base/bytes.h"

namespace tf2 {

Error ByteReader::Truncated(std::uint64_t need) const {
  return DataLoss("truncated: {} more needed at offset {}, {} bytes are left", need, at_,
                  remaining());
}

Result<std::span<const std::uint8_t>> ByteReader::ReadBytes(std::uint64_t n) {
  if (n > remaining()) return Truncated(n);
  const auto view = bytes_.subspan(at_, n);
  at_ += n;
  return view;
}

Result<std::string> ByteReader::ReadString(std::uint32_t max_bytes) {
  TF2_ASSIGN_OR_RETURN(const auto n, Read<std::uint32_t>());
  if (n > max_bytes) {
    return DataLoss("a string of {} bytes at offset {} is longer than {}", n, at_, max_bytes);
  }
  TF2_ASSIGN_OR_RETURN(const auto view, ReadBytes(n));
  return std::string(view.begin(), view.end());
}

Status ByteReader::Skip(std::uint64_t n) {
  if (n > remaining()) return Truncated(n);
  at_ += n;
  return {};
}

Status ByteReader::Seek(std::uint64_t offset) {
  if (offset > bytes_.size()) {
    return DataLoss("offset {} is beyond the end at {}", offset, bytes_.size());
  }
  at_ = offset;
  return {};
}

void ByteWriter::WriteBytes(std::span<const std::uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void ByteWriter::WriteString(std::string_view text) {
  TF2_CHECK(text.size() <= 0xffffffffu);
  Write(static_cast<std::uint32_t>(text.size()));
  WriteBytes({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void ByteWriter::AlignTo(std::size_t alignment) {
  TF2_CHECK(alignment > 0);
  bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment, 0);
}

}  // namespace tf2
