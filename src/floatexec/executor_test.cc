// The executor against the interpreter, operator by operator, and on graphs.
#include "floatexec/executor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "base/parallel.h"
#include "base/rng.h"

namespace tf2::floatexec {
namespace {

using ir::Graph;
using ir::OpKind;
using ir::Shape;
using ir::Tensor;
using ir::ValueId;
using Ints = std::vector<std::int64_t>;
using Attrs = std::map<std::string, ir::Attr>;

Tensor Random(Shape shape, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> data(static_cast<std::size_t>(ir::ElementCount(shape)));
  for (float& v : data) v = rng.Normal();
  return Tensor::Float(std::move(shape), std::move(data));
}

// A run-time input "x" and nodes on it.
struct Builder {
  Graph graph;
  explicit Builder(const Shape& input) {
    graph.inputs = {graph.AddValue("x", ir::DType::kFloat32, input)};
  }
  ValueId x() const { return graph.inputs[0]; }
  ValueId Constant(const Shape& shape, std::uint64_t seed) {
    return graph.AddConstant("k", Random(shape, seed));
  }
  ValueId Add(OpKind kind, const std::vector<ValueId>& inputs, Attrs attrs = {}) {
    return graph.AddNode(kind, "n", inputs, std::move(attrs));
  }
  void Finish(ValueId output) {
    graph.outputs = {output};
    const Status shapes = ir::InferShapes(graph);
    ASSERT_TRUE(shapes.ok()) << shapes.error().ToString();
  }
};

// Every value equals the interpreter's but for the order of sums.
void ExpectEqualToInterpreter(const Graph& graph) {
  const Tensor input = Random(graph.value(graph.inputs[0]).shape, 7);
  std::map<ValueId, Tensor> expected;
  ASSERT_TRUE(interp::RunAll(graph, {&input, 1}, [&](ValueId id, const Tensor& t) -> Status {
                expected[id] = t;
                return {};
              }).ok());
  const Executor executor(graph);
  std::size_t reported = 0;
  const auto compare = [&](ValueId id, const Tensor& t) -> Status {
    ++reported;
    const Tensor& want = expected.at(id);
    EXPECT_EQ(t.shape, want.shape);
    EXPECT_EQ(t.i64, want.i64);
    EXPECT_EQ(t.f32.size(), want.f32.size());
    float largest = 0;
    for (const float v : want.f32) largest = std::max(largest, std::fabs(v));
    for (std::size_t i = 0; i < std::min(t.f32.size(), want.f32.size()); ++i) {
      if (std::fabs(t.f32[i] - want.f32[i]) > 1e-5F * (1 + largest)) {
        return InvalidArgument("element {}: {}, the interpreter has {}", i, t.f32[i], want.f32[i])
            .At(graph.value(id).name);
      }
    }
    return {};
  };
  auto run = executor.RunAll({&input, 1}, compare);
  ASSERT_TRUE(run.ok()) << run.error().ToString();
  EXPECT_EQ(reported, expected.size());
  EXPECT_EQ((*run)[0].f32.size(), expected.at(graph.outputs[0]).f32.size());
}

void ExpectPrimitive(const Graph& graph, bool primitive) {
  EXPECT_EQ(Executor(graph).IsPrimitive(graph.nodes.size() - 1), primitive);
}

struct ConvCase {
  std::int64_t ic, oc, groups, k, stride, pad, dilation;
  bool bias, residual, relu;
  float pad_value = 0;
};

TEST(Executor, Convolutions) {
  for (const ConvCase& c : std::vector<ConvCase>{{3, 16, 1, 3, 2, 0, 1, true, false, true},
                                                 {16, 24, 1, 1, 1, 0, 1, true, true, true},
                                                 {16, 16, 1, 3, 1, 1, 1, false, true, false},
                                                 {16, 16, 16, 3, 1, 1, 1, true, false, true},
                                                 {16, 16, 16, 3, 2, 1, 1, true, false, false},
                                                 {12, 6, 3, 3, 1, 2, 2, true, false, false},
                                                 {5, 7, 1, 5, 3, 1, 1, true, false, false},
                                                 {16, 24, 1, 3, 1, 1, 1, true, true, true, -2},
                                                 {16, 16, 16, 3, 1, 1, 1, true, false, true, 1.5F},
                                                 {5, 7, 1, 5, 3, 2, 1, true, false, false, -1}}) {
    Builder b({1, c.ic, 11, 9});
    std::vector<ValueId> inputs = {b.x(), b.Constant({c.oc, c.ic / c.groups, c.k, c.k}, 1),
                                   c.bias ? b.Constant({c.oc}, 2) : ir::kNoValue};
    if (c.residual) {
      inputs.push_back(b.Add(OpKind::kConv, {b.x(), b.Constant({c.oc, c.ic, 1, 1}, 3)}));
    }
    b.Finish(b.Add(OpKind::kConv, inputs,
                   {{"strides", Ints(2, c.stride)},
                    {"pads", Ints(4, c.pad)},
                    {"dilations", Ints(2, c.dilation)},
                    {"groups", c.groups},
                    {"pad_value", c.pad_value},
                    {"relu", std::int64_t{c.relu}}}));
    ExpectEqualToInterpreter(b.graph);
    ExpectPrimitive(b.graph, true);
  }
}

TEST(Executor, UnevenPadding) {
  Builder b({1, 4, 9, 9});
  b.Finish(b.Add(OpKind::kConv, {b.x(), b.Constant({8, 4, 3, 3}, 1)},
                 {{"pads", Ints{0, 1, 2, 3}}, {"strides", Ints{2, 2}}, {"pad_value", -3.0F}}));
  ExpectEqualToInterpreter(b.graph);
}

TEST(Executor, FullyConnected) {
  Builder b({1, 40});
  b.Finish(b.Add(OpKind::kGemm, {b.x(), b.Constant({10, 40}, 1), b.Constant({10}, 2)},
                 {{"relu", std::int64_t{1}}}));
  ExpectEqualToInterpreter(b.graph);
  ExpectPrimitive(b.graph, true);
}

TEST(Executor, Pools) {
  for (const OpKind kind : {OpKind::kMaxPool, OpKind::kAvgPool}) {
    for (const char* divisor : {"valid", "kernel", "caffe"}) {
      for (const std::int64_t ceil : {0, 1}) {
        for (const std::int64_t pad : {0, 1}) {
          Builder b({1, 8, 12, 10});
          Attrs attrs = {{"kernel", Ints{3, 3}},
                         {"strides", Ints{2, 2}},
                         {"pads", Ints(4, pad)},
                         {"ceil", ceil}};
          if (kind == OpKind::kAvgPool) attrs["divisor"] = std::string(divisor);
          b.Finish(b.Add(kind, {b.x()}, attrs));
          ExpectEqualToInterpreter(b.graph);
        }
      }
    }
  }
  for (const OpKind kind : {OpKind::kGlobalMaxPool, OpKind::kGlobalAvgPool}) {
    Builder b({1, 8, 12, 10});
    b.Finish(b.Add(kind, {b.x()}));
    ExpectEqualToInterpreter(b.graph);
    ExpectPrimitive(b.graph, true);
  }
}

TEST(Executor, WhatOneDnnLacksRunsInTheInterpreter) {
  Builder b({1, 8, 6, 6});
  const ValueId product = b.Add(OpKind::kMul, {b.x(), b.Constant({8, 1, 1}, 1)});
  b.Finish(b.Add(OpKind::kFlatten, {product}));
  ExpectEqualToInterpreter(b.graph);
  ExpectPrimitive(b.graph, false);
}

// Layouts change between primitives and kernels; a value has several readers.
Graph Branches() {
  Builder b({1, 3, 20, 20});
  const auto conv = [&](ValueId x, std::int64_t ic, std::int64_t oc, std::int64_t k,
                        std::uint64_t seed) {
    return b.Add(OpKind::kConv, {x, b.Constant({oc, ic, k, k}, seed), b.Constant({oc}, seed + 1)},
                 {{"pads", Ints(4, k / 2)}, {"relu", std::int64_t{1}}});
  };
  const ValueId first = conv(b.x(), 3, 16, 3, 1);
  const ValueId pool = b.Add(OpKind::kMaxPool, {first}, {{"kernel", Ints{2, 2}}});
  const ValueId left = conv(pool, 16, 16, 1, 3);
  const ValueId right = conv(pool, 16, 20, 3, 5);
  const ValueId joined = b.Add(OpKind::kConcat, {left, right});
  const ValueId third = conv(joined, 36, 36, 1, 7);
  const ValueId sum = b.Add(OpKind::kAdd, {joined, third}, {{"relu", std::int64_t{1}}});
  const ValueId relu = b.Add(OpKind::kRelu, {sum});
  const ValueId average = b.Add(OpKind::kGlobalAvgPool, {relu});
  const ValueId flat = b.Add(OpKind::kFlatten, {average});
  b.Finish(b.Add(OpKind::kSoftmax, {flat}));
  return std::move(b.graph);
}

TEST(Executor, Graphs) { ExpectEqualToInterpreter(Branches()); }

TEST(Executor, NodesOneByOne) {
  const Graph graph = Branches();
  const Tensor input = Random({1, 3, 20, 20}, 7);
  const Executor executor(graph);
  std::map<ValueId, Tensor> values = {{graph.inputs[0], input}};
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    std::vector<const Tensor*> args;
    for (const ValueId id : graph.nodes[i].inputs)
      args.push_back(graph.IsConstant(id) ? nullptr : &values.at(id));
    auto y = executor.RunNode(i, args);
    ASSERT_TRUE(y.ok());
    values[graph.nodes[i].outputs[0]] = *y;
  }
  auto whole = executor.Run({&input, 1});
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->at(0), values.at(graph.outputs[0]));
}

TEST(Executor, ThreadsDoNotChangeTheResult) {
  const Graph graph = Branches();
  const Executor executor(graph);
  std::vector<Tensor> results(8);
  ParallelFor(8, 4, [&](std::int64_t i) {
    const Tensor input = Random({1, 3, 20, 20}, 7);
    results[static_cast<std::size_t>(i)] = (*executor.Run({&input, 1}))[0];
  });
  for (const Tensor& result : results) EXPECT_EQ(result, results[0]);
}

TEST(Executor, RefusesWrongInputs) {
  const Graph graph = Branches();
  const Tensor input = Random({1, 3, 20, 19}, 7);
  auto run = Executor(graph).Run({&input, 1});
  ASSERT_FALSE(run.ok());
  EXPECT_EQ(run.error().ToString(),
            "input x: the tensor is f32 [1, 3, 20, 19], the network takes f32 [1, 3, 20, 20]");
}

}  // namespace
}  // namespace tf2::floatexec
