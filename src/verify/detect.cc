#include "verify/detect.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/interrupt.h"
#include "dataset/preprocess.h"

namespace tf2::verify {
namespace {

using dataset::Box;

// The place of "file.npy[17]" in its array.
std::optional<std::int64_t> PlaceInArray(const std::string& name) {
  const std::size_t open = name.rfind('[');
  if (open == std::string::npos || !name.ends_with("]")) return std::nullopt;
  std::int64_t place = 0;
  const char* last = name.data() + name.size() - 1;
  const auto [end, ec] = std::from_chars(name.data() + open + 1, last, place);
  if (ec != std::errc() || end != last) return std::nullopt;
  return place;
}

// Which picture a sample is.
class Pictures {
 public:
  explicit Pictures(const dataset::Truth& truth) : count_(truth.pictures.size()) {
    for (std::size_t i = 0; i < count_; ++i)
      by_name_.emplace(truth.pictures[i].file_name, static_cast<std::int64_t>(i));
  }

  struct Place {
    std::int64_t image;
    bool whole;
  };
  Result<Place> Find(const std::string& sample) const {
    if (const auto place = PlaceInArray(sample)) {
      if (*place < static_cast<std::int64_t>(count_)) return Place{*place, true};
      return InvalidArgument("{}: the truth has only {} pictures", sample, count_);
    }
    const auto it = by_name_.find(sample.substr(sample.rfind('/') + 1));
    if (it != by_name_.end()) return Place{it->second, false};
    return WithHint(InvalidArgument("{}: the truth has no picture of this name", sample),
                    "its pictures are matched by file name");
  }

 private:
  std::map<std::string, std::int64_t> by_name_;
  std::size_t count_;
};

// The detections in pixels of the pictures of the truth, and which of those were looked at.
struct Detections {
  std::vector<dataset::FoundBox> found;
  std::vector<bool> looked_at;
};

Result<Detections> Detect(const dataset::Dataset& data, const Runner& run,
                          const dataset::DetectorForm& form, const dataset::Truth& truth,
                          const DetectOptions& options) {
  const Pictures pictures(truth);
  Detections all;
  all.looked_at.assign(truth.pictures.size(), false);
  const auto detect = [&](std::vector<dataset::Sample> samples) -> Status {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    std::vector<Pictures::Place> places;
    for (const dataset::Sample& sample : samples) {
      TF2_ASSIGN_OR_RETURN(places.emplace_back(), pictures.Find(sample.name));
    }
    TF2_ASSIGN_OR_RETURN(const auto outputs, run(dataset::TakeInputs(samples)));
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const auto [image, whole] = places[i];
      TF2_ASSIGN_OR_RETURN(auto found,
                           dataset::DecodeDetections(form, outputs[i], image, options.outputs));
      const dataset::TruePicture& picture = truth.pictures[static_cast<std::size_t>(image)];
      for (dataset::FoundBox& f : found) {
        f.box = ToPicture(f.box, picture.width, picture.height, whole, options.preprocessing,
                          options.input);
        all.found.push_back(f);
      }
      all.looked_at[static_cast<std::size_t>(image)] = true;
    }
    if (options.progress) options.progress(static_cast<std::int64_t>(samples.size()));
    return {};
  };
  TF2_RETURN_IF_ERROR(dataset::ForEachBatch(data, static_cast<std::size_t>(options.batch), detect));
  return all;
}

}  // namespace

Box ToPicture(const Box& box, std::int64_t width, std::int64_t height, bool whole,
              const Preprocessing& preprocessing, const dataset::InputShape& input) {
  const auto w = static_cast<double>(width);
  const auto h = static_cast<double>(height);
  if (whole) return {box.x0 * w, box.y0 * h, box.x1 * w, box.y1 * h};
  const auto [rh, rw] =
      dataset::ScaledSize({1, std::max<std::int64_t>(height, 1), std::max<std::int64_t>(width, 1)},
                          preprocessing.resize);
  const auto back = [](double v, std::int64_t in, std::int64_t resized, std::int64_t original) {
    const std::int64_t offset = (resized - in) / 2;
    return (v * static_cast<double>(in) + static_cast<double>(offset)) *
           static_cast<double>(original) / static_cast<double>(resized);
  };
  return {back(box.x0, input.w, rw, width), back(box.y0, input.h, rh, height),
          back(box.x1, input.w, rw, width), back(box.y1, input.h, rh, height)};
}

Result<DetectionScores> EvaluateDetector(const dataset::Dataset& data, const Runner& run,
                                         const dataset::DetectorForm& form,
                                         const dataset::Truth& truth,
                                         const DetectOptions& options) {
  TF2_ASSIGN_OR_RETURN(const Detections all, Detect(data, run, form, truth, options));
  std::vector<dataset::TrueBox> objects;
  DetectionScores scores;
  for (const dataset::TrueBox& box : truth.boxes) {
    if (!all.looked_at[static_cast<std::size_t>(box.image)]) continue;
    objects.push_back(box);
    scores.objects += box.ignore || box.crowd ? 0 : 1;
  }
  scores.pictures = std::count(all.looked_at.begin(), all.looked_at.end(), true);
  scores.detections = static_cast<std::int64_t>(all.found.size());
  using dataset::Interpolation;
  scores.voc_11_points =
      dataset::VocMeanAveragePrecision(objects, all.found, options.iou, Interpolation::k11Points);
  scores.voc_all_points =
      dataset::VocMeanAveragePrecision(objects, all.found, options.iou, Interpolation::kAllPoints);
  scores.coco = dataset::CocoEvaluate(objects, all.found);
  const auto curve = dataset::RecallCurve(objects, all.found, scores.pictures, options.iou);
  scores.recall_at_tenth = dataset::RecallAtFalsePositives(curve, 0.1);
  scores.recall_at_one = dataset::RecallAtFalsePositives(curve, 1);
  scores.recall_at_score = dataset::RecallAtScore(curve, options.recall_score);
  return scores;
}

}  // namespace tf2::verify
