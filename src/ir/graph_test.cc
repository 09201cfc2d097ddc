#include "ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ir/op_table.h"
#include "ir/text.h"

namespace tf2::ir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

Graph Parsed(std::string_view text) {
  Result<Graph> g = ParseText(text);
  EXPECT_TRUE(g.ok()) << (g.ok() ? "" : g.error().ToString());
  return g.ok() ? *std::move(g) : Graph();
}

std::string VerifyError(const Graph& g) {
  const Status s = Verify(g);
  return s.ok() ? "" : s.error().ToString();
}

Graph TwoRelus() {
  Graph g;
  g.inputs = {g.AddValue("x", DType::kFloat32, {1, 2})};
  const ValueId a = g.AddNode(OpKind::kRelu, "a", g.inputs);
  g.outputs = {g.AddNode(OpKind::kRelu, "b", {a})};
  EXPECT_TRUE(InferShapes(g).ok());
  return g;
}

TEST(OpTable, NamesAreUniqueAndFound) {
  for (const OpRow& row : OpTable()) {
    ASSERT_TRUE(OpByName(row.name).has_value());
    EXPECT_EQ(*OpByName(row.name), row.kind);
    for (const AttrSpec& spec : row.attrs) {
      EXPECT_EQ(row.Find(spec.name), &spec);
      EXPECT_EQ(spec.default_value.index(), static_cast<std::size_t>(spec.type))
          << row.name << spec.name;
    }
  }
  EXPECT_FALSE(OpByName("warp").has_value());
}

TEST(OpTable, DefaultsAndChecks) {
  Node node;
  node.kind = OpKind::kConv;
  node.name = "c";
  EXPECT_THAT(node.Ints("pads"), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(node.Int("groups"), 1);
  const auto error = [&](const char* key, Attr value) {
    node.attrs = {{key, std::move(value)}};
    const Status s = CheckAttrs(node);
    return s.ok() ? "" : s.error().ToString();
  };
  EXPECT_EQ(error("pads", Ints{1, 2, 3, 4}), "");
  EXPECT_THAT(error("pads", Ints{1, 2}), HasSubstr("attribute pads has 2 elements, not 4"));
  EXPECT_THAT(error("strides", Ints{0, 1}), HasSubstr("attribute strides may not contain 0"));
  EXPECT_THAT(error("relu", std::int64_t{2}), HasSubstr("attribute relu may not be 2"));
  EXPECT_THAT(error("groups", 1.0F), HasSubstr("attribute groups is of type float, not int"));
  EXPECT_THAT(error("colour", std::int64_t{2}), HasSubstr("conv has no attribute colour"));
  node.kind = OpKind::kAvgPool;
  EXPECT_THAT(error("divisor", "half"), HasSubstr("attribute divisor may not be \"half\""));
  EXPECT_THAT(error("ceil", std::int64_t{1}), HasSubstr("avg_pool needs the attribute kernel"));
}

TEST(Graph, NamesBecomeUnique) {
  Graph g;
  EXPECT_EQ(g.value(g.AddValue("x")).name, "x");
  EXPECT_EQ(g.value(g.AddValue("x")).name, "x.1");
  EXPECT_EQ(g.value(g.AddValue("x")).name, "x.2");
  EXPECT_EQ(g.value(g.AddValue("")).name, "value");
}

TEST(Graph, ProducersReadersAndReplacement) {
  Graph g = TwoRelus();
  const ValueId a = g.nodes[0].outputs[0];
  const ValueId b = g.nodes[1].outputs[0];
  EXPECT_EQ(g.Producer(a), 0U);
  EXPECT_EQ(g.Producer(g.inputs[0]), std::nullopt);
  EXPECT_THAT(g.Readers(a), ElementsAre(1));
  EXPECT_TRUE(g.IsOutput(b));
  g.ReplaceUses(b, a);
  EXPECT_TRUE(g.IsOutput(a));
}

TEST(Sort, IsStableAndNamesCycles) {
  Graph g = TwoRelus();
  std::swap(g.nodes[0], g.nodes[1]);
  ASSERT_TRUE(SortTopologically(g).ok());
  EXPECT_EQ(g.nodes[0].name, "a");
  g.nodes[0].inputs[0] = g.nodes[1].outputs[0];
  const Status s = SortTopologically(g);
  ASSERT_FALSE(s.ok());
  EXPECT_THAT(s.error().ToString(), HasSubstr("the graph has a cycle: "));
  EXPECT_THAT(s.error().message,
              testing::AnyOf(HasSubstr("a -> b -> a"), HasSubstr("b -> a -> b")));
}

TEST(Verify, NamesWhatIsWrong) {
  EXPECT_EQ(VerifyError(TwoRelus()), "");
  Graph g = TwoRelus();
  std::swap(g.nodes[0], g.nodes[1]);
  EXPECT_THAT(VerifyError(g), HasSubstr("b (relu): reads a, which nothing before it produces"));
  g = TwoRelus();
  g.value(g.outputs[0]).shape = {1, 3};
  EXPECT_THAT(VerifyError(g), HasSubstr("b: b is f32 [1, 3], inferred f32 [1, 2]"));
  g = TwoRelus();
  g.nodes[1].outputs = g.nodes[0].outputs;
  EXPECT_THAT(VerifyError(g), HasSubstr("b: a is defined twice"));
  g = TwoRelus();
  g.nodes[1].inputs = {kNoValue};
  EXPECT_THAT(VerifyError(g), HasSubstr("b (relu): input 0 is absent"));
  g = TwoRelus();
  g.nodes[1].inputs = {};
  EXPECT_THAT(VerifyError(g), HasSubstr("b (relu): 0 inputs, 1 to 1 are legal"));
  g = TwoRelus();
  g.nodes[1].inputs = {ValueId(77)};
  EXPECT_THAT(VerifyError(g), HasSubstr("b (relu): input 0 does not exist"));
  g = TwoRelus();
  g.nodes[1].name = "a";
  EXPECT_THAT(VerifyError(g), HasSubstr("two nodes have the name a"));
  g = TwoRelus();
  g.value(g.outputs[0]).name = "x";
  EXPECT_THAT(VerifyError(g), HasSubstr("two values have the name x"));
  g = TwoRelus();
  g.outputs = {};
  EXPECT_THAT(VerifyError(g), HasSubstr("the graph has no output"));
  g = TwoRelus();
  g.value(g.inputs[0]).shape = {0, 2};
  EXPECT_THAT(VerifyError(g), HasSubstr("input x: shape [0, 2] has a dimension of 0"));
  g.value(g.inputs[0]).shape = {1 << 20, 1 << 20};
  EXPECT_THAT(VerifyError(g), HasSubstr("is too large"));
}

TEST(Verify, RefusesDamagedConstants) {
  Graph g = TwoRelus();
  const ValueId c =
      g.AddConstant("w", Tensor::Float({3}, {0, std::numeric_limits<float>::quiet_NaN(), 1}));
  EXPECT_THAT(VerifyError(g), HasSubstr("constant w: element 1 is nan"));
  g.value(c).constant = std::make_shared<const Tensor>(Tensor::Float({2}, {0, 1}));
  EXPECT_THAT(VerifyError(g), HasSubstr("constant w: the tensor is f32 [2], the value f32 [3]"));
  Tensor ragged = Tensor::Float({3}, {1, 2, 3});
  ragged.f32.pop_back();
  g.value(c).constant = std::make_shared<const Tensor>(ragged);
  EXPECT_THAT(VerifyError(g), HasSubstr("constant w: 2 elements for shape [3]"));
}

TEST(Macs, CountsConvolutionsAndProducts) {
  const Graph g = Parsed(R"(graph "g" {
    input %x : f32[2, 4, 5, 5]
    const %w : f32[2, 2, 1, 1] = {1, 2, 3, 4}
    const %v : f32[2, 50] = base64 ")" +
                         std::string(532, 'A') + R"(AA=="
    %c = conv(%x, %w) {groups = 2, pads = [0, 0, 0, 0]}
    %f = flatten(%c)
    %y = gemm(%f, %v)
    output %y
  })");
  EXPECT_EQ(CountMacs(g), 2 * 2 * 25 + 2 * 50);
}

}  // namespace
}  // namespace tf2::ir
