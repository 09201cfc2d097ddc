#include "program/program.h"

#include <algorithm>

namespace tf2::program {
namespace {

void Append(std::vector<WordRange>& ranges, WordRange next) {
  if (next.count == 0) return;
  if (!ranges.empty() && ranges.back().begin + ranges.back().count == next.begin) {
    ranges.back().count += next.count;
  } else {
    ranges.push_back(next);
  }
}

}  // namespace

std::span<const std::uint32_t, kFieldsPerLayer> Program::layer_fields(std::size_t layer) const {
  TF2_CHECK((layer + 1) * kFieldsPerLayer <= fields.size());
  return std::span<const std::uint32_t, kFieldsPerLayer>(fields.data() + layer * kFieldsPerLayer,
                                                         kFieldsPerLayer);
}

Status CheckRunnable(const Program& program, const arch::Arch& arch) {
  if (program.n != arch.n || program.c != arch.c || program.p != arch.p ||
      program.field_bits != arch.field_bits || program.beat_bits != arch.beat_bits) {
    return WithHint(
        InvalidArgument("the program was compiled for {} x {} x {} lanes, {}-bit fields and {}-bit "
                        "beats, configuration "
                        "{} has {} x {} x {}, {} and {}",
                        program.n, program.c, program.p, program.field_bits, program.beat_bits,
                        arch.name, arch.n, arch.c, arch.p, arch.field_bits, arch.beat_bits),
        "compile the network again for this configuration");
  }
  return arch::CheckNeeds(arch, program.needs);
}

Result<std::vector<Descriptor>> DecodeAll(const Program& program) {
  std::vector<Descriptor> descriptors;
  for (std::size_t i = 0; i < program.layer_count(); ++i) {
    auto d = Decode(program.layer_fields(i), program.field_bits);
    if (!d.ok()) return std::move(d.error()).At(program.layers[i].name);
    if (Status status = CheckExtent(*d); !status.ok())
      return Error(status.error()).At(program.layers[i].name);
    descriptors.push_back(*d);
  }
  return descriptors;
}

WordRange InputRange(const Program& program) {
  const Place& place = program.input.place;
  return {place.base, place.planes * place.plane_words};
}

std::vector<WordRange> ReadRanges(const Place& place) {
  const std::int64_t words = place.planes * place.plane_words;
  std::vector<WordRange> ranges;
  Append(ranges, {place.base, words});
  if (place.wide) Append(ranges, {place.base + place.hi_offset, words});
  return ranges;
}

std::vector<WordRange> OutputRanges(const Program& program) {
  std::vector<WordRange> ranges;
  for (const OutputPlace& output : program.outputs) {
    const std::vector<WordRange> own = ReadRanges(output.place);
    ranges.insert(ranges.end(), own.begin(), own.end());
  }
  return ranges;
}

}  // namespace tf2::program
