#include "runtime/backends/cpu/network.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "base/interrupt.h"
#include "qnet/interpreter.h"
#include "qnet/move_map.h"
#include "runtime/backends/cpu/layout.h"
#include "runtime/backends/cpu/lrn.h"
#include "runtime/backends/cpu/scratch.h"

namespace tf2::runtime::cpu {
namespace {

constexpr std::int64_t kMaxArena = (std::int64_t{1} << 31) - 1;
// An arena for which operators run early is this many times the one for the network's order, at
// most.
constexpr double kMaxGrowth = 1.5;
// Bytes of lists of what is copied where, of all operators together.
constexpr std::int64_t kMostListed = std::int64_t{256} << 20;

std::int64_t BytesOf(const std::vector<PixelRun>& runs) {
  return std::ssize(runs) * static_cast<std::int64_t>(sizeof(PixelRun));
}
std::int64_t BytesOf(const PixelNorm& norm) {
  return 2 * std::ssize(norm.from) * static_cast<std::int64_t>(sizeof(norm.from[0]));
}
std::int64_t MostRuns(std::int64_t bytes) {
  return bytes / static_cast<std::int64_t>(sizeof(PixelRun));
}

// Whether the kernels of pooling and addition apply the activation themselves.
bool IsFused(qnet::Activation activation) {
  return activation == qnet::Activation::kNone || activation == qnet::Activation::kRelu;
}

bool ReadsBytesOnly(const qnet::QNet& net, const qnet::Op& op) {
  return std::ranges::all_of(
      op.inputs, [&](qnet::TensorId id) { return net.tensor(id).type == qnet::ElemType::kInt8; });
}

// A loop over [0, n) in pieces for so many threads. `cost`: bytes of an item's results, roughly.
template <typename Fn>
ThreadPool::Loop LoopOver(std::int64_t n, std::int64_t cost, int threads, const Fn& fn) {
  constexpr std::int64_t kLeast = 4096;  // bytes of a piece
  constexpr std::int64_t kTogether = 4;  // pieces of a call, which costs as much as a small one
  const std::int64_t pieces = threads == 1 ? 1 : kPiecesPerThread * threads;
  const std::int64_t piece =
      std::max((n + pieces - 1) / pieces, kLeast / std::max<std::int64_t>(cost, 1) + 1);
  return {n, threads == 1 ? n : piece,
          [=](std::int64_t begin, std::int64_t end) {
            fn(Range{begin, end});
          },
          kTogether};
}

int ThreadsOf(const ThreadPool* pool) { return pool == nullptr ? 1 : pool->threads(); }

void RunLoops(const std::vector<ThreadPool::Loop>& loops, ThreadPool* pool) {
  if (ThreadsOf(pool) > 1) {
    pool->ForPieces(loops);
  } else {
    for (const ThreadPool::Loop& loop : loops) loop.fn(0, loop.n);
  }
}

}  // namespace

Network::Network(std::shared_ptr<const qnet::QNet> net, const KernelSet& kernels, Stages stages,
                 MemoryPlan plan)
    : net_(std::move(net)),
      kernels_(&kernels),
      stages_(std::move(stages)),
      plan_(std::move(plan)) {}

Result<Network> Network::Prepare(std::shared_ptr<const qnet::QNet> net, const KernelSet& kernels,
                                 Together together) {
  Stages stages = AsEarlyAsPossible(*net);
  MemoryPlan plan = PlanMemory(*net, stages);
  if (stages.size() < net->ops.size()) {
    // Results of what runs early wait longer for their readers.
    Stages in_order = OneByOne(*net);
    MemoryPlan plan_in_order = PlanMemory(*net, in_order);
    if (plan.arena_bytes > kMaxArena ||
        static_cast<double>(plan.arena_bytes) >
            kMaxGrowth * static_cast<double>(plan_in_order.arena_bytes)) {
      stages = std::move(in_order);
      plan = std::move(plan_in_order);
    }
  }
  if (plan.arena_bytes > kMaxArena) plan = PlanMemory(*net, stages, kSmallBorders);
  Network network(std::move(net), kernels, std::move(stages), std::move(plan));
  if (network.plan_.arena_bytes > kMaxArena) {
    return ResourceExhausted("the features of one frame need {} bytes; the CPU backend has {}",
                             network.plan_.arena_bytes, kMaxArena);
  }
  std::int64_t listable = kMostListed;
  for (const qnet::Op& op : network.net_->ops) {
    network.steps_.push_back(network.Prepare(op, listable));
  }
  network.LinkWeights();
  network.PlanTogether(together);
  for (const Step& step : network.steps_) {
    std::int64_t bytes = 0;
    if (const auto* conv = std::get_if<PreparedConv>(&step);
        conv != nullptr && kernels.conv_scratch)
      bytes = kernels.conv_scratch(conv->step);
    if (const auto* depthwise = std::get_if<PreparedDepthwise>(&step))
      bytes = kernels.depthwise_scratch(depthwise->step);
    network.scratch_bytes_ = std::max(network.scratch_bytes_, bytes);
  }
  return network;
}

Status Network::ReserveScratch(Arena& arena, ThreadPool* pool) const {
  std::atomic<bool> reserved = cpu::ReserveScratch(scratch_bytes_);
  if (pool != nullptr && arena.pool_ != pool) {
    pool->ForRanges(pool->threads(), [&](std::int64_t, std::int64_t, int) {
      if (!cpu::ReserveScratch(scratch_bytes_)) reserved = false;
    });
    if (reserved && !InsideLoop()) arena.pool_ = pool;
  }
  if (reserved) return {};
  return ResourceExhausted("there is no memory for the {} bytes that each thread needs",
                           scratch_bytes_);
}

void Network::LinkWeights() {
  next_conv_.assign(steps_.size(), nullptr);
  const ConvStep* next = nullptr;
  // By index: clang 14 knows no views of this library's.
  for (std::size_t stage = stages_.size(); stage-- > 0;) {
    for (std::size_t i = stages_[stage].size(); i-- > 0;) {
      const std::size_t op = stages_[stage][i];
      const auto* const conv = std::get_if<PreparedConv>(&steps_[op]);
      if (conv == nullptr) continue;
      next_conv_[op] = next;
      next = &conv->step;
    }
  }
  for (std::size_t op = 0; op < steps_.size(); ++op) {
    alone_.push_back(std::holds_alternative<PreparedConv>(steps_[op]) ? PlanConv(op, 1, 1)
                                                                      : nullptr);
  }
}

std::shared_ptr<const Network::ConvPlan> Network::PlanConv(std::size_t op, std::int64_t frames,
                                                           int threads) const {
  const Grid grid(std::get<PreparedConv>(steps_[op]).step, frames, threads, *kernels_);
  return std::make_shared<const ConvPlan>(
      ConvPlan{grid, WeightsInTurn(grid, next_conv_[op], frames, threads, *kernels_)});
}

Network::Step Network::Prepare(const qnet::Op& op, std::int64_t& listable) const {
  const PrepareContext context{*net_, plan_, *kernels_};
  const bool bytes_only = ReadsBytesOnly(*net_, op);
  if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) {
    const bool bordered = BorderOf(*net_, op, plan_.border_times).has_value();
    if (!bytes_only || !bordered) return InterpretedStep{&op};
    if (IsDepthwise(*conv, net_->tensor(op.inputs[0]), net_->tensor(op.output))) {
      return PrepareDepthwise(context, op);
    }
    return PrepareConv(context, op);
  }
  if (std::holds_alternative<qnet::MaxPool>(op.params) && bytes_only) {
    return PrepareMaxPool(context, op);
  }
  if (const auto* pool = std::get_if<qnet::AvgPool>(&op.params);
      pool != nullptr && bytes_only && IsFused(pool->activation)) {
    return PrepareAvgPool(context, op);
  }
  if (const auto* add = std::get_if<qnet::Add>(&op.params);
      add != nullptr && bytes_only && IsFused(add->activation)) {
    return PrepareAdd(context, op);
  }
  if (const auto* binary = std::get_if<qnet::Binary>(&op.params);
      binary != nullptr && bytes_only && IsFused(binary->activation)) {
    if (auto prepared = PrepareBinary(context, op)) return *std::move(prepared);
  }
  if (std::holds_alternative<qnet::Table>(op.params)) return PrepareTable(context, op);
  if (const auto* lrn = std::get_if<qnet::Lrn>(&op.params);
      lrn != nullptr && bytes_only && FitsLrnKernels(*lrn) &&
      net_->tensor(op.output).type == qnet::ElemType::kInt8) {
    return PrepareLrn(context, op);
  }
  if (std::holds_alternative<qnet::Concat>(op.params)) return PrepareConcat(op, listable);
  if (std::holds_alternative<qnet::Reshape>(op.params)) return PrepareReshape(op, listable);
  if (const auto* move = std::get_if<qnet::Move>(&op.params))
    return PrepareMove(op, *move, listable);
  if (const auto* dilate = std::get_if<qnet::Dilate>(&op.params)) return PrepareDilate(op, *dilate);
  if (auto norm = PixelNormOf(context, op, listable)) {
    listable -= BytesOf(*norm);
    return *std::move(norm);
  }
  return InterpretedStep{&op};
}

Network::Step Network::PrepareConcat(const qnet::Op& op, std::int64_t& listable) const {
  CopyStep step;
  View to = plan_.views[qnet::Index(op.output)];
  for (const qnet::TensorId input : op.inputs) {
    const qnet::Tensor& tensor = net_->tensor(input);
    const View& from = plan_.views[qnet::Index(input)];
    if (!SamePlace(from, to)) {
      auto part = CopyOf(tensor, from, net_->tensor(op.output), to, MostRuns(listable));
      if (!part) return InterpretedStep{&op};
      part->shift = ShiftBetween(input, op.output);
      listable -= BytesOf(part->runs);
      step.parts.push_back(*std::move(part));
    }
    to.offset += std::int64_t{tensor.c()} * qnet::BytesOf(tensor.type);
  }
  return step;
}

Network::Step Network::PrepareReshape(const qnet::Op& op, std::int64_t& listable) const {
  const qnet::Tensor& in = net_->tensor(op.inputs[0]);
  const qnet::Tensor& out = net_->tensor(op.output);
  const bool in_place = in.dims == out.dims && SamePlace(plan_.views[qnet::Index(op.inputs[0])],
                                                         plan_.views[qnet::Index(op.output)]);
  if (in_place) return CopyStep{};
  return PrepareMove(op, {{static_cast<std::int32_t>(out.elements())}, {1}, 0}, listable);
}

Network::Step Network::PrepareMove(const qnet::Op& op, const qnet::Move& move,
                                   std::int64_t& listable) const {
  const qnet::Tensor& in = net_->tensor(op.inputs[0]);
  const qnet::Tensor& out = net_->tensor(op.output);
  const View& from = plan_.views[qnet::Index(op.inputs[0])];
  const View& to = plan_.views[qnet::Index(op.output)];
  const std::uint8_t shift = ShiftBetween(op.inputs[0], op.output);
  if (const auto sources = qnet::SourcePixels(move, in, out)) {
    if (auto copy = CopyOf(in, from, out, to, *sources, MostRuns(listable))) {
      copy->shift = shift;
      listable -= BytesOf(copy->runs);
      CopyStep step;
      step.parts.push_back(*std::move(copy));
      return step;
    }
  }
  const auto bytes = out.elements() * static_cast<std::int64_t>(sizeof(std::int32_t));
  if (bytes > listable) return InterpretedStep{&op};
  listable -= bytes;
  ElementCopy step = CopyOf(in, from, out, to, move);
  step.shift = shift;
  return step;
}

Spread Network::PrepareDilate(const qnet::Op& op, const qnet::Dilate& dilate) const {
  const qnet::Tensor& out = net_->tensor(op.output);
  return {.from = plan_.views[qnet::Index(op.inputs[0])],
          .to = plan_.views[qnet::Index(op.output)],
          .h = out.h(),
          .w = out.w(),
          .bytes = std::int64_t{out.c()} * qnet::BytesOf(out.type),
          .sh = dilate.sh,
          .sw = dilate.sw,
          .shift = ShiftBetween(op.inputs[0], op.output),
          .zero = plan_.zeros[qnet::Index(op.output)]};
}

std::uint8_t Network::ShiftBetween(qnet::TensorId from, qnet::TensorId to) const {
  return static_cast<std::uint8_t>(plan_.zeros[qnet::Index(to)] - plan_.zeros[qnet::Index(from)]);
}

Network::Arena Network::MakeArena(std::int64_t frames) const {
  return Arena(AlignedBuffer(static_cast<std::size_t>(frames * plan_.frame_bytes())));
}

// What a frame is spared of weights is more than what it needs of features that the caches lost
// to the other frames.
void Network::PlanTogether(Together together) {
  constexpr std::int64_t kMostFrames = 4;
  constexpr std::int64_t kMostBytes = std::int64_t{64} << 20;  // of an arena
  constexpr std::int64_t kLeastSpared = 2 << 20;               // what second-level caches hold
  std::int64_t spared = 0;
  for (const std::vector<std::size_t>& stage : stages_) {
    std::int64_t weights = 0, features = 0;
    for (const std::size_t i : stage) {
      const qnet::Op& op = net_->ops[i];
      weights += WeightBytes(i);
      features += net_->tensor(op.output).bytes();
      for (const qnet::TensorId input : op.inputs) features += net_->tensor(input).bytes();
    }
    together_.push_back(together == Together::kAll || weights > features);
    if (together_.back()) spared += weights;
  }
  if (spared < kLeastSpared) return;
  frames_together_ = std::clamp<std::int64_t>(kMostBytes / plan_.frame_bytes(), 1, kMostFrames);
}

void Network::AddLoops(const PreparedConv& prepared, const std::shared_ptr<const ConvPlan>& plan,
                       std::uint8_t* arena, Loops& loops) const {
  const auto run = [=, this, &prepared](std::int64_t begin, std::int64_t end) {
    for (std::int64_t count; begin < end; begin += count) {
      count = plan->grid.Together(begin, end);
      const auto [pixels, panels] = plan->grid.BlockOf(begin, count);
      kernels_->conv(prepared.step, arena, pixels, panels, plan->weights.After(begin, count));
    }
  };
  loops.push_back({plan->grid.pieces(), 1, run, plan->grid.pieces_together()});
}

void Network::AddLoops(const PreparedDepthwise& prepared, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  const auto& step = prepared.step;
  loops.push_back(
      LoopOver(step.pixels, std::int64_t{step.channels} * step.columns * step.groups, threads,
               [=, this, &step](Range pixels) { kernels_->depthwise(step, arena, pixels); }));
}

void Network::AddLoops(const PreparedMaxPool& prepared, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  const auto& step = prepared.step;
  loops.push_back(LoopOver(step.pixels, step.channels, threads, [=, this, &step](Range pixels) {
    kernels_->max_pool(step, arena, pixels);
  }));
}

void Network::AddLoops(const PreparedAvgPool& prepared, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  const auto& step = prepared.step;
  loops.push_back(LoopOver(step.pixels, step.channels, threads, [=, this, &step](Range pixels) {
    kernels_->avg_pool(step, arena, pixels);
  }));
}

void Network::AddLoops(const PreparedBinary& prepared, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  const auto& binary = prepared.step;
  loops.push_back(
      LoopOver(binary.step.pixels, binary.step.channels, threads,
               [=, this, &binary](Range pixels) { kernels_->binary(binary, arena, pixels); }));
}

void Network::AddLoops(const PreparedTable& prepared, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  const auto& step = prepared.step;
  loops.push_back(LoopOver(step.pixels, step.channels, threads, [=, this, &step](Range pixels) {
    kernels_->table(step, arena, pixels);
  }));
}

void Network::AddLoops(const PreparedLrn& prepared, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  const auto& step = prepared.step;
  loops.push_back(LoopOver(step.pixels, step.channels, threads,
                           [=, this, &step](Range pixels) { kernels_->lrn(step, arena, pixels); }));
}

void Network::AddLoops(const PixelNorm& norm, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  constexpr std::int64_t kCost = 4;  // of an element, in bytes of other loops
  const auto run = [=, &norm](Range pixels) { Normalize(norm, pixels, arena); };
  loops.push_back(LoopOver(std::ssize(norm.from), std::ssize(norm.units) * kCost, threads, run));
}

void Network::AddLoops(const CopyStep& step, std::uint8_t* arena, int threads, Loops& loops) const {
  for (const PixelCopy& part : step.parts) {
    const auto runs = std::ssize(part.runs);
    loops.push_back(LoopOver(runs, part.runs[0].pixels * part.bytes, threads,
                             [=, &part](Range range) { CopyPixels(part, range, arena); }));
  }
}

void Network::AddLoops(const ElementCopy& step, std::uint8_t* arena, int threads,
                       Loops& loops) const {
  const std::int64_t pixels = std::ssize(step.from) / step.channels;
  loops.push_back(LoopOver(pixels, step.channels, threads,
                           [=, &step](Range range) { CopyElements(step, range, arena); }));
}

void Network::AddLoops(const Spread& step, std::uint8_t* arena, int threads, Loops& loops) const {
  loops.push_back(LoopOver(step.h, step.w * step.bytes, threads,
                           [=, &step](Range rows) { SpreadRows(step, rows, arena); }));
}

std::vector<std::uint8_t> Network::Read(qnet::TensorId id, const std::uint8_t* arena) const {
  return Gather(net_->tensor(id), plan_.views[qnet::Index(id)], plan_.zeros[qnet::Index(id)],
                arena);
}

void Network::Write(qnet::TensorId id, std::span<const std::uint8_t> bytes,
                    std::uint8_t* arena) const {
  const qnet::Tensor& tensor = net_->tensor(id);
  Scatter(tensor, bytes, {0, tensor.h()}, plan_.views[qnet::Index(id)],
          plan_.zeros[qnet::Index(id)], arena);
}

Status Network::Execute(const InterpretedStep& step, std::uint8_t* arena, ThreadPool* pool) const {
  std::vector<qnet::Bytes> inputs;
  for (const qnet::TensorId id : step.op->inputs) inputs.push_back(Read(id, arena));
  std::vector<const qnet::Bytes*> pointers;
  pointers.reserve(inputs.size());
  for (const qnet::Bytes& input : inputs) pointers.push_back(&input);
  try {
    TF2_ASSIGN_OR_RETURN(const qnet::Bytes result, qnet::RunOp(*net_, *step.op, pointers, pool));
    Write(step.op->output, result, arena);
  } catch (const std::bad_alloc&) {  // devices may not throw
    return ResourceExhausted("{}: there is no memory for what the interpreter runs", step.op->name);
  }
  return {};
}

void Network::FillBorders(std::size_t index, std::uint8_t* arena) const {
  for (const BorderFill& border : plan_.fills[index]) Fill(border, arena);
}

void Network::Store(qnet::TensorId id, std::span<const std::int8_t> contents, Range rows,
                    std::uint8_t* arena) const {
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(contents.data()), contents.size());
  Scatter(net_->tensor(id), bytes, rows, plan_.views[qnet::Index(id)], plan_.zeros[qnet::Index(id)],
          arena);
}

void Network::StoreAll(std::span<const std::int8_t> input, std::uint8_t* arena) const {
  FillBorders(0, arena);
  for (const qnet::TensorId id : net_->inputs) {
    const qnet::Tensor& tensor = net_->tensor(id);
    const auto elements = static_cast<std::size_t>(tensor.elements());
    Store(id, input.first(elements), {0, tensor.h()}, arena);
    input = input.subspan(elements);
  }
}

void Network::AddLoops(std::size_t op, std::uint8_t* arena, std::int64_t frames, int threads,
                       Loops& loops) const {
  const auto add = [&]<typename T>(const T& step) {
    if constexpr (std::is_same_v<T, PreparedConv>) {
      const bool alone = frames == 1 && threads == 1;
      AddLoops(step, alone ? alone_[op] : PlanConv(op, frames, threads), arena, loops);
    } else if constexpr (!kRunsNow<T>) {
      for (std::int64_t i = 0; i < frames; ++i)
        AddLoops(step, arena + i * plan_.frame_bytes(), threads, loops);
    }
  };
  std::visit(add, steps_[op]);
}

bool Network::RunsNow(std::size_t op) const {
  return std::visit([]<typename T>(const T&) { return kRunsNow<T>; }, steps_[op]);
}

Status Network::RunNow(std::span<const std::size_t> ops, std::uint8_t* arena, std::int64_t frames,
                       ThreadPool* pool) const {
  for (const std::size_t op : ops) {
    const auto run = [&]<typename T>(const T& step) -> Status {
      if constexpr (kRunsNow<T>) {
        for (std::int64_t i = 0; i < frames; ++i)
          TF2_RETURN_IF_ERROR(Execute(step, arena + i * plan_.frame_bytes(), pool));
      }
      return {};
    };
    TF2_RETURN_IF_ERROR(std::visit(run, steps_[op]));
  }
  return {};
}

Status Network::RunOps(std::span<const std::size_t> ops, std::uint8_t* arena, std::int64_t frames,
                       ThreadPool* pool, Loops& loops) const {
  TF2_RETURN_IF_ERROR(RunNow(ops, arena, frames, pool));
  loops.clear();
  for (const std::size_t op : ops) AddLoops(op, arena, frames, ThreadsOf(pool), loops);
  if (!loops.empty()) RunLoops(loops, pool);
  return {};
}

std::unique_ptr<Network::FrameLoops> Network::MakeLoops(std::uint8_t* arena, int threads) const {
  auto made = std::make_unique<FrameLoops>();
  made->network = this;
  made->threads = threads;
  Loops& stores = made->stages.emplace_back();
  std::size_t first = 0;
  for (const qnet::TensorId id : net_->inputs) {
    const qnet::Tensor& tensor = net_->tensor(id);
    const auto elements = static_cast<std::size_t>(tensor.elements());
    const auto store = [=, this, &input = made->input](Range rows) {
      Store(id, input.subspan(first, elements), rows, arena);
    };
    stores.push_back(LoopOver(tensor.h(), std::int64_t{tensor.w()} * tensor.c(), threads, store));
    first += elements;
  }
  for (const std::vector<std::size_t>& stage : stages_) {
    Loops& loops = made->stages.emplace_back();
    for (const std::size_t op : stage) AddLoops(op, arena, 1, threads, loops);
  }
  return made;
}

Status Network::RunShared(std::span<const std::int8_t> input, Arena& arena,
                          ThreadPool& pool) const {
  auto& loops = arena.loops_;
  if (loops == nullptr || loops->network != this || loops->threads != pool.threads())
    loops = MakeLoops(arena.data(), pool.threads());
  loops->input = input;
  const std::span<const Loops> stages = loops->stages;
  const auto waits = [&](std::size_t stage) {
    return std::ranges::any_of(stages_[stage - 1], [&](std::size_t op) { return RunsNow(op); });
  };
  Status status;
  const auto begin = [&](std::size_t stage) {
    FillBorders(stage, arena.data());
    status = CheckInterrupted();
    return status.ok();
  };
  // From stage to stage as far as one with operators that the interpreter runs, which may use
  // all threads.
  for (std::size_t first = 0, end; first < stages.size() && begin(first); first = end) {
    if (first > 0) status = RunNow(stages_[first - 1], arena.data(), 1, &pool);
    if (!status.ok()) break;
    for (end = first + 1; end < stages.size() && !waits(end);) ++end;
    pool.ForStages(stages.subspan(first, end - first),
                   [&](std::size_t stage) { return stage == 0 || begin(first + stage); });
    if (!status.ok()) break;
  }
  loops->input = {};
  return status;
}

Result<Frame> Network::Run(std::span<const std::int8_t> input, Arena& arena, ThreadPool* pool,
                           const TraceSink* sink) const {
  std::uint8_t* const base = arena.data();
  TF2_RETURN_IF_ERROR(ReserveScratch(arena, pool));
  if (sink == nullptr && ThreadsOf(pool) > 1) {
    TF2_RETURN_IF_ERROR(RunShared(input, arena, *pool));
    return ReadOutputs(base);
  }
  StoreAll(input, base);
  if (sink != nullptr) {
    for (const qnet::TensorId id : net_->inputs) (*sink)(id, Read(id, base));
  }
  Loops loops;
  TF2_RETURN_IF_ERROR(RunStages(0, stages_.size(), base, pool, sink, loops));
  return ReadOutputs(base);
}

Frame Network::ReadOutputs(const std::uint8_t* arena) const {
  Frame frame;
  for (const qnet::Output& output : net_->outputs) frame.push_back(Read(output.tensor, arena));
  return frame;
}

Status Network::RunStages(std::size_t begin, std::size_t end, std::uint8_t* arena, ThreadPool* pool,
                          const TraceSink* sink, Loops& loops) const {
  for (std::size_t stage = begin; stage < end; ++stage) {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    FillBorders(stage + 1, arena);
    TF2_RETURN_IF_ERROR(RunOps(stages_[stage], arena, 1, pool, loops));
    if (sink == nullptr) continue;
    for (const std::size_t op : stages_[stage]) {
      const qnet::TensorId output = net_->ops[op].output;
      (*sink)(output, Read(output, arena));
    }
  }
  return {};
}

void Network::CopyAlive(std::size_t stage, const std::uint8_t* from, std::uint8_t* to) const {
  const auto at = static_cast<std::int64_t>(stage);
  for (const BufferSpan& buffer : plan_.buffers) {
    if (buffer.first >= at || buffer.last < at) continue;
    std::memcpy(to + buffer.offset, from + buffer.offset, static_cast<std::size_t>(buffer.bytes));
  }
}

Result<std::vector<Frame>> Network::RunTogether(
    std::span<const std::span<const std::int8_t>> inputs, Arena& arena) const {
  TF2_RETURN_IF_ERROR(ReserveScratch(arena, nullptr));
  const auto frames = std::ssize(inputs);
  const auto base = [&](std::int64_t frame) { return arena.data() + frame * plan_.frame_bytes(); };
  Loops loops;
  // As far as the first stage that takes all at once, one frame after the other in the same memory,
  // which so stays in the caches.
  const auto first =
      static_cast<std::size_t>(std::ranges::find(together_, true) - together_.begin());
  for (std::int64_t i = 0; i < frames; ++i) {
    std::uint8_t* const last = base(frames - 1);
    StoreAll(inputs[static_cast<std::size_t>(i)], last);
    TF2_RETURN_IF_ERROR(RunStages(0, first, last, nullptr, nullptr, loops));
    if (i < frames - 1) CopyAlive(first, last, base(i));
  }
  for (std::size_t begin = first, end; begin < stages_.size(); begin = end) {
    end = begin + 1;
    if (together_[begin]) {
      TF2_RETURN_IF_ERROR(CheckInterrupted());
      for (std::int64_t i = 0; i < frames; ++i) FillBorders(end, base(i));
      TF2_RETURN_IF_ERROR(RunOps(stages_[begin], base(0), frames, nullptr, loops));
      continue;
    }
    // One frame after the other as far as the next stage that takes all at once.
    while (end < stages_.size() && !together_[end]) ++end;
    for (std::int64_t i = 0; i < frames; ++i) {
      TF2_RETURN_IF_ERROR(RunStages(begin, end, base(i), nullptr, nullptr, loops));
    }
  }
  std::vector<Frame> outputs;
  for (std::int64_t i = 0; i < frames; ++i) outputs.push_back(ReadOutputs(base(i)));
  return outputs;
}

std::int64_t Network::WeightBytes(std::size_t op) const {
  if (const auto* conv = std::get_if<PreparedConv>(&steps_[op])) {
    return std::ssize(conv->packed.weights);
  }
  if (const auto* depthwise = std::get_if<PreparedDepthwise>(&steps_[op])) {
    return std::ssize(depthwise->weights);
  }
  return 0;
}

Result<std::vector<double>> Network::Profile(std::span<const std::int8_t> input, Arena& arena,
                                             ThreadPool* pool, int rounds) const {
  using Clock = std::chrono::steady_clock;
  TF2_RETURN_IF_ERROR(ReserveScratch(arena, pool));
  std::vector<double> least(steps_.size(), std::numeric_limits<double>::infinity());
  Loops loops;
  for (int round = 0; round <= rounds; ++round) {
    StoreAll(input, arena.data());
    for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
      FillBorders(stage + 1, arena.data());
      for (const std::size_t op : stages_[stage]) {
        const auto start = Clock::now();
        TF2_RETURN_IF_ERROR(RunOps({&op, 1}, arena.data(), 1, pool, loops));
        const std::chrono::duration<double> taken = Clock::now() - start;
        if (round > 0) least[op] = std::min(least[op], taken.count());
      }
    }
  }
  return least;
}

}  // namespace tf2::runtime::cpu
