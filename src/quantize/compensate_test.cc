// Code sets, compensated rounding, the lowering with it, equalisation, sensitivity.
#include "quantize/compensate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "base/files.h"
#include "interp/interpreter.h"
#include "numerics/numerics.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "quantize/choose_q.h"
#include "quantize/code_set.h"
#include "quantize/compensated_lowering.h"
#include "quantize/equalise.h"
#include "quantize/quantize_state.h"
#include "quantize/sensitivity.h"
#include "quantize/test_graphs.h"

namespace tf2::quantize {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CodeSet, NearestIsNearest) {
  for (const auto& [kind, terms] :
       {std::pair(qnet::WeightKind::kSac, 1), std::pair(qnet::WeightKind::kSac, 2),
        std::pair(qnet::WeightKind::kMac, 1)}) {
    const CodeSet codes(kind, terms);
    for (int i = 0; i < 1217; ++i) {
      const float x = -140 + 0.23F * static_cast<float>(i);
      float least = 1e9;
      for (const int v : codes.values())
        least = std::min(least, std::fabs(x - static_cast<float>(v)));
      EXPECT_FLOAT_EQ(std::fabs(x - static_cast<float>(codes.Nearest(x))), least) << x;
    }
  }
}

TEST(CodeSet, TwoTermsAddUp) {
  const CodeSet codes(qnet::WeightKind::kSac, 2);
  EXPECT_EQ(codes.largest(), 128);
  for (const int v : codes.values()) {
    const auto [a, b] = codes.Split(v);
    EXPECT_EQ(a + b, v);
    EXPECT_TRUE(numerics::SacNibble(a) && numerics::SacNibble(b));
  }
}

SampleSource RandomSource(const ir::Graph& graph) {
  return [&graph](std::size_t i) -> Result<std::vector<float>> {
    return testing::RandomSample(graph, i);
  };
}

constexpr std::size_t kSamples = 60;

CompensatedNet Lower(const ir::Graph& graph, const CompensatedOptions& options) {
  auto net = QuantizeCompensated(graph, *testing::CalibrateRandom(graph, kSamples),
                                 RandomSource(graph), kSamples, options);
  TF2_CHECK(net.ok(), "{}", net.error().ToString());
  return *std::move(net);
}

// Samples as pictures are: neighbours resemble each other.
std::vector<float> SmoothSample(std::size_t index) {
  Rng rng(9000 + index);
  std::vector<float> coarse(3 * 2 * 2);
  for (float& v : coarse) v = rng.Normal();
  std::vector<float> x;
  for (std::size_t i = 0; i < std::size_t{3} * 8 * 8; ++i)
    x.push_back(coarse[i / 64 * 4 + i / 32 % 2 * 2 + i / 4 % 2] + 0.2F * rng.Normal());
  return x;
}

// Mean squared error of the first output against the graph's on samples that nothing was fitted to.
double ErrorOf(const ir::Graph& graph, const qnet::QNet& net) {
  double error = 0;
  for (std::size_t i = 500; i < 540; ++i) {
    const std::vector<float> x = SmoothSample(i);
    const ir::Tensor input = ir::Tensor::Float(graph.value(graph.inputs[0]).shape, x);
    const auto want = *interp::Run(graph, {&input, 1});
    const auto got = *qnet::Interpret(net, *qnet::QuantizeInput(net, x));
    const std::vector<float> y = qnet::ApplyHead(net, net.outputs[0], got[0]);
    for (std::size_t j = 0; j < y.size(); ++j) error += std::pow(want[0].f32[j] - y[j], 2);
  }
  return error;
}

TEST(Compensated, BeatsNearestOnOtherSamples) {
  const ir::Graph graph = testing::SmallNet();
  const SampleSource source = [](std::size_t i) -> Result<std::vector<float>> {
    return SmoothSample(i);
  };
  const auto calibration = *Calibrate(graph, source, 300, {});
  const auto nearest = *Quantize(graph, calibration, {});
  const auto one = *QuantizeCompensated(graph, calibration, source, 300, {});
  EXPECT_EQ(one.passes, 1);
  EXPECT_LT(ErrorOf(graph, one.net), 0.7 * ErrorOf(graph, nearest));
}

TEST(Compensated, SeveralInputs) {
  const ir::Graph graph = testing::TwoInputs();
  const auto made = Lower(graph, {});
  const auto nearest = *Quantize(graph, *testing::CalibrateRandom(graph, kSamples), {});
  const auto error = [&](const qnet::QNet& net) {
    double sum = 0;
    for (std::size_t i = 500; i < 540; ++i) {
      const std::vector<float> x = testing::RandomSample(graph, i);
      const auto want = *interp::Run(graph, *ir::InputsOf(graph, x));
      const auto got = *qnet::Interpret(net, *qnet::QuantizeInput(net, x));
      const std::vector<float> y = qnet::ApplyHead(net, net.outputs[0], got[0]);
      for (std::size_t j = 0; j < y.size(); ++j) sum += std::pow(want[0].f32[j] - y[j], 2);
    }
    return sum;
  };
  EXPECT_LT(error(made.net), 0.9 * error(nearest));
}

TEST(Compensated, MorePassesLessError) {
  const ir::Graph graph = testing::SmallNet();
  CompensatedOptions options;
  const CompensatedNet one = Lower(graph, options);
  options.max_passes = 1.8;
  const CompensatedNet more = Lower(graph, options);
  EXPECT_GT(more.passes, 1);
  EXPECT_LE(more.passes, 1.8);
  EXPECT_LT(ErrorOf(graph, more.net), ErrorOf(graph, one.net));
  options.max_passes = 2;
  EXPECT_EQ(Lower(graph, options).passes, 2);
}

TEST(Compensated, ThreadsAndMemoryDoNotChangeTheResult) {
  const ir::Graph graph = testing::SmallNet();
  CompensatedOptions options;
  options.threads = 1;
  const CompensatedNet one = Lower(graph, options);
  options.threads = 3;
  options.memory_bytes = 0;  // everything in files
  EXPECT_EQ(Lower(graph, options).net, one.net);
}

TEST(Compensated, GoesOnWhereItWasCancelled) {
  const ir::Graph graph = testing::SmallNet();
  const auto calibration = *testing::CalibrateRandom(graph, kSamples);
  const auto scratch = *ScratchDir::Create();
  CompensatedOptions options;
  options.state_path = scratch.File("state");
  const auto run = [&] {
    return QuantizeCompensated(graph, calibration, RandomSource(graph), kSamples, options);
  };
  const qnet::QNet whole = run()->net;
  EXPECT_FALSE(FileExists(options.state_path));
  options.progress = [](const std::string&, std::size_t done, std::size_t) { return done < 2; };
  EXPECT_EQ(run().error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(FileExists(options.state_path));
  options.progress = nullptr;
  options.resume = true;
  auto resumed = run();
  ASSERT_TRUE(resumed.ok()) << resumed.error().ToString();
  EXPECT_EQ(resumed->resumed_layers, 2);
  EXPECT_EQ(resumed->net, whole);
  EXPECT_FALSE(FileExists(options.state_path));
}

// Time for all of it, and none.
TEST(Compensated, SpendsWhatFitsIntoTheTime) {
  const ir::Graph graph = testing::SmallNet();
  const auto efforts_in = [&](std::chrono::seconds time, double max_passes) {
    CompensatedOptions options;
    options.max_passes = max_passes;
    options.deadline = std::chrono::steady_clock::now() + time;
    std::vector<Effort> efforts;
    for (const LayerReport& layer : Lower(graph, options).layers)
      efforts.push_back(layer.effort.value());
    return efforts;
  };
  for (const double max_passes : {1.0, 1.5}) {
    EXPECT_THAT(efforts_in(std::chrono::hours(1), max_passes),
                Each(Field(&Effort::scales, kNormalEffort.scales)));
    EXPECT_THAT(efforts_in(std::chrono::seconds(0), max_passes), Each(Field(&Effort::scales, 1)));
  }
}

TEST(Compensated, RefusesTheStateOfOtherWork) {
  const ir::Graph graph = testing::SmallNet();
  const auto calibration = *testing::CalibrateRandom(graph, kSamples);
  const auto scratch = *ScratchDir::Create();
  CompensatedOptions options;
  options.state_path = scratch.File("state");
  options.progress = [](const std::string&, std::size_t done, std::size_t) { return done < 1; };
  const auto run = [&] {
    return QuantizeCompensated(graph, calibration, RandomSource(graph), kSamples, options);
  };
  EXPECT_FALSE(run().ok());
  options.progress = nullptr;
  options.resume = true;
  options.rounding.effort.scales = 3;
  EXPECT_THAT(run().error().ToString(), HasSubstr("other samples or other options"));
  ASSERT_TRUE(WriteFileAtomically(options.state_path, "nonsense of some length").ok());
  EXPECT_THAT(run().error().ToString(), HasSubstr("not the state of a quantisation"));
}

// x through the integers of min...max and back.
ir::ValueId FakeQuantised(testing::GraphBuilder& b, ir::ValueId x, float scale, std::int64_t min,
                          std::int64_t max) {
  const auto q = b.Add(ir::OpKind::kQuantizeLinear, "q", {x, b.Constant("scale", {}, {scale})},
                       {{"min", min}, {"max", max}});
  return b.Add(ir::OpKind::kDequantizeLinear, "real", {q, b.Constant("scale2", {}, {scale})});
}

// QuantizeLinear and DequantizeLinear between two layers; what they clip stays clipped, and nothing
// stands for them where they clip nothing.
TEST(Compensated, KeepsWhatFakeQuantisationClips) {
  for (const float scale : {0.002F, 1.0F}) {
    testing::GraphBuilder b({1, 3, 8, 8});
    const auto first = b.Conv("first", b.input(), 3, 8, 3, false);
    const auto pool =
        b.Add(ir::OpKind::kMaxPool, "pool", {first}, {{"kernel", std::vector<std::int64_t>{2, 2}}});
    const auto real = FakeQuantised(b, pool, scale, -128, 127);
    const ir::Graph graph = b.Done({b.Conv("last", real, 8, 4, 3, false)});
    const auto made = QuantizeCompensated(graph, *testing::CalibrateRandom(graph, kSamples),
                                          RandomSource(graph), kSamples, {});
    ASSERT_TRUE(made.ok()) << made.error().ToString();
    const auto clips = std::ranges::count_if(made->net.ops, [](const qnet::Op& op) {
      const auto* conv = std::get_if<qnet::Conv>(&op.params);
      return conv != nullptr && conv->activation == qnet::Activation::kClip;
    });
    EXPECT_EQ(clips, scale < 1 ? 1 : 0);
  }
}

// Of unsigned integers: the clip at zero is a ReLU, which the engine has, where the range holds all
// that the layer makes.
TEST(Compensated, MakesUnsignedFakeQuantisationARelu) {
  for (const float scale : {0.002F, 1.0F}) {
    testing::GraphBuilder b({1, 3, 8, 8});
    const auto first = b.Conv("first", b.input(), 3, 8, 3, false);
    const auto real = FakeQuantised(b, first, scale, 0, 255);
    const ir::Graph graph = b.Done({b.Conv("last", real, 8, 4, 3, false)});
    const auto made = QuantizeCompensated(graph, *testing::CalibrateRandom(graph, kSamples),
                                          RandomSource(graph), kSamples, {});
    ASSERT_TRUE(made.ok()) << made.error().ToString();
    const auto& conv = std::get<qnet::Conv>(made->net.ops[0].params);
    EXPECT_EQ(conv.activation, scale < 1 ? qnet::Activation::kClip : qnet::Activation::kRelu);
  }
}

// A padding and another reader of a ReLU, joined, pooled, read without padding: [1, 3, 8, 8]
// -> 5.
ir::Graph ShiftableNet() {
  testing::GraphBuilder b({1, 3, 8, 8});
  const auto squeeze = b.Conv("squeeze", b.input(), 3, 6, 3, true);
  const auto one = b.Conv("one", squeeze, 6, 8, 1, true);
  const auto three = b.Conv("three", squeeze, 6, 4, 3, true);
  const auto join = b.Add(ir::OpKind::kConcat, "join", {one, three});
  const auto pool = b.Add(
      ir::OpKind::kMaxPool, "pool", {join},
      {{"kernel", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}});
  const auto mix = b.Conv("mix", pool, 12, 10, 1, true);
  const auto flat = b.Add(ir::OpKind::kFlatten, "flat", {mix});
  return b.Done({b.Add(ir::OpKind::kGemm, "fc", {flat, b.Random("fc.w", {5, 160}, 0.1F)})});
}

void ExpectSameFunction(const ir::Graph& graph) {
  const ir::Graph other = Equalise(graph, *testing::CalibrateRandom(graph, kSamples)).graph;
  ASSERT_TRUE(ir::Verify(other).ok()) << ir::Verify(other).error().ToString();
  const std::vector<float> x = testing::RandomSample(graph, 3);
  const ir::Tensor input = ir::Tensor::Float(graph.value(graph.inputs[0]).shape, x);
  const auto want = *interp::Run(graph, {&input, 1});
  const auto got = *interp::Run(other, {&input, 1});
  ASSERT_EQ(got[0].f32.size(), want[0].f32.size());
  for (std::size_t i = 0; i < got[0].f32.size(); ++i)
    EXPECT_NEAR(got[0].f32[i], want[0].f32[i], 2e-5);
}

TEST(Equalise, KeepsTheFunction) {
  ExpectSameFunction(testing::SmallNet());
  ExpectSameFunction(ShiftableNet());
}

TEST(Equalise, ScalesWhatOnlyLayersRead) {
  testing::GraphBuilder b({1, 3, 8, 8});
  const auto a = b.Conv("a", b.input(), 3, 8, 3, false);
  const ir::Graph graph = b.Done({b.Conv("c", a, 8, 4, 3, false)});
  const Equalised scaled = Equalise(graph, *testing::CalibrateRandom(graph, 8));
  EXPECT_EQ(scaled.graph.value(scaled.graph.nodes[0].outputs[0]).name, "a*scaled");
  EXPECT_EQ(scaled.graph.value(scaled.graph.outputs[0]).name, "c");
  EXPECT_THAT(scaled.shifted, IsEmpty());  // a has no ReLU
}

std::vector<std::string> ShiftedOf(const Equalised& equalised) {
  std::vector<std::string> names;
  for (const ir::ValueId id : equalised.shifted) names.push_back(equalised.graph.value(id).name);
  return names;
}

TEST(Equalise, ShiftsWhatFollowsARelu) {
  const ir::Graph graph = ShiftableNet();
  const Equalised equalised = Equalise(graph, *testing::CalibrateRandom(graph, kSamples));
  EXPECT_THAT(ShiftedOf(equalised),
              ElementsAre("squeeze*scaled", "one*scaled", "three*scaled", "mix*scaled"));
  for (const ir::Node& node : equalised.graph.nodes) {
    if (node.kind != ir::OpKind::kConv) continue;
    EXPECT_EQ(node.Float("pad_value"), node.name == "three" ? -128 : 0) << node.name;
  }
}

// What a layer that pads reads is shifted as a whole or not at all.
TEST(Equalise, ShiftsAllThatOnePaddingSurrounds) {
  testing::GraphBuilder b({1, 3, 8, 8});
  const auto relu = b.Conv("relu", b.input(), 3, 4, 1, true);
  const auto also = b.Conv("also", b.input(), 3, 4, 1, true);
  const auto plain = b.Conv("plain", b.input(), 3, 4, 1, false);
  const auto mixed = b.Add(ir::OpKind::kConcat, "mixed", {relu, plain});
  const auto both = b.Add(ir::OpKind::kConcat, "both", {relu, also});
  const auto sum =
      b.Add(ir::OpKind::kConcat, "sum",
            {b.Conv("pads", mixed, 8, 4, 3, true), b.Conv("pads_too", both, 8, 4, 3, true)});
  const ir::Graph graph = b.Done({b.Conv("last", sum, 8, 4, 3, false)});
  const Equalised equalised = Equalise(graph, *testing::CalibrateRandom(graph, kSamples));
  EXPECT_THAT(ShiftedOf(equalised), ElementsAre("pads*scaled", "pads_too*scaled"));
  ExpectSameFunction(graph);
}

// Mean square of what int8 adds to the outputs.
double ErrorAt8Bits(const ir::Graph& graph, const ir::Graph& original,
                    const Calibration& calibration) {
  CompensatedOptions options;
  options.base.bits = 8;
  options.base.q = QRule::kMse;
  const auto made =
      *QuantizeCompensated(graph, calibration, RandomSource(original), kSamples, options);
  double error = 0;
  for (std::size_t i = kSamples; i < 2 * kSamples; ++i) {
    const std::vector<float> x = testing::RandomSample(original, i);
    const ir::Tensor input = ir::Tensor::Float(original.value(original.inputs[0]).shape, x);
    const auto want = *interp::Run(original, {&input, 1});
    const auto integers = *qnet::Interpret(made.net, *qnet::QuantizeInput(made.net, x));
    const auto got = *qnet::ApplyHeads(made.net, integers);
    for (std::size_t k = 0; k < got[0].size(); ++k)
      error += std::pow(got[0][k] - want[0].f32[k], 2) / static_cast<double>(kSamples);
  }
  return error;
}

TEST(Equalise, FillsTheRangeOf8Bits) {
  const ir::Graph graph = ShiftableNet();
  const Calibration calibration = *testing::CalibrateRandom(graph, kSamples);
  const Equalised equalised = Equalise(graph, calibration);
  Calibration anew = *testing::CalibrateRandom(equalised.graph, kSamples);
  FixExponents(equalised, anew);
  const double plain = ErrorAt8Bits(graph, graph, calibration);
  EXPECT_LT(ErrorAt8Bits(equalised.graph, graph, anew), 0.7 * plain);
  const qnet::QNet net = *Quantize(equalised.graph, anew, {.bits = 8, .q = QRule::kMse});
  for (const qnet::Op& op : net.ops) {
    if (op.name == "three") {
      EXPECT_EQ(std::get<qnet::Conv>(op.params).pad_value, qnet::kLowPadding);
    }
    if (op.name != "squeeze" && op.name != "one" && op.name != "mix") continue;
    EXPECT_EQ(std::get<qnet::Conv>(op.params).activation, qnet::Activation::kNone) << op.name;
    EXPECT_THAT(net.tensor(op.output).q, Each(0)) << op.name;
  }
}

TEST(Sensitivity, MeasuresHowFarANetworkIsFromTheFloatOne) {
  const ir::Graph graph = testing::SmallNet();
  const auto calibration = *testing::CalibrateRandom(graph, 8);
  const auto expected = *FirstOutputs(graph, RandomSource(graph), 6, 1);
  EXPECT_EQ(*FirstOutputs(graph, RandomSource(graph), 6, 3), expected);
  const auto error = [&](int bits, int threads) {
    return *MeasureNet(*Quantize(graph, calibration, {.bits = bits}), expected, RandomSource(graph),
                       threads);
  };
  EXPECT_GT(error(8, 1), 0);
  EXPECT_LT(error(8, 1), error(4, 1));
  EXPECT_EQ(error(4, 3), error(4, 1));
}

TEST(Sensitivity, MeasuresWhatAnAlternativeChanges) {
  const ir::Graph graph = testing::SmallNet();
  const auto calibration = *testing::CalibrateRandom(graph, 8);
  const qnet::QNet net = *Quantize(graph, calibration, {.bits = 4});
  std::vector<Alternative> alternatives;
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    if (!std::holds_alternative<qnet::Conv>(net.ops[i].params)) continue;
    alternatives.push_back({i, net.ops[i]});
    alternatives.push_back({i, net.ops[i]});
    auto& codes = std::get<qnet::Conv>(alternatives.back().op.params).terms[0];
    std::fill_n(codes.begin(), codes.size() / 2, std::int8_t{0});
  }
  const auto errors = *MeasureAlternatives(net, alternatives, RandomSource(graph), 4, 1);
  ASSERT_EQ(errors.size(), alternatives.size());
  for (std::size_t i = 0; i < errors.size(); ++i) EXPECT_EQ(errors[i] > 0, i % 2 == 1) << i;
  EXPECT_EQ(*MeasureAlternatives(net, alternatives, RandomSource(graph), 4, 2), errors);
}

}  // namespace
}  // namespace tf2::quantize
