// A QNet made ready for the CPU: memory planned, weights packed, one step an operator; and its
// execution on an arena.
#ifndef TF2_RUNTIME_BACKENDS_CPU_NETWORK_H_
#define TF2_RUNTIME_BACKENDS_CPU_NETWORK_H_

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "qnet/qnet.h"
#include "runtime/backends/cpu/aligned_buffer.h"
#include "runtime/backends/cpu/grid.h"
#include "runtime/backends/cpu/layout.h"
#include "runtime/backends/cpu/memory_plan.h"
#include "runtime/backends/cpu/pixel_norm.h"
#include "runtime/backends/cpu/prepare.h"
#include "runtime/backends/cpu/stages.h"
#include "runtime/device.h"

namespace tf2::runtime::cpu {

// Immutable once made; frames may run on different arenas at the same time.
class Network {
 private:
  using Loops = std::vector<ThreadPool::Loop>;

  // The loops that `threads` threads share of a frame in an arena: the first store `input`, then
  // those of each stage follow.
  struct FrameLoops {
    const Network* network = nullptr;
    int threads = 0;
    std::span<const std::int8_t> input;
    std::vector<Loops> stages;
  };

 public:
  // Which operators RunTogether takes through all frames before the next one.
  enum class Together : std::uint8_t { kWhereItPays, kAll };

  // Errors: kResourceExhausted where an arena would pass 2 GiB.
  static Result<Network> Prepare(std::shared_ptr<const qnet::QNet> net, const KernelSet& kernels,
                                 Together together = Together::kWhereItPays);

  // Not to be copied: plans point into the steps.
  Network(Network&&) = default;
  Network& operator=(Network&&) = default;

  const qnet::QNet& net() const { return *net_; }
  const MemoryPlan& plan() const { return plan_; }
  const KernelSet& kernels() const { return *kernels_; }

  // Memory for frames in flight, of one call at a time; of the network that made it, as long as
  // that stays where it is.
  class Arena {
   public:
    std::uint8_t* data() { return memory_.data(); }

   private:
    friend class Network;
    explicit Arena(AlignedBuffer memory) : memory_(std::move(memory)) {}

    AlignedBuffer memory_;
    std::unique_ptr<FrameLoops> loops_;  // from when threads share a frame
    // Whose threads have memory for the kernels; it outlives the arena.
    const ThreadPool* pool_ = nullptr;
  };
  Arena MakeArena(std::int64_t frames = 1) const;

  // One frame. `pool`: splits each stage over its threads; null to run on the caller alone.
  // `sink`: sees every tensor, or is null. kCancelled between stages on Ctrl-C.
  Result<Frame> Run(std::span<const std::int8_t> input, Arena& arena, ThreadPool* pool,
                    const TraceSink* sink) const;

  // Most frames that RunTogether is best given.
  std::int64_t frames_together() const { return frames_together_; }

  // Some frames on the caller alone, in an arena for as many: operators with more weights than
  // features pass all of them before the next operator begins, so that weights are read from memory
  // once.
  Result<std::vector<Frame>> RunTogether(std::span<const std::span<const std::int8_t>> inputs,
                                         Arena& arena) const;

  // Memory of each thread for the kernels, which Run and RunTogether reserve.
  std::int64_t scratch_bytes() const { return scratch_bytes_; }

  // Packed weights of an operator.
  std::int64_t WeightBytes(std::size_t op) const;

  // The least time of each operator over `rounds` frames, after one that is not counted.
  Result<std::vector<double>> Profile(std::span<const std::int8_t> input, Arena& arena,
                                      ThreadPool* pool, int rounds) const;

 private:
  // Concat, what was not written in place; reshape and move where pixels stay whole.
  struct CopyStep {
    std::vector<PixelCopy> parts;
  };
  // The pieces of a convolution for so many frames and threads.
  struct ConvPlan {
    Grid grid;
    WeightsInTurn weights;
  };
  // An operator without kernels here: the interpreter's, on gathered tensors.
  struct InterpretedStep {
    const qnet::Op* op;
  };
  template <typename T>
  static constexpr bool kRunsNow = std::is_same_v<T, InterpretedStep>;
  using Step = std::variant<PreparedConv, PreparedDepthwise, PreparedMaxPool, PreparedAvgPool,
                            PreparedBinary, PreparedTable, PreparedLrn, PixelNorm, CopyStep,
                            ElementCopy, Spread, InterpretedStep>;

  Network(std::shared_ptr<const qnet::QNet> net, const KernelSet& kernels, Stages stages,
          MemoryPlan plan);

  // `listable`: bytes that lists of copies may still take, less what this one takes.
  Step Prepare(const qnet::Op& op, std::int64_t& listable) const;
  // Rows of one input of the network; all rows of all of them, and what lies around them.
  void Store(qnet::TensorId id, std::span<const std::int8_t> contents, Range rows,
             std::uint8_t* arena) const;
  void StoreAll(std::span<const std::int8_t> input, std::uint8_t* arena) const;
  // What MemoryPlan::fills has at `index`.
  void FillBorders(std::size_t index, std::uint8_t* arena) const;
  // Finds the convolution whose weights are read after each one's, and plans all for one thread.
  void LinkWeights();
  std::shared_ptr<const ConvPlan> PlanConv(std::size_t op, std::int64_t frames, int threads) const;
  // Memory of the kernels, for the calling thread and those of `pool`, which may be null.
  Status ReserveScratch(Arena& arena, ThreadPool* pool) const;
  // Decides which stages take several frames at once.
  void PlanTogether(Together together);
  // One frame, whose threads go from stage to stage.
  Status RunShared(std::span<const std::int8_t> input, Arena& arena, ThreadPool& pool) const;
  std::unique_ptr<FrameLoops> MakeLoops(std::uint8_t* arena, int threads) const;
  // Appends the loops of an operator, for one frame or several, in pieces for so many threads.
  // Operators without loops have steps that RunNow runs.
  void AddLoops(std::size_t op, std::uint8_t* arena, std::int64_t frames, int threads,
                Loops& loops) const;
  Status RunNow(std::span<const std::size_t> ops, std::uint8_t* arena, std::int64_t frames,
                ThreadPool* pool) const;
  bool RunsNow(std::size_t op) const;
  // Runs `ops`, all of one stage, for one frame or several. `loops`: memory to reuse.
  Status RunOps(std::span<const std::size_t> ops, std::uint8_t* arena, std::int64_t frames,
                ThreadPool* pool, Loops& loops) const;
  // Stages [begin, end) of one frame. `pool`, `sink`: as Run has them.
  Status RunStages(std::size_t begin, std::size_t end, std::uint8_t* arena, ThreadPool* pool,
                   const TraceSink* sink, Loops& loops) const;
  // Copies what is alive before `stage` from one arena to another.
  void CopyAlive(std::size_t stage, const std::uint8_t* from, std::uint8_t* to) const;
  // All outputs.
  Frame ReadOutputs(const std::uint8_t* arena) const;
  Step PrepareConcat(const qnet::Op& op, std::int64_t& listable) const;
  Step PrepareReshape(const qnet::Op& op, std::int64_t& listable) const;
  Step PrepareMove(const qnet::Op& op, const qnet::Move& move, std::int64_t& listable) const;
  Spread PrepareDilate(const qnet::Op& op, const qnet::Dilate& dilate) const;
  // What copies add to every byte of the input.
  std::uint8_t ShiftBetween(qnet::TensorId from, qnet::TensorId to) const;

  // A tensor's contents in [c, h, w] order.
  std::vector<std::uint8_t> Read(qnet::TensorId id, const std::uint8_t* arena) const;
  void Write(qnet::TensorId id, std::span<const std::uint8_t> bytes, std::uint8_t* arena) const;

  // Run a step, or append the loops that do. Of one frame, or of several where that is said.
  void AddLoops(const PreparedConv& prepared, const std::shared_ptr<const ConvPlan>& plan,
                std::uint8_t* arena, Loops& loops) const;
  void AddLoops(const PreparedDepthwise& prepared, std::uint8_t* arena, int threads,
                Loops& loops) const;
  void AddLoops(const PreparedMaxPool& prepared, std::uint8_t* arena, int threads,
                Loops& loops) const;
  void AddLoops(const PreparedAvgPool& prepared, std::uint8_t* arena, int threads,
                Loops& loops) const;
  void AddLoops(const PreparedBinary& prepared, std::uint8_t* arena, int threads,
                Loops& loops) const;
  void AddLoops(const PreparedTable& prepared, std::uint8_t* arena, int threads,
                Loops& loops) const;
  void AddLoops(const PreparedLrn& prepared, std::uint8_t* arena, int threads, Loops& loops) const;
  void AddLoops(const PixelNorm& norm, std::uint8_t* arena, int threads, Loops& loops) const;
  void AddLoops(const CopyStep& step, std::uint8_t* arena, int threads, Loops& loops) const;
  void AddLoops(const ElementCopy& step, std::uint8_t* arena, int threads, Loops& loops) const;
  void AddLoops(const Spread& step, std::uint8_t* arena, int threads, Loops& loops) const;
  Status Execute(const InterpretedStep& step, std::uint8_t* arena, ThreadPool* pool) const;

  std::shared_ptr<const qnet::QNet> net_;
  const KernelSet* kernels_;
  Stages stages_;
  MemoryPlan plan_;
  std::vector<Step> steps_;                             // one an operator
  std::vector<const ConvStep*> next_conv_;              // of each convolution, by operator; or null
  std::vector<std::shared_ptr<const ConvPlan>> alone_;  // by operator: one frame on one thread
  std::vector<bool> together_;  // of each stage: whether it takes several frames
  std::int64_t frames_together_ = 1;
  std::int64_t scratch_bytes_ = 0;  // of a thread, for the kernels
};

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_NETWORK_H_
