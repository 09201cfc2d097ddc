#include "runtime/backends/cpu/winograd.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

namespace tf2::runtime::cpu {
namespace {

// G of three weights.
std::array<std::int16_t, kPatch> TransformThree(int a, int b, int c) {
  const auto half = [](int v) { return static_cast<std::int16_t>(v); };
  return {half(6 * a),
          half(-a - b - c),
          half(-a + b - c),
          half(a + 2 * b + 4 * c),
          half(a - 2 * b + 4 * c),
          half(6 * c)};
}

}  // namespace

std::int64_t SquaresAcross(std::int64_t w) { return (w + kSquare - 1) / kSquare; }

std::int64_t SquaresOf(std::int64_t h, std::int64_t w) {
  return SquaresAcross(h) * SquaresAcross(w);
}

bool FitSquares(const qnet::Conv& conv, std::int32_t in_channels, std::uint8_t zero) {
  constexpr std::int64_t kMostSum = (std::int64_t{1} << 25) - 1;
  const qnet::Window& w = conv.window;
  if (w.kh != 3 || w.kw != 3 || w.sh != 1 || w.sw != 1 || w.dh != 1 || w.dw != 1) return false;
  if (conv.groups != 1) return false;
  const std::int64_t largest = zero == 0 ? 127 : 255;  // of a feature's byte
  const std::size_t row = static_cast<std::size_t>(in_channels) * 9;
  for (std::size_t c = 0; c < conv.beta.size(); ++c) {
    std::int64_t above = 0, below = 0;
    for (std::size_t i = 0; i < row; ++i) {
      int weight = 0;
      for (const auto& term : conv.terms) weight += term[c * row + i];
      if (std::abs(weight) > kMostSquareWeight) return false;
      (weight > 0 ? above : below) += std::abs(weight);
    }
    if (std::max(above, below) * largest > kMostSum) return false;
  }
  return true;
}

bool SquaresPay(const KernelSet& kernels, std::int64_t in_channels, const qnet::Tensor& output) {
  if (kernels.square_tiles == 0) return false;
  // Instructions that transform a patch of one register's channels, and the sums of a square.
  constexpr double kInputs = 230, kSums = 260;
  const std::int64_t tiles = (in_channels + kTile - 1) / kTile;
  const auto ic = static_cast<double>(tiles * kTile);
  const auto oc = static_cast<double>(output.c());
  const auto squares = static_cast<double>(SquaresOf(output.h(), output.w()));
  const double pixels = static_cast<double>(output.h()) * output.w();
  // Transformed weights are eight times as many bytes, for which other data leave the caches: two
  // of them arrive in the time of an instruction.
  constexpr double kFarBytes = 2;
  const double far = kPositions * ic * oc * 2 / kFarBytes;
  // Instructions, times the lanes of 32 bits of a register.
  const double direct =
      pixels * 9 * static_cast<double>(in_channels) / kGroup * oc * kernels.group_cost;
  const double in_squares =
      squares * (kPositions * ic / 2 * oc * kernels.pair_cost + ic / 2 * kInputs + oc * kSums) +
      far * kernels.square_lanes;
  return in_squares < direct;
}

void TransformWeights(const std::int16_t (&g)[9][kTile], std::int16_t (&to)[kPositions][kTile]) {
  std::int16_t rows[kPatch][3][kTile];
  for (int x = 0; x < 3; ++x) {
    for (int i = 0; i < kTile; ++i) {
      const auto y = TransformThree(g[x][i], g[3 + x][i], g[6 + x][i]);
      for (std::size_t k = 0; k < kPatch; ++k) rows[k][x][i] = y[k];
    }
  }
  for (int y = 0; y < kPatch; ++y) {
    for (int i = 0; i < kTile; ++i) {
      const auto x = TransformThree(rows[y][0][i], rows[y][1][i], rows[y][2][i]);
      for (std::size_t k = 0; k < kPatch; ++k)
        to[static_cast<std::size_t>(y) * kPatch + k][i] = x[k];
    }
  }
}

}  // namespace tf2::runtime::cpu
