#include "runtime/session.h"

#include <gtest/gtest.h>

#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "qnet/test_net.h"
#include "runtime/test_device.h"

namespace tf2::runtime {
namespace {

using testing::TestDevice;

std::vector<float> Picture(const qnet::QNet& net, int seed) {
  Rng rng(static_cast<std::uint64_t>(seed));
  std::vector<float> values(static_cast<std::size_t>(qnet::InputElements(net)));
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

TEST_F(SessionTest, WaitsForBatchesInAnyOrder) {
  const std::vector<std::vector<float>> pictures = {Picture(session_->net(), 1),
                                                    Picture(session_->net(), 2)};
  const auto first = session_->Submit(std::span(pictures).first(1));
  const auto second = session_->Submit(std::span(pictures).last(1));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*session_->Wait(*second))[0], Expected(session_->net(), pictures[1]));
  EXPECT_EQ((*session_->Wait(*first))[0], Expected(session_->net(), pictures[0]));
  EXPECT_FALSE(session_->Wait(*first).ok());
  EXPECT_FALSE(session_->Submit({}).ok());
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
