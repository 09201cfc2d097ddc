#include "arch/arch.h"

#include <bit>

#include "base/hash.h"

namespace tf2::arch {
namespace {

bool OneOf(std::int64_t value, std::initializer_list<std::int64_t> allowed) {
  for (const std::int64_t a : allowed) {
    if (value == a) return true;
  }
  return false;
}

Status CheckLanes(const Arch& a) {
  if (!OneOf(a.c, {4, 8, 16, 32})) {
    return InvalidArgument("C is {}: it must be 4, 8, 16 or 32", a.c);
  }
  if (!OneOf(a.n, {a.c, 2 * a.c, 4 * a.c, 8 * a.c}) || a.n > 64) {
    return InvalidArgument("N is {}: it must be 1, 2, 4 or 8 times C ({}) and at most 64", a.n,
                           a.c);
  }
  if (a.p != 1) return InvalidArgument("P is {}: this engine computes 1 output pixel at once", a.p);
  if (!OneOf(a.requant_units, {1, 2, 4, 8, 16, 32, 64}) || a.requant_units > a.n) {
    return InvalidArgument("R is {}: it must be a power of two up to N ({})", a.requant_units, a.n);
  }
  if (a.n > a.c && !a.has_regions) {
    return InvalidArgument("HasRegions is false: N ({}) larger than C ({}) needs it", a.n, a.c);
  }
  return {};
}

Status CheckWidths(const Arch& a) {
  const int least = 13 + std::bit_width(static_cast<std::uint32_t>(a.c));  // one step's sum
  if (a.acc_bits < least || a.acc_bits > 32) {
    return InvalidArgument("AccBits is {}: it must be {} to 32", a.acc_bits, least);
  }
  if (!OneOf(a.beat_bits, {16, 32, 64})) {
    return InvalidArgument("BeatBits is {}: it must be 16, 32 or 64", a.beat_bits);
  }
  if (a.feature_word_bits() % a.beat_bits != 0 || a.weight_word_bits() % a.beat_bits != 0) {
    return InvalidArgument(
        "BeatBits is {}: it must divide a feature word ({} bits) and a weight word ({} bits)",
        a.beat_bits, a.feature_word_bits(), a.weight_word_bits());
  }
  if (!OneOf(a.port_bits, {1, 8, 16, 32, 64}) || a.beat_bits % a.port_bits != 0) {
    return InvalidArgument("PortBits is {}: it must be 1, 8, 16, 32 or 64 and divide BeatBits ({})",
                           a.port_bits, a.beat_bits);
  }
  if (a.field_bits < 16 || a.field_bits > 32 || a.field_bits > a.beat_bits) {
    return InvalidArgument("FieldBits is {}: it must be 16 to 32 and at most BeatBits ({})",
                           a.field_bits, a.beat_bits);
  }
  if (a.count_bits < 2 || a.count_bits > a.field_bits) {
    return InvalidArgument("CountBits is {}: it must be 2 to FieldBits ({})", a.count_bits,
                           a.field_bits);
  }
  if (a.coord_bits < 4 || a.coord_bits > a.field_bits) {
    return InvalidArgument("CoordBits is {}: it must be 4 to FieldBits ({})", a.coord_bits,
                           a.field_bits);
  }
  return {};
}

Status CheckMemory(const char* name, std::int64_t words, std::int64_t bits, std::int64_t multiple,
                   const Arch& a) {
  const std::int64_t most = kMaxBeats / (bits / a.beat_bits);
  if (words < 2 * multiple || words > most || words % multiple != 0) {
    return InvalidArgument(
        "{} is {}: it must be a multiple of {} from {} to {} (the host port addresses 2^24 beats)",
        name, words, multiple, 2 * multiple, most);
  }
  return {};
}

}  // namespace

Status Check(const Arch& a) {
  TF2_RETURN_IF_ERROR(CheckLanes(a));
  TF2_RETURN_IF_ERROR(CheckWidths(a));
  TF2_RETURN_IF_ERROR(CheckMemory("FeatureWords", a.feature_words, a.feature_word_bits(), 1, a));
  TF2_RETURN_IF_ERROR(CheckMemory("WeightWords", a.weight_words, a.weight_word_bits(), 1, a));
  TF2_RETURN_IF_ERROR(CheckMemory("ParamEntries", a.param_entries, 64, a.n, a));
  TF2_RETURN_IF_ERROR(CheckMemory("ProgramFields", a.program_fields, a.beat_bits, 32, a));
  if (const std::int64_t reach = std::int64_t{1} << (a.field_bits - 1); a.feature_words > reach) {
    return InvalidArgument("FeatureWords is {}: signed pointers of FieldBits ({}) reach {} words",
                           a.feature_words, a.field_bits, reach);
  }
  return {};
}

Status CheckNeeds(const Arch& a, const Needs& n) {
  const struct {
    const char* what;
    std::int64_t need, has;
  } sizes[] = {
      {"feature words", n.feature_words, a.feature_words},
      {"weight words", n.weight_words, a.weight_words},
      {"parameter entries", n.param_entries, a.param_entries},
      {"program fields", n.program_fields, a.program_fields},
      {"accumulator bits", n.acc_bits, a.acc_bits},
      {"bits of a descriptor field", n.field_bits, a.field_bits},
      {"bits of a loop counter", n.count_bits, a.count_bits},
      {"bits of a coordinate", n.coord_bits, a.coord_bits},
  };
  for (const auto& s : sizes) {
    if (s.need > s.has) {
      return ResourceExhausted("the program needs {} {}, configuration {} has {}", s.need, s.what,
                               a.name, s.has);
    }
  }
  const struct {
    const char* what;
    bool need, has;
  } units[] = {
      {"HasPadding", n.padding, a.has_padding},   {"HasResidual", n.residual, a.has_residual},
      {"HasMaxPool", n.max_pool, a.has_max_pool}, {"HasWide", n.wide, a.has_wide},
      {"HasRegions", n.regions, a.has_regions},   {"HasRepeat", n.repeat, a.has_repeat},
  };
  for (const auto& u : units) {
    if (u.need && !u.has) {
      return Unsupported("the program needs {}, which configuration {} leaves out", u.what, a.name);
    }
  }
  return {};
}

std::uint64_t Fingerprint(const Arch& a) {
  return Hasher()
      .Add("tf2 program geometry")
      .Add(std::int64_t{a.n})
      .Add(std::int64_t{a.c})
      .Add(std::int64_t{a.p})
      .Add(std::int64_t{a.field_bits})
      .Add(std::int64_t{a.beat_bits})
      .Digest();
}

}  // namespace tf2::arch
