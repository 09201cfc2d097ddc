// Operators whose meaning ONNX's conformance cases do not cover, by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "interp/interpreter.h"
#include "ir/text.h"

namespace tf2::interp {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

// Output 0 of a graph in the text form, run on `inputs`.
Result<ir::Tensor> RunText(const std::string& statements, const std::vector<ir::Tensor>& inputs) {
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph,
                       ir::ParseText("graph \"test\" {\n" + statements + "\n}"));
  TF2_ASSIGN_OR_RETURN(std::vector<ir::Tensor> outputs, Run(graph, inputs));
  return std::move(outputs[0]);
}

std::vector<float> Floats(const std::string& statements, const std::vector<ir::Tensor>& inputs) {
  auto y = RunText(statements, inputs);
  EXPECT_TRUE(y.ok()) << (y.ok() ? "" : y.error().ToString());
  return y.ok() ? y->f32 : std::vector<float>{};
}

TEST(Lrn, WithinAChannelAveragesTheSquareAround) {
  const ir::Tensor x = ir::Tensor::Float({1, 1, 2, 2}, {1, 2, 3, 4});
  // 3 x 3 windows of the plane padded by one hold all four squares: their sum is 30, over 9.
  const double spread = 1 + 0.5 * 30 / 9;
  EXPECT_THAT(
      Floats("input %x : f32[1, 1, 2, 2]\n%y = lrn(%x) {alpha = 0.5, beta = 1, "
             "region = \"within\", size = 3}\noutput %y",
             {x}),
      Pointwise(FloatNear(1e-6F), std::vector<float>{float(1 / spread), float(2 / spread),
                                                     float(3 / spread), float(4 / spread)}));
}

TEST(L2Normalize, AlongChannels) {
  const ir::Tensor x = ir::Tensor::Float({1, 2, 1, 2}, {3, 0, 4, 0});
  EXPECT_THAT(
      Floats("input %x : f32[1, 2, 1, 2]\n%y = l2_normalize(%x) {axes = [1]}\noutput %y", {x}),
      ElementsAre(0.6F, 0, 0.8F, 0));
}

TEST(Resize, AlignsTheCornersOfOneElement) {
  EXPECT_THAT(Floats("input %x : f32[1, 1, 1, 1]\n%y = resize(%x) {coordinates = "
                     "\"align_corners\", mode = \"linear\", scales = [1, 1, 1, 1], sizes = "
                     "[1, 1, 1, 2]}\noutput %y",
                     {ir::Tensor::Float({1, 1, 1, 1}, {3})}),
              ElementsAre(3, 3));
}

TEST(MultiThreshold, CountsPerChannel) {
  const ir::Tensor x = ir::Tensor::Float({1, 2, 2}, {0, 1.5F, 0, 1.5F});
  EXPECT_THAT(Floats("input %x : f32[1, 2, 2]\nconst %t : f32[2, 2] = {-1, 1, 1, 2}\n"
                     "%y = multi_threshold(%x, %t) {out_bias = -1, out_scale = 2}\noutput %y",
                     {x}),
              ElementsAre(1, 3, -1, 1));
}

TEST(ConvTranspose, AddsOverlappingWindows) {
  const ir::Tensor x = ir::Tensor::Float({1, 1, 1, 2}, {1, 10});
  EXPECT_THAT(Floats("input %x : f32[1, 1, 1, 2]\nconst %w : f32[1, 1, 1, 3] = {1, 2, 3}\n"
                     "const %b : f32[1] = {100}\n"
                     "%y = conv_transpose(%x, %w, %b) {output_padding = [0, 1], "
                     "pads = [0, 1, 0, 0], strides = [1, 2]}\noutput %y",
                     {x}),
              ElementsAre(102, 113, 120, 130, 100));
}

TEST(Binary, SignsOfRemaindersAndIntegerPowers) {
  const auto ints = [](const std::string& fn, std::int64_t a, std::int64_t b) {
    const auto y = RunText("input %a : i64[1]\ninput %b : i64[1]\n%y = binary(%a, %b) {fn = \"" +
                               fn + "\"}\noutput %y",
                           {ir::Tensor::Int({1}, {a}), ir::Tensor::Int({1}, {b})});
    return y.ok() ? y->i64[0] : INT64_MIN;
  };
  EXPECT_EQ(ints("mod", -7, 3), 2);
  EXPECT_EQ(ints("fmod", -7, 3), -1);
  EXPECT_EQ(ints("mod", INT64_MIN, -1), 0);
  EXPECT_EQ(ints("pow", -3, 3), -27);
  EXPECT_EQ(ints("pow", 2, -1), 0);
  EXPECT_EQ(ints("shift_left", 1, 64), 0);
  EXPECT_EQ(ints("mod", 1, 0), INT64_MIN) << "an error";
}

TEST(Unary, StaysFiniteAtTheEnds) {
  const ir::Tensor x = ir::Tensor::Float({3}, {-200, 0, 200});
  const auto run = [&](const std::string& attrs) {
    return Floats("input %x : f32[3]\n%y = unary(%x) {" + attrs + "}\noutput %y", {x});
  };
  EXPECT_THAT(run("fn = \"sigmoid\""), ElementsAre(FloatNear(0, 1e-37F), 0.5F, 1));
  EXPECT_THAT(run("fn = \"softplus\""), ElementsAre(0, float(std::log(2.0)), 200));
  EXPECT_THAT(run("fn = \"silu\""), ElementsAre(FloatNear(0, 1e-34F), 0, 200));
  EXPECT_THAT(run("alpha = 2, fn = \"elu\""), ElementsAre(-2, 0, 200));
}

TEST(Indices, OutsideAreErrors) {
  const ir::Tensor x = ir::Tensor::Float({2}, {1, 2});
  const auto y = RunText(
      "input %x : f32[2]\nconst %i : i64[1] = {2}\n"
      "%y = gather_elements(%x, %i)\noutput %y",
      {x});
  ASSERT_FALSE(y.ok());
  EXPECT_EQ(y.error().message, "index 2 is outside an axis of 2");
}

TEST(Resize, LinearKeepsCorners) {
  const ir::Tensor x = ir::Tensor::Float({1, 1, 1, 2}, {0, 3});
  EXPECT_THAT(Floats("input %x : f32[1, 1, 1, 2]\n%y = resize(%x) {coordinates = "
                     "\"align_corners\", mode = \"linear\", sizes = [1, 1, 1, 4]}\noutput %y",
                     {x}),
              ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace tf2::interp
