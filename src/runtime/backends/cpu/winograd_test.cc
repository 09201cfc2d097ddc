// Which convolutions are computed in squares, and their weights.
#include "runtime/backends/cpu/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "base/rng.h"
#include "runtime/backends/cpu/prepare.h"
#include "runtime/backends/cpu/test_nets.h"

namespace tf2::runtime::cpu {
namespace {

// Of `ic` input channels and one output channel, all weights the same, in as many terms.
qnet::Conv ThreeByThree(std::int32_t ic, const std::vector<std::int8_t>& weights) {
  qnet::Conv conv;
  conv.window = {3, 3, 1, 1, 1, 1, 1, 1};
  conv.beta = {0};
  for (const std::int8_t weight : weights)
    conv.terms.emplace_back(static_cast<std::size_t>(ic) * 9, weight);
  return conv;
}

// The sums of products that the transforms leave, of patches and weights of both extremes, are the
// convolution times what the rows are multiplied by.
TEST(Winograd, TransformedWeightsAreTheConvolution) {
  constexpr int kInput[kPatch][kPatch] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0},
                                          {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
                                          {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
  constexpr int kOutput[kSquare][kPatch] = {
      {1, 4, 4, 1, 1, 0}, {0, 2, -2, 1, -1, 0}, {0, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 1}};
  constexpr int kFactor[kSquare] = {24, 12, 6, 6};
  Rng rng(1);
  for (int round = 0; round < 100; ++round) {
    std::int16_t g[9][kTile], u[kPositions][kTile];
    int d[kPatch][kPatch];
    const bool extreme = round % 2 == 0;
    for (auto& tap : g) {
      for (std::int16_t& w : tap) {
        w = static_cast<std::int16_t>(extreme ? (rng.Chance(0.5) ? 1 : -1) * kMostSquareWeight
                                              : rng.Between(-127, 127));
      }
    }
    for (auto& row : d) {
      for (int& x : row)
        x = static_cast<int>(extreme ? 255 * rng.Between(0, 1) : rng.Between(0, 255));
    }
    TransformWeights(g, u);
    for (std::size_t slot = 0; slot < kTile; ++slot) {
      std::int64_t m[kPatch][kPatch];
      for (int y = 0; y < kPatch; ++y) {
        for (int x = 0; x < kPatch; ++x) {
          std::int64_t feature = 0;
          for (int i = 0; i < kPatch; ++i) {
            for (int j = 0; j < kPatch; ++j) feature += kInput[y][i] * kInput[x][j] * d[i][j];
          }
          ASSERT_LE(std::abs(feature), 17340);
          m[y][x] = feature * u[y * kPatch + x][slot];
        }
      }
      for (int y = 0; y < kSquare; ++y) {
        for (int x = 0; x < kSquare; ++x) {
          std::int64_t sum = 0, want = 0;
          for (int i = 0; i < kPatch; ++i) {
            for (int j = 0; j < kPatch; ++j) sum += kOutput[y][i] * kOutput[x][j] * m[i][j];
          }
          for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) want += d[y + i][x + j] * g[i * 3 + j][slot];
          }
          ASSERT_EQ(sum, want * kFactor[y] * kFactor[x]);
        }
      }
    }
  }
}

TEST(Winograd, FitsWindowsThatMoveByOne) {
  EXPECT_TRUE(FitSquares(ThreeByThree(4, {1}), 4, 0));
  for (const qnet::Window& window : {qnet::Window{3, 3, 2, 1, 1, 1, 1, 1},
                                     {3, 3, 1, 2, 1, 1, 1, 1},
                                     {3, 3, 1, 1, 1, 1, 2, 1},
                                     {3, 3, 1, 1, 1, 1, 1, 2},
                                     {1, 9, 1, 1, 0, 4, 1, 1}}) {
    qnet::Conv conv = ThreeByThree(4, {1});
    conv.window = window;
    EXPECT_FALSE(FitSquares(conv, 4, 0));
  }
  qnet::Conv grouped = ThreeByThree(4, {1});
  grouped.groups = 2;
  EXPECT_FALSE(FitSquares(grouped, 4, 0));
}

TEST(Winograd, FitsWeightsOfSixteenBits) {
  const std::vector<std::int8_t> most = {127, 127, 127, 127, 127, 33};
  EXPECT_TRUE(FitSquares(ThreeByThree(1, most), 1, 0));
  std::vector<std::int8_t> more = most;
  ++more.back();
  EXPECT_FALSE(FitSquares(ThreeByThree(1, more), 1, 0));
  // Terms that cancel are no large weights.
  more.insert(more.end(), {-127, -127});
  EXPECT_TRUE(FitSquares(ThreeByThree(1, more), 1, 0));
}

// 26 bits of the sums of bytes up to 255, or up to 127 where nothing is negative.
TEST(Winograd, FitsSumsOfTwentySixBits) {
  for (const std::int8_t weight : {std::int8_t{127}, std::int8_t{-127}}) {
    EXPECT_TRUE(FitSquares(ThreeByThree(115, {weight}), 115, 128));
    EXPECT_FALSE(FitSquares(ThreeByThree(116, {weight}), 116, 128));
    EXPECT_TRUE(FitSquares(ThreeByThree(231, {weight}), 231, 0));
    EXPECT_FALSE(FitSquares(ThreeByThree(232, {weight}), 232, 0));
  }
  qnet::Conv both = ThreeByThree(200, {127});  // half of each sign
  std::fill_n(both.terms[0].begin(), 900, std::int8_t{-127});
  EXPECT_TRUE(FitSquares(both, 200, 128));
}

// A large layer is computed in squares, a small one and one of other kernels is not.
TEST(Winograd, SquaresOfLayersThatAreWorthIt) {
  for (const KernelSet* kernels :
       {PortableKernels(), Avx2Kernels(), AvxVnniKernels(), Avx512VnniKernels(), AmxKernels()}) {
    if (kernels == nullptr) continue;  // not of this processor family
    for (const std::int32_t channels : {3, 64}) {
      testing::NetBuilder builder(1, {channels, 56, 56});
      testing::NetBuilder::ConvOptions options;
      options.window = {3, 3, 1, 1, 1, 1, 1, 1};
      options.oc = 64;
      const qnet::QNet net = builder.Finish({builder.Conv(builder.input(), options)});
      const MemoryPlan plan = PlanMemory(net, OneByOne(net));
      const PreparedConv prepared = PrepareConv({net, plan, *kernels}, net.ops[0]);
      const bool squares = channels == 64 && kernels->square_tiles > 0;
      EXPECT_EQ(prepared.step.squares.height > 0, squares) << kernels->isa << " " << channels;
      EXPECT_EQ(prepared.step.pixels, squares ? 14 * 14 : 56 * 56);
    }
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu
