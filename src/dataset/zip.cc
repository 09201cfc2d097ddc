// The part of the zip format that numpy's .npz files use (APPNOTE 6.3: 4.3.7 local header, 4.3.12
// central directory, 4.3.16 end record).
#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "dataset/array.h"
#include "dataset/blob.h"

namespace tf2::dataset {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kMaxMembers = 4096;

struct Member {
  std::string name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;
};

// The end record: the last signature that leaves room for it.
std::optional<std::size_t> FindEnd(std::span<const std::uint8_t> zip) {
  constexpr std::size_t kMaxComment = 65535;
  if (zip.size() < kEndBytes) return std::nullopt;
  const std::size_t last = zip.size() - kEndBytes;
  const std::size_t first = last > kMaxComment ? last - kMaxComment : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    ByteReader reader(zip.subspan(at));
    const auto signature = reader.Read<std::uint32_t>();
    if (signature.ok() && *signature == kEndSignature) return at;
  }
  return std::nullopt;
}

Result<Member> ReadCentral(ByteReader& reader) {
  TF2_ASSIGN_OR_RETURN(const auto signature, reader.Read<std::uint32_t>());
  if (signature != kCentralSignature) return DataLoss("the zip directory is damaged");
  Member member;
  TF2_RETURN_IF_ERROR(reader.Skip(4));  // versions
  TF2_ASSIGN_OR_RETURN(member.flags, reader.Read<std::uint16_t>());
  TF2_ASSIGN_OR_RETURN(member.method, reader.Read<std::uint16_t>());
  TF2_RETURN_IF_ERROR(reader.Skip(4));  // time
  TF2_ASSIGN_OR_RETURN(member.crc, reader.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(member.packed_bytes, reader.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(member.bytes, reader.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(const auto name_bytes, reader.Read<std::uint16_t>());
  TF2_ASSIGN_OR_RETURN(const auto extra_bytes, reader.Read<std::uint16_t>());
  TF2_ASSIGN_OR_RETURN(const auto comment_bytes, reader.Read<std::uint16_t>());
  TF2_RETURN_IF_ERROR(reader.Skip(8));  // disk, attributes
  TF2_ASSIGN_OR_RETURN(member.offset, reader.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(const auto name, reader.ReadBytes(name_bytes));
  member.name.assign(name.begin(), name.end());
  TF2_RETURN_IF_ERROR(reader.Skip(std::uint64_t{extra_bytes} + comment_bytes));
  constexpr std::uint64_t kZip64 = 0xffffffff;
  if (member.packed_bytes == kZip64 || member.bytes == kZip64 || member.offset == kZip64) {
    return WithHint(Unsupported("member '{}' is larger than 4 GiB", member.name),
                    "save it as .npy, which is mapped and may have any size");
  }
  return member;
}

Result<std::vector<Member>> ReadDirectory(std::span<const std::uint8_t> zip) {
  const auto end = FindEnd(zip);
  if (!end) return DataLoss("the zip file is truncated: it has no directory");
  ByteReader reader(zip);
  TF2_RETURN_IF_ERROR(reader.Seek(*end + 10));
  TF2_ASSIGN_OR_RETURN(const auto count, reader.Read<std::uint16_t>());
  TF2_RETURN_IF_ERROR(reader.Skip(4));  // size of the directory
  TF2_ASSIGN_OR_RETURN(const auto offset, reader.Read<std::uint32_t>());
  if (count > kMaxMembers) return ResourceExhausted("the zip file has {} members", count);
  TF2_RETURN_IF_ERROR(reader.Seek(offset));
  std::vector<Member> members;
  for (std::size_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(Member member, ReadCentral(reader));
    members.push_back(std::move(member));
  }
  return members;
}

Result<std::vector<std::uint8_t>> ReadMember(std::span<const std::uint8_t> zip,
                                             const Member& member) {
  ByteReader reader(zip);
  TF2_RETURN_IF_ERROR(reader.Seek(member.offset));
  TF2_ASSIGN_OR_RETURN(const auto signature, reader.Read<std::uint32_t>());
  if (signature != kLocalSignature) return DataLoss("the zip member is damaged");
  TF2_RETURN_IF_ERROR(reader.Skip(22));
  TF2_ASSIGN_OR_RETURN(const auto name_bytes, reader.Read<std::uint16_t>());
  TF2_ASSIGN_OR_RETURN(const auto extra_bytes, reader.Read<std::uint16_t>());
  TF2_RETURN_IF_ERROR(reader.Skip(std::uint64_t{name_bytes} + extra_bytes));
  TF2_ASSIGN_OR_RETURN(const auto packed, reader.ReadBytes(member.packed_bytes));
  constexpr std::uint16_t kEncrypted = 1;
  if ((member.flags & kEncrypted) != 0) return Unsupported("the zip member is encrypted");
  std::vector<std::uint8_t> bytes;
  constexpr std::uint16_t kStored = 0;
  constexpr std::uint16_t kDeflated = 8;
  if (member.method == kStored) {
    if (member.bytes != member.packed_bytes) return DataLoss("the zip member is damaged");
    bytes.assign(packed.begin(), packed.end());
  } else if (member.method == kDeflated) {
    TF2_ASSIGN_OR_RETURN(bytes, InflateRaw(packed, member.bytes));
  } else {
    return Unsupported("zip compression method {}", member.method);
  }
  if (Crc32(bytes) != member.crc) return DataLoss("the checksum of the zip member is wrong");
  return bytes;
}

}  // namespace

bool IsZip(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 4 && bytes[0] == 'P' && bytes[1] == 'K' &&
         ((bytes[2] == 3 && bytes[3] == 4) || (bytes[2] == 5 && bytes[3] == 6));
}

Result<std::vector<std::string>> ListZip(std::span<const std::uint8_t> zip) {
  TF2_ASSIGN_OR_RETURN(const auto members, ReadDirectory(zip));
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const Member& member : members) names.push_back(member.name);
  return names;
}

Result<std::optional<std::vector<std::uint8_t>>> ReadZipMember(
    std::span<const std::uint8_t> zip, const std::vector<std::string>& names) {
  TF2_ASSIGN_OR_RETURN(const auto members, ReadDirectory(zip));
  for (const std::string& name : names) {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) {
      return member.name == name || member.name == name + ".npy";
    });
    if (found == members.end()) continue;
    auto bytes = ReadMember(zip, *found);
    if (!bytes.ok()) return std::move(bytes.error()).At(found->name);
    return std::optional(*std::move(bytes));
  }
  return std::optional<std::vector<std::uint8_t>>();
}

}  // namespace tf2::dataset
