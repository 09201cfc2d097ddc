#include "sched/compile.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "arch/defaults.h"
#include "cost/cost.h"
#include "sched/allocate.h"
#include "sched/emit.h"
#include "sched/plan.h"
#include "sched/verify.h"

namespace tf2::sched {
namespace {

using program::Place;
using program::Program;

Place PlaceOf(const Plan& plan, std::int32_t id, const std::vector<std::int64_t>& offsets) {
  const PlanTensor& t = plan.tensors[static_cast<std::size_t>(id)];
  Place place;
  place.tensor = id;
  place.name = t.name;
  place.c = t.c;
  place.h = t.h;
  place.w = t.w;
  place.base = offsets[static_cast<std::size_t>(t.buffer)] + t.offset;
  place.plane_words = t.plane_words;
  place.planes = t.planes;
  place.lanes = t.lanes;
  place.wide = t.wide;
  place.hi_offset = t.wide ? t.hi_offset : 0;
  return place;
}

// Words that a task's output takes, rounded planes included.
std::vector<program::WordRange> WordsOf(const Plan& plan, std::int32_t id,
                                        const std::vector<std::int64_t>& offsets) {
  const PlanTensor& t = plan.tensors[static_cast<std::size_t>(id)];
  const std::int64_t base = offsets[static_cast<std::size_t>(t.buffer)] + t.offset;
  const std::int64_t words = plan.tensors[static_cast<std::size_t>(t.storage)].region_words;
  if (!t.wide) return {{base, words}};
  return {{base, words}, {base + t.hi_offset, words}};
}

bool Overlap(const program::WordRange& a, const program::WordRange& b) {
  return a.begin < b.begin + b.count && b.begin < a.begin + a.count;
}

// Turns tasks into layer indices: the last layer of each task.
std::vector<std::int32_t> LastLayers(const Emitted& emitted, std::size_t tasks) {
  std::vector<std::int32_t> last(tasks, -1);
  for (std::size_t i = 0; i < emitted.layers.size(); ++i) {
    last[static_cast<std::size_t>(emitted.layers[i].task)] = static_cast<std::int32_t>(i);
  }
  return last;
}

class Assembler {
 public:
  Assembler(const qnet::QNet& net, const arch::Arch& arch, const Plan& plan,
            const Allocation& allocation, const Emitted& emitted)
      : net_(net),
        arch_(arch),
        plan_(plan),
        allocation_(allocation),
        emitted_(emitted),
        last_layers_(LastLayers(emitted, plan.tasks.size())) {}

  Result<Program> Run() {
    program_.name = net_.name;
    program_.n = arch_.n;
    program_.c = arch_.c;
    program_.p = arch_.p;
    program_.field_bits = arch_.field_bits;
    program_.beat_bits = arch_.beat_bits;
    program_.weights = emitted_.weights;
    program_.params = emitted_.params;
    program_.peak_words = allocation_.peak_words;
    program_.lower_bound_words = allocation_.lower_bound_words;
    program_.macs = net_.macs;
    TF2_RETURN_IF_ERROR(EncodeLayers());
    FillNeeds();
    FillPlaces();
    FillInput();
    return std::move(program_);
  }

 private:
  Status EncodeLayers() {
    for (const EmittedLayer& layer : emitted_.layers) {
      auto fields = program::Encode(layer.descriptor, arch_.field_bits);
      if (!fields.ok()) return std::move(fields.error()).At(layer.info.name);
      program_.fields.insert(program_.fields.end(), fields->begin(), fields->end());
      program_.layers.push_back(layer.info);
    }
    return {};
  }

  void FillNeeds() {
    arch::Needs& needs = program_.needs;
    needs.feature_words = allocation_.peak_words;
    needs.weight_words = program_.weight_words();
    needs.param_entries = static_cast<std::int64_t>(program_.params.size());
    needs.program_fields = static_cast<std::int64_t>(program_.fields.size());
    for (const EmittedLayer& layer : emitted_.layers) {
      const program::Descriptor& d = layer.descriptor;
      needs.acc_bits = std::max(needs.acc_bits, layer.acc_bits);
      needs.field_bits = std::max(needs.field_bits, program::FieldBitsNeeded(d));
      needs.count_bits = std::max(needs.count_bits, program::CountBitsNeeded(d));
      needs.coord_bits = std::max(needs.coord_bits, program::CoordBitsNeeded(d));
      needs.padding |= d.padding;
      needs.residual |= d.residual;
      needs.max_pool |= d.opcode == program::Opcode::kMaxPool;
      needs.wide |= d.wide;
      needs.regions |= d.NeedsRegions(arch_.planes_per_tile());
      needs.repeat |= d.repeat;
    }
  }

  void FillPlaces() {
    std::vector<Place> places;
    for (std::size_t i = 0; i < net_.tensors.size(); ++i) {
      const auto id = static_cast<std::int32_t>(i);
      Place place = PlaceOf(plan_, id, allocation_.offsets);
      const std::int32_t task = plan_.tensors[i].written_by;
      place.ready_after = task < 0 ? -1 : last_layers_[static_cast<std::size_t>(task)];
      place.valid_until = ValidUntil(id, task);
      places.push_back(std::move(place));
    }
    for (const qnet::Output& output : net_.outputs) {
      program_.outputs.push_back({output.name, places[qnet::Index(output.tensor)]});
    }
    program_.input.place = places[qnet::Index(net_.input)];
    for (Place& place : places) {
      if (place.tensor != static_cast<std::int32_t>(net_.input))
        program_.places.push_back(std::move(place));
    }
    std::ranges::stable_sort(program_.places, {}, &Place::ready_after);
  }

  // The first layer after `task` that writes into the tensor's words, but for the tensors it is
  // made of.
  std::int32_t ValidUntil(std::int32_t id, std::int32_t task) const {
    const auto own = WordsOf(plan_, id, allocation_.offsets);
    for (std::size_t next = static_cast<std::size_t>(task + 1); next < plan_.tasks.size(); ++next) {
      for (const auto& written : WordsOf(plan_, plan_.tasks[next].output, allocation_.offsets)) {
        for (const auto& words : own) {
          if (Overlap(written, words)) return next == 0 ? 0 : last_layers_[next - 1] + 1;
        }
      }
    }
    return static_cast<std::int32_t>(emitted_.layers.size());
  }

  void FillInput() {
    program::InputLayout& input = program_.input;
    const qnet::Tensor& tensor = net_.tensor(net_.input);
    input.ic = tensor.c();
    input.ih = tensor.h();
    input.iw = tensor.w();
    input.folded = plan_.folded;
    if (!plan_.folded) return;
    const qnet::Window& w = plan_.folded_window;
    input.kh = w.kh;
    input.kw = w.kw;
    input.sh = w.sh;
    input.sw = w.sw;
    input.ph = w.ph;
    input.pw = w.pw;
    input.dh = w.dh;
    input.dw = w.dw;
  }

  const qnet::QNet& net_;
  const arch::Arch& arch_;
  const Plan& plan_;
  const Allocation& allocation_;
  const Emitted& emitted_;
  std::vector<std::int32_t> last_layers_;
  Program program_;
};

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

// One input layout.
Result<Program> CompileOnce(const qnet::QNet& net, const arch::Arch& arch, bool fold,
                            const Options& options) {
  TF2_ASSIGN_OR_RETURN(const Plan plan, MakePlan(net, arch, fold, options.in_place_residual));
  std::vector<Interval> intervals;
  for (const Buffer& b : plan.buffers) intervals.push_back({b.words, b.first_task, b.last_task});
  const Allocation allocation = Allocate(intervals);
  TF2_RETURN_IF_ERROR(CheckAllocation(intervals, allocation));
  TF2_ASSIGN_OR_RETURN(const Emitted emitted, Emit(net, arch, plan, allocation.offsets));
  TF2_ASSIGN_OR_RETURN(Program program, Assembler(net, arch, plan, allocation, emitted).Run());
  TF2_RETURN_IF_ERROR(CheckFits(program, plan, allocation, emitted, arch));
  TF2_RETURN_IF_ERROR(VerifyProgram(program, net, arch));
  return program;
}

// What the program runs on, once its needs are known.
using Finish = std::function<Result<arch::Arch>(const arch::Needs&)>;

// The candidate input layouts, the fastest that fits; the error of the plain one if none does.
Result<Compiled> CompileBest(const qnet::QNet& net, const arch::Arch& arch, const Options& options,
                             const Finish& finish) {
  TF2_RETURN_IF_ERROR(arch::Check(arch));
  const bool can_fold = CanFold(net);
  if (options.folding == Folding::kAlways && !can_fold) {
    return Unsupported(
        "the input cannot be folded: one convolution without groups must be its only reader");
  }
  std::optional<Compiled> best;
  std::optional<Error> error;
  std::int64_t best_cycles = 0;
  for (const bool fold : {false, true}) {
    if (fold ? !can_fold || options.folding == Folding::kNever
             : options.folding == Folding::kAlways)
      continue;
    const auto attempt = [&]() -> Result<Compiled> {
      TF2_ASSIGN_OR_RETURN(Program program, CompileOnce(net, arch, fold, options));
      TF2_ASSIGN_OR_RETURN(arch::Arch final_arch, finish(program.needs));
      return Compiled{std::move(program), std::move(final_arch)};
    };
    auto candidate = attempt();
    if (!candidate.ok()) {
      if (!error) error = std::move(candidate.error());
      continue;
    }
    TF2_ASSIGN_OR_RETURN(const cost::FrameCost cost,
                         cost::PredictFrame(candidate->program, candidate->arch));
    if (!best || cost.frame_cycles < best_cycles) {
      best_cycles = cost.frame_cycles;
      best = std::move(*candidate);
    }
  }
  if (!best) return std::move(*error);
  return std::move(*best);
}

}  // namespace

Result<Program> Compile(const qnet::QNet& net, const arch::Arch& arch, const Options& options) {
  TF2_ASSIGN_OR_RETURN(Compiled compiled,
                       CompileBest(net, arch, options,
                                   [&](const arch::Needs&) -> Result<arch::Arch> { return arch; }));
  return std::move(compiled.program);
}

Result<Compiled> CompileSized(const qnet::QNet& net, const arch::Arch& base,
                              const Options& options) {
  arch::Arch unlimited = base;
  const arch::Arch most = arch::UnlimitedArch(base.n, base.c);
  // Shares of UnlimitedArch are for its own beats; narrower beats address less.
  const std::int64_t ratio = most.beat_bits / std::max(1, std::min(base.beat_bits, most.beat_bits));
  unlimited.feature_words = std::min(most.feature_words / ratio,
                                     std::int64_t{1} << (std::clamp(base.field_bits, 1, 32) - 1));
  unlimited.weight_words = most.weight_words / ratio;
  unlimited.param_entries = most.param_entries / ratio;
  unlimited.program_fields = most.program_fields;
  return CompileBest(net, unlimited, options, [&](const arch::Needs& needs) -> Result<arch::Arch> {
    arch::Arch sized = arch::SizedArch(base, needs);
    TF2_RETURN_IF_ERROR(arch::Check(sized));
    return sized;
  });
}

Result<Compiled> CompileForDevice(const qnet::QNet& net, const arch::Device& device,
                                  const Options& options) {
  TF2_ASSIGN_OR_RETURN(const arch::Arch limits, arch::DeviceLimits(device));
  return CompileBest(net, limits, options,
                     [&](const arch::Needs& needs) { return arch::DeviceArch(device, needs); });
}

}  // namespace tf2::sched
