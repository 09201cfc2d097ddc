#include "arch/defaults.h"

#include <algorithm>
#include <bit>

namespace tf2::arch {
namespace {

constexpr std::int64_t kLayerFields = 32;

std::int64_t PowerOfTwo(std::int64_t need, std::int64_t least) {
  return static_cast<std::int64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(std::max(need, least))));
}

std::int64_t CeilDiv(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Block RAMs of a memory: blocks are 16 bits wide at full depth.
std::int64_t Blocks(const Device& device, std::int64_t width_bits, std::int64_t words) {
  constexpr std::int64_t kBlockWidth = 16;
  return CeilDiv(width_bits, kBlockWidth) * CeilDiv(words, device.ebr_bits / kBlockWidth);
}

// Bits of a parameter entry that the hardware keeps.
std::int64_t ParamBits(const Arch& a) { return a.acc_bits + 15 + 6 + (a.has_residual ? 6 : 0); }

// Words of the feature memory in SPRAM.
std::int64_t SpramWords(const Device& device, const Arch& a) {
  return device.spram * device.spram_bits / a.feature_word_bits();
}

}  // namespace

Arch UnlimitedArch(std::int32_t n, std::int32_t c) {
  Arch a;
  a.name = fmt::format("unlimited-{}x{}x1", n, c);
  a.n = n;
  a.c = c;
  a.requant_units = n;
  a.beat_bits = static_cast<std::int32_t>(
      std::min<std::int64_t>({64, a.feature_word_bits(), a.weight_word_bits()}));
  a.port_bits = a.beat_bits;
  a.field_bits = std::min(32, a.beat_bits);
  a.count_bits = a.field_bits;
  a.coord_bits = a.field_bits;
  a.feature_words = kMaxBeats / (a.feature_word_bits() / a.beat_bits);
  a.weight_words = kMaxBeats / (a.weight_word_bits() / a.beat_bits);
  a.param_entries = kMaxBeats / (64 / a.beat_bits);
  a.program_fields = kMaxBeats;
  return a;
}

Arch SizedArch(Arch base, const Needs& needs) {
  base.feature_words = PowerOfTwo(needs.feature_words, 64);
  base.weight_words = PowerOfTwo(needs.weight_words, 64);
  base.param_entries = PowerOfTwo(needs.param_entries, std::max(64, 2 * base.n));
  base.program_fields = PowerOfTwo(needs.program_fields, 2 * kLayerFields);
  return base;
}

Arch DefaultSimArch(const Needs& needs) { return SizedArch(Arch{}, needs); }

std::int64_t BlockRams(const Device& device, const Arch& a) {
  std::int64_t blocks = Blocks(device, a.weight_word_bits(), a.weight_words) +
                        Blocks(device, ParamBits(a), a.param_entries) +
                        Blocks(device, a.field_bits, a.program_fields);
  if (device.spram == 0) blocks += Blocks(device, a.feature_word_bits(), a.feature_words);
  return blocks;
}

Result<Arch> DeviceLimits(const Device& device) {
  Arch a;
  a.name = device.name + "-8x8x1";
  a.device = device.name;
  a.acc_bits = 24;
  a.field_bits = 16;
  a.beat_bits = 16;
  a.port_bits = 1;
  a.requant_units = 1;
  a.weight_words = 256;
  a.param_entries = 256;
  a.program_fields = 1024;
  a.dual_port = device.spram == 0;
  a.feature_words = device.spram > 0 ? SpramWords(device, a) : 512;
  if (device.logic_cells < 5000 || device.ebr < 30) {
    return Unsupported(
        "device {} is too small for the 8 x 8 x 1 engine ({} logic cells, {} block RAMs)",
        device.name, device.logic_cells, device.ebr);
  }
  TF2_RETURN_IF_ERROR(Check(a));
  return a;
}

Result<Arch> DeviceArch(const Device& device, const Needs& needs) {
  TF2_ASSIGN_OR_RETURN(Arch a, DeviceLimits(device));
  TF2_RETURN_IF_ERROR(CheckNeeds(a, needs));
  a.count_bits = std::max(needs.count_bits, 2);
  a.coord_bits = std::max(needs.coord_bits, 4);
  a.has_padding = needs.padding;
  a.has_residual = needs.residual;
  a.has_max_pool = needs.max_pool;
  a.has_wide = needs.wide;
  a.has_regions = needs.regions || a.n > a.c;
  a.has_repeat = needs.repeat;
  a.program_fields = PowerOfTwo(needs.program_fields, 256);
  if (const std::int64_t blocks = BlockRams(device, a); blocks > device.ebr) {
    return ResourceExhausted(
        "the network needs {} feature words, {} program fields{}: {} block RAMs, device {} has {}",
        needs.feature_words, needs.program_fields, a.has_residual ? " and residual parameters" : "",
        blocks, device.name, device.ebr);
  }
  return a;
}

}  // namespace tf2::arch
