#include "runtime/backends/cpu/network.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/interrupt.h"
#include "qnet/interpreter.h"
#include "runtime/backends/cpu/layout.h"

namespace tf2::runtime::cpu {
namespace {

constexpr std::int64_t kMaxArena = (std::int64_t{1} << 31) - 1;
// Whether the kernels of pooling and addition apply the activation themselves.
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

// Whether the threads share the panels of a convolution rather than its pixels: where there are few
// pixels, or where many weights would pass every thread's cache and the panels divide well.
bool ShareChannels(const PreparedConv& prepared, std::int64_t units, int threads) {
  constexpr std::int64_t kManyWeights = 128 << 10;
  const auto panels = std::ssize(prepared.packed.panels);
  if (units < 4 * threads) return true;
  return std::ssize(prepared.packed.weights) >= kManyWeights &&
         (panels % threads == 0 || panels >= 8 * threads);
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
    network.steps_.push_back(network.Prepare(op));
  }
  return network;
}

Network::Step Network::Prepare(const qnet::Op& op) const {
  const PrepareContext context{*net_, plan_, *kernels_};
  const bool bytes_only = ReadsBytesOnly(*net_, op);
  if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) {
    const bool bordered = BorderOf(*net_, op).has_value();
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
  if (const auto* lrn = std::get_if<qnet::Lrn>(&op.params);
      lrn != nullptr && bytes_only && lrn->region == qnet::LrnRegion::kAcross &&
      net_->tensor(op.output).type == qnet::ElemType::kInt8) {
    return PrepareLrn(op);
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
  const std::uint8_t zero = plan_.zeros[qnet::Index(op.output)];
  for (const qnet::TensorId input : op.inputs) {
    const qnet::Tensor& tensor = net_->tensor(input);
    const View& from = plan_.views[qnet::Index(input)];
    const std::int64_t bytes = std::int64_t{tensor.c()} * qnet::BytesOf(tensor.type);
    if (!SamePlace(from, to)) {
      const auto shift = static_cast<std::uint8_t>(zero - plan_.zeros[qnet::Index(input)]);
      step.parts.push_back({tensor.h(), tensor.w(), bytes, from, to, shift});
    }
    to.offset += bytes;
  }
  return step;
}

LrnStep Network::PrepareLrn(const qnet::Op& op) const {
  const qnet::Tensor& tensor = net_->tensor(op.output);
  const std::size_t in = qnet::Index(op.inputs[0]);
  const std::size_t out = qnet::Index(op.output);
  return {&std::get<qnet::Lrn>(op.params),
          std::int64_t{tensor.h()} * tensor.w(),
          tensor.c(),
          tensor.w(),
          plan_.views[in],
          plan_.views[out],
          plan_.zeros[in],
          plan_.zeros[out]};
}

AlignedBuffer Network::MakeArena() const {
  return AlignedBuffer(static_cast<std::size_t>(plan_.arena_bytes));
}

void Network::Execute(const PreparedConv& prepared, std::uint8_t* arena, ThreadPool* pool) const {
  const ConvStep& step = prepared.step;
  const auto panels = std::ssize(prepared.packed.panels);
  // Pixels are shared in whole tiles of most kernels.
  const std::int64_t unit = step.pixels >= 512 ? 24 : 6;
  const std::int64_t units = (step.pixels + unit - 1) / unit;
  if (pool != nullptr && ShareChannels(prepared, units, pool->threads())) {
    Split(pool, panels, [&](Range range) { kernels_->conv(step, arena, {0, step.pixels}, range); });
  } else {
    Split(pool, units, [&](Range range) {
      const Range pixels{range.begin * unit, std::min(range.end * unit, step.pixels)};
      kernels_->conv(step, arena, pixels, {0, panels});
    });
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
  for (const PixelCopy& part : step.parts) CopyPixels(part, arena);
}

std::vector<std::uint8_t> Network::Read(qnet::TensorId id, const std::uint8_t* arena) const {
  return Gather(net_->tensor(id), plan_.views[qnet::Index(id)], plan_.zeros[qnet::Index(id)],
                arena);
}

void Network::Write(qnet::TensorId id, std::span<const std::uint8_t> bytes,
                    std::uint8_t* arena) const {
  Scatter(net_->tensor(id), bytes, plan_.views[qnet::Index(id)], plan_.zeros[qnet::Index(id)],
          arena);
}

void Network::Execute(const ReshapeStep& step, std::uint8_t* arena, ThreadPool*) const {
  const bool in_place =
      net_->tensor(step.from).dims == net_->tensor(step.to).dims &&
      SamePlace(plan_.views[qnet::Index(step.from)], plan_.views[qnet::Index(step.to)]);
  if (!in_place) Write(step.to, Read(step.from, arena), arena);
}

void Network::Execute(const LrnStep& step, std::uint8_t* arena, ThreadPool* pool) const {
  Split(pool, step.pixels, [&](Range range) { RunLrn(step, arena, range); });
}

Status Network::Execute(const InterpretedStep& step, std::uint8_t* arena, ThreadPool*) const {
  std::vector<qnet::Bytes> inputs;
  for (const qnet::TensorId id : step.op->inputs) inputs.push_back(Read(id, arena));
  std::vector<const qnet::Bytes*> pointers;
  for (const qnet::Bytes& input : inputs) pointers.push_back(&input);
  TF2_ASSIGN_OR_RETURN(const qnet::Bytes result, qnet::RunOp(*net_, *step.op, pointers));
  Write(step.op->output, result, arena);
  return {};
}

void Network::Store(std::span<const std::int8_t> input, std::uint8_t* arena) const {
  for (const BorderFill& border : plan_.fills[0]) Fill(border, arena);
  Write(net_->input, {reinterpret_cast<const std::uint8_t*>(input.data()), input.size()}, arena);
}

Status Network::RunStep(std::size_t op, std::uint8_t* arena, ThreadPool* pool) const {
  for (const BorderFill& border : plan_.fills[op + 1]) Fill(border, arena);
  // Only what the interpreter runs can fail.
  const auto execute = [&](const auto& step) -> Status {
    if constexpr (std::is_same_v<decltype(Execute(step, arena, pool)), Status>) {
      return Execute(step, arena, pool);
    } else {
      Execute(step, arena, pool);
      return {};
    }
  };
  return std::visit(execute, steps_[op]);
}

Result<Frame> Network::Run(std::span<const std::int8_t> input, AlignedBuffer& arena,
                           ThreadPool* pool, const TraceSink* sink) const {
  std::uint8_t* const base = arena.data();
  const auto show = [&](qnet::TensorId id) {
    if (sink != nullptr) (*sink)(id, Read(id, base));
  };
  Store(input, base);
  show(net_->input);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    TF2_RETURN_IF_ERROR(RunStep(i, base, pool));
    show(net_->ops[i].output);
  }
  Frame frame;
  for (const qnet::Output& output : net_->outputs) frame.push_back(Read(output.tensor, base));
  return frame;
}

std::int64_t Network::WeightBytes(std::size_t op) const {
  if (const auto* conv = std::get_if<PreparedConv>(&steps_[op])) {
    return std::ssize(conv->packed.weights);
  }
  if (const auto* depthwise = std::get_if<PreparedDepthwise>(&steps_[op])) {
    return std::ssize(depthwise->weights) * 2;
  }
  return 0;
}

Result<std::vector<double>> Network::Profile(std::span<const std::int8_t> input,
                                             AlignedBuffer& arena, ThreadPool* pool,
                                             int rounds) const {
  using Clock = std::chrono::steady_clock;
  std::vector<double> least(steps_.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round <= rounds; ++round) {
    Store(input, arena.data());
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const auto start = Clock::now();
      TF2_RETURN_IF_ERROR(RunStep(i, arena.data(), pool));
      const std::chrono::duration<double> taken = Clock::now() - start;
      if (round > 0) least[i] = std::min(least[i], taken.count());
    }
  }
  return least;
}

}  // namespace tf2::runtime::cpu
