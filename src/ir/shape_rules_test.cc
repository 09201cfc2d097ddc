// Shapes that fit and shapes that do not, of the operators beside windows and reshapes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ir/graph.h"
#include "ir/test_util.h"

namespace tf2::ir {
namespace {

using testing::HasSubstr;

TEST(ShapeRules, MatrixProductsBroadcast) {
  EXPECT_EQ(InferOne("[2, 3]", "matmul(%x, %b)", "const %b : f32[3] = {1, 2, 3}"), "[2]");
  EXPECT_EQ(InferOne("[5, 1, 2, 3]", "matmul(%x, %b)", "input %b : f32[4, 3, 6]"), "[5, 4, 2, 6]");
  EXPECT_THAT(InferOne("[2, 3]", "matmul(%x, %x)"),
              HasSubstr("[2, 3] times [2, 3] is no matrix product"));
}

TEST(ShapeRules, TransposedConvolutions) {
  const std::string w = "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}";
  EXPECT_EQ(InferOne("[1, 1, 4, 5]", "conv_transpose(%x, %w) {strides = [2, 3]}", w),
            "[1, 2, 8, 14]");
  EXPECT_EQ(InferOne("[1, 1, 4, 5]",
                     "conv_transpose(%x, %w) {output_padding = [1, 0], pads = [1, 0, 1, 2], "
                     "strides = [2, 1]}",
                     w),
            "[1, 2, 7, 4]");
  EXPECT_THAT(InferOne("[1, 2, 4, 5]", "conv_transpose(%x, %w)", w),
              HasSubstr("input [1, 2, 4, 5] has 2 channels, weights [1, 2, 2, 2] want 1"));
  EXPECT_THAT(InferOne("[1, 1, 1, 1]", "conv_transpose(%x, %w) {pads = [1, 0, 1, 0]}", w),
              HasSubstr("padding 1 and 1 leave nothing of axis 2"));
}

TEST(ShapeRules, Movement) {
  EXPECT_EQ(InferOne("[2, 3, 4]", "transpose(%x) {perm = [2, 0, 1]}"), "[4, 2, 3]");
  EXPECT_THAT(InferOne("[2, 3]", "transpose(%x) {perm = [0]}"),
              HasSubstr("perm has 1 numbers for 2 axes"));
  EXPECT_EQ(InferOne("[3, 1]", "expand(%x) {shape = [2, 3, 4]}"), "[2, 3, 4]");
  EXPECT_THAT(InferOne("[3, 2]", "expand(%x) {shape = [3, 1]}"), HasSubstr("does not expand to"));
  EXPECT_EQ(InferOne("[1, 8, 2, 3]", "depth_to_space(%x) {block = 2}"), "[1, 2, 4, 6]");
  EXPECT_THAT(InferOne("[1, 6, 2, 3]", "depth_to_space(%x) {block = 2}"),
              HasSubstr("6 channels do not divide by 2 x 2"));
  EXPECT_EQ(InferOne("[1, 2, 3]", "resize(%x) {scales = [1, 1, 2.5], sizes = [1, 2, 7]}"),
            "[1, 2, 7]");
  EXPECT_THAT(InferOne("[1, 2, 3]", "resize(%x) {scales = [1, 1, 9], sizes = [1, 2, 7]}"),
              HasSubstr("a scale of 9 does not make 7 of 3"));
}

TEST(ShapeRules, ReductionsAndIndices) {
  EXPECT_EQ(InferOne("[2, 3, 4]", "reduce(%x) {axes = [-1, 0], fn = \"sum\", keep = 0}"), "[3]");
  EXPECT_EQ(InferOne("[2, 3]", "reduce(%x) {fn = \"max\"}"), "[1, 1]");
  EXPECT_EQ(InferOne("[2, 5]", "top_k(%x) {k = 3, result = \"indices\"}"), "[2, 3]");
  EXPECT_THAT(InferOne("[2, 5]", "top_k(%x) {k = 6, result = \"values\"}"),
              HasSubstr("k 6 is more than the 5 elements"));
  EXPECT_EQ(InferOne("[2, 3, 4]", "gather_nd(%x, %i)",
                     "const %i : i64[5, 2] = {0, 0, 0, 0, 0, 0, "
                     "0, 0, 0, 0}"),
            "[5, 4]");
  EXPECT_THAT(InferOne("[2, 2]", "scatter_elements(%x, %i, %u) {axis = 1}",
                       "const %i : i64[3, 1] = {0, 1, 0}\nconst %u : f32[3, 1] = {1, 2, 3}"),
              HasSubstr("indices [3, 1] are larger than [2, 2] along axis 0"));
  EXPECT_EQ(InferOne("[2, 3]", "einsum(%x, %x) {equation = \"ij,kj->ik\"}"), "[2, 2]");
  EXPECT_THAT(InferOne("[2, 3]", "einsum(%x) {equation = \"ijk\"}"),
              HasSubstr("equation term 'ijk' does not fit [2, 3]"));
}

TEST(ShapeRules, ReductionsOfOneNumberAreNotItself) {
  const auto reshaped = [](const std::string& fn) {
    return InferOne("[9]", "reshape(%x, %r)",
                    "const %c : i64[1] = {9}\n%r = reduce(%c) {fn = \"" + fn + "\"}");
  };
  EXPECT_EQ(reshaped("sum"), "[9]");
  EXPECT_EQ(reshaped("min"), "[9]");
  EXPECT_THAT(reshaped("sum_square"), HasSubstr("the shape that reshape takes depends on data"));
}

TEST(ShapeRules, SumsOfProductsOfNothing) {
  EXPECT_THAT(InferOne("[1]", "einsum(%e, %e) {equation = \"i,i->i\"}", "const %e : i64[0] = {}"),
              HasSubstr("a label has the size 0"));
}

TEST(ShapeRules, TypesOfFunctions) {
  EXPECT_THAT(InferOne("[2]", "unary(%x) {fn = \"not\"}"), HasSubstr("not is not defined on f32"));
  EXPECT_THAT(InferOne("[2]", "unary(%x) {fn = \"twice\"}"),
              HasSubstr("attribute fn may not be \"twice\""));
  EXPECT_THAT(InferOne("[2]", "binary(%x, %x) {fn = \"and\"}"),
              HasSubstr("input 0 is not of type i64"));
  EXPECT_THAT(InferOne("[2, 3]", "prelu(%x, %s)", "const %s : f32[4, 1, 1] = {1, 2, 3, 4}"),
              HasSubstr("does not broadcast to"));
}

}  // namespace
}  // namespace tf2::ir
