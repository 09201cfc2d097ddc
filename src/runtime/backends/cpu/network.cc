#include "runtime/backends/cpu/network.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/interrupt.h"
#include "qnet/interpreter.h"
#include "runtime/backends/cpu/layout.h"
#include "runtime/backends/cpu/lrn.h"

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

// Pieces that a thread gets of an operator, where its work is worth as many: threads that are held
// up leave some to the others.
constexpr std::int64_t kPiecesPerThread = 8;

// Calls fn for pieces of [0, n), shared by the pool's threads. `cost`: bytes of an item's results,
// roughly.
template <typename Fn>
void Share(ThreadPool* pool, std::int64_t n, std::int64_t cost, const Fn& fn) {
  constexpr std::int64_t kLeast = 4096;  // bytes of a piece
  if (pool == nullptr || pool->threads() == 1) {
    fn(Range{0, n});
    return;
  }
  const std::int64_t pieces = kPiecesPerThread * pool->threads();
  const std::int64_t piece =
      std::max((n + pieces - 1) / pieces, kLeast / std::max<std::int64_t>(cost, 1) + 1);
  pool->ForPieces(n, piece, [&](std::int64_t begin, std::int64_t end) { fn(Range{begin, end}); });
}

// Part `k` of [0, n) in `parts` parts that differ by one at most.
Range EvenPart(std::int64_t n, std::int64_t parts, std::int64_t k) {
  return {n * k / parts, n * (k + 1) / parts};
}

// A convolution in pieces: a band of adjacent pixels for each thread, or one for all; each band in
// rows of adjacent pixels times columns of adjacent panels.
struct Grid {
  std::int64_t unit = 1;  // pixels that pieces are multiples of
  std::int64_t bands = 1, rows = 1, columns = 1;
  // Whether all pixels of a band pass some weights before the next ones are read.
  bool weights_stay = false;

  std::int64_t pieces() const { return bands * rows * columns; }
};

Grid GridOf(const PreparedConv& prepared, int threads, const KernelSet& kernels) {
  constexpr std::int64_t kManyWeights = 256 << 10;  // bytes that the second-level cache keeps
  const std::int64_t least_pixels = std::max<std::int64_t>(24, 3 * kernels.piece_pixels);
  const std::int64_t pixels = prepared.step.pixels;
  const auto panels = std::ssize(prepared.packed.panels);
  const auto weights = std::ssize(prepared.packed.weights);
  const std::int64_t wanted = std::clamp<std::int64_t>(
      pixels * weights / kernels.piece_macs, 1, threads == 1 ? 1 : kPiecesPerThread * threads);
  Grid grid;
  grid.unit = kernels.piece_pixels;
  // With a band each, threads find in their caches what they computed of the layer before; with
  // columns each, they read their share of the weights only.
  if (wanted >= threads && pixels >= 2 * least_pixels * threads && weights <= 2 * kManyWeights) {
    grid.bands = threads;
  }
  const std::int64_t pieces = (wanted + grid.bands - 1) / grid.bands;  // of a band
  const std::int64_t most_rows = (pixels / grid.bands + least_pixels - 1) / least_pixels;
  grid.weights_stay = weights > kManyWeights || pixels < 2 * least_pixels;
  grid.columns = std::max(weights / (kManyWeights / 2), std::int64_t{1});
  if (grid.weights_stay) grid.columns = std::max(grid.columns, pieces);
  grid.columns = std::min(panels, grid.columns);
  grid.rows = std::min((pieces + grid.columns - 1) / grid.columns, most_rows);
  if (!grid.weights_stay) grid.columns = std::min(panels, (pieces + grid.rows - 1) / grid.rows);
  return grid;
}

// Piece `at` of the grid.
std::pair<Range, Range> PieceOf(const Grid& grid, std::int64_t pixels, std::int64_t panels,
                                std::int64_t at) {
  const std::int64_t band = at / (grid.rows * grid.columns);
  const std::int64_t k = at % (grid.rows * grid.columns);
  const std::int64_t row = grid.weights_stay ? k % grid.rows : k / grid.columns;
  const std::int64_t column = grid.weights_stay ? k / grid.rows : k % grid.columns;
  const Range units = EvenPart((pixels + grid.unit - 1) / grid.unit, grid.bands * grid.rows,
                               band * grid.rows + row);
  return {{units.begin * grid.unit, std::min(units.end * grid.unit, pixels)},
          EvenPart(panels, grid.columns, column)};
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
      lrn != nullptr && bytes_only && FitsLrnKernels(*lrn) &&
      net_->tensor(op.output).type == qnet::ElemType::kInt8) {
    return PrepareLrn(context, op);
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

AlignedBuffer Network::MakeArena() const {
  return AlignedBuffer(static_cast<std::size_t>(plan_.arena_bytes));
}

void Network::Execute(const PreparedConv& prepared, std::uint8_t* arena, ThreadPool* pool) const {
  const ConvStep& step = prepared.step;
  const auto all_panels = std::ssize(prepared.packed.panels);
  const int threads = pool == nullptr ? 1 : pool->threads();
  const Grid grid = GridOf(prepared, threads, *kernels_);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      const auto [pixels, panels] = PieceOf(grid, step.pixels, all_panels, piece);
      kernels_->conv(step, arena, pixels, panels);
    }
  };
  const std::int64_t pieces = grid.pieces();
  if (pool == nullptr) {
    run(0, pieces);
  } else {
    pool->ForPieces(pieces, 1, run);
  }
}

void Network::Execute(const PreparedDepthwise& prepared, std::uint8_t* arena,
                      ThreadPool* pool) const {
  Share(pool, prepared.step.pixels, prepared.step.channels * prepared.step.taps,
        [&](Range range) { kernels_->depthwise(prepared.step, arena, range); });
}

void Network::Execute(const PreparedMaxPool& prepared, std::uint8_t* arena,
                      ThreadPool* pool) const {
  Share(pool, prepared.step.pixels, prepared.step.channels,
        [&](Range range) { kernels_->max_pool(prepared.step, arena, range); });
}

void Network::Execute(const PreparedAvgPool& prepared, std::uint8_t* arena,
                      ThreadPool* pool) const {
  Share(pool, prepared.step.pixels, prepared.step.channels,
        [&](Range range) { kernels_->avg_pool(prepared.step, arena, range); });
}

void Network::Execute(const PreparedAdd& prepared, std::uint8_t* arena, ThreadPool* pool) const {
  Share(pool, prepared.step.pixels, prepared.step.channels,
        [&](Range range) { kernels_->add(prepared.step, arena, range); });
}

void Network::Execute(const PreparedLrn& prepared, std::uint8_t* arena, ThreadPool* pool) const {
  Share(pool, prepared.step.pixels, prepared.step.channels,
        [&](Range range) { kernels_->lrn(prepared.step, arena, range); });
}

void Network::Execute(const CopyStep& step, std::uint8_t* arena, ThreadPool* pool) const {
  for (const PixelCopy& part : step.parts) {
    Share(pool, part.h, part.w * part.bytes, [&](Range rows) { CopyPixels(part, rows, arena); });
  }
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

void Network::Execute(const ReshapeStep& step, std::uint8_t* arena, ThreadPool*) const {
  const bool in_place =
      net_->tensor(step.from).dims == net_->tensor(step.to).dims &&
      SamePlace(plan_.views[qnet::Index(step.from)], plan_.views[qnet::Index(step.to)]);
  if (!in_place) Write(step.to, Read(step.from, arena), arena);
}

Status Network::Execute(const InterpretedStep& step, std::uint8_t* arena, ThreadPool*) const {
  std::vector<qnet::Bytes> inputs;
  for (const qnet::TensorId id : step.op->inputs) inputs.push_back(Read(id, arena));
  std::vector<const qnet::Bytes*> pointers;
  pointers.reserve(inputs.size());
  for (const qnet::Bytes& input : inputs) pointers.push_back(&input);
  TF2_ASSIGN_OR_RETURN(const qnet::Bytes result, qnet::RunOp(*net_, *step.op, pointers));
  Write(step.op->output, result, arena);
  return {};
}

void Network::Store(std::span<const std::int8_t> input, std::uint8_t* arena,
                    ThreadPool* pool) const {
  for (const BorderFill& border : plan_.fills[0]) Fill(border, arena);
  const qnet::Tensor& tensor = net_->tensor(net_->input);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  Share(pool, tensor.h(), std::int64_t{tensor.w()} * tensor.c(), [&](Range rows) {
    Scatter(tensor, bytes, rows, plan_.views[qnet::Index(net_->input)],
            plan_.zeros[qnet::Index(net_->input)], arena);
  });
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
  Store(input, base, pool);
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
    Store(input, arena.data(), pool);
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
