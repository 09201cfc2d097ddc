// Lowering with compensated rounding: layers in order, each rounded against the exact activations
// that the quantised network made so far has over all calibration pictures (compensate.h).
#ifndef TF2_QUANTIZE_COMPENSATED_LOWERING_H_
#define TF2_QUANTIZE_COMPENSATED_LOWERING_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "quantize/calibrate.h"
#include "quantize/compensate.h"
#include "quantize/lower.h"
#include "quantize/tune_q.h"

namespace tf2::quantize {

inline constexpr std::size_t kMaxCompensatedRow = 9216;

struct CompensatedOptions {
  QuantizeOptions base;
  CompensateOptions rounding;
  // Bound on the mean number of passes: which layers get a second term is measured
  // (second_terms.h). Of 4-bit weights only; 1: none.
  double max_passes = 1;
  // Samples that the gain of a layer's second term is measured on, at most.
  std::size_t gain_samples = 32;
  // Where given: the exponents are tuned first (tune_q.h), until the error is at most this.
  std::optional<double> tune_bound = {};
  // Where given: each layer gets as much effort as all of them have time for until then, up to
  // that of `rounding`. The time is exceeded where the least effort takes longer; how much effort
  // the layers get depends on the machine.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  double picture_weight = 0;  // StatisticsOptions
  // Activations of all pictures beyond this go to a temporary file.
  std::uint64_t memory_bytes = std::uint64_t{2} << 30;
  int threads = 0;
  // File that keeps the finished layers while the work goes on; empty: none. With `resume`, work of
  // the same model, samples and options that the file holds is not done again.
  std::string state_path;
  bool resume = false;
  // Called before each layer; false cancels. May be empty.
  std::function<bool(const std::string& layer, std::size_t done, std::size_t total)> progress;
  // TuneOptions::progress.
  std::function<bool(std::size_t done, std::size_t total)> tune_progress = {};
};

// What came of one layer.
struct LayerReport {
  std::string name;
  int terms = 1;
  std::int64_t macs = 0;
  // Squared error of the layer's sums against the float network's over their variance.
  double relative_error = 0;
  double over_nearest = 1;  // CompensatedLayer
  // What its codes took, with the positions that there were; none where they are the nearest or
  // were resumed.
  std::optional<Effort> effort = {};
};

struct CompensatedNet {
  qnet::QNet net;
  std::vector<LayerReport> layers;
  std::size_t resumed_layers = 0;
  double passes = 1;  // mean of the terms, weighted with the multiply-accumulates
  std::optional<TunedQ> tuned;
};

// `graph` and `calibration` as for Quantize; `source` gives the `count` samples that the
// calibration saw. Memory: activations as above, and for the layer at work 17 row^2 + (row + 8 oc)
// positions bytes of statistics. Layers with more weights a row than kMaxCompensatedRow are rounded
// to the nearest code. Result independent of the number of threads. Errors: those of Quantize,
// kCancelled, kResourceExhausted.
Result<CompensatedNet> QuantizeCompensated(const ir::Graph& graph, const Calibration& calibration,
                                           const SampleSource& source, std::size_t count,
                                           const CompensatedOptions& options);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_COMPENSATED_LOWERING_H_
