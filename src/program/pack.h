// Bytes that cross the host port: memory images in beats, the frame's input, a tensor read back.
#ifndef TF2_PROGRAM_PACK_H_
#define TF2_PROGRAM_PACK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "program/program.h"

namespace tf2::program {

// Operations and memories of a host command (docs/isa.md, Host port).
enum class PortOp : std::uint8_t { kWrite = 1, kRead = 2, kRun = 3 };
enum class PortMemory : std::uint8_t { kFeatures = 0, kWeights = 1, kParams = 2, kProgram = 3 };

// The 64-bit command; low beat first on the port. Address and count in beats (run: address is a
// field index, count 0).
std::uint64_t PortCommand(PortOp op, PortMemory memory, std::int64_t address, std::int64_t count);

// The memories as bytes, little endian, beat after beat from beat 0, as a host writes them.
std::vector<std::uint8_t> WeightImage(const Program& program);
std::vector<std::uint8_t> ParamImage(const Program& program);    // 8 bytes an entry
std::vector<std::uint8_t> ProgramImage(const Program& program);  // a beat a field, zero-extended

// The words of InputRange(program), C bytes each: `chw` is the int8 picture [ic][ih][iw]. Lanes
// without a channel are 0.
std::vector<std::uint8_t> PackInput(const Program& program, std::span<const std::int8_t> chw);

// Inverse of a layout: the tensor's values in CHW order, int8 one byte each, int16 two bytes little
// endian. `words` holds the words of the feature memory from word `first_word` on; every word of
// the place must be inside.
std::vector<std::uint8_t> UnpackTensor(const Place& place, std::int32_t c_lanes,
                                       std::span<const std::uint8_t> words,
                                       std::int64_t first_word = 0);

// The same from the concatenated words of ReadRanges(place), as they came back from the port.
std::vector<std::uint8_t> UnpackRanges(const Place& place, std::int32_t c_lanes,
                                       std::span<const std::uint8_t> range_words);

// Writes a tensor's bytes (as UnpackTensor gives them) into a feature memory image: the inverse,
// for tests.
void PackTensor(const Place& place, std::int32_t c_lanes, std::span<const std::uint8_t> chw,
                std::span<std::uint8_t> memory);

}  // namespace tf2::program

#endif  // TF2_PROGRAM_PACK_H_
