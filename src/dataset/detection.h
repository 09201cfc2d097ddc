// Scores of detectors: average precision as PASCAL VOC and as COCO define it, and recall of faces.
// Boxes are x0, y0, x1, y1 with real sides x1 - x0 (not VOC's count of pixels, which adds 1), in
// any one unit. Ties of scores keep the order of the list. Nothing here reads files: see truth.h.
#ifndef TF2_DATASET_DETECTION_H_
#define TF2_DATASET_DETECTION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tf2::dataset {

struct Box {
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;
  bool operator==(const Box&) const = default;
};

// Area of the intersection over that of the union; 0 for boxes without area.
double Iou(const Box& a, const Box& b);

// An object that is in a picture.
struct TrueBox {
  std::int64_t image = 0;
  int category = 0;
  Box box;
  // VOC's "difficult", COCO's "ignore": finding it counts neither for nor against.
  bool ignore = false;
  // COCO's group of objects: ignored likewise, may be found many times; the overlap is the part of
  // the detection that lies in it.
  bool crowd = false;
};

// A box that a detector reports.
struct FoundBox {
  std::int64_t image = 0;
  int category = 0;
  double score = 0;
  Box box;
};

// How the area under the curve of precision over recall is measured, precision having been made
// non-increasing. VOC until 2009: the mean at recall 0, 0.1 ... 1. VOC since 2010: exactly.
// COCO: the mean at recall 0, 0.01 ... 1.
enum class Interpolation : std::uint8_t { k11Points, kAllPoints, k101Points };

// Average precision of category `category` at an overlap of `iou` as VOC defines it (Everingham et
// al., "The PASCAL visual object classes challenge: a retrospective", 2015): best score first, each
// detection is compared with the object of its picture that it overlaps most; it is right when that
// has not been found before. Nothing where no object counts.
std::optional<double> VocAveragePrecision(std::span<const TrueBox> truth,
                                          std::span<const FoundBox> found, int category, double iou,
                                          Interpolation interpolation);
// Its mean over the categories that have objects; 0 where none has.
double VocMeanAveragePrecision(std::span<const TrueBox> truth, std::span<const FoundBox> found,
                               double iou, Interpolation interpolation);

// Average precision as COCO's evaluation computes it for objects of all sizes (Lin et al.,
// "Microsoft COCO: common objects in context", 2014, and its published evaluation): at most 100
// detections of a picture and category; best score first, each takes the object that it overlaps
// most of those still free, objects that count before ignored ones; 101 points. Nothing where no
// object counts.
std::optional<double> CocoAveragePrecision(std::span<const TrueBox> truth,
                                           std::span<const FoundBox> found, int category,
                                           double iou);
struct CocoScores {
  double ap = 0;    // mean over categories and the overlaps 0.50, 0.55 ... 0.95
  double ap50 = 0;  // at 0.50
  double ap75 = 0;  // at 0.75
};
CocoScores CocoEvaluate(std::span<const TrueBox> truth, std::span<const FoundBox> found);

// One point of the curve that detectors of faces are compared by (Jain and Learned-Miller, "FDDB",
// 2010): detections down to a score, matched as for VOC, all categories as one.
struct RecallPoint {
  double score = 0;                      // the lowest that is used
  double recall = 0;                     // fraction of the objects that are found
  double false_positives_per_image = 0;  // detections that find nothing
};
// For every distinct score, highest first; `images` is the number of pictures looked at.
std::vector<RecallPoint> RecallCurve(std::span<const TrueBox> truth,
                                     std::span<const FoundBox> found, std::int64_t images,
                                     double iou);
// The best recall with at most `false_positives_per_image`, and that at `score`; 0 where there is
// none.
double RecallAtFalsePositives(std::span<const RecallPoint> curve, double false_positives_per_image);
double RecallAtScore(std::span<const RecallPoint> curve, double score);

// Greedy suppression within each picture and category: a box that overlaps a better one by more
// than `iou` goes. Returns the rest, best first.
std::vector<FoundBox> SuppressOverlaps(std::vector<FoundBox> found, double iou);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_DETECTION_H_
