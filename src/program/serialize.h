// A Program as bytes: one section of the artifact beside the QNet.
#ifndef TF2_PROGRAM_SERIALIZE_H_
#define TF2_PROGRAM_SERIALIZE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "program/program.h"

namespace tf2::program {

// Versioned and checksummed; the same program gives the same bytes.
std::vector<std::uint8_t> Serialize(const Program& program);

// Refuses other magic, newer versions, truncation, damage and inconsistent contents, each with its
// reason.
Result<Program> Deserialize(std::span<const std::uint8_t> bytes);

// What Deserialize checks after parsing and Execute relies on: sizes agree, descriptors decode,
// exactly the last descriptor is marked last, places and the input lie in needs.feature_words,
// lanes in their planes.
Status Validate(const Program& program);

}  // namespace tf2::program

#endif  // TF2_PROGRAM_SERIALIZE_H_
