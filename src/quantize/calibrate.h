// Calibration: runs the float graph over samples and collects, per channel of every value, what the
// choice of Q and the rounding of weights need. Streaming: one sample per thread is in memory.
#ifndef TF2_QUANTIZE_CALIBRATE_H_
#define TF2_QUANTIZE_CALIBRATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::quantize {

// Magnitudes of one channel in kBins equal bins over [0, 2^exponent), exact zeros apart. The range
// doubles by merging pairs of bins, so the contents do not depend on the order of the values.
struct Histogram {
  static constexpr int kBins = 2048;
  std::int32_t exponent = -126;
  std::uint64_t zeros = 0;
  std::vector<std::uint32_t> bins;  // empty until the first value that is not zero

  // Those of values that are finite.
  void AddMagnitudes(std::span<const float> values);
  void Merge(const Histogram& other);
  void WidenTo(std::int32_t new_exponent);
  bool operator==(const Histogram&) const = default;
};

// Axis 1 of the value is the channel; vectors have its size.
struct ValueStats {
  std::vector<float> abs_max;
  std::vector<double> mean;
  std::vector<double> mean_square;
  std::vector<Histogram> histograms;  // empty unless asked for
  // The exponent at 8 bits where it is known already (FixExponents); Calibrate gives none.
  std::optional<int> q = {};
  bool operator==(const ValueStats&) const = default;
};

struct Calibration {
  std::size_t samples = 0;
  std::vector<ValueStats> values;  // by ir::ValueId of the calibrated graph; empty for constants

  const ValueStats& stats(ir::ValueId id) const { return values[ir::Index(id)]; }
};

// The `index`-th sample, preprocessed: the graph's inputs one after another (ir::InputsOf). Called
// by one thread at a time, each index once, in ascending order.
using SampleSource = std::function<Result<std::vector<float>>(std::size_t index)>;

struct CalibrateOptions {
  int threads = 2;
  bool histograms = false;  // QRule::kMse needs them: 8 KB a channel and thread
  // Called after each sample, by one thread at a time; false cancels (kCancelled). May be empty.
  std::function<bool(std::size_t done, std::size_t total)> progress;
};

// Runs `count` samples through `graph` (the fused graph that will be lowered, batch 1). The result
// does not depend on the number of threads. Errors: no samples, a sample of the wrong size, an
// operator's own, a value that is not finite (named), kCancelled.
Result<Calibration> Calibrate(const ir::Graph& graph, const SampleSource& source, std::size_t count,
                              const CalibrateOptions& options);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_CALIBRATE_H_
