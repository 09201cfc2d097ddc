#include "passes/linear_to_conv.h"

#include <algorithm>
#include <string>

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

const std::string kMatrix = "const %b : f32[3, 2] = {1, 2, 3, 4, 5, 6}\n";

TEST(LinearToConv, MapsWithChannelsLast) {
  EXPECT_EQ(
      BodyAfter(LinearToConv,
                Parsed("input %x : f32[1, 4, 5, 3]\n" + kMatrix + "%y = matmul(%x, %b)\noutput %y"),
                1),
      "%y/channels_first = transpose(%x) {perm = [0, 3, 1, 2]}\n"
      "%y/conv = conv(%y/channels_first, %y/weights) as \"y\"\n"
      "%y = transpose(%y/conv) as \"y/channels_last\" {perm = [0, 2, 3, 1]}\noutput %y\n");
}

TEST(LinearToConv, Rows) {
  for (const char* shape : {"1, 7, 3", "4, 7, 3", "2, 4, 7, 3", "1, 2, 2, 7, 3"}) {
    BodyAfter(LinearToConv,
              Parsed(std::string("input %x : f32[") + shape + "]\n" + kMatrix +
                     "%y = matmul(%x, %b)\noutput %y"),
              1);
  }
}

TEST(LinearToConv, TheBiasIsTheConvolutions) {
  const auto nodes_after = [](const std::string& shape, const std::string& bias,
                              const std::string& add) {
    ir::Graph g = Parsed("input %x : f32[" + shape + "]\n" + kMatrix + "const %c : f32[" + bias +
                         "\n%m = matmul(%x, %b)\n" + add + "\noutput %y");
    BodyAfter(LinearToConv, g, 1);
    EXPECT_TRUE(LinearToConv(g).ok());
    return std::ranges::count_if(g.nodes,
                                 [](const ir::Node& n) { return n.kind == ir::OpKind::kAdd; });
  };
  EXPECT_EQ(nodes_after("1, 4, 5, 3", "2] = {1, 2}", "%y = add(%m, %c)"), 0);
  EXPECT_EQ(nodes_after("4, 7, 3", "1, 1, 2] = {1, 2}", "%y = add(%c, %m)"), 0);
  EXPECT_EQ(nodes_after("4, 7, 3", "1] = {1}", "%y = add(%m, %c)"), 1) << "a number";
  EXPECT_EQ(nodes_after("4, 2, 3", "2, 1] = {1, 2}", "%y = add(%m, %c)"), 1) << "one a row";
  EXPECT_EQ(nodes_after("4, 7, 3", "1, 1, 1, 2] = {1, 2}", "%y = add(%m, %c)"), 1)
      << "an axis more";
  EXPECT_EQ(nodes_after("4, 7, 3", "2] = {1, 2}", "%y = add(%m, %c) {relu = 1}"), 1);
  EXPECT_EQ(nodes_after("4, 7, 3", "2] = {1, 2}", "%y = add(%m, %c)\noutput %m"), 1);
}

TEST(LinearToConv, LeavesProductsOfTwoVariablesAndOfMatrices) {
  BodyAfter(LinearToConv,
            Parsed("input %x : f32[1, 4, 3]\ninput %z : f32[1, 3, 2]\n"
                   "%y = matmul(%x, %z)\noutput %y"),
            0);
  BodyAfter(LinearToConv,
            Parsed("input %x : f32[4, 3]\n" + kMatrix + "%y = matmul(%x, %b)\noutput %y"), 0);
}

// Between transposes, as in the blocks of ConvNeXt.
TEST(LinearToConv, BiasAndActivationJoinTheConvolution) {
  ir::Graph g = Parsed(R"(input %x : f32[1, 3, 4, 5]
    const %b : f32[3, 2] = {1, 2, 3, 4, 5, 6}
    const %bias : f32[2] = {1, 2}
    %t = transpose(%x) {perm = [0, 2, 3, 1]}
    %m = matmul(%t, %b)
    %a = add(%m, %bias)
    %r = relu(%a)
    %y = transpose(%r) {perm = [0, 3, 1, 2]}
    output %y)");
  ASSERT_TRUE(RunPipeline(g).ok());
  EXPECT_EQ(g.nodes.size(), 1U) << Body(g);
  EXPECT_EQ(g.nodes[0].kind, ir::OpKind::kConv);
}

}  // namespace
}  // namespace tf2::passes
