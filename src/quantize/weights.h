// Rounding of one layer's weights to codes. The seam for other methods: compensated rounding,
// two-term weights and training produce a RoundedLayer of the same LayerProblem.
#ifndef TF2_QUANTIZE_WEIGHTS_H_
#define TF2_QUANTIZE_WEIGHTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::quantize {

// One convolution after folding: acc = sum u * v approximates the real sum, v being the integer
// inputs.
struct LayerProblem {
  std::string name;
  qnet::WeightKind kind = qnet::WeightKind::kSac;
  std::size_t oc = 0;
  std::size_t row = 0;  // ic/groups * kh * kw
  // Folded weights [oc][row]: w * 2^-Q_in of the input channel.
  std::vector<double> folded;
  std::vector<double> bias;  // [oc], real
  // Of the integer input that weight i of a row of group g meets, [groups][row]: E[v^2] and E[v]
  // over the calibration set (padding not counted). Empty: not known, all inputs alike.
  std::size_t groups = 1;
  std::vector<double> mean_square;
  std::vector<double> mean;
};

// Real weight ~ scale[o] * sum of the terms' codes; scale > 0.
struct RoundedLayer {
  std::vector<std::vector<std::int8_t>> terms;  // [oc][row] each
  std::vector<double> scale;                    // [oc]
  std::vector<double> bias;                     // [oc], real; the problem's, or corrected
};

// Thread-safe: layers may be rounded at the same time.
using WeightRounder = std::function<Result<RoundedLayer>(const LayerProblem&)>;

// What the error of a weight counts with when the row scale is searched, from the integer input
// that it meets.
enum class ErrorWeight : std::uint8_t {
  kNone,        // all alike
  kMeanSquare,  // E[v^2]: the error of the output, were the inputs independent with mean 0
  kVariance,    // Var[v]: the same with the mean taken care of by the bias
};

struct NearestOptions {
  ErrorWeight weight = ErrorWeight::kVariance;
  // bias += sum (folded - scale * code) * E[v].
  bool correct_bias = true;
};

// Each weight to its nearest code. The row scale is searched: for each candidate the codes are
// taken and the scale is refitted in closed form (least squares); the candidate with the least
// squared error wins. SAC: four octaves up from the largest weight at 1.5 * 64; MAC: two octaves
// down from max / 127. A row of zeros gets the scale that holds its bias.
WeightRounder NearestRounder(const NearestOptions& options);

// The scale of a row whose codes are all zero: its bias has 20 bits in the accumulator.
double ScaleOfEmptyRow(double bias);
// Least scale with which the bias stays below 2^30 in accumulator units.
double LeastScale(double bias);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_WEIGHTS_H_
