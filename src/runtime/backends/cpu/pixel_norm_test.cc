#include "runtime/backends/cpu/pixel_norm.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "qnet/interpreter.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/cpu/layout.h"

namespace tf2::runtime::cpu {
namespace {

using ir::OpKind;
using Ints = std::vector<std::int64_t>;

constexpr qnet::TensorId kIn{0}, kOut{1};

// A network of one host operator, and places for its tensors with gaps between pixels and rows.
struct Case {
  qnet::QNet net;
  MemoryPlan plan;

  const qnet::Op& op() const { return net.ops[0]; }
  PrepareContext context() const { return {net, plan, **SelectKernels("portable")}; }
  std::optional<PixelNorm> Prepared() const { return PixelNormOf(context(), op(), 1 << 20); }
};

// Builds the graph of a host operator on its input and returns the output.
using Build = std::function<ir::ValueId(ir::Graph& graph, ir::ValueId x)>;

Case MakeCase(std::vector<std::int32_t> in, std::vector<std::int32_t> out, qnet::ElemType type,
              Rng& rng, const Build& build) {
  Case c;
  c.net.tensors = {{"x", type, std::move(in), {}},
                   {"y", qnet::ElemType::kInt8, std::move(out), {}}};
  ir::Graph graph;
  graph.name = "host";
  const qnet::Tensor& x = c.net.tensors[0];
  graph.inputs = {graph.AddValue("x", ir::DType::kFloat32, {1, x.c(), x.h(), x.w()})};
  graph.outputs = {build(graph, graph.inputs[0])};
  EXPECT_TRUE(ir::InferShapes(graph).ok());
  c.net.ops.push_back({"norm", {kIn}, kOut, qnet::Host{*qnet::FloatGraph::Make(graph)}});
  std::int64_t offset = 3;
  for (qnet::Tensor& tensor : c.net.tensors) {
    for (std::int32_t i = 0; i < tensor.c(); ++i)
      tensor.q.push_back(static_cast<std::int8_t>(rng.Between(2, 6)));
    const std::int64_t stride = std::int64_t{tensor.c()} * qnet::BytesOf(tensor.type) + 5;
    c.plan.views.push_back({offset, tensor.w() * stride + 7, stride});
    c.plan.zeros.push_back(tensor.type == qnet::ElemType::kInt8 ? 128 : 0);
    offset += tensor.h() * c.plan.views.back().row;
  }
  c.plan.arena_bytes = offset;
  return c;
}

ir::ValueId LayerNorm(ir::Graph& graph, ir::ValueId x, std::int64_t channels, bool gamma, bool beta,
                      Rng& rng) {
  std::vector<ir::ValueId> inputs = {x};
  for (const bool there : {gamma, beta}) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < channels; ++i) values.push_back(rng.Uniform(-2, 2));
    inputs.push_back(
        there ? graph.AddConstant("parameter", ir::Tensor::Float({channels}, std::move(values)))
              : ir::kNoValue);
  }
  return graph.AddNode(OpKind::kLayerNorm, "norm", inputs,
                       {{"axis", std::int64_t{-1}}, {"epsilon", 1e-5F}});
}

ir::ValueId Transpose(ir::Graph& graph, ir::ValueId x, Ints perm) {
  return graph.AddNode(OpKind::kTranspose, "turned", {x}, {{"perm", std::move(perm)}});
}

ir::ValueId Reshape(ir::Graph& graph, ir::ValueId x, Ints shape) {
  return graph.AddNode(OpKind::kReshape, "shaped", {x}, {{"shape", std::move(shape)}});
}

void ExpectTheInterpretersBytes(const Case& c, Rng& rng) {
  const std::optional<PixelNorm> norm = c.Prepared();
  ASSERT_TRUE(norm.has_value());
  const qnet::Tensor &x = c.net.tensors[0], &y = c.net.tensors[1];
  qnet::Bytes contents(static_cast<std::size_t>(x.bytes()));
  for (std::uint8_t& byte : contents) byte = static_cast<std::uint8_t>(rng.Next());
  const qnet::Bytes* const inputs[] = {&contents};
  const auto expected = qnet::RunOp(c.net, c.op(), inputs);
  ASSERT_TRUE(expected.ok());
  std::vector<std::uint8_t> arena(static_cast<std::size_t>(c.plan.arena_bytes));
  Scatter(x, contents, {0, x.h()}, c.plan.views[0], c.plan.zeros[0], arena.data());
  const auto pixels = std::ssize(norm->from);
  Normalize(*norm, {0, pixels / 3}, arena.data());
  Normalize(*norm, {pixels / 3, pixels}, arena.data());
  EXPECT_EQ(Gather(y, c.plan.views[1], c.plan.zeros[1], arena.data()), *expected);
}

TEST(PixelNorm, IsTheInterpreters) {
  Rng rng(1);
  for (const std::int32_t channels : {1, 5, 8, 16, 33, 96}) {
    for (const auto type : {qnet::ElemType::kInt8, qnet::ElemType::kInt16}) {
      for (const int parameters : {0, 1, 2, 3}) {
        const auto build = [&](ir::Graph& graph, ir::ValueId x) {
          const ir::ValueId last = Transpose(graph, x, {0, 2, 3, 1});
          const ir::ValueId norm =
              LayerNorm(graph, last, channels, (parameters & 1) != 0, (parameters & 2) != 0, rng);
          return Transpose(graph, norm, {0, 3, 1, 2});
        };
        ExpectTheInterpretersBytes(MakeCase({channels, 4, 6}, {channels, 4, 6}, type, rng, build),
                                   rng);
      }
    }
  }
}

// Windows of 2 x 3 pixels one after the other, as Swin has them.
TEST(PixelNorm, MovesPixels) {
  Rng rng(2);
  const auto build = [&](ir::Graph& graph, ir::ValueId x) {
    ir::ValueId v = LayerNorm(graph, Transpose(graph, x, {0, 2, 3, 1}), 16, true, true, rng);
    v = Reshape(graph, v, {1, 2, 2, 2, 3, 16});
    v = Transpose(graph, v, {0, 1, 3, 2, 4, 5});
    v = Transpose(graph, Reshape(graph, v, {1, 24, 16}), {0, 2, 1});
    return Reshape(graph, v, {1, 16, 1, 24});
  };
  ExpectTheInterpretersBytes(MakeCase({16, 4, 6}, {16, 1, 24}, qnet::ElemType::kInt8, rng, build),
                             rng);
}

TEST(PixelNorm, SaturatesWhatIsTooLarge) {
  Rng rng(3);
  const auto build = [&](ir::Graph& graph, ir::ValueId x) {
    const float huge = std::numeric_limits<float>::max();
    const ir::ValueId gamma = graph.AddConstant(
        "gamma", ir::Tensor::Float({8}, {huge, -huge, 1e-42F, -1e-42F, 0, 1, 64, -64}));
    const ir::ValueId norm =
        graph.AddNode(OpKind::kLayerNorm, "norm", {Transpose(graph, x, {0, 2, 3, 1}), gamma},
                      {{"axis", std::int64_t{-1}}, {"epsilon", 1e-5F}});
    return Transpose(graph, norm, {0, 3, 1, 2});
  };
  ExpectTheInterpretersBytes(MakeCase({8, 5, 5}, {8, 5, 5}, qnet::ElemType::kInt8, rng, build),
                             rng);
}

TEST(PixelNorm, LeavesOtherOperatorsToTheInterpreter) {
  Rng rng(4);
  const auto prepared = [&](std::vector<std::int32_t> out, const Build& build) {
    return MakeCase({4, 4, 4}, std::move(out), qnet::ElemType::kInt8, rng, build)
        .Prepared()
        .has_value();
  };
  // Across the columns of a row; across channels that come back in another place; twice; with
  // another operator; of two axes.
  EXPECT_FALSE(prepared({4, 4, 4}, [&](ir::Graph& graph, ir::ValueId x) {
    return LayerNorm(graph, x, 4, true, true, rng);
  }));
  EXPECT_FALSE(prepared({4, 4, 4}, [&](ir::Graph& graph, ir::ValueId x) {
    return LayerNorm(graph, Transpose(graph, x, {0, 2, 3, 1}), 4, true, true, rng);
  }));
  EXPECT_FALSE(prepared({4, 4, 4}, [&](ir::Graph& graph, ir::ValueId x) {
    const ir::ValueId v = LayerNorm(graph, Transpose(graph, x, {0, 2, 3, 1}), 4, true, true, rng);
    return Transpose(graph, LayerNorm(graph, v, 4, true, true, rng), {0, 3, 1, 2});
  }));
  EXPECT_FALSE(prepared({4, 4, 4}, [&](ir::Graph& graph, ir::ValueId x) {
    const ir::ValueId v = LayerNorm(graph, Transpose(graph, x, {0, 2, 3, 1}), 4, true, true, rng);
    return Transpose(graph, graph.AddNode(OpKind::kRelu, "relu", {v}), {0, 3, 1, 2});
  }));
  EXPECT_FALSE(prepared({4, 4, 4}, [&](ir::Graph& graph, ir::ValueId x) {
    const ir::ValueId v =
        graph.AddNode(OpKind::kLayerNorm, "norm", {Transpose(graph, x, {0, 2, 3, 1})},
                      {{"axis", std::int64_t{2}}, {"epsilon", 1e-5F}});
    return Transpose(graph, v, {0, 3, 1, 2});
  }));
}

}  // namespace
}  // namespace tf2::runtime::cpu
