#include "passes/matmul_to_gemm.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

TEST(MatMulToGemm, TransposesTheWeights) {
  const ir::Graph g = Parsed(R"(input %x : f32[2, 3]
    const %b : f32[3, 2] = {1, 2, 3, 4, 5, 6}
    %y = matmul(%x, %b)
    output %y)");
  EXPECT_EQ(BodyAfter(MatMulToGemm, g, 1), "%y = gemm(%x, %b.1)\noutput %y\n");
}

TEST(MatMulToGemm, LeavesBatchesAndVariables) {
  const ir::Graph g = Parsed(R"(input %x : f32[2, 3, 3]
    input %z : f32[3, 3]
    const %b : f32[3, 2] = {1, 2, 3, 4, 5, 6}
    %a = matmul(%x, %z)
    %y = matmul(%a, %b)
    output %y)");
  EXPECT_EQ(BodyAfter(MatMulToGemm, g, 0), Body(g));
}

}  // namespace
}  // namespace tf2::passes
