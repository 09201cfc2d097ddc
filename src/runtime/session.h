// A loaded artifact on a device: preprocessed pictures in, probabilities out. What `run` and `eval`
// use; the integers between are the device's, quantisation and heads are those of src/qnet,
// shared by all backends.
#ifndef TF2_RUNTIME_SESSION_H_
#define TF2_RUNTIME_SESSION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "qnet/artifact.h"
#include "runtime/device.h"

namespace tf2::runtime {

// For each of qnet::ModelOutputs, in order, the real values after the head.
using Prediction = std::vector<std::vector<float>>;

// One network on one device. Not thread-safe; movable.
class Session {
 public:
  // Loads `artifact` (its program section too, where it has one) into `device`.
  static Result<Session> Open(qnet::Artifact artifact, std::unique_ptr<Device> device);

  const qnet::QNet& net() const { return *net_; }
  Device& device() { return *device_; }

  // One preprocessed input, [c, h, w] floats. kInvalidArgument when its size is not the network's.
  Result<Prediction> Run(std::span<const float> input);
  // Several, as one batch.
  Result<std::vector<Prediction>> RunBatch(std::span<const std::vector<float>> inputs);
  // The same in two steps: quantises and queues at least one input, and waits for a batch, each of
  // which can be waited for once, in any order. While a second batch is queued the device does not
  // stand still between two.
  Result<Ticket> Submit(std::span<const std::vector<float>> inputs);
  Result<std::vector<Prediction>> Wait(Ticket ticket);

  // Gives the next preprocessed input, or nullopt at the end.
  using Source = std::function<Result<std::optional<std::vector<float>>>()>;
  // Receives the prediction of the index-th input, in order.
  using Sink = std::function<Status(std::int64_t index, const Prediction& prediction)>;
  // Everything that `source` gives, in batches of `batch` >= 1 frames. The next batch is read and
  // quantised while the device works on the one before. Stops at the first error of any party and
  // returns it; kCancelled on Ctrl-C.
  Status Stream(const Source& source, const Sink& sink, int batch);

 private:
  Session(std::shared_ptr<const qnet::QNet> net, std::unique_ptr<Device> device);

  // Quantises an input behind those of `batch`.
  Status Append(std::span<const float> input, Batch& batch) const;
  // Reads up to `count` inputs; a batch of none at the end.
  Result<Batch> ReadBatch(const Source& source, int count) const;
  // Reads a batch and submits it; nullopt at the end.
  Result<std::optional<Ticket>> SubmitNext(const Source& source, int count);
  // Quantises inputs to a batch.
  Result<Batch> Quantize(std::span<const std::vector<float>> inputs) const;
  Result<Prediction> ApplyHeads(const Frame& frame) const;
  Result<std::vector<Prediction>> ApplyHeads(std::span<const Frame> frames) const;

  std::shared_ptr<const qnet::QNet> net_;
  std::unique_ptr<Device> device_;
};

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_SESSION_H_
