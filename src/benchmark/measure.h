// The speed of a loaded network: what a caller of runtime::Session sees, quantisation of the input
// and heads included.
#ifndef TF2_BENCHMARK_MEASURE_H_
#define TF2_BENCHMARK_MEASURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/session.h"

namespace tf2::benchmark {

struct MeasureOptions {
  int batch = 1;         // frames of a call
  double seconds = 1;    // repeats calls for so long
  int least_rounds = 5;  // and at least so many times
};

// Over the calls after one or two that are not counted: medians, and the mean of the processor
// time, which some systems count in ticks longer than a call.
struct Speed {
  int rounds = 0;
  double seconds = 0;      // of a call
  double cpu_seconds = 0;  // processor time of a call, all threads together
  double images_per_s = 0;
};

// Times calls of `batch` frames taken in turn from `samples` (at least one): single frames one
// after the other; of batches a second one is queued while one runs, and a call is from the end of
// one to the end of the next. Errors: those of the device; kCancelled on Ctrl-C.
Result<Speed> Measure(runtime::Session& session, const std::vector<std::vector<float>>& samples,
                      const MeasureOptions& options);

// `count` samples of noise as large as the features of the network's input: the time of every
// kernel is independent of the values.
std::vector<std::vector<float>> Noise(const qnet::QNet& net, int count);

double Median(std::vector<double> values);

// What a layer's time is compared with.
struct Roofs {
  double macs_per_s = 0;  // 0: unknown
  double bytes_per_s = 0;
};

// What bounds a layer that does `macs` and moves `bytes` in `seconds`.
struct Bound {
  std::string name;  // "compute", "memory"; "overhead" below a tenth of both roofs
  double fraction =
      0;  // of the nearer roof that is reached; above 1 where the bytes stay in caches
};
Bound BoundOf(const Roofs& roofs, double seconds, double macs, double bytes);

}  // namespace tf2::benchmark

#endif  // TF2_BENCHMARK_MEASURE_H_
