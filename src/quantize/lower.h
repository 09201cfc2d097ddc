// From the fused float graph and its calibration to a QNet: choice of Q, rounding of weights,
// lowering.
//
//   before  %y = conv(%x, w, b, residual) {relu}      after  conv "y": sac weights, beta, alpha/s,
//   t, Q of %y
//           %p = softmax(flatten(global_avg_pool(%y)))       avg_pool to int16, softmax as the head
//           of the output
//
// What must run before: the passes (conv + batch-norm + ReLU, padding and residual add fused,
// constants folded).
#ifndef TF2_QUANTIZE_LOWER_H_
#define TF2_QUANTIZE_LOWER_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "quantize/calibrate.h"
#include "quantize/weights.h"

namespace tf2::quantize {

// How Q of a channel follows from fmax = max |x| over the calibration set; docs/semantics.md.
enum class QRule : std::uint8_t {
  kFloor,  // floor(log2(127.5 / fmax)): nothing seen in calibration saturates
  kRound,  // round(log2(127.5 / fmax))
  kCap,    // kFloor, but no channel above the mean of its layer
  kLayer,  // kFloor of the layer's largest value for all its channels
  kMse,    // of floor, +1, +2 the one with the smallest squared error; kFloor for what only average
           // pools of 16 and more taps read; needs Calibration with histograms
};
// "floor", "round", "cap", "layer", "mse".
std::optional<QRule> ParseQRule(std::string_view name);

// Q of a tensor's channels is to be at most kFloor's + above_floor.
struct QBound {
  qnet::TensorId tensor{};
  int above_floor = 0;
};
// With it, nothing seen in calibration reaches the upper half of the range.
inline constexpr int kLeastAboveFloor = -1;

struct QuantizeOptions {
  int bits = 4;  // 4: SAC weights; 8: MAC weights
  QRule q = QRule::kFloor;
  // Of tensors of the draft (draft.h); TuneQ (tune_q.h) finds them.
  std::vector<QBound> bounds = {};
  // Of values that saturate whatever the exponent.
  bool warn = true;
  // Adds to each bias what the rounding of the row's weights takes from the mean of its output.
  bool correct_bias = true;
};
qnet::WeightKind KindOf(const QuantizeOptions& options);

// `graph`: batch 1, one run-time input, values as calibrated. Each tensor of the QNet bears the
// name of the graph's value that it quantises (a tensor whose value exists only in the float graph,
// as between a flatten and its reader, is left out), so layers can be compared by name. The caller
// fills in preprocessing and labels. Errors: kUnsupported with node, operator and what to do; an
// accumulator that may overflow, by layer.
Result<qnet::QNet> Quantize(const ir::Graph& graph, const Calibration& calibration,
                            const QuantizeOptions& options);

// The same with another method of rounding weights (options.correct_bias is the rounder's affair
// then).
Result<qnet::QNet> QuantizeWith(const ir::Graph& graph, const Calibration& calibration,
                                const QuantizeOptions& options, const WeightRounder& rounder);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_LOWER_H_
