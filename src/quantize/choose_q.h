// The choice of the exponents Q of every tensor of a draft.
#ifndef TF2_QUANTIZE_CHOOSE_Q_H_
#define TF2_QUANTIZE_CHOOSE_Q_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "quantize/calibrate.h"
#include "quantize/draft.h"
#include "quantize/lower.h"

namespace tf2::quantize {

// Q of one channel from its largest magnitude: floor(log2(limit / fmax)) or the nearest integer to
// it; limit 127.5 for 8 bits, 32767.5 for 16. fmax > 0. Not clamped to kMinQ..kMaxQ.
int FloorQ(double fmax, double limit = 127.5);
int RoundQ(double fmax, double limit = 127.5);

// Mean squared error of rounding the distribution to integers of magnitude `top` at most at
// exponent `q` (times the number of values); values are uniform within a bin.
double SquaredErrorAt(const Histogram& histogram, double q, double top = 127);
// Of FloorQ, + 1, + 2 the one with the least squared error; the smallest of equals.
int ErrorMinimalQ(const Histogram& histogram, double fmax);

// Whether the operator that computes `tensor` chooses its Q; true of the input.
bool ChoosesQ(const qnet::QNet& net, qnet::TensorId tensor);

// The Q of the tensors whose operators choose one. Max pooling, concatenation, reshape, move and
// dilation pass Q on. What OneQDemands (draft.h) lists gets one Q, and everything that flows into
// it.
class QPlan {
 public:
  // By `rule` from the statistics of each tensor's value, at most `bounds` where it is an 8-bit
  // tensor's, no vector input's and not known already (ValueStats::q), clamped to kMinQ..kMaxQ
  // (unless `warn` is false, a warning names the first tensor whose values
  // want less and saturate); a channel that never fired takes the largest Q of its tensor; a 16-bit
  // tensor has one Q. Errors: kInvalidArgument when `rule` needs histograms that the calibration
  // does not have.
  static Result<QPlan> Make(const Draft& draft, const Calibration& calibration, QRule rule,
                            std::span<const QBound> bounds = {}, bool warn = true);

  // Q of `tensor`'s channel is to be at most `limit` (>= kMinQ): lowers the Q of the operator that
  // chooses it.
  void Cap(const Draft& draft, qnet::TensorId tensor, std::size_t channel, int limit);
  // All channels of `tensor` get one Q, the least of them.
  void RequireOneQ(const Draft& draft, qnet::TensorId tensor);
  // Writes Tensor::q of every tensor.
  void Apply(Draft& draft) const;

 private:
  // Lowers members of a one-Q group to their minimum.
  void Equalise(const Draft& draft);
  void DemandOneQ(const Draft& draft, qnet::TensorId tensor, int group);

  std::vector<std::vector<std::int8_t>> own_;  // by TensorId; empty where Q is passed on
  std::vector<int> group_;  // by TensorId: tensors of one group have one Q; -1: none
};

// The plan with which nearest rounding needs no Q lower: what a layer's factor or residual demands
// is met. Leaves the numbers of nearest rounding in `draft`. (lower.cc)
Result<QPlan> PlanQ(Draft& draft, const Calibration& calibration, const QuantizeOptions& options);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_CHOOSE_Q_H_
