#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ir/graph.h"
#include "ir/shape_math.h"
#include "ir/test_util.h"

namespace tf2::ir {
namespace {

using testing::HasSubstr;

TEST(Shapes, Windows) {
  const std::string w = "const %w : f32[2, 1, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}";
  EXPECT_EQ(InferOne("[1, 1, 8, 9]", "conv(%x, %w)", w), "[1, 2, 7, 8]");
  EXPECT_EQ(InferOne("[1, 1, 8, 9]",
                     "conv(%x, %w) {strides = [2, 3], pads = [1, 0, 2, 1], dilations = [3, 2]}", w),
            "[1, 2, 4, 3]");
  EXPECT_EQ(InferOne("[3, 2, 8, 8]", "conv(%x, %w) {groups = 2}", w), "[3, 2, 7, 7]");
  EXPECT_THAT(InferOne("[1, 3, 8, 8]", "conv(%x, %w)", w),
              HasSubstr("input [1, 3, 8, 8] has 3 channels, weights"));
  EXPECT_THAT(
      InferOne("[1, 1, 1, 8]", "conv(%x, %w)", w),
      HasSubstr("y (conv): a window of 2 (kernel 2, dilation 1) does not fit the height 1"));
  EXPECT_THAT(InferOne("[1, 3, 8, 8]", "conv(%x, %w) {groups = 3}", w),
              HasSubstr("2 output channels do not divide into 3 groups"));
  EXPECT_THAT(InferOne("[1, 1, 8, 8]", "conv(%x, %w, %b)", w + "\nconst %b : f32[1] = {0}"),
              HasSubstr("bias (input 2) is [1], not [2]"));
  EXPECT_THAT(InferOne("[1, 1, 8, 8]", "conv(%x, %w, _, %x)", w),
              HasSubstr("residual is [1, 1, 8, 8], not [1, 2, 7, 7]"));
}

TEST(Shapes, Pools) {
  const auto pool = [](const std::string& shape, const std::string& attrs) {
    return InferOne(shape, "max_pool(%x) {" + attrs + "}");
  };
  EXPECT_EQ(pool("[1, 2, 7, 7]", "kernel = [3, 3], strides = [2, 2]"), "[1, 2, 3, 3]");
  EXPECT_EQ(pool("[1, 2, 8, 7]", "kernel = [3, 3], strides = [2, 2], ceil = 1"), "[1, 2, 4, 3]");
  // Rounded up, the third window would start at row 4 - 1 = 3, in the padding: dropped.
  EXPECT_EQ(
      pool("[1, 1, 3, 3]", "kernel = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1], ceil = 1"),
      "[1, 1, 2, 2]");
  EXPECT_THAT(pool("[1, 1, 4, 4]", "kernel = [1, 1], pads = [0, 0, 2, 0]"),
              HasSubstr("window 4 along the height lies in the padding entirely"));
  EXPECT_THAT(pool("[1, 1, 4, 4]", "kernel = [5, 1]"), HasSubstr("does not fit the height 4"));
  EXPECT_THAT(pool("[1, 4]", "kernel = [1, 1]"), HasSubstr("input 0 is [1, 4], 4 axes are needed"));
  EXPECT_EQ(InferOne("[2, 3, 4, 5]", "global_avg_pool(%x)"), "[2, 3, 1, 1]");
}

// Caffe, PyTorch and ONNX agree wherever there is padding or the stride is at most the kernel.
TEST(Shapes, CeilNeverStartsInTheEndPadding) {
  for (std::int64_t in = 1; in < 12; ++in) {
    for (std::int64_t kernel = 1; kernel < 5; ++kernel) {
      for (std::int64_t stride = 1; stride < 5; ++stride) {
        for (std::int64_t pad = 0; pad < kernel; ++pad) {
          const std::int64_t count = WindowCount({in, kernel, stride, 1, pad, pad, true});
          if (count == 0) continue;
          EXPECT_LT((count - 1) * stride, in + pad);
          EXPECT_GE(count, WindowCount({in, kernel, stride, 1, pad, pad, false}) -
                               (stride > kernel ? 1 : 0));
        }
      }
    }
  }
}

TEST(Shapes, Movement) {
  EXPECT_EQ(InferOne("[2, 3, 4]", "flatten(%x) {axis = 2}"), "[6, 4]");
  EXPECT_EQ(InferOne("[2, 3, 4]", "flatten(%x) {axis = 0}"), "[1, 24]");
  EXPECT_EQ(InferOne("[2, 3, 4]", "flatten(%x) {axis = -1}"), "[6, 4]");
  EXPECT_EQ(InferOne("[2, 3]", "concat(%x, %x, %x)"), "[2, 9]");
  EXPECT_EQ(InferOne("[2, 3]", "pad(%x) {pads = [1, 0, 0, -2]}"), "[3, 1]");
  EXPECT_THAT(InferOne("[2, 3]", "pad(%x) {pads = [0, -2, 0, -2]}"),
              HasSubstr("leave nothing of axis 1"));
  EXPECT_THAT(InferOne("[2, 3]", "pad(%x) {pads = [0, 3, 0, 0], mode = \"reflect\"}"),
              HasSubstr("too short to reflect"));
  EXPECT_EQ(
      InferOne("[2, 3, 4]", "slice(%x) {starts = [1], ends = [100], axes = [-1], steps = [2]}"),
      "[2, 3, 2]");
  EXPECT_THAT(InferOne("[2]", "slice(%x) {starts = [2], ends = [2]}"),
              HasSubstr("has a dimension of 0"));
  EXPECT_THAT(InferOne("[2]", "slice(%x) {starts = [0], ends = [2, 3]}"),
              HasSubstr("have 1, 2, 1 and 1 elements"));
  EXPECT_EQ(InferOne("[2, 3]", "unsqueeze(%x) {axes = [0, -1]}"), "[1, 2, 3, 1]");
  EXPECT_EQ(InferOne("[1, 3, 1]", "squeeze(%x) {axes = [0]}"), "[3, 1]");
  EXPECT_THAT(InferOne("[2, 3]", "squeeze(%x) {axes = [0]}"),
              HasSubstr("axis 0 of [2, 3] is not 1"));
  EXPECT_EQ(
      InferOne("[2, 3, 4]", "gather(%x, %i) {axis = 1}", "const %i : i64[2, 2] = {0, 1, 2, 0}"),
      "[2, 2, 2, 4]");
}

TEST(Shapes, Reshape) {
  EXPECT_EQ(InferOne("[2, 3, 4]", "reshape(%x) {shape = [0, -1]}"), "[2, 12]");
  EXPECT_THAT(InferOne("[2, 3]", "reshape(%x) {shape = [4, -1]}"),
              HasSubstr("[2, 3] does not reshape to [4, -1]"));
  EXPECT_THAT(InferOne("[2, 3]", "reshape(%x) {shape = [-1, -1]}"),
              HasSubstr("shape [-1, -1] is not legal"));
  EXPECT_THAT(InferOne("[2, 3]", "reshape(%x)"),
              HasSubstr("neither the attribute shape nor a second input"));
  EXPECT_THAT(InferOne("[2, 3]", "reshape(%x) {shape = [4294967296, 4294967296, -1]}"),
              HasSubstr("is too large"));
}

TEST(Shapes, FollowShapeArithmetic) {
  EXPECT_EQ(Infer(R"(input %x : f32[2, 3, 4, 4]
    const %zero : i64[] = {0}
    const %one : i64[1] = {-1}
    const %two : i64[] = {2}
    %shape = shape(%x)
    %n = gather(%shape, %zero)
    %n2 = mul(%n, %two)
    %u = unsqueeze(%n2) {axes = [0]}
    %cast = cast(%u) {to = "i64"}
    %target = concat(%cast, %one) {axis = 0}
    %y = reshape(%x, %target)
    output %y)"),
            "[4, 24]");
  EXPECT_THAT(Infer("input %x : f32[4]\ninput %s : i64[1]\n%y = reshape(%x, %s)\noutput %y"),
              HasSubstr("the shape that reshape takes depends on data"));
}

TEST(Shapes, Arithmetic) {
  EXPECT_EQ(InferOne("[2, 1, 4]", "add(%x, %c)", "const %c : f32[3, 1] = {1, 2, 3}"), "[2, 3, 4]");
  EXPECT_THAT(InferOne("[2, 3]", "add(%x, %c)", "const %c : f32[2] = {1, 2}"),
              HasSubstr("y (add): shapes [2, 3] and [2] do not broadcast"));
  EXPECT_THAT(InferOne("[2, 3]", "add(%x, %c)", "const %c : i64[] = {1}"),
              HasSubstr("inputs differ in type"));
  EXPECT_EQ(InferOne("[5, 2, 3]", "matmul(%x, %c)", "const %c : f32[3, 1] = {1, 2, 3}"),
            "[5, 2, 1]");
  EXPECT_THAT(InferOne("[1, 2]", "gemm(%x, %c)", "const %c : f32[1, 3] = {1, 2, 3}"),
              HasSubstr("input [1, 2] has 2 features, weights [1, 3] want 3"));
  EXPECT_THAT(InferOne("[1, 2]", "scale(%x, %c)", "const %c : f32[3] = {1, 2, 3}"),
              HasSubstr("parameter (input 1) is [3], not [2]"));
}

}  // namespace
}  // namespace tf2::ir
