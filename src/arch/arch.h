// The configuration of the overlay engine: lanes, widths, memories and optional units, as in the
// configuration table of docs/isa.md. The compiler, the cost model, the RTL generator and the host
// port all read this one description.
#ifndef TF2_ARCH_ARCH_H_
#define TF2_ARCH_ARCH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tf2::arch {

// Names in comments are those of docs/isa.md and of the JSON file. Defaults: simulation.
struct Arch {
  std::string name = "sim-8x8x1";
  std::string device;          // of data/devices; empty: simulation only
  std::int32_t n = 8;          // N: output channels at once: C, 2 C, 4 C or 8 C
  std::int32_t c = 8;          // C: input-channel lanes, bytes of a feature word: 4, 8, 16, 32
  std::int32_t p = 1;          // P: output pixels at once; 1
  std::int32_t acc_bits = 32;  // AccBits: 14 + log2(C)..32
  std::int64_t feature_words = 4096;   // FeatureWords
  std::int64_t weight_words = 4096;    // WeightWords
  std::int64_t param_entries = 1024;   // ParamEntries
  std::int64_t program_fields = 1024;  // ProgramFields
  std::int32_t field_bits = 32;        // FieldBits: 16..32, at most BeatBits
  std::int32_t count_bits = 16;        // CountBits: width of a loop counter, at most FieldBits
  std::int32_t coord_bits =
      16;  // CoordBits: width of a signed coordinate (padding), at most FieldBits
  std::int32_t beat_bits = 64;     // BeatBits: 16, 32, 64
  std::int32_t port_bits = 64;     // PortBits: 1, 8, 16, 32, 64; divides BeatBits
  std::int32_t requant_units = 8;  // R: a power of two up to N
  bool dual_port = true;           // DualPort
  bool has_padding = true;         // HasPadding
  bool has_residual = true;        // HasResidual
  bool has_max_pool = true;        // HasMaxPool
  bool has_wide = true;            // HasWide
  bool has_regions = true;         // HasRegions
  bool has_repeat = true;          // HasRepeat

  std::int64_t lanes() const { return std::int64_t{n} * c * p; }
  std::int32_t planes_per_tile() const { return n / c; }
  std::int64_t feature_word_bits() const { return std::int64_t{8} * c; }
  std::int64_t weight_word_bits() const { return std::int64_t{4} * n * c; }
  bool operator==(const Arch&) const = default;
};

// Largest memory in words or fields: beat addresses of the host port have 24 bits.
inline constexpr std::int64_t kMaxBeats = std::int64_t{1} << 24;

// What a program asks of a configuration beyond the geometry that it was encoded for.
struct Needs {
  std::int64_t feature_words = 0;
  std::int64_t weight_words = 0;
  std::int64_t param_entries = 0;
  std::int64_t program_fields = 0;
  std::int32_t acc_bits = 0;    // smallest accumulator that is proven not to overflow
  std::int32_t field_bits = 0;  // smallest descriptor field that holds every value
  std::int32_t count_bits = 0;  // of the longest loop
  std::int32_t coord_bits = 0;  // of the coordinates of layers with padding
  bool padding = false;
  bool residual = false;
  bool max_pool = false;
  bool wide = false;
  bool regions = false;
  bool repeat = false;
  bool operator==(const Needs&) const = default;
};

// Every rule of the configuration table; the error names the parameter, its value and what is
// allowed.
Status Check(const Arch& arch);

// Refuses when `arch` lacks something that `needs` states: one line with the need and what the
// configuration has.
Status CheckNeeds(const Arch& arch, const Needs& needs);

// Identifies what determines the bytes of a program: N, C, P, FieldBits, BeatBits.
std::uint64_t Fingerprint(const Arch& arch);

// JSON object with the names of docs/isa.md as keys, in the order of the table; ends with a
// newline.
std::string ToJson(const Arch& arch);

// Reads such an object; absent keys keep the simulation's defaults, unknown keys, wrong types and
// illegal values are refused. The result is Check()ed.
Result<Arch> ParseArch(std::string_view json);

// ParseArch of a file's contents; errors name the file.
Result<Arch> ReadArch(const std::string& path);

}  // namespace tf2::arch

#endif  // TF2_ARCH_ARCH_H_
