#include "quantize/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "interp/interpreter.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "quantize/draft.h"
#include "quantize/test_graphs.h"

namespace tf2::quantize {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

// Least signal-to-noise ratio in dB over the outputs of the network and of the graph, five samples
// together.
double SignalToNoise(const ir::Graph& graph, const qnet::QNet& net) {
  std::vector<double> signal(graph.outputs.size(), 0);
  std::vector<double> noise(graph.outputs.size(), 1e-30);
  for (std::size_t i = 100; i < 105; ++i) {
    const std::vector<float> x = testing::RandomSample(graph, i);
    const auto want = *interp::Run(graph, *ir::InputsOf(graph, x));
    const auto got = *qnet::Interpret(net, *qnet::QuantizeInput(net, x));
    const auto real = *qnet::ApplyHeads(net, got);
    TF2_CHECK(real.size() == want.size());
    for (std::size_t o = 0; o < real.size(); ++o) {
      const std::vector<float>& y = real[o];
      TF2_CHECK(y.size() == want[o].f32.size());
      for (std::size_t j = 0; j < y.size(); ++j) {
        signal[o] += std::pow(want[o].f32[j], 2);
        noise[o] += std::pow(want[o].f32[j] - y[j], 2);
      }
    }
  }
  double least = 1e9;
  for (std::size_t o = 0; o < signal.size(); ++o)
    least = std::min(least, 10 * std::log10(signal[o] / noise[o]));
  return least;
}

qnet::QNet QuantizeOrDie(const ir::Graph& graph, const QuantizeOptions& options) {
  const auto calibration = testing::CalibrateRandom(graph, 30);
  auto net = Quantize(graph, *calibration, options);
  TF2_CHECK(net.ok(), "{}", net.error().ToString());
  TF2_CHECK(qnet::Verify(*net).ok());
  return *std::move(net);
}

TEST(Quantize, EveryRuleAndWidthComesClose) {
  const ir::Graph graph = testing::SmallNet();
  for (const QRule q : {QRule::kFloor, QRule::kRound, QRule::kCap, QRule::kMse}) {
    EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 8, .q = q})), 27);
    EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 4, .q = q})), 17);
  }
}

TEST(Quantize, SeveralInputs) {
  const ir::Graph graph = testing::TwoInputs();
  const qnet::QNet net = QuantizeOrDie(graph, {.bits = 8});
  ASSERT_EQ(net.inputs.size(), 2U);
  EXPECT_EQ(net.tensor(net.inputs[0]).dims, (std::vector<std::int32_t>{3, 8, 8}));
  EXPECT_EQ(net.tensor(net.inputs[1]).dims, (std::vector<std::int32_t>{2, 4, 4}));
  EXPECT_GT(SignalToNoise(graph, net), 27);
  EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 4})), 12);
}

TEST(Quantize, MeansOverAllSpatialAxes) {
  for (const Ints& shape : {Ints{1, 4, 6}, Ints{1, 4, 12, 5}, Ints{1, 4, 3, 4, 5}}) {
    for (const char* fn : {"mean", "max"}) {
      testing::GraphBuilder b(shape);
      Ints axes;
      for (std::int64_t axis = 2; axis < std::ssize(shape); ++axis) axes.push_back(axis);
      const auto mean = b.Add(ir::OpKind::kReduce, "mean", {b.input()},
                              {{"fn", std::string(fn)}, {"axes", axes}, {"keep", std::int64_t{0}}});
      const ir::Graph graph =
          b.Done({b.Add(ir::OpKind::kGemm, "y", {mean, b.Random("w", {3, 4}, 1)})});
      const qnet::QNet net = QuantizeOrDie(graph, {.bits = 8});
      EXPECT_STREQ(qnet::KindName(net.ops[0]), std::string(fn) == "mean" ? "avg_pool" : "max_pool");
      EXPECT_GT(SignalToNoise(graph, net), 15) << fn << " " << shape.size();
    }
  }
}

TEST(Quantize, IsDeterministic) {
  const ir::Graph graph = testing::SmallNet();
  EXPECT_EQ(QuantizeOrDie(graph, {}), QuantizeOrDie(graph, {}));
}

TEST(Quantize, Structure) {
  const ir::Graph graph = testing::SmallNet();
  const qnet::QNet net = QuantizeOrDie(graph, {});
  std::vector<std::string> ops;
  for (const qnet::Op& op : net.ops) ops.push_back(std::string(KindName(op)) + " " + op.name);
  EXPECT_THAT(ops, ElementsAre("conv a", "conv c", "max_pool max", "avg_pool avg", "concat cat",
                               "conv fc"));
  const auto& fc = std::get<qnet::Conv>(net.ops.back().params);
  EXPECT_EQ(fc.window.kh, 4);
  EXPECT_EQ(fc.window.kw, 4);
  EXPECT_EQ(net.tensor(net.ops.back().output).type, qnet::ElemType::kInt16);
  EXPECT_EQ(net.ops[1].inputs.size(), 2u);
  ASSERT_EQ(net.outputs.size(), 1u);
  EXPECT_EQ(net.outputs[0].name, "prob");
  EXPECT_EQ(net.outputs[0].head, qnet::Head::kSoftmax);
  EXPECT_THAT(net.outputs[0].shape, ElementsAre(5));
  const auto& avg = std::get<qnet::AvgPool>(net.ops[3].params);
  EXPECT_THAT(avg.divisors, ElementsAre(4, 6, 9));
}

TEST(Quantize, StandAloneOperatorsBecomeDepthwise) {
  testing::GraphBuilder b({1, 3, 6, 6});
  const auto positive = [&](const std::string& name) {
    return b.Constant(name, {3}, {0.5F, 2.0F, 1.0F});
  };
  const auto bn = b.Add(ir::OpKind::kBatchNorm, "bn",
                        {b.input(), b.Random("m", {3}, 1), positive("v"), b.Random("g", {3}, 1),
                         b.Random("bb", {3}, 1)});
  const auto relu = b.Add(ir::OpKind::kRelu, "relu", {bn});
  const auto scale =
      b.Add(ir::OpKind::kScale, "scale", {relu, b.Random("f", {3}, 2), b.Random("s", {3}, 1)});
  const auto pad =
      b.Add(ir::OpKind::kPad, "pad", {scale}, {{"pads", Ints{0, 0, 1, 2, 0, 0, 2, 1}}});
  const auto mul = b.Add(ir::OpKind::kMul, "mul", {pad, b.Constant("k", {3, 1, 1}, {-2, 3, 0.1F})});
  const auto sub = b.Add(ir::OpKind::kSub, "sub", {b.Constant("one", {1}, {1}), mul});
  const auto div = b.Add(ir::OpKind::kDiv, "div", {sub, b.Constant("two", {}, {2})});
  const ir::Graph graph =
      b.Done({b.Add(ir::OpKind::kAdd, "add", {div, b.Constant("c", {1, 3, 1, 1}, {1, 2, 3})})});
  EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 8})), 32);
  EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 4})), 32)
      << "one weight a row is exact";
}

TEST(Quantize, DepthwiseDilatedStridedAndGrouped) {
  testing::GraphBuilder b({1, 4, 11, 9});
  const auto conv = [&](const std::string& name, ir::ValueId x, ir::Shape w,
                        std::map<std::string, ir::Attr> attrs) {
    return b.Add(ir::OpKind::kConv, name, {x, b.Random(name + "w", std::move(w), 0.4F)},
                 std::move(attrs));
  };
  const auto a =
      conv("a", b.input(), {8, 1, 3, 3},
           {{"groups", std::int64_t{4}}, {"pads", Ints{1, 1, 1, 1}}, {"relu", std::int64_t{1}}});
  const auto c =
      conv("c", a, {6, 4, 3, 3},
           {{"groups", std::int64_t{2}}, {"dilations", Ints{2, 1}}, {"pads", Ints{2, 0, 2, 1}}});
  const auto d = conv("d", c, {5, 6, 1, 2}, {{"strides", Ints{2, 3}}});
  const ir::Graph graph = b.Done({d});
  EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 8})), 30);
}

TEST(Quantize, PoolsDivideAsTheirFormats) {
  for (const char* divisor : {"valid", "kernel", "caffe"}) {
    testing::GraphBuilder b({1, 2, 7, 6});
    const auto pool = b.Add(ir::OpKind::kAvgPool, "pool", {b.input()},
                            {{"kernel", Ints{3, 2}},
                             {"strides", Ints{2, 2}},
                             {"pads", Ints{1, 1, 1, 1}},
                             {"ceil", std::int64_t{1}},
                             {"divisor", std::string(divisor)}});
    const auto global =
        b.Add(ir::OpKind::kGlobalAvgPool, "global", {b.Conv("conv", pool, 2, 3, 1, true)});
    const ir::Graph graph =
        b.Done({pool, global, b.Add(ir::OpKind::kGlobalMaxPool, "max", {b.input()})});
    EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 8})), 32) << divisor;
  }
}

TEST(Quantize, SeveralOutputsAndWidths) {
  testing::GraphBuilder b({1, 3, 4, 4});
  const auto a = b.Conv("a", b.input(), 3, 4, 3, true);
  const auto left = b.Conv("left", a, 4, 2, 1, false);
  const auto right = b.Conv("right", a, 4, 3, 1, false);
  const auto joined = b.Add(ir::OpKind::kConcat, "joined", {left, right});
  const auto sum = b.Add(ir::OpKind::kAdd, "sum", {a, a}, {{"relu", std::int64_t{1}}});
  const ir::Graph graph = b.Done({joined, a, sum, b.Add(ir::OpKind::kFlatten, "flat", {joined})});
  const qnet::QNet net = QuantizeOrDie(graph, {.bits = 8});
  EXPECT_GT(SignalToNoise(graph, net), 30);
  const auto type = [&](std::size_t output) { return net.tensor(net.outputs[output].tensor).type; };
  EXPECT_EQ(type(0), qnet::ElemType::kInt16);
  EXPECT_EQ(type(1), qnet::ElemType::kInt8) << "read by others";
  EXPECT_EQ(type(2), qnet::ElemType::kInt16);
  EXPECT_EQ(net.outputs[3].tensor, net.outputs[0].tensor) << "a flatten needs no operator";
  EXPECT_THAT(net.outputs[3].shape, ElementsAre(80));
}

// A weight so small that the row's s is large: t would be beyond 40, or s beyond 47, without the
// limits.
TEST(Quantize, ResidualShiftsStayInRange) {
  for (const float scale : {1e-12F, 1e-5F, 1e2F, 1e4F}) {
    testing::GraphBuilder b({1, 2, 3, 3});
    const auto w = b.Random("w", {2, 2, 1, 1}, scale);
    const auto conv = b.Add(ir::OpKind::kConv, "conv", {b.input(), w, ir::kNoValue, b.input()});
    const ir::Graph graph = b.Done({b.Conv("next", conv, 2, 2, 1, false)});
    for (const int bits : {4, 8}) {
      const qnet::QNet net = QuantizeOrDie(graph, {.bits = bits});
      EXPECT_GT(SignalToNoise(graph, net), bits == 8 ? 30 : 10) << scale;
    }
  }
}

TEST(Quantize, CapsTheResidualsQ) {
  // The residual is tiny (large Q), the convolution huge: t = s + Q_out - Q_res would be negative.
  testing::GraphBuilder b({1, 1, 2, 2});
  const auto tiny =
      b.Add(ir::OpKind::kConv, "tiny", {b.input(), b.Constant("w0", {1, 1, 1, 1}, {1e-6F})});
  const auto pool = b.Add(ir::OpKind::kMaxPool, "pool", {tiny}, {{"kernel", Ints{1, 1}}});
  const auto huge = b.Add(ir::OpKind::kConv, "huge",
                          {b.input(), b.Constant("w1", {1, 1, 1, 1}, {1e6F}), ir::kNoValue, pool});
  const ir::Graph graph = b.Done({b.Conv("next", huge, 1, 1, 1, false)});
  const qnet::QNet net = QuantizeOrDie(graph, {.bits = 8});
  EXPECT_GT(SignalToNoise(graph, net), 20);
  EXPECT_LT(net.tensor(net.ops[0].output).q[0], 20);
  EXPECT_EQ(net.tensor(net.ops[0].output).q, net.tensor(net.ops[1].output).q);
}

// Weights {0, +-2^k} * 0.1 with the full spread of k, inputs whose exponents differ.
TEST(Quantize, PowerOfTwoWeightsSurvive) {
  testing::GraphBuilder b({1, 4, 4, 4});
  const auto spread =
      b.Add(ir::OpKind::kScale, "spread", {b.input(), b.Constant("f", {4}, {1, 0.01F, 30, 5})});
  std::vector<float> codes;
  codes.reserve(std::size_t{4} * 4 * 9);
  for (int i = 0; i < 4 * 4 * 9; ++i)
    codes.push_back(i % 5 == 0 ? 0.0F : std::ldexp(i % 2 == 0 ? 0.1F : -0.1F, i % 7));
  const auto conv = b.Add(ir::OpKind::kConv, "inq", {spread, b.Constant("w", {4, 4, 3, 3}, codes)},
                          {{"pads", Ints{1, 1, 1, 1}}});
  const ir::Graph graph = b.Done({conv});
  const qnet::QNet net = QuantizeOrDie(graph, {.bits = 4});
  const auto& inq = std::get<qnet::Conv>(net.ops[1].params);
  for (std::size_t i = 0; i < codes.size(); ++i)
    ASSERT_EQ(inq.terms[0][i], std::lround(codes[i] / 0.1F));
  EXPECT_THAT(net.tensor(net.ops[1].inputs[0]).q,
              ::testing::Each(net.tensor(net.ops[1].inputs[0]).q[0]));
}

// A network whose middle is `build`, between two convolutions of 8 x 8 pixels: the operators that
// it becomes, and how close they come at 8 bits.
struct Middle {
  std::string name;
  std::vector<std::string> kinds;  // between the two convolutions
  std::function<ir::ValueId(testing::GraphBuilder&, ir::ValueId)> build;
  double decibels = 28;
};

ir::ValueId Unary(testing::GraphBuilder& b, const std::string& fn, ir::ValueId x, float alpha = 0) {
  return b.Add(ir::OpKind::kUnary, fn, {x}, {{"fn", fn}, {"alpha", alpha}});
}

std::vector<Middle> Middles() {
  using ir::OpKind;
  return {
      {"relu6",
       {},
       [](auto& b, auto x) {
         return b.Add(OpKind::kClip, "c", {x}, {{"min", 0.0F}, {"max", 1.0F}});
       }},
      {"leaky relu", {}, [](auto& b, auto x) { return Unary(b, "leaky_relu", x, 0.1F); }},
      {"prelu",
       {},
       [](auto& b, auto x) {
         return b.Add(OpKind::kPrelu, "p", {x, b.Constant("s", {4, 1, 1}, {0.5F, -2, 0, 3})});
       }},
      {"sigmoid", {"table"}, [](auto& b, auto x) { return Unary(b, "sigmoid", x); }},
      {"silu in two nodes",
       {"table"},
       [](auto& b, auto x) {
         return b.Add(OpKind::kMul, "m", {x, Unary(b, "sigmoid", x)});
       }},
      {"hard swish in four nodes",
       {"table"},
       [](auto& b, auto x) {
         const auto sum = b.Add(OpKind::kAdd, "a", {x, b.Constant("3", {}, {3})});
         const auto clip = b.Add(OpKind::kClip, "c", {sum}, {{"min", 0.0F}, {"max", 6.0F}});
         const auto product = b.Add(OpKind::kMul, "m", {x, clip});
         return b.Add(OpKind::kDiv, "d", {product, b.Constant("6", {1}, {6})});
       }},
      {"squeeze and excite",
       {"avg_pool", "conv", "table", "mul"},
       [](auto& b, auto x) {
         const auto pool = b.Add(OpKind::kGlobalAvgPool, "gap", {x});
         const auto gate = Unary(b, "sigmoid", b.Conv("se", pool, 4, 4, 1, false));
         return b.Add(OpKind::kMul, "m", {x, gate});
       }},
      {"subtraction and maximum",
       {"max_pool", "sub", "max"},
       [](auto& b, auto x) {
         const auto pool = b.Add(OpKind::kMaxPool, "mp", {x},
                                 {{"kernel", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
         const auto sub = b.Add(OpKind::kSub, "s", {pool, x});
         return b.Add(OpKind::kBinary, "mx", {sub, x}, {{"fn", std::string("max")}});
       }},
      {"across",
       {"lrn"},
       [](auto& b, auto x) {
         return b.Add(OpKind::kLrn, "l", {x}, {{"size", std::int64_t{3}}, {"alpha", 2.0F}});
       }},
      {"within",
       {"lrn"},
       [](auto& b, auto x) {
         return b.Add(
             OpKind::kLrn, "l", {x},
             {{"size", std::int64_t{3}}, {"alpha", 2.0F}, {"region", std::string("within")}});
       }},
      {"channel shuffle",
       {"move"},
       [](auto& b, auto x) {
         const auto split = b.Add(OpKind::kReshape, "r", {x}, {{"shape", Ints{1, 2, 2, 8, 8}}});
         const auto turned =
             b.Add(OpKind::kTranspose, "t", {split}, {{"perm", Ints{0, 2, 1, 3, 4}}});
         return b.Add(OpKind::kReshape, "r2", {turned}, {{"shape", Ints{1, 4, 8, 8}}});
       }},
      {"slices",
       {"move", "move", "add"},
       [](auto& b, auto x) {
         const auto slice = [&](std::int64_t from, std::int64_t to) {
           return b.Add(OpKind::kSlice, fmt::format("s{}", from), {x},
                        {{"starts", Ints{from}}, {"ends", Ints{to}}, {"axes", Ints{1}}});
         };
         const auto low = slice(0, 2);
         return b.Add(OpKind::kExpand, "e", {b.Add(OpKind::kAdd, "a", {low, slice(2, 4)})},
                      {{"shape", Ints{1, 2, 8, 8}}});
       }},
      {"space to depth and back",
       {},
       [](auto& b, auto x) {
         const auto deep = b.Add(OpKind::kSpaceToDepth, "s", {x}, {{"block", std::int64_t{2}}});
         return b.Add(OpKind::kDepthToSpace, "d", {deep}, {{"block", std::int64_t{2}}});
       }},
      {"nearest",
       {"move"},
       [](auto& b, auto x) {
         return b.Add(OpKind::kResize, "u", {x}, {{"sizes", Ints{1, 4, 16, 16}}});
       }},
      {"linear",
       {"host"},
       [](auto& b, auto x) {
         return b.Add(OpKind::kResize, "u", {x},
                      {{"sizes", Ints{1, 4, 12, 12}}, {"mode", std::string("linear")}});
       }},
      {"transposed convolution",
       {"dilate", "conv"},
       [](auto& b, auto x) {
         return b.Add(OpKind::kConvTranspose, "ct",
                      {x, b.Random("w", {4, 3, 3, 2}, 0.3F), b.Random("b", {6}, 0.1F)},
                      {{"strides", Ints{2, 3}},
                       {"pads", Ints{1, 0, 0, 1}},
                       {"output_padding", Ints{1, 0}},
                       {"groups", std::int64_t{2}}});
       }},
      {"mean over pixels",
       {"avg_pool"},
       [](auto& b, auto x) {
         return b.Add(
             OpKind::kReduce, "m", {x},
             {{"fn", std::string("mean")}, {"axes", Ints{2, 3}}, {"keep", std::int64_t{1}}});
       }},
      {"norm and attention",
       {"host"},
       [](auto& b, auto x) {
         const auto norm = b.Add(OpKind::kGroupNorm, "g", {x}, {{"groups", std::int64_t{2}}});
         const auto soft = b.Add(OpKind::kSoftmax, "s", {norm}, {{"axis", std::int64_t{3}}});
         return b.Add(OpKind::kMatMul, "mm", {soft, norm});
       }},
      {"division of two maps",
       {"max_pool", "host"},
       [](auto& b, auto x) {
         return b.Add(OpKind::kDiv, "d",
                      {x, Unary(b, "softplus",
                                b.Add(OpKind::kMaxPool, "mp", {x},
                                      {{"kernel", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}}))});
       },
       20},
      {"fake quantisation",
       {},
       [](auto& b, auto x) {
         const auto q = b.Add(OpKind::kQuantizeLinear, "q", {x, b.Constant("scale", {}, {0.05F})},
                              {{"min", std::int64_t{0}}, {"max", std::int64_t{255}}});
         return b.Add(OpKind::kDequantizeLinear, "dq", {q, b.Constant("scale2", {}, {0.05F})});
       }},
  };
}

TEST(Quantize, OperatorsBetweenWeightedLayers) {
  for (const Middle& middle : Middles()) {
    SCOPED_TRACE(middle.name);
    testing::GraphBuilder b({1, 3, 8, 8});
    const auto first = b.Conv("first", b.input(), 3, 4, 3, false);
    const auto x = middle.build(b, first);
    TF2_CHECK(ir::InferShapes(b.graph()).ok(), "{}", ir::InferShapes(b.graph()).error().ToString());
    const auto channels = b.graph().value(x).shape[1];
    const ir::Graph graph = b.Done({b.Conv("last", x, channels, 4, 3, false)});
    const qnet::QNet net = QuantizeOrDie(graph, {.bits = 8});
    std::vector<std::string> kinds;
    for (const qnet::Op& op : net.ops) kinds.emplace_back(KindName(op));
    std::vector<std::string> want = {"conv"};
    want.insert(want.end(), middle.kinds.begin(), middle.kinds.end());
    want.emplace_back("conv");
    EXPECT_EQ(kinds, want) << qnet::ToText(net);
    EXPECT_GT(SignalToNoise(graph, net), middle.decibels) << qnet::ToText(net);
  }
}

// What follows the last weighted layer stays real.
TEST(Quantize, TheEndIsTheHeadsGraph) {
  testing::GraphBuilder b({1, 3, 8, 8});
  const auto conv = b.Conv("conv", b.input(), 3, 6, 3, true);
  const auto scores = b.Conv("scores", conv, 6, 2, 1, false);
  const auto boxes = b.Conv("boxes", conv, 6, 4, 1, false);
  const auto flat = [&](const std::string& name, ir::ValueId x, std::int64_t c) {
    const auto turned =
        b.Add(ir::OpKind::kTranspose, name + ".t", {x}, {{"perm", Ints{0, 2, 3, 1}}});
    return b.Add(ir::OpKind::kReshape, name, {turned}, {{"shape", Ints{1, 64, c}}});
  };
  const auto probability =
      b.Add(ir::OpKind::kSoftmax, "p", {flat("s", scores, 2)}, {{"axis", std::int64_t{2}}});
  const auto decoded =
      b.Add(ir::OpKind::kMul, "decoded", {flat("b", boxes, 4), b.Random("prior", {1, 64, 4}, 1)});
  const ir::Graph graph = b.Done({probability, decoded});
  const auto draft = LowerStructure(graph);
  ASSERT_TRUE(draft.ok()) << draft.error().ToString();
  EXPECT_EQ(draft->net.ops.size(), 3u);
  ASSERT_TRUE(draft->net.head.has_value());
  EXPECT_EQ(draft->net.head->graph().nodes.size(), 6u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(draft->placements[i].place, Place::kLayer);
  for (std::size_t i = 3; i < graph.nodes.size(); ++i)
    EXPECT_EQ(draft->placements[i].place, Place::kHead) << i;
  const qnet::QNet net = QuantizeOrDie(graph, {.bits = 8});
  EXPECT_EQ(net.tensor(net.outputs[0].tensor).type, qnet::ElemType::kInt16);
  EXPECT_EQ(qnet::ModelOutputs(net)[1].name, "decoded");
  EXPECT_GT(SignalToNoise(graph, net), 30);
}

TEST(Quantize, NothingWithoutWeightsIsFatal) {
  for (const auto kind : {ir::OpKind::kSoftmax, ir::OpKind::kConcat, ir::OpKind::kMul}) {
    testing::GraphBuilder b({1, 3, 4, 4});
    std::map<std::string, ir::Attr> attrs;
    if (kind != ir::OpKind::kMul) attrs["axis"] = std::int64_t{2};
    std::vector<ir::ValueId> inputs(kind == ir::OpKind::kSoftmax ? 1 : 2, b.input());
    const ir::Graph graph = b.Done({b.Add(kind, "y", std::move(inputs), std::move(attrs))});
    EXPECT_GT(SignalToNoise(graph, QuantizeOrDie(graph, {.bits = 8})), 30);
  }
}

TEST(Quantize, AnAccumulatorThatMayOverflowIsRefusedByLayer) {
  testing::GraphBuilder b({1, 140000});
  const auto w = b.Constant("w", {1, 140000}, std::vector<float>(140000, 1.0F));
  const ir::Graph graph = b.Done({b.Add(ir::OpKind::kGemm, "wide", {b.input(), w})});
  const auto calibration = testing::CalibrateRandom(graph, 1);
  const auto net = Quantize(graph, *calibration, {.bits = 8});
  ASSERT_FALSE(net.ok());
  EXPECT_THAT(net.error().ToString(),
              HasSubstr("wide: the 32-bit accumulator of channel 0 may overflow"));
}

TEST(Quantize, Options) {
  const ir::Graph graph = testing::SmallNet();
  EXPECT_EQ(Quantize(graph, *testing::CalibrateRandom(graph, 1), {.bits = 5}).error().message,
            "weights of 5 bits");
  EXPECT_EQ(ParseQRule("mse"), QRule::kMse);
  EXPECT_EQ(ParseQRule("best"), std::nullopt);
}

}  // namespace
}  // namespace tf2::quantize
