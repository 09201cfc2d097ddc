// Which convolutions are computed in squares (kernels.h, Squares), and their weights.
#ifndef TF2_RUNTIME_BACKENDS_CPU_WINOGRAD_H_
#define TF2_RUNTIME_BACKENDS_CPU_WINOGRAD_H_

#include <cstdint>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// Squares of a map of h x w pixels: of a row, and of all.
std::int64_t SquaresAcross(std::int64_t w);
std::int64_t SquaresOf(std::int64_t h, std::int64_t w);

// Whether the results are exact in squares: a window of 3 x 3 that moves by 1, one group, weights
// that fit 16 bits transformed, and sums of which 26 bits suffice. `zero`: of the input.
bool FitSquares(const qnet::Conv& conv, std::int32_t in_channels, std::uint8_t zero);

// Whether the kernels are faster in squares, by their counts of instructions.
bool SquaresPay(const KernelSet& kernels, std::int64_t in_channels, const qnet::Tensor& output);

// G g G^T of weights g[ky * 3 + kx] of each slot of a tile, |g| <= kMostSquareWeight.
inline constexpr int kMostSquareWeight = 32767 / 49;
void TransformWeights(const std::int16_t (&g)[9][kTile], std::int16_t (&to)[kPositions][kTile]);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_WINOGRAD_H_
