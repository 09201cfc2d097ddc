#include "passes/pipeline.h"

#include <gmock/gmock.h>

#include <set>

#include "ir/op_table.h"
#include "passes/test_util.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::OpKind;
using ir::Shape;
using ir::Tensor;
using ir::ValueId;
using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

std::set<std::string_view> OperatorsOf(const Graph& graph) {
  std::set<std::string_view> names;
  for (const ir::Node& node : graph.nodes) names.insert(ir::NameOf(node.kind));
  return names;
}

// Builds graphs with random weights.
class Builder {
 public:
  explicit Builder(unsigned seed) : engine_(seed) {}

  std::int64_t Int(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<unsigned>(high - low + 1));
  }
  const Shape& shape(ValueId id) const { return g.value(id).shape; }

  ValueId Node(OpKind kind, std::vector<ValueId> inputs,
               std::map<std::string, ir::Attr> attrs = {}) {
    const ValueId out =
        g.AddNode(kind, std::string(ir::NameOf(kind)), std::move(inputs), std::move(attrs));
    const Status s = InferShapes(g);
    EXPECT_TRUE(s.ok()) << (s.ok() ? "" : s.error().ToString());
    return out;
  }
  ValueId Random(const Shape& s, float scale = 1) {
    Tensor t = RandomTensor(s, engine_);
    for (float& v : t.f32) v *= scale;
    return g.AddConstant("c", std::move(t));
  }
  ValueId Positive(std::int64_t n) {
    Tensor t = RandomTensor({n}, engine_);
    for (float& v : t.f32) v = std::abs(v) + 0.1F;
    return g.AddConstant("variance", std::move(t));
  }
  ValueId Conv(ValueId x, std::int64_t oc, std::int64_t k, std::int64_t stride, bool bias) {
    const std::int64_t ic = shape(x)[1];
    std::vector<ValueId> in = {x, Random({oc, ic, k, k}, 0.5F / static_cast<float>(ic))};
    if (bias) in.push_back(Random({oc}));
    const std::int64_t p = k / 2;
    return Node(OpKind::kConv, in, {{"strides", Ints{stride, stride}}, {"pads", Ints{p, p, p, p}}});
  }
  ValueId Norm(ValueId x) {
    const std::int64_t c = shape(x)[1];
    return Node(OpKind::kBatchNorm, {x, Random({c}), Positive(c)});
  }
  ValueId Scale(ValueId x) {
    return Node(OpKind::kScale, {x, Random({shape(x)[1]}), Random({shape(x)[1]})});
  }

  Graph g;

 private:
  std::mt19937 engine_;
};

// ResNet for CIFAR-10 (20 layers with three blocks a stage) with Caffe's separate batch norm, scale
// and sum layers.
Graph ResNet(int blocks, std::int64_t size) {
  Builder b(1);
  const auto block = [&](ValueId x, std::int64_t oc, std::int64_t stride, bool relu) {
    ValueId y = b.Scale(b.Norm(b.Conv(x, oc, 3, stride, false)));
    return relu ? b.Node(OpKind::kRelu, {y}) : y;
  };
  b.g.inputs = {b.g.AddValue("data", ir::DType::kFloat32, {1, 3, size, size})};
  ValueId x = block(b.g.inputs[0], 16, 1, true);
  for (std::int64_t oc : {16, 32, 64}) {
    for (int i = 0; i < blocks; ++i) {
      const std::int64_t stride = i == 0 && oc != 16 ? 2 : 1;
      ValueId shortcut = x;
      if (stride == 2) shortcut = b.Scale(b.Norm(b.Conv(x, oc, 1, 2, false)));
      const ValueId y = block(block(x, oc, stride, true), oc, 1, false);
      x = b.Node(OpKind::kRelu, {i == 1 ? b.Node(OpKind::kAdd, {y, shortcut})
                                        : b.Node(OpKind::kAdd, {shortcut, y})});
    }
  }
  x = b.Node(OpKind::kFlatten, {b.Node(OpKind::kGlobalAvgPool, {x})});
  b.g.outputs = {b.Node(OpKind::kGemm, {x, b.Random({10, 64}), b.Random({10})})};
  return b.g;
}

TEST(Pipeline, ResNet20BecomesConvolutions) {
  const Graph before = ResNet(3, 32);
  Graph g = before;
  std::vector<PassReport> report;
  ASSERT_TRUE(RunPipeline(g, {}, &report).ok());
  EXPECT_EQ(OperatorsOf(g),
            (std::set<std::string_view>{"conv", "flatten", "gemm", "global_avg_pool"}));
  int residuals = 0;
  int relus = 0;
  for (const ir::Node& node : g.nodes) {
    residuals += node.kind == OpKind::kConv && node.HasInput(3) ? 1 : 0;
    relus += node.kind == OpKind::kConv && node.Int("relu") != 0 ? 1 : 0;
  }
  EXPECT_EQ(residuals, 9);
  EXPECT_EQ(relus, 19);
  EXPECT_EQ(g.nodes.size(), 24U);
  ExpectSameResults(before, g, 1e-4);
  EXPECT_THAT(ToString(report), HasSubstr("fuse_residual_add"));
  EXPECT_EQ(report.back().changes, 0);
}

TEST(Pipeline, MatMulWithBiasBecomesGemm) {
  Graph g = Parsed(R"(input %x : f32[1, 2, 1, 1]
    const %w : f32[2, 3] = {1, 2, 3, 4, 5, 6}
    const %b : f32[3] = {1, 2, 3}
    const %shape : i64[2] = {1, -1}
    %d = identity(%x)
    %f = reshape(%d, %shape)
    %m = matmul(%f, %w)
    %a = add(%m, %b)
    %y = relu(%a)
    output %y)");
  const Graph before = g;
  ASSERT_TRUE(RunPipeline(g).ok());
  EXPECT_EQ(Body(g),
            "%f = flatten(%x)\n%y = gemm(%f, %w.1.1, %m.bias) as \"m\" {relu = 1}\noutput %y\n");
  ExpectSameResults(before, g);
}

TEST(Pipeline, MaximumTakesPaddingOnceTheReluIsFused) {
  Graph g = Parsed(R"(input %x : f32[1, 1, 5, 5]
    const %w : f32[1, 1, 1, 1] = {2}
    %c = conv(%x, %w)
    %r = relu(%c)
    %p = pad(%r) {pads = [0, 0, 1, 1, 0, 0, 1, 1]}
    %q = pad(%p) {pads = [0, 0, 0, 0, 0, 0, 0, 1]}
    %y = max_pool(%q) {kernel = [3, 3], strides = [2, 2]}
    output %y)");
  const Graph before = g;
  ASSERT_TRUE(RunPipeline(g).ok());
  EXPECT_EQ(
      Body(g),
      "%r = conv(%x, %w) as \"c\" {relu = 1}\n"
      "%y = max_pool(%r) {kernel = [3, 3], pads = [1, 1, 1, 2], strides = [2, 2]}\noutput %y\n");
  ExpectSameResults(before, g);
}

TEST(Pipeline, PassesCanBeSwitchedOff) {
  const Graph before = ResNet(1, 8);
  Graph g = before;
  ASSERT_TRUE(RunPipeline(g, {{"fuse_residual_add", "fuse_relu"}}).ok());
  EXPECT_TRUE(OperatorsOf(g).contains("add"));
  EXPECT_TRUE(OperatorsOf(g).contains("relu"));
  EXPECT_FALSE(OperatorsOf(g).contains("batch_norm"));
  for (const Pass& pass : Passes()) {
    Graph h = before;
    EXPECT_TRUE(RunPipeline(h, {{std::string(pass.name)}}).ok());
    ExpectSameResults(before, h, 1e-4);
  }
  const Status s = RunPipeline(g, {{"magic"}});
  ASSERT_FALSE(s.ok());
  EXPECT_THAT(s.error().ToString(), HasSubstr("there is no pass called magic"));
  EXPECT_THAT(s.error().hint, HasSubstr("dead_code, constant_folding"));
}

TEST(Pipeline, RefusesABrokenGraph) {
  Graph g = Parsed("input %x : f32[1, 2]\n%y = relu(%x)\noutput %y");
  g.nodes[0].inputs = {ir::kNoValue};
  EXPECT_FALSE(RunPipeline(g).ok());
}

// One step of a random network: a node or two on a value of four axes.
ValueId RandomStep(Builder& b, ValueId x, const std::vector<ValueId>& earlier) {
  const Shape s = b.shape(x);
  const auto same =
      std::find_if(earlier.rbegin(), earlier.rend(), [&](ValueId v) { return b.shape(v) == s; });
  const Ints pads = {0, 0, b.Int(0, 1), b.Int(0, 1), 0, 0, b.Int(0, 1), b.Int(0, 1)};
  switch (b.Int(0, 13)) {
    case 0:
    case 1:
      return b.Conv(x, b.Int(1, 5), b.Int(1, 2) * 2 - 1, b.Int(1, 2), b.Int(0, 1) != 0);
    case 2:
      return b.Conv(x, s[1], 3, 1, false);
    case 3:
      return b.Norm(x);
    case 4:
      return b.Scale(x);
    case 5:
      return b.Node(OpKind::kRelu, {x});
    case 6:
      return same == earlier.rend() ? b.Node(OpKind::kIdentity, {x})
                                    : b.Node(OpKind::kAdd, {x, *same});
    case 7:
      return same == earlier.rend() ? x : b.Node(OpKind::kConcat, {*same, x});
    case 8:
      return b.Node(OpKind::kMul, {b.Random({s[1], 1, 1}), x});
    case 9:
      return b.Node(OpKind::kSub, {b.Random({1}), x});
    case 10:
      return b.Node(OpKind::kPad, {x}, {{"pads", pads}});
    case 11:
      return b.Node(OpKind::kMaxPool, {x}, {{"kernel", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
    case 12:
      return b.Node(OpKind::kAvgPool, {x}, {{"kernel", Ints{2, 2}}, {"pads", Ints{0, 0, 1, 1}}});
    default:
      return b.Node(OpKind::kReshape, {b.Node(OpKind::kReshape, {x}, {{"shape", Ints{-1}}})},
                    {{"shape", s}});
  }
}

TEST(Pipeline, KeepsTheResultsOfRandomGraphs) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    Builder b(seed);
    b.g.inputs = {b.g.AddValue("x", ir::DType::kFloat32,
                               {b.Int(1, 2), b.Int(1, 3), b.Int(4, 7), b.Int(4, 7)})};
    std::vector<ValueId> values = b.g.inputs;
    for (std::int64_t steps = b.Int(4, 16); steps > 0; --steps) {
      const ValueId x = values[static_cast<std::size_t>(
          b.Int(std::max<std::int64_t>(0, std::int64_t(values.size()) - 3),
                std::int64_t(values.size()) - 1))];
      values.push_back(RandomStep(b, x, values));
    }
    b.g.outputs = {values.back(), values[values.size() / 2]};
    if (b.g.outputs[0] == b.g.outputs[1]) b.g.outputs.pop_back();
    Graph g = b.g;
    const Status s = RunPipeline(g);
    ASSERT_TRUE(s.ok()) << "seed " << seed << ": " << s.error().ToString();
    ExpectSameResults(b.g, g, 1e-4);
    if (testing::Test::HasFailure())
      FAIL() << "seed " << seed << "\n" << Body(b.g) << "->\n" << Body(g);
  }
}

}  // namespace
}  // namespace tf2::passes
