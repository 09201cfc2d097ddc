#include "quantize/choose_q.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "quantize/test_graphs.h"

namespace tf2::quantize {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(FloorQ, IsTheLargestThatDoesNotSaturate) {
  Rng rng(1);
  for (int i = 0; i < 20000; ++i) {
    const double fmax = std::ldexp(1.0 + rng.Double(), static_cast<int>(rng.Between(-20, 15)));
    const int q = FloorQ(fmax);
    ASSERT_LE(std::ldexp(fmax, q), 127.5);
    ASSERT_GT(std::ldexp(fmax, q + 1), 127.5);
  }
  EXPECT_EQ(FloorQ(127.5), 0);
  EXPECT_EQ(FloorQ(255.0 / 256), 7);
  EXPECT_EQ(RoundQ(100), 0);
  EXPECT_EQ(RoundQ(80), 1);
  EXPECT_EQ(FloorQ(32767.5, 32767.5), 0);
}

double ErrorOf(const std::vector<float>& values, int q) {
  double error = 0;
  for (const float v : values) {
    const double d =
        v -
        std::ldexp(std::min(std::floor(std::ldexp(static_cast<double>(v), q) + 0.5), 127.0), -q);
    error += d * d;
  }
  return error;
}

TEST(SquaredErrorAt, IsThatOfTheValues) {
  Rng rng(2);
  for (const double power : {1.0, 2.0, 4.0}) {
    std::vector<float> values;
    Histogram histogram;
    float fmax = 0;
    for (int i = 0; i < 40000; ++i) {
      const auto v = static_cast<float>(3.0 * std::pow(std::fabs(rng.Normal()), power));
      values.push_back(rng.Chance(0.3) ? 0 : v);
      histogram.AddMagnitudes({&values.back(), 1});
      fmax = std::max(fmax, values.back());
    }
    int best = FloorQ(fmax);
    for (int q = FloorQ(fmax); q <= FloorQ(fmax) + 2; ++q) {
      const double exact = ErrorOf(values, q);
      EXPECT_NEAR(SquaredErrorAt(histogram, q) / exact, 1.0, 0.05)
          << "power " << power << " q " << q;
      if (exact < ErrorOf(values, best)) best = q;
    }
    EXPECT_EQ(ErrorMinimalQ(histogram, fmax), best) << "power " << power;
  }
}

Draft DraftOf(const ir::Graph& graph) {
  auto draft = LowerStructure(graph);
  TF2_CHECK(draft.ok(), "{}", draft.error().ToString());
  return *std::move(draft);
}

const std::vector<std::int8_t>& QOf(const Draft& draft, const std::string& name) {
  for (const qnet::Tensor& tensor : draft.net.tensors) {
    if (tensor.name == name) return tensor.q;
  }
  TF2_CHECK(false, "no tensor {}", name);
}

TEST(QPlan, RulesAndDeadChannels) {
  testing::GraphBuilder b({1, 4, 1, 2});
  const ir::Graph graph = b.Done({b.Add(ir::OpKind::kMaxPool, "y", {b.input()},
                                        {{"kernel", std::vector<std::int64_t>{1, 1}}})});
  const Draft draft = DraftOf(graph);
  Calibration calibration;
  calibration.values.resize(graph.values.size());
  ValueStats& stats = calibration.values[0];
  stats.abs_max = {1.0F, 100.0F, 0.0F, 20.0F};
  const auto q = [&](QRule rule) {
    Draft copy = draft;
    const auto plan = QPlan::Make(copy, calibration, rule);
    TF2_CHECK(plan.ok());
    plan->Apply(copy);
    EXPECT_EQ(QOf(copy, "x"), QOf(copy, "y"));
    return QOf(copy, "x");
  };
  EXPECT_THAT(q(QRule::kFloor), ElementsAre(6, 0, 6, 2));
  EXPECT_THAT(q(QRule::kRound), ElementsAre(7, 0, 7, 3));
  EXPECT_THAT(q(QRule::kCap), ElementsAre(2, 0, 2, 2));
  EXPECT_THAT(q(QRule::kLayer), ElementsAre(0, 0, 0, 0));
  const std::vector<QBound> bounds = {{draft.net.inputs[0], -1}};
  Draft bounded = draft;
  QPlan::Make(draft, calibration, QRule::kRound, bounds)->Apply(bounded);
  EXPECT_THAT(QOf(bounded, "x"), ElementsAre(5, -1, 5, 1));
  const auto plan = QPlan::Make(draft, calibration, QRule::kMse);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().message, "the calibration has no histogram of x");
}

TEST(QPlan, PassesQThroughPoolAndConcatAndHasOneQForWideTensors) {
  const ir::Graph graph = testing::SmallNet();
  Draft draft = DraftOf(graph);
  const auto calibration = testing::CalibrateRandom(graph, 8);
  auto plan = QPlan::Make(draft, *calibration, QRule::kFloor);
  plan->Apply(draft);
  EXPECT_EQ(QOf(draft, "max"), QOf(draft, "c"));
  std::vector<std::int8_t> joined = QOf(draft, "max");
  joined.insert(joined.end(), QOf(draft, "avg").begin(), QOf(draft, "avg").end());
  EXPECT_EQ(QOf(draft, "cat"), joined);
  EXPECT_THAT(QOf(draft, "fc"), Each(QOf(draft, "fc")[0]));
  EXPECT_GE(QOf(draft, "fc")[0], 10) << "chosen for 16 bits";

  // A cap on the concatenation reaches the operator that chooses.
  const qnet::TensorId cat = draft.net.ops[4].output;
  plan->Cap(draft, cat, 3, 1);
  plan->Cap(draft, cat, 8 + 2, -3);
  plan->Apply(draft);
  EXPECT_EQ(QOf(draft, "c")[3], 1);
  EXPECT_EQ(QOf(draft, "cat")[3], 1);
  EXPECT_EQ(QOf(draft, "avg")[2], -3);
  EXPECT_NE(QOf(draft, "avg")[3], -3);
}

TEST(QPlan, WhatOnlyAveragesReadDoesNotClip) {
  testing::GraphBuilder b({1, 3, 8, 8});
  const auto a = b.Conv("a", b.input(), 3, 8, 3, true);
  const auto c = b.Conv("c", a, 8, 8, 3, true);
  const auto pool = b.Add(ir::OpKind::kGlobalAvgPool, "pool", {c});
  const ir::Graph graph = b.Done({pool});
  Draft draft = DraftOf(graph);
  Calibration calibration = *testing::CalibrateRandom(graph, 8);
  const auto q_of = [&](QRule rule, const char* tensor) {
    QPlan::Make(draft, calibration, rule)->Apply(draft);
    return QOf(draft, tensor);
  };
  // A single value that clipping would cost less than the rounding of all others.
  for (ValueStats& stats : calibration.values) {
    for (std::size_t i = 0; i < stats.histograms.size(); ++i) {
      stats.abs_max[i] *= 2;
      stats.histograms[i].AddMagnitudes({&stats.abs_max[i], 1});
    }
  }
  EXPECT_NE(q_of(QRule::kMse, "a"), q_of(QRule::kFloor, "a"));
  EXPECT_EQ(q_of(QRule::kMse, "c"), q_of(QRule::kFloor, "c"));
}

TEST(QPlan, AReshapeThatMixesChannelsDemandsOneQ) {
  testing::GraphBuilder b({1, 3, 4, 2});
  const auto a = b.Conv("a", b.input(), 3, 3, 1, true);
  const auto c = b.Conv("c", b.input(), 3, 3, 1, true);
  const auto cat = b.Add(ir::OpKind::kConcat, "cat", {a, c});
  const auto mixed = b.Add(ir::OpKind::kReshape, "mixed", {cat},
                           {{"shape", std::vector<std::int64_t>{1, 4, 4, 3}}});
  const ir::Graph graph = b.Done({b.Conv("y", mixed, 4, 2, 1, false)});
  Draft draft = DraftOf(graph);
  Calibration calibration = *testing::CalibrateRandom(graph, 4);
  calibration.values[ir::Index(a)].abs_max = {1, 2, 30};
  auto plan = QPlan::Make(draft, calibration, QRule::kFloor);
  plan->Apply(draft);
  EXPECT_THAT(QOf(draft, "a"), Each(2));
  EXPECT_THAT(QOf(draft, "c"), Each(2));
  EXPECT_THAT(QOf(draft, "mixed"), ElementsAre(2, 2, 2, 2));
  plan->Cap(draft, draft.net.ops.back().inputs[0], 1, 0);
  plan->Apply(draft);
  EXPECT_THAT(QOf(draft, "a"), Each(0));
  EXPECT_THAT(QOf(draft, "c"), Each(0));
}

TEST(QPlan, WarnsOnceOfValuesBeyondTheLeastExponent) {
  testing::GraphBuilder b({1, 2, 2, 2});
  const auto c = b.Conv("c", b.input(), 2, 2, 1, false);
  const auto d = b.Conv("d", c, 2, 2, 1, false);
  const ir::Graph graph = b.Done({b.Conv("y", d, 2, 2, 1, false)});
  const Draft draft = DraftOf(graph);
  Calibration calibration = *testing::CalibrateRandom(graph, 2);
  const auto warning = [&] {
    ::testing::internal::CaptureStderr();
    EXPECT_TRUE(QPlan::Make(draft, calibration, QRule::kFloor).ok());
    return ::testing::internal::GetCapturedStderr();
  };
  std::vector<float>& of_c = calibration.values[ir::Index(c)].abs_max;
  of_c = {1, std::ldexp(127.0F, 16)};
  EXPECT_EQ(warning(), "") << "the least exponent holds them";
  of_c = {1, 3e9F};
  EXPECT_EQ(warning(),
            "tf2: warning: tensor \"c\" has values up to 3e+09, its 8 bits hold no more than "
            "8.32e+06 (exponent -16): what is larger saturates; scale the model's input or weights "
            "down\n");
  calibration.values[ir::Index(d)].abs_max = {2e8F, 1};
  calibration.values[ir::Index(graph.outputs[0])].abs_max = {3e9F, 1};
  EXPECT_THAT(warning(), ::testing::AllOf(::testing::HasSubstr("\"c\""),
                                          ::testing::HasSubstr("in 2 more tensors too")));
}

TEST(QPlan, AVectorInputHasOneQ) {
  testing::GraphBuilder b({1, 6});
  const auto fc = b.Add(ir::OpKind::kGemm, "fc", {b.input(), b.Random("w", {2, 6}, 1.0F)});
  const ir::Graph graph = b.Done({fc});
  Draft draft = DraftOf(graph);
  QPlan::Make(draft, *testing::CalibrateRandom(graph, 2), QRule::kFloor)->Apply(draft);
  EXPECT_THAT(QOf(draft, "x"), Each(QOf(draft, "x")[0]));
}

}  // namespace
}  // namespace tf2::quantize
