// Second-order statistics of one convolution over the calibration pictures: of its integer inputs
// in the quantised network, and of the float network's results against them. Internal to
// src/quantize.
#ifndef TF2_QUANTIZE_LAYER_STATISTICS_H_
#define TF2_QUANTIZE_LAYER_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "quantize/columns.h"
#include "quantize/draft.h"
#include "quantize/frontier.h"

namespace tf2::quantize {

// x: what a row meets at one output position (a tap outside the input is 0), in integers. y: what
// the row should yield there: the float layer's sum and bias before its activation, plus the float
// residual, less the quantised one.
struct LayerStatistics {
  std::size_t groups = 1;
  std::size_t oc = 0;
  std::size_t row = 0;
  double positions = 0;        // over all pictures
  std::vector<double> mean_x;  // [groups][row]
  std::vector<double> mean_y;  // [oc]
  // Sums over positions, the pictures' means added with their weight; centred.
  std::vector<double> gram;        // [groups][row][row]: E[(x - mean)(x - mean)^T]
  std::vector<double> cross;       // [oc][row]: E[(y - mean) (x - mean)^T]
  std::vector<double> variance_y;  // [oc]
};

// What the statistics were made of, kept for refinement.
struct LayerSamples {
  std::size_t positions = 0;
  std::size_t positions_per_picture = 0;
  double picture_weight = 0;
  std::vector<std::int8_t> x;   // [groups * row][positions]
  std::vector<float> y;         // [oc][positions]
  std::vector<float> residual;  // [oc][positions], real value of the quantised one; or empty

  static std::size_t BytesEach(std::size_t x_rows, std::size_t oc, bool residual) {
    return x_rows + oc * sizeof(float) * (residual ? 2 : 1);
  }
};

// The activations that a layer reads. Residuals are null where it has none.
struct LayerInputs {
  const Frontier* quantised = nullptr;
  const Frontier* real = nullptr;
  const Frontier* quantised_residual = nullptr;
  const Frontier* real_residual = nullptr;
};

struct StatisticsOptions {
  std::size_t pictures = 0;
  // Of a picture with more output positions than this, so many are drawn at random.
  std::size_t positions_per_picture = 0;
  // What the mean of a picture's positions counts, in addition to each position: later layers and
  // the final average pool see sums over positions, in which independent errors cancel.
  double picture_weight = 0;
  std::uint64_t seed = 1;
  int threads = 0;
};

// Of convolution `op` of the draft; `samples`, where not null, is filled in. The result does not
// depend on the number of threads. Error: kCancelled.
Result<LayerStatistics> CollectStatistics(const Draft& draft, std::size_t op,
                                          const LayerInputs& inputs,
                                          const StatisticsOptions& options, LayerSamples* samples);

// Of each row of m[rows][pictures * (each + 1)], whose first pictures * each values are given:
// fills in the sum over each picture's positions times `factor` at its end.
void AddMeans(std::size_t rows, std::size_t pictures, std::size_t each, float factor,
              std::vector<float>& m);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_LAYER_STATISTICS_H_
