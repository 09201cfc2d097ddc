#include "verify/compare.h"

#include <gtest/gtest.h>

namespace tf2::verify {
namespace {

// input [2, 1, 2] -> max pool 1x1 -> output, so that the values are easy to follow.
qnet::QNet TinyNet() {
  qnet::QNet net;
  net.inputs = {qnet::TensorId{0}};
  net.tensors = {{"x", qnet::ElemType::kInt8, {2, 1, 2}, {0, 0}},
                 {"y", qnet::ElemType::kInt8, {2, 1, 2}, {0, 0}}};
  net.ops = {{"pool", {qnet::TensorId{0}}, qnet::TensorId{1}, qnet::MaxPool{}}};
  net.outputs = {{qnet::TensorId{1}, "y", qnet::Head::kNone, {2, 1, 2}}};
  return net;
}

Result<std::vector<float>> Sample(std::int64_t) { return std::vector<float>{1, 2, 3, 4}; }

// Shows the output with `change` added to element 2 of sample `wrong`.
Link FakeLink(std::int64_t wrong, std::uint8_t change) {
  auto sample = std::make_shared<std::int64_t>(0);
  return {"fake", [=](std::span<const std::int8_t>, const runtime::TraceSink& sink) -> Status {
            std::vector<std::uint8_t> bytes = {1, 2, 3, 4};
            if ((*sample)++ == wrong) bytes[2] = static_cast<std::uint8_t>(bytes[2] + change);
            sink(qnet::TensorId{1}, bytes);
            return {};
          }};
}

TEST(FirstDifference, LocatesTheElement) {
  const qnet::QNet net = TinyNet();
  const std::vector<std::uint8_t> expected = {1, 2, 3, 4}, actual = {1, 2, 0xFF, 9};
  EXPECT_FALSE(FirstDifference(net, qnet::TensorId{1}, expected, expected));
  const auto d = FirstDifference(net, qnet::TensorId{1}, expected, actual);
  ASSERT_TRUE(d);
  EXPECT_EQ(d->position, (std::vector<std::int32_t>{1, 0, 0}));
  EXPECT_EQ(d->expected, 3);
  EXPECT_EQ(d->actual, -1);
}

TEST(FirstDifference, AMissingElementDiffers) {
  const qnet::QNet net = TinyNet();
  const std::vector<std::uint8_t> expected = {1, 2, 3, 4}, actual = {1, 2, 3};
  const auto d = FirstDifference(net, qnet::TensorId{1}, expected, actual);
  ASSERT_TRUE(d);
  EXPECT_EQ(d->position, (std::vector<std::int32_t>{1, 0, 1}));
}

TEST(Compare, CountsAndNamesTheFirstDivergence) {
  const qnet::QNet net = TinyNet();
  const Link link = FakeLink(1, 5);
  const auto report = Compare(net, std::span(&link, 1), 3, Sample, {});
  ASSERT_TRUE(report.ok()) << report.error().ToString();
  EXPECT_EQ(report->samples, 3);
  EXPECT_EQ(report->compared, 3);
  EXPECT_EQ(report->mismatches, 1);
  ASSERT_TRUE(report->first);
  EXPECT_EQ(ToString(*report->first),
            "fake: sample 1, layer pool, tensor y, element [1, 0, 0]: 8, expected 3");
  EXPECT_DOUBLE_EQ(report->layer_reports[0].nonzero, 1);
}

TEST(Compare, PassesALinksErrorOnWithItsName) {
  const qnet::QNet net = TinyNet();
  const Link link = {"broken", [](auto, const auto&) -> Status { return IoError("no cable"); }};
  const auto report = Compare(net, std::span(&link, 1), 1, Sample, {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().ToString(), "broken: no cable");
}

}  // namespace
}  // namespace tf2::verify
