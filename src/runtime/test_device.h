// A device for tests of what runs on one.
#ifndef TF2_RUNTIME_TEST_DEVICE_H_
#define TF2_RUNTIME_TEST_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "qnet/interpreter.h"
#include "runtime/batch_queue.h"
#include "runtime/device.h"

namespace tf2::runtime::testing {

// The interpreter as a device, which counts and can be made to fail.
class TestDevice final : public Device {
 public:
  TestDevice() : queue_([this](const Batch& batch) { return RunNow(batch); }) {}

  std::string_view name() const override { return "test"; }
  std::string_view isa() const override { return "test"; }
  Status Load(const LoadedModel& model) override {
    model_ = model;
    queue_.SetFrameElements(qnet::InputElements(*model.net));
    return {};
  }
  Result<Ticket> Submit(Batch batch) override { return queue_.Submit(std::move(batch)); }
  Result<std::vector<Frame>> Wait(Ticket ticket) override { return queue_.Wait(ticket); }
  Result<TraceReport> RunTraced(std::span<const std::int8_t>, const TraceSink&) override {
    return Unsupported("not traced");
  }
  void Close() override { queue_.Close(); }

  const LoadedModel& model() const { return model_; }
  const std::vector<std::int64_t>& batches() const { return batches_; }
  void FailAt(std::size_t batch) { fail_at_ = batch; }

 private:
  Result<std::vector<Frame>> RunNow(const Batch& batch) {
    if (batches_.size() == fail_at_) return Internal("the device broke");
    batches_.push_back(batch.count);
    std::vector<Frame> frames;
    const std::size_t elements = batch.data.size() / static_cast<std::size_t>(batch.count);
    for (std::size_t at = 0; at < batch.data.size(); at += elements) {
      TF2_ASSIGN_OR_RETURN(
          auto frame, qnet::Interpret(*model_.net, std::span(batch.data).subspan(at, elements)));
      frames.push_back(std::move(frame));
    }
    return frames;
  }

  LoadedModel model_;
  std::vector<std::int64_t> batches_;
  std::size_t fail_at_ = 1000;
  BatchQueue queue_;
};

}  // namespace tf2::runtime::testing

#endif  // TF2_RUNTIME_TEST_DEVICE_H_
