// The container: header, section table, checksums, files. The contents of the sections:
// artifact_codec.cc.
#include "qnet/artifact.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "base/files.h"
#include "base/hash.h"
#include "qnet/artifact_codec.h"

namespace tf2::qnet {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'T', 'F', '2', 'Q', 'N', 'E', 'T', '\n'};
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kEntryBytes = 64;
constexpr std::size_t kNameBytes = 32;
constexpr std::size_t kChecksumOffset = 24;
constexpr std::uint32_t kMaxSections = 64;
constexpr char kRebuild[] = "write it again with `tf2 quantize` (and `tf2 compile`)";

struct Section {
  std::string name;
  std::span<const std::uint8_t> bytes;
};

Error Damaged(const std::string& what) {
  return WithHint(DataLoss("the artifact is damaged: {}", what), kRebuild);
}

Status CheckExtraName(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  if (name.empty() || name.size() >= kNameBytes || !std::ranges::all_of(name, allowed)) {
    return InvalidArgument("\"{}\" cannot be a section's name: 1 to {} of a-z 0-9 _ . -", name,
                           kNameBytes - 1);
  }
  if (std::ranges::find(kNetSections, name) != kNetSections.end()) {
    return InvalidArgument("the section name \"{}\" is reserved", name);
  }
  return {};
}

bool AllZero(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

// CRC-32 of header and table with the checksum field as zeros.
std::uint32_t TableChecksum(std::span<const std::uint8_t> table) {
  constexpr std::array<std::uint8_t, 4> kZeros = {};
  std::uint32_t crc = Crc32(table.first(kChecksumOffset));
  crc = Crc32(kZeros, crc);
  return Crc32(table.subspan(kChecksumOffset + kZeros.size()), crc);
}

// Magic, version, size, number of sections, checksum; returns the number of sections.
Result<std::uint32_t> ParseHeader(std::span<const std::uint8_t> bytes, Checksums checksums) {
  if (bytes.size() < kMagic.size() || !std::ranges::equal(bytes.first(kMagic.size()), kMagic)) {
    return DataLoss("not a tf2 artifact: it does not begin with TF2QNET");
  }
  if (bytes.size() < kHeaderBytes)
    return Damaged(fmt::format("{} bytes are less than a header", bytes.size()));
  ByteReader reader(bytes);
  TF2_RETURN_IF_ERROR(reader.Skip(kMagic.size()));
  TF2_ASSIGN_OR_RETURN(const auto version, reader.Read<std::uint32_t>());
  if (version > kArtifactVersion) {
    return WithHint(DataLoss("the artifact has format version {}, this program reads {}", version,
                             kArtifactVersion),
                    "use the version of tf2 that wrote it, or a newer one");
  }
  if (version < kArtifactVersion) {
    return WithHint(DataLoss("the artifact has format version {}, this program reads {}", version,
                             kArtifactVersion),
                    kRebuild);
  }
  TF2_ASSIGN_OR_RETURN(const auto sections, reader.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(const auto size, reader.Read<std::uint64_t>());
  if (size != bytes.size()) {
    return Damaged(fmt::format("it has {} bytes and should have {}{}", bytes.size(), size,
                               bytes.size() < size ? " (truncated)" : ""));
  }
  if (sections > kMaxSections) return Damaged(fmt::format("{} sections", sections));
  if (bytes.size() < kHeaderBytes + kEntryBytes * std::size_t{sections})
    return Damaged("the section table is cut off");
  TF2_ASSIGN_OR_RETURN(const auto stored, reader.Read<std::uint32_t>());
  if (!AllZero(bytes.subspan(reader.position(), kHeaderBytes - reader.position())))
    return Damaged("the header's end");
  const auto table = bytes.first(kHeaderBytes + kEntryBytes * std::size_t{sections});
  if (checksums == Checksums::kCheck && stored != TableChecksum(table)) {
    return Damaged("wrong checksum of the section table");
  }
  return sections;
}

// One table entry; `at` is where the previous section ended.
Result<Section> ParseEntry(std::span<const std::uint8_t> bytes, std::size_t entry, std::size_t& at,
                           Checksums checksums) {
  ByteReader reader(bytes.subspan(entry, kEntryBytes));
  TF2_ASSIGN_OR_RETURN(const auto raw, reader.ReadBytes(kNameBytes));
  const auto end = std::ranges::find(raw, std::uint8_t{0});
  if (!AllZero({end, raw.end()}) || end == raw.end()) return Damaged("a section's name");
  Section section;
  section.name.assign(raw.begin(), end);
  TF2_ASSIGN_OR_RETURN(const auto offset, reader.Read<std::uint64_t>());
  TF2_ASSIGN_OR_RETURN(const auto size, reader.Read<std::uint64_t>());
  TF2_ASSIGN_OR_RETURN(const auto crc, reader.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(const auto rest, reader.ReadBytes(reader.remaining()));
  const std::size_t expected = (at + kAlignment - 1) / kAlignment * kAlignment;
  if (!AllZero(rest) || offset != expected || expected > bytes.size() ||
      size > bytes.size() - expected || !AllZero(bytes.subspan(at, expected - at))) {
    return Damaged(fmt::format("the place of section \"{}\"", section.name));
  }
  section.bytes = bytes.subspan(expected, size);
  if (checksums == Checksums::kCheck && Crc32(section.bytes) != crc) {
    return Damaged(fmt::format("wrong checksum of section \"{}\"", section.name));
  }
  at = expected + section.bytes.size();
  return section;
}

}  // namespace

Result<Artifact> ParseArtifact(std::span<const std::uint8_t> bytes, Checksums checksums) {
  TF2_ASSIGN_OR_RETURN(const std::uint32_t count, ParseHeader(bytes, checksums));
  std::size_t at = kHeaderBytes + kEntryBytes * std::size_t{count};
  std::vector<Section> sections;
  for (std::uint32_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(sections.emplace_back(),
                         ParseEntry(bytes, kHeaderBytes + kEntryBytes * i, at, checksums));
  }
  if (at != bytes.size()) return Damaged("bytes after the last section");
  NetSections net_sections;
  Artifact artifact;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (i < kNetSections.size()) {
      if (sections[i].name != kNetSections[i])
        return Damaged(fmt::format("no section \"{}\"", kNetSections[i]));
      net_sections[i] = sections[i].bytes;
      continue;
    }
    const std::string& name = sections[i].name;
    if (!CheckExtraName(name).ok() || (i > kNetSections.size() && name <= sections[i - 1].name)) {
      return Damaged(fmt::format("the section name \"{}\"", name));
    }
    artifact.extra[name].assign(sections[i].bytes.begin(), sections[i].bytes.end());
  }
  if (sections.size() < kNetSections.size()) return Damaged("a section is missing");
  auto net = DecodeNet(net_sections);
  if (!net.ok())
    return net.error().code == ErrorCode::kDataLoss ? Damaged(net.error().ToString()) : net.error();
  artifact.net = *std::move(net);
  TF2_RETURN_IF_ERROR(Verify(artifact.net));
  return artifact;
}

Result<std::vector<std::uint8_t>> SerializeArtifact(const Artifact& artifact) {
  TF2_RETURN_IF_ERROR(Verify(artifact.net));
  const std::array<std::vector<std::uint8_t>, kNetSections.size()> net = EncodeNet(artifact.net);
  std::vector<Section> sections;
  for (std::size_t i = 0; i < kNetSections.size(); ++i)
    sections.push_back({std::string(kNetSections[i]), net[i]});
  for (const auto& [name, bytes] : artifact.extra) {
    TF2_RETURN_IF_ERROR(CheckExtraName(name));
    sections.push_back({name, bytes});
  }
  if (sections.size() > kMaxSections) return InvalidArgument("more than {} sections", kMaxSections);

  ByteWriter writer;
  writer.WriteBytes(kMagic);
  writer.Write(kArtifactVersion);
  writer.Write(static_cast<std::uint32_t>(sections.size()));
  const std::size_t size_at = writer.size();
  writer.Write(std::uint64_t{0});
  writer.Write(std::uint32_t{0});  // checksum
  writer.AlignTo(kHeaderBytes);
  std::size_t at = kHeaderBytes + kEntryBytes * sections.size();
  for (const Section& section : sections) {
    at = (at + kAlignment - 1) / kAlignment * kAlignment;
    const std::size_t start = writer.size();
    for (const char c : section.name) writer.Write(c);
    while (writer.size() < start + kNameBytes) writer.Write(std::uint8_t{0});
    writer.Write(std::uint64_t{at});
    writer.Write(std::uint64_t{section.bytes.size()});
    writer.Write(Crc32(section.bytes));
    writer.AlignTo(kEntryBytes);
    at += section.bytes.size();
  }
  const std::size_t table_end = writer.size();
  writer.Patch(size_at, std::uint64_t{at});
  writer.Patch(kChecksumOffset, TableChecksum(writer.bytes().first(table_end)));
  for (const Section& section : sections) {
    writer.AlignTo(kAlignment);
    writer.WriteBytes(section.bytes);
  }
  return std::move(writer).Take();
}

Result<Artifact> ReadArtifact(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  auto artifact = ParseArtifact(file.bytes());
  if (!artifact.ok()) return std::move(artifact.error()).At(path);
  return artifact;
}

Status WriteArtifact(const std::string& path, const Artifact& artifact) {
  auto bytes = SerializeArtifact(artifact);
  if (!bytes.ok()) return std::move(bytes.error()).At(path);
  return WriteFileAtomically(path, *bytes);
}

bool IsArtifactFile(const std::string& path) {
  std::error_code failed;  // opening a pipe would wait for a writer
  if (!std::filesystem::is_regular_file(path, failed)) return false;
  std::ifstream file(path, std::ios::binary);
  std::array<char, kMagic.size()> head = {};
  return file.read(head.data(), head.size()) &&
         std::ranges::equal(head, kMagic, [](char a, std::uint8_t b) {
           return static_cast<std::uint8_t>(a) == b;
         });
}

}  // namespace tf2::qnet
