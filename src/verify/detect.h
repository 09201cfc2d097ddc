// Scores of a detector over a data set whose objects are known.
#ifndef TF2_VERIFY_DETECT_H_
#define TF2_VERIFY_DETECT_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/preprocessing.h"
#include "base/result.h"
#include "dataset/dataset.h"
#include "dataset/detection.h"
#include "dataset/detector_outputs.h"
#include "dataset/truth.h"
#include "verify/evaluate.h"

namespace tf2::verify {

struct DetectOptions {
  dataset::DetectorOptions outputs;
  Preprocessing preprocessing;  // that the data set was opened with
  dataset::InputShape input;    // of the network
  double iou = 0.5;             // of VOC's precision and of recall
  double recall_score = 0.5;    // the score that recall is given at
  int batch = 8;
  std::function<void(std::int64_t)> progress;  // samples done since the last call
};

struct DetectionScores {
  std::int64_t pictures = 0;
  std::int64_t objects = 0;  // of those pictures, that count
  std::int64_t detections = 0;
  double voc_11_points = 0;  // mean over categories, as all three
  double voc_all_points = 0;
  dataset::CocoScores coco;
  double recall_at_tenth = 0;  // at 0.1 false positives a picture
  double recall_at_one = 0;    // at 1
  double recall_at_score = 0;  // at DetectOptions::recall_score
};

// Where the network's input lies in a picture of `width` x `height` pixels that was resized and cut
// as `preprocessing` says: fractions of the input become pixels of the picture. Inputs from arrays
// (`whole`) are the whole picture, scaled to the input.
dataset::Box ToPicture(const dataset::Box& box, std::int64_t width, std::int64_t height, bool whole,
                       const Preprocessing& preprocessing, const dataset::InputShape& input);

// Runs `run` on every sample, finds its picture in `truth` (by the name of the file; samples of
// arrays by their place), and compares. Pictures that are not among the samples do not count.
// Errors: a sample without a picture in `truth`.
Result<DetectionScores> EvaluateDetector(const dataset::Dataset& data, const Runner& run,
                                         const dataset::DetectorForm& form,
                                         const dataset::Truth& truth, const DetectOptions& options);

}  // namespace tf2::verify

#endif  // TF2_VERIFY_DETECT_H_
