#include "runtime/backends/cpu/memory_plan.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/backends/cpu/test_nets.h"

namespace tf2::runtime::cpu {
namespace {

using testing::NetBuilder;

NetBuilder::ConvOptions Pointwise(std::int32_t oc) {
  NetBuilder::ConvOptions options;
  options.oc = oc;
  return options;
}

TEST(PlanMemory, ReusesWhatNobodyReadsAnyMore) {
  NetBuilder builder(1, {16, 8, 8});
  auto x = builder.input();
  for (int i = 0; i < 6; ++i) x = builder.Conv(x, Pointwise(16));
  const qnet::QNet net = builder.Finish({x});
  const MemoryPlan plan = PlanMemory(net, OneByOne(net));
  // Two buffers of 16 * 64 bytes and the slack take turns.
  EXPECT_EQ(plan.peak_bytes, 2 * (1024 + 64));
  EXPECT_EQ(plan.live_bytes, plan.peak_bytes);
  EXPECT_EQ(plan.arena_bytes, plan.peak_bytes);
}

TEST(PlanMemory, ConcatenatesInPlaceInWholeTiles) {
  NetBuilder builder(1, {16, 4, 4});
  const auto a = builder.Conv(builder.input(), Pointwise(16));
  const auto b = builder.Conv(builder.input(), Pointwise(32));
  const auto inner = builder.Concat({a, b});
  const auto c = builder.Conv(inner, Pointwise(16));
  const auto outer = builder.Concat({c, inner});
  const auto odd = builder.Conv(outer, Pointwise(5));
  const auto copied = builder.Concat({odd, outer});
  const qnet::QNet net = builder.Finish({copied});
  const MemoryPlan plan = PlanMemory(net, OneByOne(net));
  const auto view = [&](qnet::TensorId id) { return plan.views[qnet::Index(id)]; };
  const std::int64_t base = view(outer).offset;
  EXPECT_EQ(view(c).offset, base);
  EXPECT_EQ(view(inner).offset, base + 16);
  EXPECT_EQ(view(a).offset, base + 16);
  EXPECT_EQ(view(b).offset, base + 32);
  for (const auto id : {a, b, inner, c, outer}) EXPECT_EQ(view(id).stride, 64);
  // 5 channels are not whole tiles: nothing of the last one is in place.
  EXPECT_EQ(view(copied).stride, 69);
  EXPECT_EQ(view(odd).stride, 5);
}

TEST(PlanMemory, SumsInPlaceOfAnOperandThatIsReadNoMore) {
  const auto in_place = [](std::int32_t channels, bool relu, bool read_later, bool beside) {
    NetBuilder builder(1, {channels, 6, 6});
    NetBuilder::ConvOptions plain = Pointwise(channels);
    NetBuilder::ConvOptions positive = plain;
    positive.relu = true;
    const auto residual = builder.Conv(builder.input(), positive);
    const auto x = builder.Conv(residual, positive);
    const auto sum = builder.Conv(x, residual, relu ? positive : plain);
    // One more reader: in the stage of the sum, or a later one.
    const auto other = builder.Conv(read_later ? residual : x, plain);
    const qnet::QNet net = builder.Finish({sum, other});
    Stages stages = {{0}, {1}, {2}, {3}};
    if (beside) stages = {{0}, {1}, {2, 3}};
    const MemoryPlan plan = PlanMemory(net, stages);
    return SamePlace(plan.views[qnet::Index(residual)], plan.views[qnet::Index(sum)]);
  };
  EXPECT_TRUE(in_place(16, true, false, false));
  EXPECT_TRUE(in_place(48, true, false, true));
  EXPECT_FALSE(in_place(17, true, false, false)) << "not whole tiles";
  EXPECT_FALSE(in_place(16, false, false, false)) << "one may be negative, the other never is";
  EXPECT_FALSE(in_place(16, true, true, false)) << "read later";
  EXPECT_FALSE(in_place(16, true, true, true)) << "read at the same time";
}

TEST(PlanMemory, SumsInPlaceOfConvolutionsInGroups) {
  const auto in_place = [](std::int32_t groups, std::int8_t pad_value) {
    NetBuilder builder(1, {96, 6, 6});
    NetBuilder::ConvOptions options = Pointwise(96);
    options.relu = true;
    const auto residual = builder.Conv(builder.input(), options);
    const auto x = builder.Conv(residual, options);
    options.groups = groups;
    const auto sum = builder.Conv(x, residual, options);
    NetBuilder::ConvOptions reader = Pointwise(16);
    reader.window = {3, 3, 1, 1, 1, 1, 1, 1};
    reader.pad_value = pad_value;
    const qnet::QNet net = builder.Finish({builder.Conv(sum, reader)});
    const MemoryPlan plan = PlanMemory(net, OneByOne(net));
    return SamePlace(plan.views[qnet::Index(residual)], plan.views[qnet::Index(sum)]);
  };
  EXPECT_TRUE(in_place(1, 0));
  EXPECT_TRUE(in_place(2, 0));
  EXPECT_TRUE(in_place(96, 0));
  EXPECT_FALSE(in_place(4, 0)) << "groups of 24 channels are not whole tiles";
  EXPECT_FALSE(in_place(1, qnet::kLowPadding)) << "the residual would have 8 bits instead of 7";
}

TEST(PlanMemory, SumsBesideWhatIsReadOtherwise) {
  NetBuilder builder(1, {32, 6, 6});
  const auto place = [&](const qnet::QNet& net, qnet::TensorId a, qnet::TensorId b) {
    const MemoryPlan plan = PlanMemory(net, OneByOne(net));
    return SamePlace(plan.views[qnet::Index(a)], plan.views[qnet::Index(b)]);
  };
  const auto a = builder.Conv(builder.input(), Pointwise(32));
  const auto own = builder.Conv(a, a, Pointwise(32));  // reads around the pixel that it writes
  const auto twice = builder.Add(own, own, false, false, false);
  const auto b = builder.Conv(twice, Pointwise(16));
  const auto c = builder.Conv(twice, Pointwise(16));
  const auto both = builder.Concat({b, c});
  const auto sum = builder.Add(twice, both, false, false, false);
  const auto last = builder.Conv(builder.Conv(b, Pointwise(32)), sum, Pointwise(32));
  const qnet::QNet net = builder.Finish({last, sum});
  EXPECT_FALSE(place(net, a, own));
  EXPECT_FALSE(place(net, own, twice));
  EXPECT_TRUE(place(net, twice, sum));
  EXPECT_FALSE(place(net, both, sum)) << "a slice of it is read later";
  EXPECT_FALSE(place(net, sum, last)) << "an output";
}

TEST(PlanMemory, BordersOfPaddedConvolutions) {
  NetBuilder builder(1, {16, 4, 4});
  NetBuilder::ConvOptions padded = Pointwise(16);
  padded.window = {3, 3, 1, 1, 1, 1, 1, 1};
  padded.relu = true;
  const auto a = builder.Conv(builder.input(), padded);
  const auto b = builder.Conv(a, padded);
  const qnet::QNet net = builder.Finish({b});
  const MemoryPlan plan = PlanMemory(net, OneByOne(net));
  EXPECT_EQ(plan.views[qnet::Index(a)].row, 6 * 16);
  EXPECT_EQ(plan.views[qnet::Index(b)].row, 4 * 16);
  EXPECT_EQ(plan.zeros[qnet::Index(net.inputs[0])], 128);
  EXPECT_EQ(plan.zeros[qnet::Index(a)], 0);
  ASSERT_EQ(plan.fills[0].size(), 1u);
  EXPECT_EQ(plan.fills[0][0].value, 128);
  ASSERT_EQ(plan.fills[1].size(), 1u);
  EXPECT_TRUE(plan.fills[2].empty());
}

// Borders of eight times the input, where there is room for them.
TEST(PlanMemory, BordersOfWideDilations) {
  NetBuilder builder(4, {64, 200, 200});
  NetBuilder::ConvOptions options;
  options.window = {3, 3, 1, 1, 190, 190, 190, 190};
  options.oc = 1;
  const auto net = builder.Finish({builder.Conv(builder.input(), options)});
  const std::int64_t bytes = net.tensors[0].bytes();
  const MemoryPlan large = PlanMemory(net, OneByOne(net));
  EXPECT_GT(large.arena_bytes, 8 * bytes);
  EXPECT_TRUE(BorderOf(net, net.ops[0], large.border_times).has_value());
  const MemoryPlan small = PlanMemory(net, OneByOne(net), kSmallBorders);
  EXPECT_LT(small.arena_bytes, 2 * bytes);
  EXPECT_FALSE(BorderOf(net, net.ops[0], small.border_times).has_value());
}

TEST(PlanMemory, OneValueAroundEachBuffer) {
  NetBuilder builder(1, {16, 4, 4});
  NetBuilder::ConvOptions padded = Pointwise(16);
  padded.window = {3, 3, 1, 1, 1, 1, 1, 1};
  padded.relu = true;
  NetBuilder::ConvOptions low = padded;
  low.pad_value = qnet::kLowPadding;
  const auto a = builder.Conv(builder.input(), padded);
  const auto b = builder.Conv(builder.input(), padded);
  const auto both = builder.Concat({a, b});
  const auto left = builder.Conv(a, padded);
  const auto right = builder.Conv(both, low);
  const qnet::QNet net = builder.Finish({left, right});
  ASSERT_TRUE(qnet::Verify(net).ok());
  const MemoryPlan plan = PlanMemory(net, OneByOne(net));
  const auto view = [&](qnet::TensorId id) { return plan.views[qnet::Index(id)]; };
  EXPECT_EQ(view(b).offset, view(both).offset + 16);
  EXPECT_EQ(view(a).stride, 16);  // zeros around it: it cannot lie within `both`
  EXPECT_EQ(plan.zeros[qnet::Index(a)], 0);
  EXPECT_EQ(plan.zeros[qnet::Index(both)], 128);
  ASSERT_EQ(plan.fills[1].size(), 1u);
  EXPECT_EQ(plan.fills[1][0].value, 0);  // 0 where values are not negative
  ASSERT_EQ(plan.fills[2].size(), 1u);
  EXPECT_EQ(plan.fills[2][0].value, 0);  // -128
}

// What kernels read past the channels of a last pixel, of a residual for instance, is in the arena
// and in nobody else's buffer.
TEST(PlanMemory, EveryTensorHasSlackBehindIt) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const qnet::QNet net = testing::RandomOps(seed);
    const MemoryPlan plan = PlanMemory(net, OneByOne(net));
    const auto end = [&](qnet::TensorId id) {
      const qnet::Tensor& tensor = net.tensor(id);
      const View& view = plan.views[qnet::Index(id)];
      return view.offset + (tensor.h() - 1) * view.row + (tensor.w() - 1) * view.stride +
             std::int64_t{tensor.c()} * qnet::BytesOf(tensor.type);
    };
    for (std::size_t i = 0; i < net.tensors.size(); ++i) {
      ASSERT_LE(end(static_cast<qnet::TensorId>(i)) + kSlack, plan.arena_bytes);
    }
    for (const qnet::Op& op : net.ops) {
      const View& to = plan.views[qnet::Index(op.output)];
      for (const qnet::TensorId id : op.inputs) {
        const View& from = plan.views[qnet::Index(id)];
        // Apart from slices of one buffer, which are whole tiles.
        if (from.row == to.row && std::abs(from.offset - to.offset) < to.stride) continue;
        ASSERT_TRUE(to.offset >= end(id) + kSlack || end(op.output) <= from.offset) << seed;
      }
    }
  }
}

TEST(PlanMemory, StaysNearTheLowerBound) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const qnet::QNet net = testing::RandomOps(seed);
    const MemoryPlan plan = PlanMemory(net, OneByOne(net));
    EXPECT_GE(plan.peak_bytes, plan.live_bytes);
    EXPECT_LE(plan.peak_bytes, 2 * plan.live_bytes) << seed;
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu
