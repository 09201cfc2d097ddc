#include "runtime/backends/cpu/stages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "runtime/backends/cpu/memory_plan.h"
#include "runtime/backends/cpu/test_nets.h"

namespace tf2::runtime::cpu {
namespace {

using testing::NetBuilder;

// The stage of each operator; -1 for one that is in none, -2 in several.
std::vector<int> StageOf(const Stages& stages, std::size_t ops) {
  std::vector<int> stage_of(ops, -1);
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    for (const std::size_t op : stages[stage]) {
      stage_of[op] = stage_of[op] == -1 ? static_cast<int>(stage) : -2;
    }
  }
  return stage_of;
}

TEST(Stages, BranchesRunTogetherAndTheirLargestLayerFirst) {
  NetBuilder builder(1, {16, 8, 8});
  NetBuilder::ConvOptions options;
  options.oc = 16;
  const auto a = builder.Conv(builder.input(), options);  // 0
  const auto b = builder.Conv(a, options);                // 1
  options.oc = 32;
  const auto c = builder.Conv(builder.input(), options);                         // 2
  const auto pool = builder.MaxPool(builder.input(), {2, 2, 2, 2, 0, 0, 1, 1});  // 3
  const auto sum = builder.Concat({b, c});                                       // 4
  const qnet::QNet net = builder.Finish({sum, pool});
  EXPECT_EQ(AsEarlyAsPossible(net), (Stages{{2, 0, 3}, {1}, {4}}));
  EXPECT_EQ(OneByOne(net), (Stages{{0}, {1}, {2}, {3}, {4}}));
}

TEST(Stages, RandomNetworksReadFromEarlierStagesOnly) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const qnet::QNet net = testing::RandomOps(seed);
    const Stages stages = AsEarlyAsPossible(net);
    const std::vector<int> stage_of = StageOf(stages, net.ops.size());
    std::vector<int> written(net.tensors.size(), -1);
    for (std::size_t i = 0; i < net.ops.size(); ++i) {
      ASSERT_GE(stage_of[i], 0) << seed;
      int earliest = 0;
      for (const qnet::TensorId input : net.ops[i].inputs) {
        earliest = std::max(earliest, written[qnet::Index(input)] + 1);
      }
      ASSERT_EQ(stage_of[i], earliest) << seed;
      written[qnet::Index(net.ops[i].output)] = stage_of[i];
    }
  }
}

// Some bytes of every pixel of a tensor's rows.
struct Place {
  View view;
  std::int64_t h, w, bytes;

  std::int64_t end() const {
    return view.offset + (h - 1) * view.row + (w - 1) * view.stride + bytes;
  }
};

bool Meet(const Place& a, const Place& b) {
  if (a.end() <= b.view.offset || b.end() <= a.view.offset) return false;
  if (a.view.stride != b.view.stride || a.view.row != b.view.row) return true;
  // Slices of one concatenation lie side by side in its pixels.
  const std::int64_t stride = a.view.stride;
  const std::int64_t from_a_to_b = ((b.view.offset - a.view.offset) % stride + stride) % stride;
  return from_a_to_b < a.bytes || from_a_to_b + b.bytes > stride;
}

class Places {
 public:
  Places(const qnet::QNet& net, const Stages& stages) : net_(net), plan_(PlanMemory(net, stages)) {}

  // A convolution reads around its input, too.
  std::vector<Place> Read(const qnet::Op& op) const {
    std::vector<Place> places;
    for (const qnet::TensorId input : op.inputs) places.push_back(Of(input));
    if (const auto border = BorderOf(net_, op, kLargeBorders)) {
      Place& first = places[0];
      first.view.offset -= border->top * first.view.row + border->left * first.view.stride;
      first.h += border->top + border->bottom;
      first.w += border->left + border->right;
    }
    return places;
  }
  // Nothing where a concatenation or a reshape finds its inputs in place.
  std::vector<Place> Written(const qnet::Op& op) const {
    const Place whole = Of(op.output);
    const bool concat = std::holds_alternative<qnet::Concat>(op.params);
    if (!concat && !std::holds_alternative<qnet::Reshape>(op.params)) return {whole};
    std::vector<Place> places;
    Place part = whole;
    for (const Place& from : Read(op)) {
      if (concat) part.bytes = from.bytes;
      if (!SamePlace(from.view, part.view)) places.push_back(part);
      part.view.offset += part.bytes;
    }
    return places;
  }

 private:
  Place Of(qnet::TensorId id) const {
    const qnet::Tensor& tensor = net_.tensor(id);
    return {plan_.views[qnet::Index(id)], tensor.h(), tensor.w(),
            std::int64_t{tensor.c()} * qnet::BytesOf(tensor.type)};
  }

  const qnet::QNet& net_;
  MemoryPlan plan_;
};

TEST(Stages, SlicesOfAConcatenationAreWrittenInOneStage) {
  NetBuilder builder(1, {16, 6, 6});
  NetBuilder::ConvOptions options;
  options.oc = 16;
  const auto a = builder.Conv(builder.input(), options);  // 0
  options.window = {3, 3, 1, 1, 1, 1, 1, 1};
  const auto b = builder.Conv(builder.input(), options);            // 1
  const qnet::QNet net = builder.Finish({builder.Concat({a, b})});  // 2
  const Stages stages = AsEarlyAsPossible(net);
  ASSERT_EQ(stages, (Stages{{1, 0}, {2}}));
  const Places places(net, stages);
  const Place of_a = places.Written(net.ops[0])[0];
  const Place of_b = places.Written(net.ops[1])[0];
  EXPECT_EQ(of_a.view.stride, 32);
  EXPECT_EQ(of_b.view.offset, of_a.view.offset + 16);
  EXPECT_FALSE(Meet(of_a, of_b));
  EXPECT_TRUE(places.Written(net.ops[2]).empty());
}

TEST(Stages, WhatRunsTogetherWritesWhereNobodyElseReadsOrWrites) {
  int pairs = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const qnet::QNet net = testing::RandomOps(seed);
    const Stages stages = AsEarlyAsPossible(net);
    const Places places(net, stages);
    for (const auto& stage : stages) {
      for (const std::size_t one : stage) {
        for (const std::size_t other : stage) {
          if (one == other) continue;
          std::vector<Place> others = places.Read(net.ops[other]);
          std::ranges::copy(places.Written(net.ops[other]), std::back_inserter(others));
          for (const Place& written : places.Written(net.ops[one])) {
            for (const Place& place : others) {
              ASSERT_FALSE(Meet(written, place)) << seed << " " << net.ops[one].name;
              ++pairs;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(pairs, 100);
}

}  // namespace
}  // namespace tf2::runtime::cpu
