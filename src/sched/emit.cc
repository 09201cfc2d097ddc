#include "sched/emit.h"

#include <algorithm>
#include <bit>
#include <map>

#include "base/hash.h"
#include "sched/conv_form.h"
#include "sched/window_loops.h"

namespace tf2::sched {
namespace {

using program::Descriptor;

// Input planes that an output tile reads.
struct PlaneRange {
  std::int64_t first = 0, count = 1;
  bool operator==(const PlaneRange&) const = default;
};

// Consecutive tiles that one descriptor covers.
struct TileRun {
  std::int64_t tile = 0, tiles = 1;
  PlaneRange planes;        // of the first tile
  std::int64_t stride = 0;  // planes
};

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
    for (const TileRun& run : ChooseRuns(form)) {
      TF2_ASSIGN_OR_RETURN(const TermLoop term_loop, ChooseTermLoop(form, run));
      for (const ConvRegion& region : form.regions) EmitRun(form, run, region, term_loop);
    }
    return {};
  }

  std::int64_t TileCount(const ConvForm& form) const {
    return (form.output->planes + arch_.planes_per_tile() - 1) / arch_.planes_per_tile();
  }

  // Channels in the lanes of the output's tiles; -1 for a lane without one.
  std::vector<std::int32_t> ChannelOfLane(const ConvForm& form) const {
    std::vector<std::int32_t> channels(static_cast<std::size_t>(TileCount(form) * arch_.n), -1);
    for (std::size_t i = 0; i < form.output->lanes.size(); ++i) {
      channels[static_cast<std::size_t>(form.output->lanes[i])] = static_cast<std::int32_t>(i);
    }
    return channels;
  }

  // Every code 1 and every channel in the same lane of input and output.
  static bool LanePreserving(const ConvForm& form) {
    return form.conv == nullptr && form.input->lanes == form.output->lanes;
  }

  std::vector<PlaneRange> PlanesOfTiles(const ConvForm& form) const {
    const std::vector<std::int32_t> channels = ChannelOfLane(form);
    std::vector<PlaneRange> ranges;
    for (std::int64_t tile = 0; tile < TileCount(form); ++tile) {
      if (LanePreserving(form)) {
        const std::int64_t first = tile * arch_.planes_per_tile();
        ranges.push_back(
            {first, std::min<std::int64_t>(arch_.planes_per_tile(), form.input->planes - first)});
        continue;
      }
      std::int64_t low = form.input->planes, high = -1;
      for (std::int64_t row = tile * arch_.n; row < (tile + 1) * arch_.n; ++row) {
        const std::int32_t channel = channels[static_cast<std::size_t>(row)];
        if (channel < 0) continue;
        const std::int32_t begin = channel / form.group_outputs * form.group_inputs;
        for (std::int32_t ic = begin; ic < begin + form.group_inputs; ++ic) {
          const std::int64_t plane = form.input->lanes[static_cast<std::size_t>(ic)] / arch_.c;
          low = std::min(low, plane);
          high = std::max(high, plane);
        }
      }
      // A tile of holes reads what the one before it read: its weights are zero.
      ranges.push_back(high >= 0        ? PlaneRange{low, high - low + 1}
                       : ranges.empty() ? PlaneRange{}
                                        : ranges.back());
    }
    return ranges;
  }

  // Greedy: a run goes on while the number of planes and the stride stay the same.
  static std::vector<TileRun> RunsOf(const std::vector<PlaneRange>& ranges) {
    std::vector<TileRun> runs;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const auto tile = static_cast<std::int64_t>(i);
      if (!runs.empty() && runs.back().planes.count == ranges[i].count) {
        TileRun& run = runs.back();
        const std::int64_t stride = ranges[i].first - ranges[i - 1].first;
        if (run.tiles == 1) run.stride = stride;
        if (run.stride == stride) {
          ++run.tiles;
          continue;
        }
      }
      runs.push_back({tile, 1, ranges[i], 0});
    }
    return runs;
  }

  // Each tile reads only its planes, in as many descriptors as that takes, or all tiles read all
  // planes in one: whichever takes fewer cycles.
  std::vector<TileRun> ChooseRuns(const ConvForm& form) const {
    const std::vector<PlaneRange> ranges = PlanesOfTiles(form);
    std::vector<TileRun> runs = RunsOf(ranges);
    if (runs.size() == 1 || LanePreserving(form)) return runs;
    TileRun whole;
    whole.tiles = static_cast<std::int64_t>(ranges.size());
    std::int64_t end = 0;
    whole.planes.first = ranges[0].first;
    for (const PlaneRange& r : ranges) {
      whole.planes.first = std::min(whole.planes.first, r.first);
      end = std::max(end, r.first + r.count);
    }
    whole.planes.count = end - whole.planes.first;
    constexpr std::int64_t kLayerOverhead = 42;
    const std::int64_t steps =
        std::int64_t{form.output->h} * form.output->w * form.window.kh * form.window.kw;
    std::int64_t cycles = 0;
    for (const TileRun& run : runs) cycles += run.tiles * run.planes.count * steps + kLayerOverhead;
    if (whole.tiles * whole.planes.count * steps + kLayerOverhead < cycles) return {whole};
    return runs;
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
    d.relu = form.relu;
    d.wide = out.wide;
    const std::int64_t tile_words = arch_.planes_per_tile() * out.plane_words;
    d.o_base = AddressOf(out) + run.tile * tile_words + std::int64_t{region.rect.y} * out.w +
               region.rect.x;
    d.o_plane = arch_.planes_per_tile() > 1 ? out.plane_words : 0;
    // A single row has no o_row; otherwise the tile's last window adds it, too.
    d.o_row = region.rect.h > 1 ? out.w - region.rect.w : 0;
    const std::int64_t written = std::int64_t{region.rect.h} * (region.rect.w + d.o_row);
    d.o_tile = run.tiles > 1 ? tile_words - written : 0;
    d.o_hi = out.wide ? out.hi_offset : 0;
    if (form.residual != nullptr) {
      d.residual = true;
      d.r_off = AddressOf(*form.residual) - AddressOf(out);
    }
    PackWeights(form, run, term_loop, layer);
    PackParams(form, run, region, layer);
    out_.layers.push_back(std::move(layer));
  }

  // Index of the weight word of a step within its tile.
  static std::int64_t StepIndex(const ConvForm& form, const TileRun& run, TermLoop term_loop,
                                std::int64_t term, std::int64_t ky, std::int64_t kx,
                                std::int64_t plane) {
    const std::int64_t kw = form.window.kw;
    switch (term_loop) {
      case TermLoop::kNone:
        return (ky * kw + kx) * run.planes.count + plane;
      case TermLoop::kIc:
        return (ky * kw + kx) * 2 + term;
      case TermLoop::kKx:
        return (ky * 2 + term) * run.planes.count + plane;
      case TermLoop::kKy:
        return (term * kw + kx) * run.planes.count + plane;
    }
    return 0;
  }

  void PackWeights(const ConvForm& form, const TileRun& run, TermLoop term_loop,
                   EmittedLayer& layer) {
    constexpr std::uint8_t kZeroPair = numerics::kZeroNibble << 4 | numerics::kZeroNibble;
    const std::int64_t steps = layer.descriptor.StepsPerWindow();
    const std::size_t word_bytes =
        static_cast<std::size_t>(arch_.n) * static_cast<std::size_t>(arch_.c) / 2;
    std::vector<std::uint8_t> words(static_cast<std::size_t>(run.tiles * steps) * word_bytes,
                                    kZeroPair);
    const auto set = [&](std::int64_t word, std::int64_t row, std::int64_t lane, int code) {
      const std::int64_t nibble = row * arch_.c + lane;
      std::uint8_t& byte =
          words[static_cast<std::size_t>(word) * word_bytes + static_cast<std::size_t>(nibble / 2)];
      const int shift = static_cast<int>(nibble % 2) * 4;
      const auto value = numerics::SacNibble(code);
      TF2_CHECK(value.has_value());
      byte = static_cast<std::uint8_t>((byte & ~(0xF << shift)) | *value << shift);
    };
    if (LanePreserving(form)) {
      // The identity in every lane, with or without a channel, so that all blocks are the same.
      for (std::int64_t word = 0; word < run.tiles * steps; ++word) {
        const std::int64_t plane = word % run.planes.count;
        for (std::int64_t lane = 0; lane < arch_.c; ++lane)
          set(word, plane * arch_.c + lane, lane, 1);
      }
    } else {
      VisitCodes(
          form, run,
          [&](std::int64_t tile, std::int64_t row, std::int32_t, std::int64_t plane,
              std::int64_t lane, std::int32_t term, std::int32_t ky, std::int32_t kx, int code) {
            if (code == 0) return;
            set(tile * steps + StepIndex(form, run, term_loop, term, ky, kx, plane), row, lane,
                code);
          });
    }
    Descriptor& d = layer.descriptor;
    if (LanePreserving(form) && arch_.has_repeat && run.tiles * steps > run.planes.count) {
      d.repeat = true;
      words.resize(static_cast<std::size_t>(run.planes.count) * word_bytes);
    }
    const auto before = static_cast<std::int64_t>(out_.weights.size() / word_bytes);
    d.w_base = static_cast<std::int64_t>(Share(words, out_.weights, weight_blocks_) / word_bytes);
    layer.weight_words = static_cast<std::int64_t>(out_.weights.size() / word_bytes) - before;
  }

  // Calls visit(tile of the run, row, channel, plane of the window, lane, term, ky, kx, code) for
  // every weight.
  template <typename F>
  void VisitCodes(const ConvForm& form, const TileRun& run, F&& visit) const {
    const std::vector<std::int32_t> channels = ChannelOfLane(form);
    for (std::int64_t tile = 0; tile < run.tiles; ++tile) {
      const std::int64_t first_plane = run.planes.first + tile * run.stride;
      for (std::int64_t row = 0; row < arch_.n; ++row) {
        const std::int32_t channel =
            channels[static_cast<std::size_t>((run.tile + tile) * arch_.n + row)];
        if (channel < 0) continue;
        const std::int32_t begin = channel / form.group_outputs * form.group_inputs;
        for (std::int32_t ic = 0; ic < form.group_inputs; ++ic) {
          const std::int32_t at = form.input->lanes[static_cast<std::size_t>(begin + ic)];
          for (std::int32_t ky = 0; ky < form.window.kh; ++ky) {
            for (std::int32_t kx = 0; kx < form.window.kw; ++kx) {
              for (std::int32_t term = 0; term < form.terms(); ++term) {
                visit(tile, row, channel, at / arch_.c - first_plane, at % arch_.c, term, ky, kx,
                      form.Code(term, channel, ic, ky, kx));
              }
            }
          }
        }
      }
    }
  }

  void PackParams(const ConvForm& form, const TileRun& run, const ConvRegion& region,
                  EmittedLayer& layer) {
    struct Sums {
      std::int64_t negative = 0, magnitude = 0;
    };
    std::vector<Sums> sums(form.output->lanes.size());
    VisitCodes(form, run,
               [&](std::int64_t, std::int64_t, std::int32_t channel, std::int64_t, std::int64_t,
                   std::int32_t, std::int32_t, std::int32_t, int code) {
                 Sums& s = sums[static_cast<std::size_t>(channel)];
                 s.negative += code < 0 ? 1 : 0;
                 s.magnitude += code < 0 ? -code : code;
               });
    const std::vector<std::int32_t> channels = ChannelOfLane(form);
    constexpr std::uint64_t kIdle = std::uint64_t{1} << 48;  // alpha 0, s 1
    std::vector<std::uint64_t> entries(static_cast<std::size_t>(run.tiles * arch_.n), kIdle);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::int32_t channel = channels[static_cast<std::size_t>(run.tile * arch_.n) + i];
      if (channel < 0) continue;
      const RowParams& p = region.rows[static_cast<std::size_t>(channel)];
      const Sums& s = sums[static_cast<std::size_t>(channel)];
      const auto beta = static_cast<std::uint32_t>(p.beta + s.negative);
      entries[i] = std::uint64_t{beta} | static_cast<std::uint64_t>(p.scale.alpha) << 32 |
                   static_cast<std::uint64_t>(p.scale.s) << 48 |
                   static_cast<std::uint64_t>(p.t) << 56;
      const std::int64_t bound = s.magnitude * 128 + (p.beta < 0 ? -p.beta : p.beta);
      layer.acc_bits = std::max(
          layer.acc_bits,
          static_cast<std::int32_t>(std::bit_width(static_cast<std::uint64_t>(bound))) + 1);
    }
    const auto before = static_cast<std::int64_t>(out_.params.size());
    layer.descriptor.p_base = static_cast<std::int64_t>(Share(entries, out_.params, param_blocks_));
    layer.param_entries = static_cast<std::int64_t>(out_.params.size()) - before;
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
