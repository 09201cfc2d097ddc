// The last step of lowering: with every Q fixed, the weights are folded and rounded and alpha, s, t
// and beta follow.
#ifndef TF2_QUANTIZE_FINISH_H_
#define TF2_QUANTIZE_FINISH_H_

#include <vector>

#include "base/result.h"
#include "qnet/qnet.h"
#include "quantize/calibrate.h"
#include "quantize/draft.h"
#include "quantize/weights.h"

namespace tf2::quantize {

// The exponent of a tensor's channel has to come down to `limit`.
struct QCap {
  qnet::TensorId tensor{};
  std::size_t channel = 0;
  int limit = 0;
};

// What convolution `op` of the draft asks of a rounder: weights folded with the Q of its input,
// statistics in integers.
LayerProblem ProblemOf(const Draft& draft, const Calibration& calibration, std::size_t op,
                       qnet::WeightKind kind);

// Numbers of operator `op` with every Q fixed; `layer`: the rounded weights of a convolution, empty
// for all else. What has to change first is added to `caps`.
Status FinishOperator(Draft& draft, std::size_t op, qnet::WeightKind kind, RoundedLayer layer,
                      std::vector<QCap>& caps);

// Clips at the ends of their output's range clip nothing: they become no activation, and a ReLU
// where the lower end is zero. Once all numbers are final.
void DropIdleClips(qnet::QNet& net);

// FinishOperator of every operator, convolutions rounded by `rounder`. Where a residual's Q would
// make t negative, or an output's Q needs a factor beyond alpha / 2 or an entry that the table of a
// normalisation does not hold, the caps that would help are returned and the draft is unfinished;
// empty: done. Errors: an accumulator that may overflow, a factor that cannot be represented; by
// layer.
Result<std::vector<QCap>> FinishNumbers(Draft& draft, const Calibration& calibration,
                                        qnet::WeightKind kind, const WeightRounder& rounder);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_FINISH_H_
