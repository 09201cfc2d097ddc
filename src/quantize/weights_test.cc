#include "quantize/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "numerics/numerics.h"

namespace tf2::quantize {
namespace {

LayerProblem RandomProblem(qnet::WeightKind kind, std::size_t oc, std::size_t row,
                           std::uint64_t seed) {
  Rng rng(seed);
  LayerProblem problem;
  problem.kind = kind;
  problem.oc = oc;
  problem.row = row;
  for (std::size_t i = 0; i < oc * row; ++i) problem.folded.push_back(rng.Normal() * 0.01);
  problem.bias.assign(oc, 0.5);
  for (std::size_t i = 0; i < row; ++i) {
    problem.mean_square.push_back(std::exp2(static_cast<double>(rng.Between(0, 10))));
    problem.mean.push_back(std::sqrt(problem.mean_square.back()) / 2);
  }
  return problem;
}

double ErrorOf(const LayerProblem& p, std::size_t o, double scale, ErrorWeight weight) {
  double error = 0;
  for (std::size_t i = 0; i < p.row; ++i) {
    const double u = p.folded[o * p.row + i];
    const double w = weight == ErrorWeight::kNone ? 1.0
                     : weight == ErrorWeight::kMeanSquare
                         ? p.mean_square[i]
                         : p.mean_square[i] - p.mean[i] * p.mean[i];
    const int code = p.kind == qnet::WeightKind::kSac ? numerics::NearestSac(u / scale)
                                                      : numerics::NearestInt8(u / scale);
    error += w * (u - scale * code) * (u - scale * code);
  }
  return error;
}

TEST(NearestRounder, FindsAScaleAsGoodAsAFineSearch) {
  for (const auto kind : {qnet::WeightKind::kSac, qnet::WeightKind::kMac}) {
    for (const ErrorWeight weight :
         {ErrorWeight::kNone, ErrorWeight::kMeanSquare, ErrorWeight::kVariance}) {
      const LayerProblem p = RandomProblem(kind, 6, 40, 7);
      const RoundedLayer layer = *NearestRounder({.weight = weight, .correct_bias = false})(p);
      for (std::size_t o = 0; o < p.oc; ++o) {
        double largest = 0;
        for (std::size_t i = 0; i < p.row; ++i)
          largest = std::max(largest, std::fabs(p.folded[o * p.row + i]));
        double least = 1e300;
        for (int i = 0; i < 20000; ++i) {
          const double top = kind == qnet::WeightKind::kSac ? largest / 8 : largest / 127;
          least = std::min(least, ErrorOf(p, o, top * std::exp2(-3.6 * i / 20000), weight));
        }
        EXPECT_LE(ErrorOf(p, o, layer.scale[o], weight),
                  least * (kind == qnet::WeightKind::kSac ? 1.05 : 1.2))
            << "row " << o;
      }
    }
  }
}

TEST(NearestRounder, CodesAreTheNearest) {
  for (const auto kind : {qnet::WeightKind::kSac, qnet::WeightKind::kMac}) {
    const LayerProblem p = RandomProblem(kind, 4, 30, 3);
    const RoundedLayer layer = *NearestRounder({.correct_bias = false})(p);
    ASSERT_EQ(layer.terms.size(), 1u);
    for (std::size_t i = 0; i < p.folded.size(); ++i) {
      const double x = p.folded[i] / layer.scale[i / p.row];
      const int want =
          kind == qnet::WeightKind::kSac ? numerics::NearestSac(x) : numerics::NearestInt8(x);
      ASSERT_EQ(layer.terms[0][i], want);
    }
    EXPECT_EQ(layer.bias, p.bias);
  }
}

TEST(NearestRounder, PowersOfTwoAreExact) {
  LayerProblem p = RandomProblem(qnet::WeightKind::kSac, 1, 8, 1);
  p.folded = {0.375, -0.1875, 0,    6,
              3,     -1.5,    0.75, 0.09375};  // 0.09375 * {4, -2, 0, 64, 32, -16, 8, 1}
  const RoundedLayer layer = *NearestRounder({.correct_bias = false})(p);
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_DOUBLE_EQ(layer.scale[0] * layer.terms[0][i], p.folded[i]);
}

TEST(NearestRounder, EmptyRowsAndLargeBiases) {
  LayerProblem p = RandomProblem(qnet::WeightKind::kSac, 3, 4, 1);
  for (std::size_t i = 0; i < 4; ++i) p.folded[i] = 0;
  for (std::size_t i = 4; i < 8; ++i) p.folded[i] = 1e-12;
  p.bias = {-3, 100, 0};
  const RoundedLayer layer = *NearestRounder({.correct_bias = false})(p);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(layer.terms[0][i], 0);
  EXPECT_EQ(p.bias[0] / layer.scale[0], -(1 << 20));
  EXPECT_LE(std::fabs(p.bias[1] / layer.scale[1]), 0x1p30);
  EXPECT_GT(layer.scale[2], 0);
  EXPECT_GT(ScaleOfEmptyRow(0), 0);
}

TEST(NearestRounder, BiasCorrectionKeepsTheMean) {
  const LayerProblem p = RandomProblem(qnet::WeightKind::kSac, 5, 30, 11);
  const RoundedLayer layer = *NearestRounder({.correct_bias = true})(p);
  for (std::size_t o = 0; o < p.oc; ++o) {
    double want = p.bias[o];
    double got = layer.bias[o];
    for (std::size_t i = 0; i < p.row; ++i) {
      want += p.folded[o * p.row + i] * p.mean[i];
      got += layer.scale[o] * layer.terms[0][o * p.row + i] * p.mean[i];
    }
    EXPECT_NEAR(got, want, 1e-9);
  }
}

TEST(NearestRounder, SpreadsOfManyOctavesSurvive) {
  LayerProblem p = RandomProblem(qnet::WeightKind::kMac, 2, 4, 1);
  p.mean_square.clear();
  p.bias = {0, 0};
  p.folded = {1e-30, -5e-31, 0, 1e-32, 1e20, -5e19, 0, 1e18};
  const RoundedLayer layer = *NearestRounder({.correct_bias = false})(p);
  EXPECT_NEAR(layer.scale[0] * layer.terms[0][0], 1e-30, 1e-32);
  EXPECT_NEAR(layer.scale[1] * layer.terms[0][5], -5e19, 1e18);
}

}  // namespace
}  // namespace tf2::quantize
