// The artifact: one file that holds a QNet and named extra sections (the compiled program is
// "program"). Versioned, checksummed, little endian; every section starts at a multiple of 64
// bytes, so that the file can be mapped and a section used in place. SAC weights are two nibbles a
// byte. The same contents give the same bytes.
//
//   header   64 bytes: magic "TF2QNET\n", u32 version, u32 sections, u64 file size, u32 CRC-32 of
//   header and table
//            (with this field 0), zeros
//   table    64 bytes a section: char name[32], u64 offset, u64 size, u32 CRC-32, zeros
//   sections "structure", "weights", "parameters", "preprocessing", "graphs", then the extra ones
//   in the order of their names
#ifndef TF2_QNET_ARTIFACT_H_
#define TF2_QNET_ARTIFACT_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

inline constexpr std::uint32_t kArtifactVersion = 4;
inline constexpr char kProgramSection[] = "program";

struct Artifact {
  QNet net;
  // Opaque to this library. Names: 1..31 characters of [a-z0-9_.-], none of the reserved ones.
  std::map<std::string, std::vector<std::uint8_t>> extra;
};

enum class Checksums : std::uint8_t { kCheck, kIgnore };

// Parses, checks the sums and verifies the network. Errors: kDataLoss (damaged, truncated, of
// another version; says which), or what Verify says. Every count is bounded by the bytes at hand
// before anything is allocated. kIgnore is for fuzzing.
Result<Artifact> ParseArtifact(std::span<const std::uint8_t> bytes,
                               Checksums checksums = Checksums::kCheck);
// The bytes of the file. Errors: a network that Verify refuses, a section name outside the rule.
Result<std::vector<std::uint8_t>> SerializeArtifact(const Artifact& artifact);

// Maps the file and parses it; errors carry the path as location.
Result<Artifact> ReadArtifact(const std::string& path);
// Writes a temporary file beside `path`, syncs it and renames it: `path` holds the old contents or
// the new, never a part. Nothing is left behind on failure.
Status WriteArtifact(const std::string& path, const Artifact& artifact);

// Whether the file begins with the artifact's magic (false where it cannot be read): tells
// artifacts from model files.
bool IsArtifactFile(const std::string& path);

}  // namespace tf2::qnet

#endif  // TF2_QNET_ARTIFACT_H_
