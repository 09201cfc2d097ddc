#include "runtime/backends/reference/reference.h"

#include <utility>

#include "base/parallel.h"
#include "qnet/interpreter.h"
#include "runtime/batch_queue.h"

namespace tf2::runtime {
namespace {

class ReferenceDevice final : public Device {
 public:
  explicit ReferenceDevice(int threads)
      : threads_(threads), queue_([this](const Batch& batch) { return RunBatch(batch); }) {}

  std::string_view name() const override { return "reference"; }
  std::string_view isa() const override { return "reference"; }

  Status Load(const LoadedModel& model) override {
    TF2_RETURN_IF_ERROR(queue_.CheckIdle());
    net_ = model.net;
    queue_.SetFrameElements(qnet::InputElements(*net_));
    return {};
  }

  Result<Ticket> Submit(Batch batch) override { return queue_.Submit(std::move(batch)); }
  Result<std::vector<Frame>> Wait(Ticket ticket) override { return queue_.Wait(ticket); }

  Result<TraceReport> RunTraced(std::span<const std::int8_t> input,
                                const TraceSink& sink) override {
    TF2_RETURN_IF_ERROR(queue_.CheckIdle());
    if (!net_) return InvalidArgument("no network is loaded");
    TF2_ASSIGN_OR_RETURN(const auto tensors, qnet::InterpretAll(*net_, input));
    for (const qnet::TensorId id : net_->inputs) sink(id, tensors[qnet::Index(id)]);
    for (const qnet::Op& op : net_->ops) sink(op.output, tensors[qnet::Index(op.output)]);
    TraceReport report;
    for (const auto& output : net_->outputs) {
      report.outputs.push_back(tensors[qnet::Index(output.tensor)]);
    }
    return report;
  }

  void Close() override {
    queue_.Close();
    net_.reset();
  }

 private:
  Result<std::vector<Frame>> RunBatch(const Batch& batch) const {
    std::vector<Frame> frames(static_cast<std::size_t>(batch.count));
    const std::size_t elements = batch.data.size() / frames.size();
    const auto run_one = [&](std::int64_t i) -> Status {
      const auto at = static_cast<std::size_t>(i);
      TF2_ASSIGN_OR_RETURN(
          frames[at],
          qnet::Interpret(*net_, std::span(batch.data).subspan(at * elements, elements)));
      return {};
    };
    TF2_RETURN_IF_ERROR(ParallelForStatus(batch.count, threads_, run_one));
    return frames;
  }

  const int threads_;
  std::shared_ptr<const qnet::QNet> net_;
  BatchQueue queue_;  // last: its thread ends before what it uses
};

}  // namespace

BackendFactory ReferenceBackend() {
  return {"reference", "the interpreter of the integer network: slow, the oracle for all others",
          [](const DeviceOptions& options) -> Result<std::unique_ptr<Device>> {
            if (!options.isa.empty() && options.isa != "reference") {
              return WithHint(
                  InvalidArgument("the reference backend has no instruction set '{}'", options.isa),
                  "leave it out, or use the cpu backend");
            }
            if (options.threads < 0) return InvalidArgument("{} threads", options.threads);
            return std::unique_ptr<Device>(std::make_unique<ReferenceDevice>(options.threads));
          }};
}

}  // namespace tf2::runtime
