#include "runtime/session.h"

#include <deque>
#include <utility>

#include "base/interrupt.h"
#include "qnet/head.h"

namespace tf2::runtime {

Session::Session(std::shared_ptr<const qnet::QNet> net, std::unique_ptr<Device> device)
    : net_(std::move(net)), device_(std::move(device)) {}

Result<Session> Session::Open(qnet::Artifact artifact, std::unique_ptr<Device> device) {
  LoadedModel model;
  model.net = std::make_shared<const qnet::QNet>(std::move(artifact.net));
  if (auto it = artifact.extra.find(qnet::kProgramSection); it != artifact.extra.end()) {
    model.program = std::move(it->second);
  }
  TF2_RETURN_IF_ERROR(device->Load(model));
  return Session(std::move(model.net), std::move(device));
}

Result<Prediction> Session::ApplyHeads(const Frame& frame) const {
  return qnet::ApplyHeads(*net_, frame);
}

Result<Prediction> Session::Run(std::span<const float> input) {
  TF2_ASSIGN_OR_RETURN(auto quantized, qnet::QuantizeInput(*net_, input));
  TF2_ASSIGN_OR_RETURN(const auto frames, device_->Run({1, std::move(quantized)}));
  return ApplyHeads(frames[0]);
}

Result<std::vector<Prediction>> Session::RunBatch(std::span<const std::vector<float>> inputs) {
  if (inputs.empty()) return std::vector<Prediction>();
  TF2_ASSIGN_OR_RETURN(Batch batch, Quantize(inputs));
  TF2_ASSIGN_OR_RETURN(const auto frames, device_->Run(std::move(batch)));
  return ApplyHeads(frames);
}

Result<Ticket> Session::Submit(std::span<const std::vector<float>> inputs) {
  TF2_ASSIGN_OR_RETURN(Batch batch, Quantize(inputs));
  return device_->Submit(std::move(batch));
}

Result<std::vector<Prediction>> Session::Wait(Ticket ticket) {
  TF2_ASSIGN_OR_RETURN(const auto frames, device_->Wait(ticket));
  return ApplyHeads(frames);
}

Result<Batch> Session::Quantize(std::span<const std::vector<float>> inputs) const {
  Batch batch;
  batch.data.reserve(inputs.size() * static_cast<std::size_t>(qnet::InputElements(*net_)));
  for (const auto& input : inputs) TF2_RETURN_IF_ERROR(Append(input, batch));
  return batch;
}

Result<std::vector<Prediction>> Session::ApplyHeads(std::span<const Frame> frames) const {
  std::vector<Prediction> predictions;
  predictions.reserve(frames.size());
  for (const Frame& frame : frames) {
    TF2_ASSIGN_OR_RETURN(predictions.emplace_back(), ApplyHeads(frame));
  }
  return predictions;
}

Status Session::Append(std::span<const float> input, Batch& batch) const {
  const auto elements = static_cast<std::size_t>(qnet::InputElements(*net_));
  batch.data.resize(batch.data.size() + elements);
  TF2_RETURN_IF_ERROR(qnet::QuantizeInput(*net_, input, std::span(batch.data).last(elements)));
  ++batch.count;
  return {};
}

Result<Batch> Session::ReadBatch(const Source& source, int count) const {
  Batch batch;
  while (batch.count < count) {
    TF2_ASSIGN_OR_RETURN(const std::optional<std::vector<float>> input, source());
    if (!input.has_value()) break;
    TF2_RETURN_IF_ERROR(Append(*input, batch));
  }
  return batch;
}

Status Session::Stream(const Source& source, const Sink& sink, int batch_size) {
  TF2_CHECK(batch_size >= 1);
  std::deque<Ticket> in_flight;
  std::int64_t index = 0;
  // Waits for the oldest batch; shows it unless something failed before.
  const auto finish_oldest = [&](const Status& so_far) -> Status {
    const Ticket ticket = in_flight.front();
    in_flight.pop_front();
    auto predictions = Wait(ticket);
    if (!so_far.ok()) return so_far;
    if (!predictions.ok()) return std::move(predictions.error());
    for (const Prediction& prediction : *predictions) {
      TF2_RETURN_IF_ERROR(sink(index++, prediction));
    }
    return {};
  };
  Status status;
  for (bool more = true; more && status.ok();) {
    auto submitted = SubmitNext(source, batch_size);
    if (!submitted.ok()) {
      status = std::move(submitted.error());
      break;
    }
    more = submitted->has_value();
    if (more) in_flight.push_back(**submitted);
    // One batch stays in flight while the next is read.
    if (in_flight.size() > 1) status = finish_oldest(status);
  }
  while (!in_flight.empty()) status = finish_oldest(status);
  return status;
}

Result<std::optional<Ticket>> Session::SubmitNext(const Source& source, int count) {
  TF2_RETURN_IF_ERROR(CheckInterrupted());
  TF2_ASSIGN_OR_RETURN(Batch batch, ReadBatch(source, count));
  if (batch.count == 0) return std::optional<Ticket>();
  TF2_ASSIGN_OR_RETURN(const Ticket ticket, device_->Submit(std::move(batch)));
  return std::optional<Ticket>(ticket);
}

}  // namespace tf2::runtime
