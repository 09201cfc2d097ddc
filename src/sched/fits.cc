#include "sched/fits.h"

#include <algorithm>

#include "program/descriptor.h"

namespace tf2::sched {
namespace {

using program::Program;

Error Lacks(const std::string& layer, const char* what, const arch::Arch& arch) {
  return Unsupported("the layer needs {}, which configuration {} leaves out", what, arch.name)
      .At(layer);
}

// What a memory that grows from layer to layer cannot hold, at the layer that is the first to
// exceed it.
Status CheckGrowing(const Emitted& emitted, std::int64_t EmittedLayer::*added, std::int64_t total,
                    std::int64_t has, const char* what, const arch::Arch& arch) {
  if (total <= has) return {};
  std::int64_t sum = 0;
  for (const EmittedLayer& layer : emitted.layers) {
    sum += layer.*added;
    if (sum > has) {
      return ResourceExhausted(
                 "the network needs {} {}, {} of them for this layer and {} up to it; "
                 "configuration {} has {}",
                 total, what, layer.*added, sum, arch.name, has)
          .At(layer.info.name);
    }
  }
  return {};
}

Status CheckLayers(const Emitted& emitted, const arch::Arch& arch) {
  for (const EmittedLayer& layer : emitted.layers) {
    const program::Descriptor& d = layer.descriptor;
    const std::string& name = layer.info.name;
    if (layer.acc_bits > arch.acc_bits) {
      return ResourceExhausted(
                 "the sums of its codes need {} accumulator bits, configuration {} has {}",
                 layer.acc_bits, arch.name, arch.acc_bits)
          .At(name);
    }
    const struct {
      const char* what;
      std::int32_t need, has;
    } widths[] = {{"bits of a loop counter", program::CountBitsNeeded(d), arch.count_bits},
                  {"bits of a coordinate", program::CoordBitsNeeded(d), arch.coord_bits}};
    for (const auto& w : widths) {
      if (w.need > w.has) {
        return ResourceExhausted("the layer needs {} {}, configuration {} has {}", w.need, w.what,
                                 arch.name, w.has)
            .At(name);
      }
    }
    if (d.padding && !arch.has_padding) return Lacks(name, "HasPadding", arch);
    if (d.residual && !arch.has_residual) return Lacks(name, "HasResidual", arch);
    if (d.opcode == program::Opcode::kMaxPool && !arch.has_max_pool)
      return Lacks(name, "HasMaxPool", arch);
    if (d.wide && !arch.has_wide) return Lacks(name, "HasWide", arch);
    if (d.NeedsRegions(arch.planes_per_tile()) && !arch.has_regions)
      return Lacks(name, "HasRegions", arch);
  }
  return {};
}

}  // namespace

Status CheckFits(const Program& program, const Plan& plan, const Allocation& allocation,
                 const Emitted& emitted, const arch::Arch& arch) {
  TF2_RETURN_IF_ERROR(CheckLayers(emitted, arch));
  TF2_RETURN_IF_ERROR(CheckGrowing(emitted, &EmittedLayer::weight_words, program.needs.weight_words,
                                   arch.weight_words, "weight words", arch));
  TF2_RETURN_IF_ERROR(CheckGrowing(emitted, &EmittedLayer::param_entries,
                                   program.needs.param_entries, arch.param_entries,
                                   "parameter entries", arch));
  if (program.needs.program_fields > arch.program_fields) {
    const auto first = static_cast<std::size_t>(arch.program_fields) / program::kFieldsPerLayer;
    return ResourceExhausted(
               "the network needs {} program fields ({} layers), configuration {} has {}",
               program.needs.program_fields, program.layers.size(), arch.name, arch.program_fields)
        .At(program.layers[first].name);
  }
  if (allocation.peak_words > arch.feature_words) {
    const auto last = static_cast<std::int32_t>(plan.tasks.size()) - 1;
    const auto at = static_cast<std::size_t>(std::clamp(allocation.lower_bound_at, 0, last));
    const auto layer =
        std::ranges::find(emitted.layers, static_cast<std::int32_t>(at), &EmittedLayer::task);
    return ResourceExhausted(
               "the network needs {} feature words ({} live at this layer), configuration {} has "
               "{}",
               allocation.peak_words, allocation.lower_bound_words, arch.name, arch.feature_words)
        .At(layer->info.name);
  }
  return arch::CheckNeeds(arch, program.needs);
}

}  // namespace tf2::sched
