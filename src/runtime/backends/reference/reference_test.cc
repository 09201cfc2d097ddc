#include "runtime/backends/reference/reference.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "qnet/interpreter.h"
#include "qnet/test_net.h"

namespace tf2::runtime {
namespace {

std::unique_ptr<Device> Open(int threads) {
  const BackendFactory backend = ReferenceBackend();
  DeviceOptions options;
  options.threads = threads;
  auto device = OpenDevice("reference", options, {&backend, 1});
  TF2_CHECK(device.ok());
  return *std::move(device);
}

std::vector<std::int8_t> Noise(const qnet::QNet& net, int count) {
  Rng rng(1);
  std::vector<std::int8_t> values(static_cast<std::size_t>(qnet::InputElements(net) * count));
  for (auto& value : values) value = static_cast<std::int8_t>(rng.Between(-128, 127));
  return values;
}

TEST(Reference, IsTheInterpreter) {
  const auto net = std::make_shared<const qnet::QNet>(qnet::testing::EveryOperator(1));
  const auto device = Open(2);
  EXPECT_EQ(device->name(), "reference");
  EXPECT_EQ(device->isa(), "reference");
  EXPECT_FALSE(device->Submit({1, {0}}).ok());
  ASSERT_TRUE(device->Load({net, {}}).ok());
  const auto data = Noise(*net, 5);
  const auto frames = device->Run({5, data});
  ASSERT_TRUE(frames.ok());
  ASSERT_EQ(frames->size(), 5U);
  const std::size_t elements = data.size() / 5;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ((*frames)[i],
              *qnet::Interpret(*net, std::span(data).subspan(i * elements, elements)));
  }
}

TEST(Reference, TracesEveryTensorInOrder) {
  const auto net = std::make_shared<const qnet::QNet>(qnet::testing::EveryOperator(2));
  const auto device = Open(1);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  const auto input = Noise(*net, 1);
  const auto expected = qnet::InterpretAll(*net, input);
  std::vector<qnet::TensorId> order;
  const auto report =
      device->RunTraced(input, [&](qnet::TensorId id, std::span<const std::uint8_t> bytes) {
        order.push_back(id);
        EXPECT_TRUE(std::ranges::equal(bytes, (*expected)[qnet::Index(id)]));
      });
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->skipped.empty());
  EXPECT_EQ(report->outputs, *qnet::Interpret(*net, input));
  ASSERT_EQ(order.size(), net->tensors.size());
  EXPECT_EQ(order.front(), net->inputs[0]);
  for (std::size_t i = 0; i < net->ops.size(); ++i) EXPECT_EQ(order[i + 1], net->ops[i].output);
}

TEST(Reference, RefusesWhatItDoesNotKnow) {
  const BackendFactory backend = ReferenceBackend();
  DeviceOptions options;
  options.isa = "avx2";
  EXPECT_FALSE(backend.open(options).ok());
  const auto device = Open(1);
  EXPECT_FALSE(device->RunTraced({}, [](auto, auto) {}).ok());
  device->Close();
  EXPECT_FALSE(device->Load({nullptr, {}}).ok());
}

}  // namespace
}  // namespace tf2::runtime
