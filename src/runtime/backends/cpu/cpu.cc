#include "runtime/backends/cpu/cpu.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/cpu/network.h"
#include "runtime/batch_queue.h"

namespace tf2::runtime {
namespace {

class CpuDevice final : public Device {
 public:
  CpuDevice(int threads, const cpu::KernelSet& kernels)
      : kernels_(kernels), pool_(threads), queue_([this] { Serve(); }) {}

  std::string_view name() const override { return "cpu"; }
  std::string_view isa() const override { return kernels_.isa; }

  Status Load(const LoadedModel& model) override {
    TF2_RETURN_IF_ERROR(queue_.CheckIdle());
    TF2_ASSIGN_OR_RETURN(network_, cpu::Network::Prepare(model.net, kernels_));
    arenas_.clear();
    arenas_.push_back(network_->MakeArena());
    arenas_of_several_ = false;
    const qnet::QNet& net = network_->net();
    queue_.SetFrameElements(qnet::InputElements(net));
    return {};
  }

  Result<Ticket> Submit(Batch batch) override { return queue_.Submit(std::move(batch)); }
  Result<std::vector<Frame>> Wait(Ticket ticket) override { return queue_.Wait(ticket); }

  Result<std::vector<Frame>> Run(Batch batch) override {
    // In the body of somebody's loop the pool's loops would run on this thread alone.
    if (InsideLoop()) return Device::Run(std::move(batch));
    return queue_.Run(std::move(batch));
  }

  Result<TraceReport> RunTraced(std::span<const std::int8_t> input,
                                const TraceSink& sink) override {
    TF2_RETURN_IF_ERROR(queue_.CheckIdle());
    if (!network_.has_value()) return InvalidArgument("no network is loaded");
    const std::int64_t expected = qnet::InputElements(network_->net());
    if (std::ssize(input) != expected) {
      return InvalidArgument("an input of {} values; the network's has {}", input.size(), expected);
    }
    TraceReport report;
    TF2_ASSIGN_OR_RETURN(report.outputs, network_->Run(input, arenas_[0], &pool_, &sink));
    return report;
  }

  void Close() override {
    queue_.Close();
    network_.reset();
    arenas_.clear();
  }

 private:
  // Each thread runs whole frames, of whichever batches are there, as long as there is one for
  // each; the threads share the stages of each frame of the rest.
  void Serve() {
    const int threads = pool_.threads();
    if (queue_.WaitingFrames() < threads) {
      if (const auto frame = queue_.ClaimFrame()) {
        queue_.FinishFrame(*frame, network_->Run(frame->input, arenas_[0], &pool_, nullptr));
      }
      return;
    }
    const std::int64_t together = network_->frames_together();
    if (!arenas_of_several_) {
      arenas_of_several_ = true;
      arenas_.clear();
      while (std::ssize(arenas_) < threads) arenas_.push_back(network_->MakeArena(together));
    }
    pool_.ForRanges(threads, [&](std::int64_t, std::int64_t, int k) {
      cpu::Network::Arena& arena = arenas_[static_cast<std::size_t>(k)];
      while (true) {
        const auto frames = queue_.ClaimFrames(threads, together);
        if (frames.empty()) return;
        RunFrames(frames, arena);
      }
    });
  }

  // Some claimed frames on this thread.
  void RunFrames(std::span<const BatchQueue::ClaimedFrame> frames, cpu::Network::Arena& arena) {
    std::vector<std::span<const std::int8_t>> inputs;
    for (const auto& frame : frames) inputs.push_back(frame.input);
    Result<std::vector<Frame>> outputs = network_->RunTogether(inputs, arena);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      // An error is an operator's, and every input's, or Ctrl-C.
      Result<Frame> own =
          outputs.ok() ? Result<Frame>(std::move((*outputs)[i])) : Result<Frame>(outputs.error());
      queue_.FinishFrame(frames[i], std::move(own));
    }
  }

  const cpu::KernelSet& kernels_;
  ThreadPool pool_;
  std::optional<cpu::Network> network_;
  // One for one frame, until frames are run one or several a thread; then a thread's each.
  std::vector<cpu::Network::Arena> arenas_;
  bool arenas_of_several_ = false;
  BatchQueue queue_;  // last: its thread ends before what it uses
};

// The kernels that the options or the environment name.
Result<const cpu::KernelSet*> ChooseKernels(const DeviceOptions& options) {
  if (options.threads < 0) return InvalidArgument("{} threads", options.threads);
  std::string isa = options.isa;
  const char* variable = std::getenv("TF2_CPU_ISA");
  const bool from_environment = isa.empty() && variable != nullptr;
  if (from_environment) isa = variable;
  auto kernels = cpu::SelectKernels(isa);
  if (!kernels.ok() && from_environment) return std::move(kernels.error()).At("TF2_CPU_ISA");
  return kernels;
}

Result<std::unique_ptr<Device>> OpenCpu(const DeviceOptions& options) {
  TF2_ASSIGN_OR_RETURN(const cpu::KernelSet* kernels, ChooseKernels(options));
  return std::unique_ptr<Device>(std::make_unique<CpuDevice>(options.threads, *kernels));
}

}  // namespace

BackendFactory CpuBackend() {
  return {"cpu", "blocked, threaded kernels for the instruction sets of this machine", OpenCpu};
}

Result<std::vector<LayerTime>> ProfileCpu(const LoadedModel& model, const DeviceOptions& options,
                                          int rounds) {
  TF2_ASSIGN_OR_RETURN(const cpu::KernelSet* kernels, ChooseKernels(options));
  TF2_ASSIGN_OR_RETURN(const cpu::Network network, cpu::Network::Prepare(model.net, *kernels));
  const qnet::QNet& net = network.net();
  ThreadPool pool(options.threads);
  cpu::Network::Arena arena = network.MakeArena();
  const std::vector<std::int8_t> input(static_cast<std::size_t>(qnet::InputElements(net)));
  TF2_ASSIGN_OR_RETURN(const std::vector<double> seconds,
                       network.Profile(input, arena, &pool, rounds));
  std::vector<LayerTime> layers;
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    const qnet::Op& op = net.ops[i];
    LayerTime layer{op.name, qnet::KindName(op), seconds[i], qnet::MacsOf(net, op),
                    net.tensor(op.output).bytes() + network.WeightBytes(i)};
    for (const qnet::TensorId input_id : op.inputs) layer.bytes += net.tensor(input_id).bytes();
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace tf2::runtime
