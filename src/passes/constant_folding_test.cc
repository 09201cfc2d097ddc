#include "passes/constant_folding.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

TEST(ConstantFolding, FoldsShapeArithmeticIntoReshape) {
  const ir::Graph g = Parsed(R"(input %x : f32[2, 3, 4]
    const %zero : i64[] = {0}
    const %rest : i64[1] = {-1}
    %shape = shape(%x)
    %n = gather(%shape, %zero)
    %u = unsqueeze(%n) {axes = [0]}
    %target = concat(%u, %rest) {axis = 0}
    %y = reshape(%x, %target)
    output %y)");
  EXPECT_EQ(BodyAfter(FoldConstants, g, 5), "%y = reshape(%x) {shape = [2, -1]}\noutput %y\n");
}

TEST(ConstantFolding, FoldsWeightsAndOutputs) {
  const ir::Graph g = Parsed(R"(input %x : f32[1]
    const %a : f32[2] = {1, 2}
    const %b : f32[2] = {3, 4}
    %c = add(%a, %b)
    %y = mul(%x, %c)
    output %y
    output %c)");
  EXPECT_EQ(BodyAfter(FoldConstants, g, 1), "%y = mul(%x, %c)\noutput %y\noutput %c\n");
}

TEST(ConstantFolding, LeavesWhatIsNotFinite) {
  const ir::Graph g = Parsed(R"(input %x : f32[1]
    const %a : f32[1] = {1}
    const %b : f32[1] = {0}
    %c = div(%a, %b)
    output %c)");
  ir::Graph copy = g;
  EXPECT_EQ(*FoldConstants(copy), 0);
}

TEST(ConstantFolding, ReportsUndefinedNodes) {
  ir::Graph g = Parsed(R"(input %x : f32[1]
    const %a : f32[2] = {1, 2}
    const %i : i64[1] = {2}
    %c = gather(%a, %i)
    output %c)");
  const auto n = FoldConstants(g);
  ASSERT_FALSE(n.ok());
  EXPECT_EQ(n.error().ToString(), "c (gather): index 2 is outside an axis of 2");
}

}  // namespace
}  // namespace tf2::passes
