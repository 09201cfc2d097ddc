#include "qnet/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "qnet/head.h"
#include "qnet/random_net.h"
#include "qnet/test_net.h"

namespace tf2::qnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

double Real(const Tensor& tensor, std::int64_t c, std::int64_t v) {
  return std::ldexp(static_cast<double>(v), -tensor.q[static_cast<std::size_t>(c)]);
}

// A convolution by the formula of docs/semantics.md, written with one loop per index.
std::vector<std::int64_t> ConvByDefinition(const QNet& net, const Op& op, const Bytes& x,
                                           const Bytes* res) {
  const Conv& conv = std::get<Conv>(op.params);
  const Tensor& in = net.tensor(op.inputs[0]);
  const Tensor& out = net.tensor(op.output);
  const Window& w = conv.window;
  const int icg = in.c() / conv.groups;
  const int ocg = out.c() / conv.groups;
  std::vector<std::int64_t> y;
  for (int o = 0; o < out.c(); ++o) {
    for (int oy = 0; oy < out.h(); ++oy) {
      for (int ox = 0; ox < out.w(); ++ox) {
        std::int64_t acc = conv.beta[static_cast<std::size_t>(o)];
        for (int c = 0; c < icg; ++c) {
          for (int ky = 0; ky < w.kh; ++ky) {
            for (int kx = 0; kx < w.kw; ++kx) {
              const int iy = oy * w.sh + ky * w.dh - w.ph;
              const int ix = ox * w.sw + kx * w.dw - w.pw;
              if (iy < 0 || ix < 0 || iy >= in.h() || ix >= in.w()) continue;
              const int channel = o / ocg * icg + c;
              const int at = (channel * in.h() + iy) * in.w() + ix;
              const int weight = ((o * icg + c) * w.kh + ky) * w.kw + kx;
              const auto v = static_cast<std::int8_t>(x[static_cast<std::size_t>(at)]);
              for (const auto& term : conv.terms) {
                acc += v * term[static_cast<std::size_t>(weight)];
              }
            }
          }
        }
        const auto channel = static_cast<std::size_t>(o);
        const auto i = y.size();
        const int s = conv.scale[channel].s;
        const bool below = conv.activation == Activation::kPRelu && acc < 0;
        const std::int64_t alpha = below ? conv.alpha_negative[channel] : conv.scale[channel].alpha;
        std::int64_t u = acc * alpha + (std::int64_t{1} << (s - 1));
        if (res != nullptr)
          u += std::int64_t{static_cast<std::int8_t>((*res)[i])} *
               (std::int64_t{1} << conv.t[channel]);
        u >>= s;
        const std::int64_t limit = out.type == ElemType::kInt8 ? 128 : 32768;
        u = std::clamp(u, -limit, limit - 1);
        if (conv.activation == Activation::kRelu) u = std::max<std::int64_t>(u, 0);
        if (conv.activation == Activation::kClip)
          u = std::clamp<std::int64_t>(u, conv.clip_low[channel], conv.clip_high[channel]);
        y.push_back(u);
      }
    }
  }
  return y;
}

std::vector<std::int64_t> Values(const Tensor& tensor, const Bytes& bytes) {
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < bytes.size(); i += static_cast<std::size_t>(BytesOf(tensor.type))) {
    values.push_back(tensor.type == ElemType::kInt8
                         ? static_cast<std::int8_t>(bytes[i])
                         : static_cast<std::int16_t>(bytes[i] | bytes[i + 1] << 8));
  }
  return values;
}

const Op& OpNamed(const QNet& net, const std::string& name) {
  for (const Op& op : net.ops) {
    if (op.name == name) return op;
  }
  throw std::runtime_error(name);
}

TEST(Interpreter, ConvolutionsFollowTheFormula) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const QNet net = testing::EveryOperator(seed);
    ASSERT_TRUE(Verify(net).ok()) << Verify(net).error().ToString();
    const auto tensors = InterpretAll(net, RandomInput(net, seed));
    ASSERT_TRUE(tensors.ok());
    for (const Op& op : net.ops) {
      if (!std::holds_alternative<Conv>(op.params)) continue;
      const Bytes* res = op.inputs.size() > 1 ? &(*tensors)[Index(op.inputs[1])] : nullptr;
      EXPECT_EQ(Values(net.tensor(op.output), (*tensors)[Index(op.output)]),
                ConvByDefinition(net, op, (*tensors)[Index(op.inputs[0])], res))
          << op.name;
    }
  }
}

TEST(Interpreter, ConvolutionGeometries) {
  Rng rng(5);
  for (int i = 0; i < 60; ++i) {
    QNet net;
    const auto groups = static_cast<std::int32_t>(rng.Between(1, 3));
    net.inputs = {testing::AddTensor(net, "x",
                                     {groups * static_cast<std::int32_t>(rng.Between(1, 4)),
                                      static_cast<std::int32_t>(rng.Between(1, 20)),
                                      static_cast<std::int32_t>(rng.Between(1, 20))},
                                     rng)};
    const auto small = [&](int lo, int hi) {
      return static_cast<std::int32_t>(rng.Between(lo, hi));
    };
    const Window w{small(1, 4), small(1, 4), small(1, 3), small(1, 3),
                   small(0, 3), small(0, 3), small(1, 2), small(1, 2)};
    const TensorId y =
        testing::AddTensor(net, "y", {groups * small(1, 3), small(1, 16), small(1, 16)}, rng);
    net.ops.push_back(
        {"y",
         {net.inputs[0]},
         y,
         testing::RandomConv(net, {net.inputs[0]}, y, w, groups, WeightKind::kSac, 1, rng)});
    net.outputs = {{y, "y", Head::kNone, {net.tensor(y).elements()}}};
    ASSERT_TRUE(Verify(net).ok()) << Verify(net).error().ToString();
    const auto input = RandomInput(net, rng.Next());
    const auto tensors = InterpretAll(net, input);
    ASSERT_TRUE(tensors.ok());
    ASSERT_EQ(Values(net.tensor(y), (*tensors)[1]),
              ConvByDefinition(net, net.ops[0], (*tensors)[0], nullptr));
  }
}

TEST(Interpreter, InputsLieOneAfterAnother) {
  QNet net;
  net.tensors = {{"a", ElemType::kInt8, {2, 1, 2}, {1, 2}},
                 {"b", ElemType::kInt8, {1, 1, 2}, {3}},
                 {"y", ElemType::kInt8, {3, 1, 2}, {3, 1, 2}}};
  net.inputs = {TensorId{0}, TensorId{1}};
  net.ops.push_back({"y", {TensorId{1}, TensorId{0}}, TensorId{2}, Concat{}});
  net.outputs = {{TensorId{2}, "y", Head::kNone, {6}}};
  ASSERT_TRUE(Verify(net).ok()) << Verify(net).error().ToString();
  EXPECT_EQ(InputElements(net), 6);
  const auto input = QuantizeInput(net, std::vector<float>{1, 2, 1, 2, 1, 2});
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(*input, (std::vector<std::int8_t>{2, 4, 4, 8, 8, 16}));
  EXPECT_EQ((*Interpret(net, *input))[0], (Bytes{8, 16, 2, 4, 4, 8}));
  EXPECT_EQ(QuantizeInput(net, std::vector<float>(5)).error().message,
            "the input has 5 values, the network's has 6");
}

TEST(Interpreter, AddIsTheRoundedExactSum) {
  const QNet net = testing::EveryOperator(3);
  const auto tensors = *InterpretAll(net, RandomInput(net, 3));
  const Op& op = OpNamed(net, "sum");
  const Tensor& a = net.tensor(op.inputs[0]);
  const Tensor& b = net.tensor(op.inputs[1]);
  const Tensor& out = net.tensor(op.output);
  const auto va = Values(a, tensors[Index(op.inputs[0])]);
  const auto vb = Values(b, tensors[Index(op.inputs[1])]);
  const auto vy = Values(out, tensors[Index(op.output)]);
  for (std::size_t i = 0; i < vy.size(); ++i) {
    const auto c = static_cast<std::int64_t>(i) / 72;
    const double exact =
        std::ldexp(Real(a, c, va[i]) + Real(b, c, vb[i]), out.q[static_cast<std::size_t>(c)]);
    const double want = std::clamp(std::floor(exact + 0.5), 0.0, 127.0);
    ASSERT_EQ(static_cast<double>(vy[i]), want) << i;
  }
}

// 1 x 3 input, kernel 3, padding 1: the border windows hold two values.
QNet PoolNet(OpParams params) {
  QNet net;
  net.inputs = {TensorId{0}};
  net.tensors.push_back({"x", ElemType::kInt8, {1, 1, 3}, {4}});
  net.tensors.push_back({"y", ElemType::kInt8, {1, 1, 3}, {4}});
  net.ops.push_back({"pool", {TensorId{0}}, TensorId{1}, std::move(params)});
  net.outputs = {{TensorId{1}, "y", Head::kNone, {3}}};
  return net;
}

TEST(Interpreter, MaxPoolIgnoresPadding) {
  const QNet net = PoolNet(MaxPool{{1, 3, 1, 1, 0, 1, 1, 1}});
  ASSERT_TRUE(Verify(net).ok()) << Verify(net).error().ToString();
  const auto y = *Interpret(net, std::vector<std::int8_t>{-7, -9, -128});
  EXPECT_THAT(Values(net.tensors[1], y[0]), ElementsAre(-7, -7, -9));
}

TEST(Interpreter, AvgPoolDividesByThePositionsDivisor) {
  AvgPool pool{{1, 3, 1, 1, 0, 1, 1, 1}, Activation::kNone, {1}, {2, 3, 2}, {2, 3}, {}};
  pool.scale = {{*numerics::MakeScale(1.0 / 2)}, {*numerics::MakeScale(1.0 / 3)}};
  const QNet net = PoolNet(pool);
  ASSERT_TRUE(Verify(net).ok()) << Verify(net).error().ToString();
  const auto y = *Interpret(net, std::vector<std::int8_t>{-7, 2, 100});
  // -5/2 rounds half up to -2, 95/3 to 32, 102/2 is 51.
  EXPECT_THAT(Values(net.tensors[1], y[0]), ElementsAre(-2, 32, 51));
}

// The numbers of the worked example in docs/semantics.md.
TEST(Interpreter, WorkedExample) {
  QNet net;
  net.inputs = {TensorId{0}};
  net.tensors.push_back({"x", ElemType::kInt8, {2, 1, 1}, {6, 5}});
  net.tensors.push_back({"y", ElemType::kInt8, {1, 1, 1}, {6}});
  const numerics::Scale scale = *numerics::MakeScale(0.0109375);
  EXPECT_EQ(scale, (numerics::Scale{22938, 21}));
  net.ops.push_back(
      {"conv",
       {TensorId{0}},
       TensorId{1},
       Conv{{}, 1, WeightKind::kSac, Activation::kRelu, {{64, -64}}, {585}, {scale}, {}}});
  net.outputs = {{TensorId{1}, "y", Head::kNone, {1}}};
  ASSERT_TRUE(Verify(net).ok()) << Verify(net).error().ToString();
  const auto v = *QuantizeInput(net, std::vector<float>{0.75F, -1.5F});
  EXPECT_THAT(v, ElementsAre(48, -48));
  EXPECT_THAT(Values(net.tensors[1], (*Interpret(net, v))[0]), ElementsAre(74));
  EXPECT_EQ(numerics::Requantize(6729, scale.alpha, scale.s, 20, 22), 114);
}

TEST(Interpreter, OutputsAreThoseOfInterpretAll) {
  const QNet net = testing::EveryOperator(9);
  const auto input = RandomInput(net, 9);
  const auto all = *InterpretAll(net, input);
  const auto outputs = *Interpret(net, input);
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0], all[Index(net.outputs[0].tensor)]);
  EXPECT_EQ(outputs[1], all[Index(net.outputs[1].tensor)]);
  EXPECT_EQ(outputs[1], all[Index(OpNamed(net, "max").output)]) << "a reshape keeps the bytes";
}

TEST(Interpreter, RefusesAnInputOfAnotherSize) {
  const auto result = Interpret(testing::EveryOperator(1), std::vector<std::int8_t>(5));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "the input has 5 values, the network's has 216");
}

TEST(Head, QuantizesPerChannelAndDequantizes) {
  QNet net = PoolNet(MaxPool{{1, 3, 1, 1, 0, 1, 1, 1}});
  net.tensors[0].dims = {3, 1, 1};
  net.tensors[0].q = {0, 3, -2};
  const auto v = *QuantizeInput(net, std::vector<float>{1.5f, -0.3f, 1000.0f});
  EXPECT_THAT(v, ElementsAre(2, -2, 127));
  EXPECT_THAT(Dequantize(net.tensors[0], Bytes(v.begin(), v.end())),
              ElementsAre(2.0f, -0.25f, 508.0f));
  EXPECT_FALSE(QuantizeInput(net, std::vector<float>(4)).ok());
}

TEST(Head, RunsOfChannelsOfOneExponent) {
  QNet net = PoolNet(MaxPool{{1, 3, 1, 1, 0, 1, 1, 1}});
  net.tensors[0].dims = {4, 1, 2};
  net.tensors[0].q = {1, 1, 3, -2};
  const std::vector<float> x = {1.5f, -2.0f, 0.5f, 60.0f, -0.25f, 1.0f, 8.0f, -12.0f};
  const auto v = *QuantizeInput(net, x);
  EXPECT_THAT(v, ElementsAre(3, -4, 1, 120, -2, 8, 2, -3));
  EXPECT_EQ(Dequantize(net.tensors[0], Bytes(v.begin(), v.end())), x);
}

TEST(Head, SoftmaxOfSixteenBits) {
  QNet net = PoolNet(MaxPool{});
  net.tensors[1] = {"y", ElemType::kInt16, {3, 1, 1}, {8, 8, 8}};
  net.outputs[0].head = Head::kSoftmax;
  const Bytes bytes = {0x00, 0x01, 0x00, 0xff, 0x00, 0x02};  // 256, -256, 512: 1, -1, 2
  const auto p = ApplyHead(net, net.outputs[0], bytes);
  const double sum = std::exp(1) + std::exp(-1) + std::exp(2);
  EXPECT_FLOAT_EQ(p[0], static_cast<float>(std::exp(1) / sum));
  EXPECT_FLOAT_EQ(p[1], static_cast<float>(std::exp(-1) / sum));
  EXPECT_FLOAT_EQ(p[2], static_cast<float>(std::exp(2) / sum));
}

TEST(Text, ListsEveryOperator) {
  const std::string text = ToText(testing::EveryOperator(1));
  for (const char* part :
       {"%a i8[6,9,8]", "= conv(%a, %a) \"b\" kernel=3x3 pad=1x1 groups=3 mac", "terms=2",
        "residual relu", "add(%b, %c)", "max_pool(%sum) \"max\" kernel=3x3 stride=2x2 pad=1x1",
        "divisors=[4,6,9]", "concat(%max, %avg)", "%fc i16[7,1,1]", "reshape(%max)",
        "output \"prob\" = softmax %fc [7]"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_EQ(MacsOf(testing::EveryOperator(1), testing::EveryOperator(1).ops[0]), 6 * 72 * 27);
}

}  // namespace
}  // namespace tf2::qnet
