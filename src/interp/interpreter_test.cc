// Hand-computed cases of every operator.
#include "interp/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace tf2::interp {
namespace {

using ir::Graph;
using ir::OpKind;
using ir::Shape;
using ir::Tensor;
using ir::ValueId;
using Ints = std::vector<std::int64_t>;
using Attrs = std::map<std::string, ir::Attr>;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

Tensor Count(const Shape& shape, float first = 1) {
  Tensor t =
      Tensor::Float(shape, std::vector<float>(static_cast<std::size_t>(ir::ElementCount(shape))));
  for (float& v : t.f32) v = first++;
  return t;
}

// Runs one node on `x` (a run-time input) and constants.
Result<Tensor> RunOne(OpKind kind, const Tensor& x, const std::vector<Tensor>& constants,
                      Attrs attrs = {}) {
  Graph g;
  std::vector<ValueId> inputs = {g.AddValue("x", x.dtype, x.shape)};
  g.inputs = inputs;
  for (const Tensor& t : constants) {
    inputs.push_back(t.f32.empty() && t.i64.empty() ? ir::kNoValue : g.AddConstant("c", t));
  }
  g.outputs = {g.AddNode(kind, "node", inputs, std::move(attrs))};
  TF2_RETURN_IF_ERROR(InferShapes(g));
  TF2_RETURN_IF_ERROR(Verify(g));
  TF2_ASSIGN_OR_RETURN(std::vector<Tensor> y, Run(g, std::span(&x, 1)));
  return std::move(y[0]);
}

Tensor MustRun(OpKind kind, const Tensor& x, const std::vector<Tensor>& constants,
               Attrs attrs = {}) {
  auto y = RunOne(kind, x, constants, std::move(attrs));
  EXPECT_TRUE(y.ok()) << (y.ok() ? "" : y.error().ToString());
  return y.ok() ? *y : Tensor();
}

const Tensor kNone;

TEST(Interpreter, ConvBiasResidualRelu) {
  // 2x2 sums of 1..9 are 12 16 24 28.
  const Tensor w = Tensor::Float({1, 1, 2, 2}, {1, 1, 1, 1});
  const Tensor y =
      MustRun(OpKind::kConv, Count({1, 1, 3, 3}),
              {w, Tensor::Float({1}, {-20}), Tensor::Float({1, 1, 2, 2}, {0, 5, 0, -9})},
              {{"relu", std::int64_t{1}}});
  EXPECT_EQ(y.shape, (Shape{1, 1, 2, 2}));
  EXPECT_THAT(y.f32, ElementsAre(0, 1, 4, 0));
}

TEST(Interpreter, Gemm) {
  const Tensor w = Tensor::Float({2, 3}, {1, 0, -1, 2, 2, 2});
  EXPECT_THAT(MustRun(OpKind::kGemm, Count({2, 3}), {w, Tensor::Float({2}, {10, 0})}).f32,
              ElementsAre(8, 12, 8, 30));
  EXPECT_THAT(MustRun(OpKind::kGemm, Count({1, 3}), {w}, {{"relu", std::int64_t{1}}}).f32,
              ElementsAre(0, 12));
  EXPECT_EQ(MustRun(OpKind::kGemm, Count({1, 21}), {Count({1, 21})}).f32[0], 21 * 22 * 43 / 6);
}

TEST(Interpreter, MatMul) {
  const Tensor b = Tensor::Float({2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(MustRun(OpKind::kMatMul, Count({1, 2, 2}), {b}).f32, ElementsAre(7, 10, 15, 22));
}

TEST(Interpreter, BatchNormAndScale) {
  const Tensor x = Count({1, 2, 1, 2});
  const Tensor mean = Tensor::Float({2}, {1, 3});
  const Tensor variance = Tensor::Float({2}, {4, 0.25F});
  const Attrs eps = {{"epsilon", 0.0F}};
  EXPECT_THAT(MustRun(OpKind::kBatchNorm, x, {mean, variance}, eps).f32,
              ElementsAre(0, 0.5F, 0, 2));
  EXPECT_THAT(
      MustRun(OpKind::kBatchNorm, x, {mean, variance, kNone, Tensor::Float({2}, {1, -1})}, eps).f32,
      ElementsAre(1, 1.5F, -1, 1));
  EXPECT_THAT(
      MustRun(OpKind::kScale, x, {Tensor::Float({2}, {2, -1}), Tensor::Float({2}, {0, 10})}).f32,
      ElementsAre(2, 4, 7, 6));
  EXPECT_THAT(MustRun(OpKind::kScale, x, {kNone, Tensor::Float({2}, {1, 0})}).f32,
              ElementsAre(2, 3, 3, 4));
  const auto bad = RunOne(OpKind::kBatchNorm, x, {mean, Tensor::Float({2}, {1, -1})});
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().ToString(), HasSubstr("variance -1 of channel 1 is not positive"));
}

TEST(Interpreter, Relu) {
  EXPECT_THAT(MustRun(OpKind::kRelu, Tensor::Float({3}, {-1, 0, 2}), {}).f32, ElementsAre(0, 0, 2));
}

TEST(Interpreter, ArithmeticBroadcasts) {
  const Tensor x = Count({2, 3});
  EXPECT_THAT(MustRun(OpKind::kAdd, x, {Tensor::Float({3}, {10, 20, 30})}).f32,
              ElementsAre(11, 22, 33, 14, 25, 36));
  EXPECT_THAT(MustRun(OpKind::kSub, x, {Tensor::Float({2, 1}, {1, 4})}).f32,
              ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(MustRun(OpKind::kMul, x, {Tensor::Float({}, {2})}).f32,
              ElementsAre(2, 4, 6, 8, 10, 12));
  EXPECT_THAT(
      MustRun(OpKind::kDiv, Tensor::Float({1, 2}, {6, 9}), {Tensor::Float({2, 1}, {1, 3})}).f32,
      ElementsAre(6, 9, 2, 3));
  EXPECT_THAT(MustRun(OpKind::kAdd, x, {Tensor::Float({1}, {-3})}, {{"relu", std::int64_t{1}}}).f32,
              ElementsAre(0, 0, 0, 1, 2, 3));
  EXPECT_THAT(MustRun(OpKind::kDiv, Tensor::Int({2}, {7, -7}), {Tensor::Int({1}, {2})}).i64,
              ElementsAre(3, -3));
  EXPECT_FALSE(RunOne(OpKind::kDiv, Tensor::Int({1}, {7}), {Tensor::Int({1}, {0})}).ok());
  EXPECT_EQ(MustRun(OpKind::kDiv, Tensor::Int({1}, {INT64_MIN}), {Tensor::Int({1}, {-1})}).i64[0],
            INT64_MIN);
}

TEST(Interpreter, MaxPoolPaddingNeverWins) {
  Tensor x = Count({1, 1, 3, 3});
  for (float& v : x.f32) v = -v;
  const Tensor y =
      MustRun(OpKind::kMaxPool, x, {},
              {{"kernel", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 0, 0}}});
  EXPECT_THAT(y.f32, ElementsAre(-1, -2, -4, -5));
}

TEST(Interpreter, MaxPoolDilatedAndCeil) {
  const Tensor x = Count({1, 1, 4, 4});
  EXPECT_THAT(
      MustRun(OpKind::kMaxPool, x, {}, {{"kernel", Ints{2, 2}}, {"dilations", Ints{2, 2}}}).f32,
      ElementsAre(11, 12, 15, 16));
  EXPECT_THAT(MustRun(OpKind::kMaxPool, x, {},
                      {{"kernel", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil", std::int64_t{1}}})
                  .f32,
              ElementsAre(11, 12, 15, 16));
}

// The example of pytorch/pytorch#183528: 4x4 counting, kernel 3, stride 2, padding 1, rounded up.
TEST(Interpreter, AvgPoolDivisors) {
  const Tensor x = Count({1, 1, 4, 4});
  const auto pool = [&](const std::string& divisor) {
    return MustRun(OpKind::kAvgPool, x, {},
                   {{"kernel", Ints{3, 3}},
                    {"strides", Ints{2, 2}},
                    {"pads", Ints{1, 1, 1, 1}},
                    {"ceil", std::int64_t{1}},
                    {"divisor", divisor}})
        .f32;
  };
  const auto near = [](const std::vector<float>& v) {
    std::vector<testing::Matcher<float>> m;
    m.reserve(v.size());
    for (float f : v) m.push_back(testing::FloatNear(f, 1e-5F));
    return ElementsAreArray(m);
  };
  EXPECT_THAT(pool("caffe"), near({14 / 9.F, 30 / 9.F, 2, 57 / 9.F, 99 / 9.F, 6, 4.5F, 7.5F, 4}));
  EXPECT_THAT(pool("kernel"),
              near({14 / 9.F, 30 / 9.F, 12 / 9.F, 57 / 9.F, 11, 4, 3, 5, 16 / 9.F}));
  EXPECT_THAT(pool("valid"), near({3.5F, 5, 6, 9.5F, 11, 12, 13.5F, 15, 16}));
}

TEST(Interpreter, GlobalPools) {
  const Tensor x = Count({1, 2, 2, 2});
  EXPECT_THAT(MustRun(OpKind::kGlobalAvgPool, x, {}).f32, ElementsAre(2.5F, 6.5F));
  EXPECT_THAT(MustRun(OpKind::kGlobalMaxPool, x, {}).f32, ElementsAre(4, 8));
}

TEST(Interpreter, Concat) {
  const Tensor y = MustRun(OpKind::kConcat, Count({2, 1, 2}), {Count({2, 2, 2}, 11)});
  EXPECT_EQ(y.shape, (Shape{2, 3, 2}));
  EXPECT_THAT(y.f32, ElementsAre(1, 2, 11, 12, 13, 14, 3, 4, 15, 16, 17, 18));
}

TEST(Interpreter, PadModes) {
  const Tensor x = Count({1, 3});
  const Ints pads = {0, 2, 0, 1};
  EXPECT_THAT(MustRun(OpKind::kPad, x, {}, {{"pads", pads}, {"value", 9.0F}}).f32,
              ElementsAre(9, 9, 1, 2, 3, 9));
  EXPECT_THAT(MustRun(OpKind::kPad, x, {}, {{"pads", pads}, {"mode", "edge"}}).f32,
              ElementsAre(1, 1, 1, 2, 3, 3));
  EXPECT_THAT(MustRun(OpKind::kPad, x, {}, {{"pads", pads}, {"mode", "reflect"}}).f32,
              ElementsAre(3, 2, 1, 2, 3, 2));
  EXPECT_THAT(MustRun(OpKind::kPad, x, {}, {{"pads", Ints{0, -1, 0, 0}}}).f32, ElementsAre(2, 3));
}

TEST(Interpreter, Softmax) {
  const Tensor y =
      MustRun(OpKind::kSoftmax, Tensor::Float({1, 2, 2}, {0, 1000, 0, 1000 + std::log(3.0F)}), {});
  EXPECT_FLOAT_EQ(y.f32[0], 0.5F);
  EXPECT_NEAR(y.f32[1], 0.25F, 1e-5);
  EXPECT_NEAR(y.f32[3], 0.75F, 1e-5);
}

TEST(Interpreter, ShapeArithmetic) {
  EXPECT_THAT(MustRun(OpKind::kShape, Count({2, 3, 4}), {}).i64, ElementsAre(2, 3, 4));
  const Tensor ints = Tensor::Int({2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(MustRun(OpKind::kGather, ints, {Tensor::Int({1}, {-1})}).i64, ElementsAre(3, 4));
  EXPECT_THAT(
      MustRun(OpKind::kGather, ints, {Tensor::Int({}, {0})}, {{"axis", std::int64_t{1}}}).i64,
      ElementsAre(1, 3));
  EXPECT_FALSE(RunOne(OpKind::kGather, ints, {Tensor::Int({1}, {2})}).ok());
  EXPECT_THAT(
      MustRun(OpKind::kSlice, Count({2, 3}), {},
              {{"starts", Ints{-1}}, {"ends", Ints{-100}}, {"axes", Ints{1}}, {"steps", Ints{-2}}})
          .f32,
      ElementsAre(3, 1, 6, 4));
  EXPECT_EQ(MustRun(OpKind::kUnsqueeze, ints, {}, {{"axes", Ints{0, -1}}}).shape,
            (Shape{1, 2, 2, 1}));
  EXPECT_EQ(MustRun(OpKind::kSqueeze, Count({1, 2, 1}), {}).shape, (Shape{2}));
  EXPECT_EQ(MustRun(OpKind::kFlatten, Count({2, 3, 4}), {}).shape, (Shape{2, 12}));
  EXPECT_EQ(MustRun(OpKind::kReshape, Count({2, 3, 4}), {}, {{"shape", Ints{0, -1, 2}}}).shape,
            (Shape{2, 6, 2}));
  EXPECT_EQ(MustRun(OpKind::kReshape, Count({2, 3}), {Tensor::Int({2}, {3, -1})}).shape,
            (Shape{3, 2}));
  EXPECT_EQ(MustRun(OpKind::kIdentity, Count({2}), {}).f32, Count({2}).f32);
  EXPECT_THAT(
      MustRun(OpKind::kCast, Tensor::Float({3}, {-1.5F, 2.9F, 1e30F}), {}, {{"to", "i64"}}).i64,
      ElementsAre(-1, 2, INT64_MAX));
  EXPECT_THAT(MustRun(OpKind::kCast, ints, {}, {{"to", "f32"}}).f32, ElementsAre(1, 2, 3, 4));
}

TEST(Interpreter, ReportsValuesAndFreesThem) {
  Graph g;
  const ValueId x = g.AddValue("x", ir::DType::kFloat32, {1, 2});
  g.inputs = {x};
  const ValueId a = g.AddNode(OpKind::kRelu, "a", {x});
  g.AddNode(OpKind::kRelu, "unread", {x});
  const ValueId b = g.AddNode(OpKind::kAdd, "b", {a, a});
  g.outputs = {b, a, x};
  ASSERT_TRUE(InferShapes(g).ok());
  std::vector<std::string> names;
  const Tensor in = Tensor::Float({1, 2}, {-1, 3});
  const auto y = RunAll(g, std::span(&in, 1), [&](ValueId id, const Tensor&) -> Status {
    names.push_back(g.value(id).name);
    return {};
  });
  ASSERT_TRUE(y.ok());
  EXPECT_THAT(names, ElementsAre("x", "a", "unread", "b"));
  EXPECT_THAT((*y)[0].f32, ElementsAre(0, 6));
  EXPECT_THAT((*y)[1].f32, ElementsAre(0, 3));
  EXPECT_EQ((*y)[2], in);
  const auto stopped = RunAll(g, std::span(&in, 1),
                              [&](ValueId, const Tensor&) -> Status { return Cancelled("stop"); });
  EXPECT_FALSE(stopped.ok());
}

TEST(Interpreter, RefusesWrongInputs) {
  Graph g;
  const ValueId x = g.AddValue("data", ir::DType::kFloat32, {1, 2});
  g.inputs = {x};
  g.outputs = {x};
  EXPECT_FALSE(interp::Run(g, {}).ok());
  const Tensor in = Count({1, 3});
  const auto y = interp::Run(g, std::span(&in, 1));
  ASSERT_FALSE(y.ok());
  EXPECT_EQ(y.error().ToString(),
            "input data: the tensor is f32 [1, 3], the network takes f32 [1, 2]");
}

}  // namespace
}  // namespace tf2::interp
