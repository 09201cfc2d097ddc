// The tuning loop of the exponents: those of the tensor with the worst error are capped lower, the
// network is quantised again, and the cap stays where the network's output came nearer to the float
// network's.
#ifndef TF2_QUANTIZE_TUNE_Q_H_
#define TF2_QUANTIZE_TUNE_Q_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "quantize/calibrate.h"
#include "quantize/lower.h"
#include "quantize/quantize_state.h"

namespace tf2::quantize {

struct TuneOptions {
  QRule q = QRule::kMse;     // the exponents to begin with
  double bound = 0;          // error of the output (MeasureNet) that is small enough
  std::size_t samples = 64;  // that it is measured on, at most; spread over all
  int threads = 0;
  // Called again and again with the tensors that no lower cap helps, of all; false cancels. May be
  // empty.
  std::function<bool(std::size_t done, std::size_t total)> progress = {};
};

struct TunedQ {
  std::vector<QBound> bounds;  // for QuantizeOptions
  // MeasureNet of the network of 8-bit weights.
  double error_before = 0, error_after = 0;
  std::size_t attempts = 0;
};

// The features alone are tuned: weights have 8 bits here. `graph`, `calibration`, `source` and
// `count` as for QuantizeCompensated. Of each tensor: errors of clipping and rounding over the
// calibration, relative to its power, tell which one is worst; its highest exponents are capped one
// lower, down to FloorQ - 1, as long as that helps. Tensors without histograms are left as they
// are. Errors measured are kept in `state` under `key`, which must depend on model, samples and
// options. Errors: those of Quantize and of the samples, kCancelled; kInvalidArgument for a bound
// below 0.
Result<TunedQ> TuneQ(const ir::Graph& graph, const Calibration& calibration,
                     const SampleSource& source, std::size_t count, const TuneOptions& options,
                     std::uint64_t key, QuantizeState& state);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_TUNE_Q_H_
