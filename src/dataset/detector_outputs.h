// The boxes in the outputs of a detector. Two forms are understood: rows of sample, class, score,
// xmin, ymin, xmax, ymax, as SSD's detection layer gives; and a table of scores beside a table of
// boxes, one line a default box, as networks give that end before that layer.
#ifndef TF2_DATASET_DETECTOR_OUTPUTS_H_
#define TF2_DATASET_DETECTOR_OUTPUTS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataset/detection.h"

namespace tf2::dataset {

// One output of a network.
struct OutputForm {
  std::string name;
  std::vector<std::int64_t> shape;  // with or without a batch of 1
};

// Which outputs hold what; either rows, or scores and boxes.
struct DetectorForm {
  bool rows = false;       // the only output: [.., 7], row by row; class -1 where there is none
  std::size_t scores = 0;  // [n, classes]
  std::size_t boxes = 0;   // [n, 4]
  std::int64_t count = 0;  // n
  std::int64_t classes = 0;
};

// kInvalidArgument, listing the outputs, where they have neither form.
Result<DetectorForm> DetectorFormOf(std::span<const OutputForm> outputs);

struct DetectorOptions {
  // Default boxes [n][4] as centre x, centre y, width, height in fractions of the picture, that the
  // table of boxes holds offsets from; empty: it holds corners xmin, ymin, xmax, ymax.
  std::vector<float> priors;
  float centre_variance = 0.1F;
  float size_variance = 0.2F;
  double least_score = 0.01;
  double nms_iou = 0.45;   // of tables; rows have been suppressed by the network
  int background = 0;      // the class that is none; -1: every class counts
  std::size_t most = 200;  // boxes of one picture
};

// The boxes of picture `image`, in fractions of the network's input, best first. `outputs` are the
// values of each output. Errors: sizes that do not fit the form.
Result<std::vector<FoundBox>> DecodeDetections(const DetectorForm& form,
                                               std::span<const std::vector<float>> outputs,
                                               std::int64_t image, const DetectorOptions& options);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_DETECTOR_OUTPUTS_H_
