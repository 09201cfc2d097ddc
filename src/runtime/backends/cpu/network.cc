#include "runtime/backends/cpu/network.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/interrupt.h"
#include "qnet/interpreter.h"
#include "runtime/backends/cpu/layout.h"

namespace tf2::runtime::cpu {
namespace {

constexpr std::int64_t kMaxArena = (std::int64_t{1} << 31) - 1;
constexpr std::int64_t kMaxTable = std::int64_t{1} << 28;

const qnet::Window* WindowOf(const qnet::Op& op) {
  if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) return &conv->window;
  if (const auto* pool = std::get_if<qnet::MaxPool>(&op.params)) return &pool->window;
  if (const auto* pool = std::get_if<qnet::AvgPool>(&op.params)) return &pool->window;
  return nullptr;
}

Status CheckTable(const qnet::QNet& net, const qnet::Op& op) {
  const qnet::Window* window = WindowOf(op);
  if (window == nullptr) return {};
  const qnet::Tensor& output = net.tensor(op.output);
  const std::int64_t pixels = std::int64_t{output.h()} * output.w();
  const std::int64_t taps = std::int64_t{window->kh} * window->kw;
  if (taps <= kMaxTable / pixels) return {};
  return ResourceExhausted("{} output pixels of {} window positions each need too large a table",
                           pixels, taps)
      .At(op.name);
}

// Whether kernels apply the activation themselves.
bool IsFused(qnet::Activation activation) {
  return activation == qnet::Activation::kNone || activation == qnet::Activation::kRelu;
}

bool ReadsBytesOnly(const qnet::QNet& net, const qnet::Op& op) {
  return std::ranges::all_of(
      op.inputs, [&](qnet::TensorId id) { return net.tensor(id).type == qnet::ElemType::kInt8; });
}

// Calls fn for [0, n), split over the pool's threads.
template <typename Fn>
void Split(ThreadPool* pool, std::int64_t n, const Fn& fn) {
  if (pool == nullptr || pool->threads() == 1) {
    fn(Range{0, n});
  } else {
    pool->ForRanges(n, [&](std::int64_t begin, std::int64_t end, int) { fn(Range{begin, end}); });
  }
}

}  // namespace

Network::Network(std::shared_ptr<const qnet::QNet> net, const KernelSet& kernels)
    : net_(std::move(net)), kernels_(&kernels), plan_(PlanMemory(*net_)) {}

Result<Network> Network::Prepare(std::shared_ptr<const qnet::QNet> net, const KernelSet& kernels) {
  Network network(std::move(net), kernels);
  if (network.plan_.arena_bytes > kMaxArena) {
    return ResourceExhausted("the features of one frame need {} bytes; the CPU backend has {}",
                             network.plan_.arena_bytes, kMaxArena);
  }
  for (const qnet::Op& op : network.net_->ops) {
    TF2_RETURN_IF_ERROR(CheckTable(*network.net_, op));
    network.steps_.push_back(network.Prepare(op));
  }
  return network;
}

Network::Step Network::Prepare(const qnet::Op& op) const {
  const PrepareContext context{*net_, plan_, *kernels_};
  const bool bytes_only = ReadsBytesOnly(*net_, op);
  if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) {
    if (!bytes_only || !IsFused(conv->activation)) return InterpretedStep{&op};
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
  if (std::holds_alternative<qnet::Concat>(op.params)) return PrepareConcat(op);
  if (std::holds_alternative<qnet::Reshape>(op.params)) {
    return ReshapeStep{op.inputs[0], op.output};
  }
  return InterpretedStep{&op};
}

Network::CopyStep Network::PrepareConcat(const qnet::Op& op) const {
  CopyStep step;
  View to = plan_.views[qnet::Index(op.output)];
  for (const qnet::TensorId input : op.inputs) {
    const qnet::Tensor& tensor = net_->tensor(input);
    const View& from = plan_.views[qnet::Index(input)];
    const std::int64_t bytes = std::int64_t{tensor.c()} * qnet::BytesOf(tensor.type);
    if (!SamePlace(from, to)) {
      step.parts.push_back({std::int64_t{tensor.h()} * tensor.w(), bytes, from, to});
    }
    to.offset += bytes;
  }
  return step;
}

AlignedBuffer Network::MakeArena() const {
  AlignedBuffer arena(static_cast<std::size_t>(plan_.arena_bytes));
  std::memset(arena.data() + plan_.floors, 0x80, static_cast<std::size_t>(plan_.constant_bytes));
  return arena;
}

void Network::Execute(const PreparedConv& prepared, std::uint8_t* arena, ThreadPool* pool) const {
  const ConvStep& step = prepared.step;
  const std::int64_t tiles = (step.pixels + step.pixels_per_tile - 1) / step.pixels_per_tile;
  const auto panels = static_cast<std::int64_t>(prepared.panels.size());
  // Few pixels (fully connected layers): the threads share the output channels instead.
  if (pool != nullptr && tiles < 2 * pool->threads()) {
    Split(pool, panels, [&](Range range) { kernels_->conv(step, arena, {0, tiles}, range); });
  } else {
    Split(pool, tiles, [&](Range range) { kernels_->conv(step, arena, range, {0, panels}); });
  }
}

void Network::Execute(const PreparedDepthwise& prepared, std::uint8_t* arena,
                      ThreadPool* pool) const {
  Split(pool, prepared.step.pixels,
        [&](Range range) { kernels_->depthwise(prepared.step, arena, range); });
}

void Network::Execute(const PreparedMaxPool& prepared, std::uint8_t* arena,
                      ThreadPool* pool) const {
  Split(pool, prepared.step.pixels,
        [&](Range range) { kernels_->max_pool(prepared.step, arena, range); });
}

void Network::Execute(const PreparedAvgPool& prepared, std::uint8_t* arena,
                      ThreadPool* pool) const {
  Split(pool, prepared.step.pixels,
        [&](Range range) { kernels_->avg_pool(prepared.step, arena, range); });
}

void Network::Execute(const PreparedAdd& prepared, std::uint8_t* arena, ThreadPool* pool) const {
  Split(pool, prepared.step.pixels,
        [&](Range range) { kernels_->add(prepared.step, arena, range); });
}

void Network::Execute(const CopyStep& step, std::uint8_t* arena, ThreadPool*) const {
  for (const auto& part : step.parts) {
    CopyPixels(part.pixels, part.bytes, part.from, part.to, arena);
  }
}

void Network::Execute(const ReshapeStep& step, std::uint8_t* arena, ThreadPool*) const {
  const View& from = plan_.views[qnet::Index(step.from)];
  const View& to = plan_.views[qnet::Index(step.to)];
  const qnet::Tensor& input = net_->tensor(step.from);
  const qnet::Tensor& output = net_->tensor(step.to);
  if (SamePlace(from, to) && input.c() == output.c()) return;
  Scatter(output, Gather(input, from, arena), to, arena);
}

void Network::Execute(const InterpretedStep& step, std::uint8_t* arena, ThreadPool*) const {
  std::vector<qnet::Bytes> inputs;
  for (const qnet::TensorId id : step.op->inputs) {
    inputs.push_back(Gather(net_->tensor(id), plan_.views[qnet::Index(id)], arena));
  }
  std::vector<const qnet::Bytes*> pointers;
  for (const qnet::Bytes& input : inputs) pointers.push_back(&input);
  const qnet::TensorId output = step.op->output;
  Scatter(net_->tensor(output), qnet::RunOp(*net_, *step.op, pointers),
          plan_.views[qnet::Index(output)], arena);
}

Result<Frame> Network::Run(std::span<const std::int8_t> input, AlignedBuffer& arena,
                           ThreadPool* pool, const TraceSink* sink) const {
  std::uint8_t* const base = arena.data();
  const auto view = [&](qnet::TensorId id) { return plan_.views[qnet::Index(id)]; };
  const auto show = [&](qnet::TensorId id) {
    if (sink != nullptr) (*sink)(id, Gather(net_->tensor(id), view(id), base));
  };
  Scatter(net_->tensor(net_->input),
          {reinterpret_cast<const std::uint8_t*>(input.data()), input.size()}, view(net_->input),
          base);
  show(net_->input);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    std::visit([&](const auto& step) { Execute(step, base, pool); }, steps_[i]);
    show(net_->ops[i].output);
  }
  Frame frame;
  for (const qnet::Output& output : net_->outputs) {
    frame.push_back(Gather(net_->tensor(output.tensor), view(output.tensor), base));
  }
  return frame;
}

}  // namespace tf2::runtime::cpu
