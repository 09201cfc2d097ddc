#include "program/descriptor.h"

#include <algorithm>
#include <bit>

namespace tf2::program {
namespace {

// Where a field lies in a Descriptor and how it is stored. ctl is apart.
struct FieldSpec {
  const char* name;
  enum class Kind : std::uint8_t { kUnsigned, kSigned, kCount } kind;
  std::int64_t& (*get)(Descriptor&);
};

using K = FieldSpec::Kind;

template <std::int64_t Descriptor::*M>
std::int64_t& Member(Descriptor& d) {
  return d.*M;
}
template <Loop L>
std::int64_t& Count(Descriptor& d) {
  return d.count[L];
}
template <Loop L>
std::int64_t& Delta(Descriptor& d) {
  return d.delta[L];
}

using D = Descriptor;

// Fields 1..29 in order.
constexpr FieldSpec kSpecs[] = {
    {"f_base", K::kSigned, Member<&D::f_base>},
    {"o_base", K::kUnsigned, Member<&D::o_base>},
    {"w_base", K::kUnsigned, Member<&D::w_base>},
    {"p_base", K::kUnsigned, Member<&D::p_base>},
    {"n_ic", K::kCount, Count<kIc>},
    {"n_kx", K::kCount, Count<kKx>},
    {"n_ky", K::kCount, Count<kKy>},
    {"n_ox", K::kCount, Count<kOx>},
    {"n_oy", K::kCount, Count<kOy>},
    {"n_tile", K::kCount, Count<kTile>},
    {"d_ic", K::kSigned, Delta<kIc>},
    {"d_kx", K::kSigned, Delta<kKx>},
    {"d_ky", K::kSigned, Delta<kKy>},
    {"d_ox", K::kSigned, Delta<kOx>},
    {"d_oy", K::kSigned, Delta<kOy>},
    {"d_tile", K::kSigned, Delta<kTile>},
    {"r_off", K::kSigned, Member<&D::r_off>},
    {"o_row", K::kSigned, Member<&D::o_row>},
    {"o_tile", K::kSigned, Member<&D::o_tile>},
    {"o_hi", K::kUnsigned, Member<&D::o_hi>},
    {"y0", K::kSigned, Member<&D::y0>},
    {"x0", K::kSigned, Member<&D::x0>},
    {"dil_y", K::kUnsigned, Member<&D::dil_y>},
    {"dil_x", K::kUnsigned, Member<&D::dil_x>},
    {"str_y", K::kUnsigned, Member<&D::str_y>},
    {"str_x", K::kUnsigned, Member<&D::str_x>},
    {"in_h", K::kUnsigned, Member<&D::in_h>},
    {"in_w", K::kUnsigned, Member<&D::in_w>},
    {"o_plane", K::kUnsigned, Member<&D::o_plane>},
};
constexpr std::size_t kSpecCount = std::size(kSpecs);
static_assert(kSpecCount == 29);

constexpr std::uint32_t kRelu = 1u << 4, kResidual = 1u << 5, kWide = 1u << 6, kLast = 1u << 7,
                        kPadding = 1u << 8, kRepeat = 1u << 9, kPadLow = 1u << 10;
constexpr std::uint32_t kKnownCtl =
    0xFu | kRelu | kResidual | kWide | kLast | kPadding | kRepeat | kPadLow;

std::uint32_t EncodeCtl(const Descriptor& d) {
  return static_cast<std::uint32_t>(d.opcode) | (d.relu ? kRelu : 0) |
         (d.residual ? kResidual : 0) | (d.wide ? kWide : 0) | (d.last ? kLast : 0) |
         (d.padding ? kPadding : 0) | (d.repeat ? kRepeat : 0) | (d.pad_low ? kPadLow : 0);
}

// A layer has one encoding: the bit of low padding is set where it says something.
Status CheckPadLow(const Descriptor& d) {
  if (!d.pad_low) return {};
  if (d.opcode != Opcode::kConv) return DataLoss("low padding of a layer that is no convolution");
  if (!d.padding) return DataLoss("low padding of a layer without padding");
  return {};
}

// Range of the value as the descriptor states it.
struct Range {
  std::int64_t low, high;
};

Range RangeOf(FieldSpec::Kind kind, std::int32_t bits) {
  const std::int64_t span = std::int64_t{1} << bits;
  switch (kind) {
    case K::kUnsigned:
      return {0, span - 1};
    case K::kSigned:
      return {-span / 2, span / 2 - 1};
    case K::kCount:
      return {1, span};
  }
  return {0, 0};
}

}  // namespace

std::int64_t Descriptor::WeightWords() const {
  if (opcode == Opcode::kMaxPool) return 0;
  return repeat ? count[kIc] : StepsPerWindow() * count[kTile];
}

bool Descriptor::NeedsRegions(std::int32_t planes_per_tile) const {
  return planes_per_tile == 1 && (o_row != 0 || o_tile != 0);
}

const char* FieldName(std::size_t index) {
  if (index == 0) return "ctl";
  return index <= kSpecCount ? kSpecs[index - 1].name : nullptr;
}

std::int64_t& FieldRef(Descriptor& d, std::size_t index) {
  TF2_CHECK(index >= 1 && index <= kSpecCount);
  return kSpecs[index - 1].get(d);
}

Result<Fields> Encode(const Descriptor& d, std::int32_t field_bits) {
  TF2_RETURN_IF_ERROR(CheckPadLow(d));
  Fields fields{};
  const std::uint32_t mask = static_cast<std::uint32_t>((std::uint64_t{1} << field_bits) - 1);
  fields[0] = EncodeCtl(d);
  Descriptor copy = d;
  for (std::size_t i = 0; i < kSpecCount; ++i) {
    const FieldSpec& spec = kSpecs[i];
    const std::int64_t value = spec.get(copy);
    const Range range = RangeOf(spec.kind, field_bits);
    if (value < range.low || value > range.high) {
      return ResourceExhausted("field {} is {}, a field of {} bits holds {} to {}", spec.name,
                               value, field_bits, range.low, range.high);
    }
    fields[i + 1] = static_cast<std::uint32_t>(spec.kind == K::kCount ? value - 1 : value) & mask;
  }
  return fields;
}

Result<Descriptor> Decode(std::span<const std::uint32_t, kFieldsPerLayer> fields,
                          std::int32_t field_bits) {
  const std::uint64_t span = std::uint64_t{1} << field_bits;
  for (std::size_t i = 0; i < kFieldsPerLayer; ++i) {
    if (fields[i] >= span) {
      return DataLoss("field {} is {:#x}, wider than {} bits", i, fields[i], field_bits);
    }
  }
  Descriptor d;
  const std::uint32_t ctl = fields[0];
  if ((ctl & 0xF) > 1) return DataLoss("unknown opcode {}", ctl & 0xF);
  if ((ctl & ~kKnownCtl) != 0) return DataLoss("unknown bits in ctl: {:#x}", ctl & ~kKnownCtl);
  if (fields[30] != 0 || fields[31] != 0) return DataLoss("reserved fields are not zero");
  d.opcode = static_cast<Opcode>(ctl & 0xF);
  d.relu = (ctl & kRelu) != 0;
  d.residual = (ctl & kResidual) != 0;
  d.wide = (ctl & kWide) != 0;
  d.last = (ctl & kLast) != 0;
  d.padding = (ctl & kPadding) != 0;
  d.repeat = (ctl & kRepeat) != 0;
  d.pad_low = (ctl & kPadLow) != 0;
  TF2_RETURN_IF_ERROR(CheckPadLow(d));
  for (std::size_t i = 0; i < kSpecCount; ++i) {
    const FieldSpec& spec = kSpecs[i];
    auto value = static_cast<std::int64_t>(fields[i + 1]);
    if (spec.kind == K::kCount) ++value;
    if (spec.kind == K::kSigned && value >= static_cast<std::int64_t>(span / 2)) {
      value -= static_cast<std::int64_t>(span);
    }
    spec.get(d) = value;
  }
  return d;
}

Status CheckExtent(const Descriptor& d) {
  constexpr std::int64_t kMaxSteps = std::int64_t{1} << 40;
  constexpr std::int64_t kMaxWindow = std::int64_t{1} << 24;
  std::int64_t steps = 1;
  for (std::size_t loop = 0; loop < kLoops; ++loop) {
    const std::int64_t most = loop <= kKy ? kMaxWindow : kMaxSteps;
    if (d.count[loop] > most / steps) return DataLoss("loops of more than {} steps", most);
    steps *= d.count[loop];
  }
  // Counts and steps are below 2^33: a product is compared before it is formed.
  const auto reaches = [](std::int64_t count, std::int64_t step) {
    return step != 0 && count > kMaxSteps / step;
  };
  if (reaches(d.count[kOy], d.str_y) || reaches(d.count[kOx], d.str_x) ||
      reaches(d.count[kKy], d.dil_y) || reaches(d.count[kKx], d.dil_x)) {
    return DataLoss("coordinates beyond {}", kMaxSteps);
  }
  return {};
}

std::int32_t FieldBitsNeeded(const Descriptor& d) {
  Descriptor copy = d;
  for (std::int32_t bits = 11; bits < 32; ++bits) {  // ctl has 11 bits
    bool fits = true;
    for (const FieldSpec& spec : kSpecs) {
      const std::int64_t value = spec.get(copy);
      const Range range = RangeOf(spec.kind, bits);
      fits = fits && value >= range.low && value <= range.high;
    }
    if (fits) return bits;
  }
  return 32;
}

std::int32_t CountBitsNeeded(const Descriptor& d) {
  std::int32_t bits = 1;
  for (const std::int64_t count : d.count) {
    bits = std::max(
        bits, static_cast<std::int32_t>(std::bit_width(static_cast<std::uint64_t>(count - 1))));
  }
  return bits;
}

std::int32_t CoordBitsNeeded(const Descriptor& d) {
  if (!d.padding) return 0;
  std::int64_t low = 0;
  std::int64_t high = 0;
  const auto cover = [&](std::int64_t value) {
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const std::int64_t value : {d.y0, d.x0, d.in_h, d.in_w, d.dil_y, d.dil_x, d.str_y, d.str_x})
    cover(value);
  cover(d.y0 + (d.count[kOy] - 1) * d.str_y + (d.count[kKy] - 1) * d.dil_y);
  cover(d.x0 + (d.count[kOx] - 1) * d.str_x + (d.count[kKx] - 1) * d.dil_x);
  const auto magnitude = static_cast<std::uint64_t>(std::max(high, -low - 1));
  return static_cast<std::int32_t>(std::bit_width(magnitude)) + 1;
}

}  // namespace tf2::program
