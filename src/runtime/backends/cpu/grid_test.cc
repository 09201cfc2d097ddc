#include "runtime/backends/cpu/grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace tf2::runtime::cpu {
namespace {

// A convolution of which the grid sees as much as this.
struct GridShape {
  std::int64_t h, w, row_places, panels, panel_bytes;
  bool squares = false;
};
constexpr GridShape kGridShapes[] = {
    {56, 56, 58, 1, 36864},        {28, 28, 30, 2, 73728},
    {14, 14, 16, 4, 147456},       {14, 14, 14, 16, 16384},
    {7, 7, 9, 8, 294912},          {7, 7, 7, 32, 32768},
    {1, 1, 1, 16, 131072},         {3, 5, 6, 3, 64},
    {112, 112, 112, 1, 10240},     {20, 20, 20, 16, 131072},
    {1, 1000, 1000, 2, 512},       {9, 112, 144, 2, 73728},
    {14, 14, 14, 2, 147456, true}, {4, 4, 4, 8, 589824, true},
    {1, 1, 1, 3, 73728, true},     {56, 56, 56, 1, 36864, true},
    {7, 7, 7, 16, 1179648, true},
};

class GridConv {
 public:
  explicit GridConv(const GridShape& shape)
      : weights_(static_cast<std::size_t>(shape.panels * shape.panel_bytes)) {
    for (std::int64_t i = 0; i < shape.panels; ++i) {
      panels_.push_back({.tiles = 4, .weights = i * shape.panel_bytes / (shape.squares ? 2 : 1)});
    }
    step.pixels = shape.h * shape.w;
    step.row_places = shape.row_places;
    step.panels = panels_.data();
    step.panel_count = shape.panels;
    step.weights = weights_.data();
    step.weight_bytes = shape.panels * shape.panel_bytes;
    step.sink.width = static_cast<std::int32_t>(shape.w);
    if (shape.squares) step.squares = {1, 1, 16};
  }

  ConvStep step;

 private:
  std::vector<Panel> panels_;
  std::vector<std::int8_t> weights_;
};

KernelSet KernelsOf(std::int32_t piece_places, std::int64_t piece_macs) {
  KernelSet kernels{};
  kernels.piece_places = piece_places;
  kernels.piece_macs = piece_macs;
  kernels.fetches_ahead = true;
  return kernels;
}
const KernelSet kGridKernels[] = {KernelsOf(6, 1 << 19), KernelsOf(32, 1 << 21)};

// Calls fn(kernels, shape, frames, threads) for all of them.
template <typename Fn>
void ForAll(const Fn& fn) {
  for (const KernelSet& kernels : kGridKernels) {
    for (const GridShape& shape : kGridShapes) {
      for (const std::int64_t frames : {1, 4}) {
        for (const int threads : {1, 2, 3, 8, 40}) {
          SCOPED_TRACE(::testing::Message()
                       << shape.h << " x " << shape.w << ", " << shape.panels << " panels, frames "
                       << frames << ", threads " << threads << ", unit " << kernels.piece_places);
          fn(kernels, shape, frames, threads);
        }
      }
    }
  }
}

TEST(GridTest, PiecesAreEveryPixelAndPanelOnceHoweverTheyAreTaken) {
  Rng rng(1);
  ForAll([&](const KernelSet& kernels, const GridShape& shape, std::int64_t frames, int threads) {
    const GridConv conv(shape);
    const Grid grid(conv.step, frames, threads, kernels);
    const std::int64_t pixels = frames * conv.step.pixels;
    std::vector<int> times(static_cast<std::size_t>(pixels * shape.panels));
    for (std::int64_t begin = 0; begin < grid.pieces();) {
      // As threads claim them: any run of adjacent pieces.
      const std::int64_t end = begin + rng.Between(1, grid.pieces() - begin);
      for (std::int64_t count; begin < end; begin += count) {
        count = grid.Together(begin, end);
        ASSERT_GE(count, 1);
        ASSERT_LE(begin + count, end);
        const auto [of_pixels, of_panels] = grid.BlockOf(begin, count);
        ASSERT_LE(of_pixels.begin, of_pixels.end);
        ASSERT_LT(of_panels.begin, of_panels.end);
        for (std::int64_t p = of_pixels.begin; p < of_pixels.end; ++p) {
          for (std::int64_t k = of_panels.begin; k < of_panels.end; ++k) {
            ++times[static_cast<std::size_t>(p * shape.panels + k)];
          }
        }
      }
    }
    EXPECT_TRUE(std::ranges::all_of(times, [](int n) { return n == 1; }));
  });
}

TEST(GridTest, NoGroupOfPlacesIsInTwoRows) {
  const GridConv conv({28, 28, 30, 2, 73728});
  const Grid grid(conv.step, 1, 2, kGridKernels[1]);
  ASSERT_GT(grid.pieces(), 4);
  const auto group = [](std::int64_t pixel) { return (pixel / 28 * 30 + pixel % 28) / 32; };
  int rows = 0;
  for (std::int64_t i = 1; i < grid.pieces(); ++i) {
    const std::int64_t end = grid.BlockOf(i - 1, 1).pixels.end;
    const std::int64_t begin = grid.BlockOf(i, 1).pixels.begin;
    if (begin == end) {
      EXPECT_LT(group(end - 1), group(begin));
      ++rows;
    }
  }
  EXPECT_GT(rows, 4);
}

TEST(WeightsInTurnTest, SharesEndWithTheWeightsThatTheThreadNeedsNext) {
  ForAll([&](const KernelSet& kernels, const GridShape& shape, std::int64_t frames, int threads) {
    const GridConv conv(shape);
    for (const GridShape& next_shape : kGridShapes) {
      const GridConv next(next_shape);
      const Grid grid(conv.step, frames, threads, kernels);
      const WeightsInTurn weights(grid, &next.step, frames, threads, kernels);
      const auto within = [](const WeightsAhead& part, const ConvStep& step) {
        return part.begin >= step.weights && part.begin <= part.end &&
               part.end <= step.weights + step.weight_bytes;
      };
      const auto shares = std::min<std::int64_t>(grid.pieces(), threads);
      for (std::int64_t k = 0; k < shares; ++k) {
        const Range share = EvenPart(grid.pieces(), shares, k);
        const std::int8_t* fetched = nullptr;  // of the next convolution, as far as
        std::int64_t bytes = 0;
        for (std::int64_t at = share.begin, count; at < share.end; at += count) {
          count = grid.Together(at, at + (share.end - at + 1) / 2);
          const WeightsAhead part = weights.After(at, count);
          if (part.begin == part.end) continue;
          if (within(part, conv.step)) {
            EXPECT_EQ(fetched, nullptr) << "own weights after those of the next convolution";
            const Range panels = grid.BlockOf(at + count, 1).panels;
            EXPECT_EQ(part.begin, conv.step.weights + panels.begin * shape.panel_bytes);
            continue;
          }
          EXPECT_TRUE(within(part, next.step));
          if (fetched != nullptr) {
            EXPECT_EQ(part.begin, fetched);
          }
          fetched = part.end;
          bytes += part.end - part.begin;
        }
        if (threads == 1) {
          EXPECT_EQ(bytes, std::min<std::int64_t>(next.step.weight_bytes, 512 << 10));
        }
        EXPECT_LE(bytes, 512 << 10);
      }
    }
  });
}

TEST(WeightsInTurnTest, FewPiecesAreTheFirstThreads) {
  // One piece, then four columns of one panel each, for eight threads.
  const GridConv conv({1, 1, 1, 1, 64}), next({1, 1, 1, 4, 1 << 20});
  const Grid grid(conv.step, 1, 8, kGridKernels[1]), next_grid(next.step, 1, 8, kGridKernels[1]);
  ASSERT_EQ(grid.pieces(), 1);
  ASSERT_EQ(next_grid.pieces(), 4);
  const WeightsAhead first = WeightsInTurn(grid, &next.step, 1, 8, kGridKernels[1]).After(0, 1);
  EXPECT_EQ(first.begin, next.step.weights) << "thread 0 runs the piece, and the first of the next";
  EXPECT_EQ(first.end - first.begin, 512 << 10) << "of the panel, what the cache has room for";
}

TEST(WeightsInTurnTest, ThereIsNothingForKernelsThatFetchNothing) {
  const GridConv conv(kGridShapes[1]), next(kGridShapes[2]);
  KernelSet kernels = kGridKernels[0];
  kernels.fetches_ahead = false;
  const Grid grid(conv.step, 1, 2, kernels);
  const WeightsAhead ahead = WeightsInTurn(grid, &next.step, 1, 2, kernels).After(0, 1);
  EXPECT_EQ(ahead.begin, ahead.end);
  const WeightsAhead last = WeightsInTurn(grid, nullptr, 1, 2, kGridKernels[0]).After(0, 1);
  EXPECT_EQ(last.begin, last.end);
}

}  // namespace
}  // namespace tf2::runtime::cpu
