#include "sched/build_program.h"

#include <algorithm>

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

class Builder {
 public:
  Builder(const qnet::QNet& net, const arch::Arch& arch, const Plan& plan,
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
    program_.slot_words = allocation_.slot_words;
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
    program_.input.place = places[qnet::Index(net_.inputs[0])];
    for (Place& place : places) {
      if (place.tensor != static_cast<std::int32_t>(net_.inputs[0]))
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
    const qnet::Tensor& tensor = net_.tensor(net_.inputs[0]);
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

}  // namespace

Result<Program> BuildProgram(const qnet::QNet& net, const arch::Arch& arch, const Plan& plan,
                             const Allocation& allocation, const Emitted& emitted) {
  return Builder(net, arch, plan, allocation, emitted).Run();
}

}  // namespace tf2::sched
