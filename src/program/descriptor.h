// One layer of a program: the 32 fields of docs/isa.md with names, and their binary encoding.
#ifndef TF2_PROGRAM_DESCRIPTOR_H_
#define TF2_PROGRAM_DESCRIPTOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace tf2::program {

inline constexpr std::size_t kFieldsPerLayer = 32;

enum class Opcode : std::uint8_t { kConv = 0, kMaxPool = 1 };

// Indices into Descriptor::count and Descriptor::delta, innermost loop first.
enum Loop : std::size_t { kIc = 0, kKx, kKy, kOx, kOy, kTile, kLoops };

// Addresses and pointers are words of the feature memory unless said otherwise.
struct Descriptor {
  Opcode opcode = Opcode::kConv;
  bool relu = false;
  bool residual = false;
  bool wide = false;
  bool last = false;
  bool padding = false;
  bool pad_low = false;  // of a convolution with padding: what lies outside is -128, not 0
  bool repeat = false;
  std::int64_t f_base = 0;  // negative when the first window begins in padding
  std::int64_t o_base = 0;
  std::int64_t w_base = 0;  // weight words
  std::int64_t p_base = 0;  // parameter entries
  std::array<std::int64_t, kLoops> count = {1, 1, 1, 1, 1, 1};
  std::array<std::int64_t, kLoops> delta = {};
  std::int64_t r_off = 0;
  std::int64_t o_row = 0;
  std::int64_t o_tile = 0;
  std::int64_t o_hi = 0;
  std::int64_t y0 = 0, x0 = 0;
  std::int64_t dil_y = 0, dil_x = 0;
  std::int64_t str_y = 0, str_x = 0;
  std::int64_t in_h = 0, in_w = 0;
  std::int64_t o_plane = 0;
  bool operator==(const Descriptor&) const = default;

  std::int64_t StepsPerWindow() const { return count[kIc] * count[kKx] * count[kKy]; }
  std::int64_t WindowsPerTile() const { return count[kOx] * count[kOy]; }
  std::int64_t Windows() const { return WindowsPerTile() * count[kTile]; }
  std::int64_t Steps() const { return Windows() * StepsPerWindow(); }
  // Weight words read (0 for max pool).
  std::int64_t WeightWords() const;
  // Whether the hardware unit for regions is needed on an engine of `planes_per_tile` = N/C.
  bool NeedsRegions(std::int32_t planes_per_tile) const;
};

using Fields = std::array<std::uint32_t, kFieldsPerLayer>;

// Name of a field as in docs/isa.md; nullptr for 30 and 31.
const char* FieldName(std::size_t index);

// The member that field 1..29 holds, as the descriptor states it (counts not minus one).
std::int64_t& FieldRef(Descriptor& d, std::size_t index);

// Counts minus one, signed fields in two's complement of `field_bits` (12..32). Refuses a value out
// of range by field, value and range, and low padding where there is no padding to be low.
Result<Fields> Encode(const Descriptor& d, std::int32_t field_bits);

// Inverse of Encode. Refuses an unknown opcode, unknown ctl bits, low padding without padding or of
// a max pool, non-zero reserved fields and fields wider than `field_bits`.
Result<Descriptor> Decode(std::span<const std::uint32_t, kFieldsPerLayer> fields,
                          std::int32_t field_bits);

// Refuses loops of more than 2^40 steps, windows of more than 2^24 and coordinates beyond 2^40:
// damage, not a network. Arithmetic on a descriptor that passes never overflows 64 bits.
Status CheckExtent(const Descriptor& d);

// Smallest FieldBits that holds the descriptor.
std::int32_t FieldBitsNeeded(const Descriptor& d);

// Smallest CountBits (every loop count minus one), and CoordBits (every coordinate of every step; 0
// without padding).
std::int32_t CountBitsNeeded(const Descriptor& d);
std::int32_t CoordBitsNeeded(const Descriptor& d);

}  // namespace tf2::program

#endif  // TF2_PROGRAM_DESCRIPTOR_H_
