#include "runtime/session.h"

#include <gtest/gtest.h>

#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "qnet/test_net.h"
#include "runtime/batch_queue.h"

namespace tf2::runtime {
namespace {

// The interpreter as a device, which counts and can be made to fail.
class TestDevice final : public Device {
 public:
  TestDevice() : queue_([this](const Batch& batch) { return Run(batch); }) {}

  std::string_view name() const override { return "test"; }
  std::string_view isa() const override { return "test"; }
  Status Load(const LoadedModel& model) override {
    model_ = model;
    queue_.SetFrameElements(model.net->tensor(model.net->input).elements());
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
  Result<std::vector<Frame>> Run(const Batch& batch) {
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

std::vector<float> Picture(const qnet::QNet& net, int seed) {
  Rng rng(static_cast<std::uint64_t>(seed));
  std::vector<float> values(static_cast<std::size_t>(net.tensor(net.input).elements()));
  for (float& value : values) value = rng.Uniform(-2, 2);
  return values;
}

Prediction Expected(const qnet::QNet& net, const std::vector<float>& picture) {
  const auto input = qnet::QuantizeInput(net, picture);
  const auto outputs = qnet::Interpret(net, *input);
  return *qnet::ApplyHeads(net, *outputs);
}

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    auto device = std::make_unique<TestDevice>();
    device_ = device.get();
    qnet::Artifact artifact;
    artifact.net = qnet::testing::EveryOperator(1);
    artifact.extra[qnet::kProgramSection] = {1, 2, 3};
    auto session = Session::Open(std::move(artifact), std::move(device));
    TF2_CHECK(session.ok());
    session_.emplace(*std::move(session));
  }

  // A source of `count` pictures.
  Session::Source Pictures(int count) {
    return [this, count, next = 0]() mutable -> Result<std::optional<std::vector<float>>> {
      if (next == count) return std::optional<std::vector<float>>();
      return std::optional(Picture(session_->net(), next++));
    };
  }

  TestDevice* device_ = nullptr;
  std::optional<Session> session_;
};

TEST_F(SessionTest, LoadsNetworkAndProgram) {
  EXPECT_EQ(device_->model().program, (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(&session_->net(), device_->model().net.get());
}

TEST_F(SessionTest, QuantisesRunsAndAppliesHeads) {
  const auto picture = Picture(session_->net(), 3);
  const auto prediction = session_->Run(picture);
  ASSERT_TRUE(prediction.ok());
  EXPECT_EQ(*prediction, Expected(session_->net(), picture));
  float sum = 0;
  for (const float p : (*prediction)[0]) sum += p;
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_FALSE(session_->Run(std::vector<float>(7)).ok());
}

TEST_F(SessionTest, RunsBatches) {
  const std::vector<std::vector<float>> pictures = {Picture(session_->net(), 1),
                                                    Picture(session_->net(), 2)};
  const auto predictions = session_->RunBatch(pictures);
  ASSERT_TRUE(predictions.ok());
  ASSERT_EQ(predictions->size(), 2U);
  EXPECT_EQ((*predictions)[1], Expected(session_->net(), pictures[1]));
  EXPECT_EQ(device_->batches(), (std::vector<std::int64_t>{2}));
  EXPECT_TRUE(session_->RunBatch({})->empty());
}

TEST_F(SessionTest, StreamsInOrder) {
  std::vector<Prediction> seen;
  const auto sink = [&](std::int64_t index, const Prediction& prediction) -> Status {
    EXPECT_EQ(index, static_cast<std::int64_t>(seen.size()));
    seen.push_back(prediction);
    return {};
  };
  ASSERT_TRUE(session_->Stream(Pictures(7), sink, 3).ok());
  EXPECT_EQ(device_->batches(), (std::vector<std::int64_t>{3, 3, 1}));
  ASSERT_EQ(seen.size(), 7U);
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(seen[static_cast<std::size_t>(i)],
              Expected(session_->net(), Picture(session_->net(), i)));
  }
  EXPECT_TRUE(session_->Stream(Pictures(0), sink, 3).ok());
}

TEST_F(SessionTest, StreamStopsAtTheFirstError) {
  int seen = 0;
  const auto sink = [&](std::int64_t, const Prediction&) -> Status {
    if (++seen == 4) return IoError("the disk is full");
    return {};
  };
  auto status = session_->Stream(Pictures(100), sink, 2);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "the disk is full");
  EXPECT_EQ(seen, 4);

  device_->FailAt(device_->batches().size() + 1);
  status = session_->Stream(
      Pictures(100), [](auto, const auto&) { return Status(); }, 2);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "the device broke");

  const Session::Source broken = []() -> Result<std::optional<std::vector<float>>> {
    return DataLoss("not a picture");
  };
  status = session_->Stream(broken, sink, 2);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "not a picture");
}

TEST(OpenDevice, NamesTheBackendsThereAre) {
  const std::vector<BackendFactory> backends = {
      {"test", "for tests",
       [](const DeviceOptions&) -> Result<std::unique_ptr<Device>> {
         return std::unique_ptr<Device>(std::make_unique<TestDevice>());
       }},
      {"other", "never opened", nullptr}};
  const auto device = OpenDevice("test", {}, backends);
  ASSERT_TRUE(device.ok());
  EXPECT_EQ((*device)->name(), "test");
  EXPECT_FALSE((*device)->Statistics().has_value());
  const auto missing = OpenDevice("gpu", {}, backends);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().ToString(),
            "there is no backend 'gpu'\n  hint: the backends are: test, other");
}

}  // namespace
}  // namespace tf2::runtime
