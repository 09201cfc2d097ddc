#include "sched/emit.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "sched/conv_form.h"
#include "sched/pack_tiles.h"
#include "sched/tiles.h"
#include "sched/window_loops.h"

namespace tf2::sched {
namespace {

using program::Descriptor;

class Emitter {
 public:
  Emitter(const qnet::QNet& net, const arch::Arch& arch, const Plan& plan,
          std::span<const std::int64_t> offsets)
      : net_(net), arch_(arch), plan_(plan), offsets_(offsets) {}

  Result<Emitted> Run() {
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
      task_ = static_cast<std::int32_t>(i);
      if (Status status = EmitTask(plan_.tasks[i]); !status.ok()) {
        return Error(status.error()).At(net_.ops[static_cast<std::size_t>(plan_.tasks[i].op)].name);
      }
    }
    out_.layers.back().descriptor.last = true;
    return std::move(out_);
  }

 private:
  std::int64_t AddressOf(const PlanTensor& t) const {
    return offsets_[static_cast<std::size_t>(t.buffer)] + t.offset;
  }

  Status EmitTask(const Task& task) {
    const std::size_t first = out_.layers.size();
    const qnet::Op& op = net_.ops[static_cast<std::size_t>(task.op)];
    if (!task.copy && std::holds_alternative<qnet::MaxPool>(op.params)) {
      EmitMaxPool(task, std::get<qnet::MaxPool>(op.params));
    } else {
      TF2_ASSIGN_OR_RETURN(const ConvForm form, MakeConvForm(net_, plan_, task));
      TF2_RETURN_IF_ERROR(EmitConv(form));
    }
    NameLayers(task, op, first);
    return {};
  }

  void NameLayers(const Task& task, const qnet::Op& op, std::size_t first) {
    const std::size_t count = out_.layers.size() - first;
    std::int64_t macs = task.copy ? 0 : qnet::MacsOf(net_, op);
    const std::int64_t total = macs;
    std::int64_t windows = 0;
    for (std::size_t i = first; i < out_.layers.size(); ++i)
      windows += out_.layers[i].descriptor.Windows();
    for (std::size_t i = 0; i < count; ++i) {
      EmittedLayer& layer = out_.layers[first + i];
      const std::string& name =
          task.copy ? plan_.tensors[static_cast<std::size_t>(task.output)].name : op.name;
      layer.info.name = count == 1 ? name : fmt::format("{}#{}", name, i);
      layer.info.kind = task.copy ? "copy" : qnet::KindName(op);
      layer.info.op = task.op;
      layer.info.copied = task.copy ? task.input : -1;
      layer.info.macs = i + 1 == count ? macs : total / windows * layer.descriptor.Windows();
      macs -= layer.info.macs;
      layer.task = task_;
    }
  }

  void EmitMaxPool(const Task& task, const qnet::MaxPool& pool) {
    const PlanTensor& in = plan_.tensors[static_cast<std::size_t>(task.input)];
    const PlanTensor& out = plan_.tensors[static_cast<std::size_t>(task.output)];
    EmittedLayer layer;
    Descriptor& d = layer.descriptor;
    d.opcode = program::Opcode::kMaxPool;
    WindowLoops loops;
    loops.window = pool.window;
    loops.in_h = in.h;
    loops.in_w = in.w;
    loops.plane_words = in.plane_words;
    loops.tiles = in.planes;
    loops.tile_stride = 1;
    loops.rect = {0, 0, out.h, out.w};
    SetLoops(loops, AddressOf(in), d);
    d.o_base = AddressOf(out);
    out_.layers.push_back(std::move(layer));
  }

  Status EmitConv(const ConvForm& form) {
    for (const TileRun& run : ChooseRuns(form, arch_)) {
      TF2_ASSIGN_OR_RETURN(const TermLoop term_loop, ChooseTermLoop(form, run));
      for (const ConvRegion& region : form.regions) EmitRun(form, run, region, term_loop);
    }
    return {};
  }

  static Result<TermLoop> ChooseTermLoop(const ConvForm& form, const TileRun& run) {
    if (form.terms() == 1) return TermLoop::kNone;
    if (run.planes.count == 1) return TermLoop::kIc;
    if (form.window.kw == 1) return TermLoop::kKx;
    if (form.window.kh == 1) return TermLoop::kKy;
    return Unsupported(
        "two-term weights of a {} x {} kernel over {} input planes need a loop that the engine "
        "lacks",
        form.window.kh, form.window.kw, run.planes.count);
  }

  void EmitRun(const ConvForm& form, const TileRun& run, const ConvRegion& region,
               TermLoop term_loop) {
    EmittedLayer layer;
    Descriptor& d = layer.descriptor;
    const PlanTensor& in = *form.input;
    const PlanTensor& out = *form.output;
    WindowLoops loops;
    loops.window = form.window;
    loops.in_h = in.h;
    loops.in_w = in.w;
    loops.plane_words = in.plane_words;
    loops.planes = run.planes.count;
    loops.tiles = run.tiles;
    loops.tile_stride = run.stride;
    loops.term_loop = term_loop;
    loops.rect = region.rect;
    SetLoops(loops, AddressOf(in) + run.planes.first * in.plane_words, d);
    d.pad_low = d.padding && form.pad_value == qnet::kLowPadding;
    d.relu = form.relu;
    d.wide = out.wide;
    const std::int64_t tile_words = arch_.planes_per_tile() * out.plane_words;
    d.o_base = AddressOf(out) + run.tile * tile_words + std::int64_t{region.rect.y} * out.w +
               region.rect.x;
    d.o_plane = arch_.planes_per_tile() > 1 ? out.plane_words : 0;
    d.o_row = region.rect.h > 1 ? out.w - region.rect.w : 0;
    const std::int64_t written = std::int64_t{region.rect.h - 1} * out.w + region.rect.w;
    d.o_tile = run.tiles > 1 ? tile_words - written : 0;
    d.o_hi = out.wide ? out.hi_offset : 0;
    if (form.residual != nullptr) {
      d.residual = true;
      d.r_off = AddressOf(*form.residual) - AddressOf(out);
    }
    StoreWeights(PackWeights(form, run, term_loop, arch_), LanePreserving(form), layer);
    const PackedParams params = PackParams(form, run, region, arch_);
    const auto before = static_cast<std::int64_t>(out_.params.size());
    d.p_base = static_cast<std::int64_t>(Share(params.entries, out_.params, param_blocks_));
    layer.param_entries = static_cast<std::int64_t>(out_.params.size()) - before;
    layer.acc_bits = params.acc_bits;
    out_.layers.push_back(std::move(layer));
  }

  // `same_blocks`: all blocks of n_ic words are the same, so that one serves.
  void StoreWeights(std::vector<std::uint8_t> words, bool same_blocks, EmittedLayer& layer) {
    Descriptor& d = layer.descriptor;
    const auto word_bytes = static_cast<std::size_t>(arch_.weight_word_bits() / 8);
    const std::size_t block = static_cast<std::size_t>(d.count[program::kIc]) * word_bytes;
    if (same_blocks && arch_.has_repeat && words.size() > block) {
      d.repeat = true;
      words.resize(block);
    }
    const std::size_t before = out_.weights.size();
    d.w_base = static_cast<std::int64_t>(Share(words, out_.weights, weight_blocks_) / word_bytes);
    layer.weight_words = static_cast<std::int64_t>((out_.weights.size() - before) / word_bytes);
  }

  // Where blocks of a memory begin, by their hash.
  using Blocks = std::multimap<std::uint64_t, std::size_t>;

  // Appends a block, or finds the same one: its index in `memory`.
  template <typename T>
  static std::size_t Share(const std::vector<T>& block, std::vector<T>& memory, Blocks& blocks) {
    const std::uint64_t hash = Hash64(std::span<const std::uint8_t>(
        reinterpret_cast<const std::uint8_t*>(block.data()), block.size() * sizeof(T)));
    const auto [begin, end] = blocks.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
      if (it->second + block.size() <= memory.size() &&
          std::equal(block.begin(), block.end(),
                     memory.begin() + static_cast<std::ptrdiff_t>(it->second))) {
        return it->second;
      }
    }
    const std::size_t at = memory.size();
    blocks.emplace(hash, at);
    memory.insert(memory.end(), block.begin(), block.end());
    return at;
  }

  const qnet::QNet& net_;
  const arch::Arch& arch_;
  const Plan& plan_;
  std::span<const std::int64_t> offsets_;
  std::int32_t task_ = 0;
  Emitted out_;
  Blocks weight_blocks_;
  Blocks param_blocks_;
};

}  // namespace

Result<Emitted> Emit(const qnet::QNet& net, const arch::Arch& arch, const Plan& plan,
                     std::span<const std::int64_t> offsets) {
  return Emitter(net, arch, plan, offsets).Run();
}

}  // namespace tf2::sched
