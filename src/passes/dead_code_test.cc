#include "passes/dead_code.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

TEST(DeadCode, DropsNodesAndValues) {
  ir::Graph g = Parsed(R"(input %x : f32[1, 2]
    input %unused : f32[1]
    const %c : f32[2] = {1, 2}
    const %d : f32[2] = {3, 4}
    %b = relu(%x)
    %a = add(%x, %d)
    %e = add(%b, %c)
    output %a)");
  EXPECT_EQ(BodyAfter(RemoveDeadCode, g, 2), "%a = add(%x, %d)\noutput %a\n");
  ASSERT_TRUE(RemoveDeadCode(g).ok());
  EXPECT_EQ(g.values.size(), 4U);  // x, unused, d, a
  EXPECT_EQ(g.inputs.size(), 2U);
}

}  // namespace
}  // namespace tf2::passes
