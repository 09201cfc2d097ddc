#include "dataset/detection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace tf2::dataset {
namespace {

double Area(const Box& b) { return std::max(0.0, b.x1 - b.x0) * std::max(0.0, b.y1 - b.y0); }

double Intersection(const Box& a, const Box& b) {
  return Area(
      {std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)});
}

// NaN ranks last.
double Rank(double score) {
  return std::isnan(score) ? -std::numeric_limits<double>::infinity() : score;
}

void SortByScore(std::vector<FoundBox>& found) {
  std::stable_sort(found.begin(), found.end(), [](const FoundBox& a, const FoundBox& b) {
    return Rank(a.score) > Rank(b.score);
  });
}

std::vector<FoundBox> OfCategory(std::span<const FoundBox> found, int category) {
  std::vector<FoundBox> own;
  for (const FoundBox& f : found) {
    if (f.category == category) own.push_back(f);
  }
  SortByScore(own);
  return own;
}

std::set<int> CategoriesOf(std::span<const TrueBox> truth) {
  std::set<int> categories;
  for (const TrueBox& t : truth) {
    if (!t.ignore && !t.crowd) categories.insert(t.category);
  }
  return categories;
}

enum class Verdict : std::uint8_t { kRight, kWrong, kIgnored };

// The objects of one category by picture.
class Objects {
 public:
  Objects(std::span<const TrueBox> truth, std::optional<int> category) {
    for (const TrueBox& t : truth) {
      if (category && t.category != *category) continue;
      by_image_[t.image].push_back({t, false});
      counted_ += t.ignore || t.crowd ? 0 : 1;
    }
    // Those that count first, for COCO.
    for (auto& [image, objects] : by_image_) {
      std::stable_sort(objects.begin(), objects.end(),
                       [](const Object& a, const Object& b) { return !Ignored(a) && Ignored(b); });
    }
  }

  std::int64_t counted() const { return counted_; }

  Verdict MatchVoc(const FoundBox& found, double iou) {
    Object* best = nullptr;
    double most = 0;
    for (Object& o : Of(found.image)) {
      const double overlap = Iou(found.box, o.truth.box);
      if (overlap > most) {
        most = overlap;
        best = &o;
      }
    }
    if (best == nullptr || most < iou) return Verdict::kWrong;
    if (Ignored(*best)) return Verdict::kIgnored;
    return std::exchange(best->found, true) ? Verdict::kWrong : Verdict::kRight;
  }

  Verdict MatchCoco(const FoundBox& found, double iou) {
    Object* best = nullptr;
    double most = std::min(iou, 1 - 1e-10);
    for (Object& o : Of(found.image)) {
      if (o.found && !o.truth.crowd) continue;
      if (best != nullptr && !Ignored(*best) && Ignored(o)) break;
      const double overlap =
          o.truth.crowd ? Intersection(found.box, o.truth.box) / std::max(Area(found.box), 1e-300)
                        : Iou(found.box, o.truth.box);
      if (overlap < most) continue;
      most = overlap;
      best = &o;
    }
    if (best == nullptr) return Verdict::kWrong;
    best->found = true;
    return Ignored(*best) ? Verdict::kIgnored : Verdict::kRight;
  }

 private:
  struct Object {
    TrueBox truth;
    bool found;
  };
  static bool Ignored(const Object& o) { return o.truth.ignore || o.truth.crowd; }

  std::span<Object> Of(std::int64_t image) {
    const auto it = by_image_.find(image);
    if (it == by_image_.end()) return {};
    return it->second;
  }

  std::map<std::int64_t, std::vector<Object>> by_image_;
  std::int64_t counted_ = 0;
};

struct Curve {
  std::vector<double> recall;
  std::vector<double> precision;
};

// From the verdicts, best score first; precision non-increasing.
Curve CurveOf(const std::vector<Verdict>& verdicts, std::int64_t objects) {
  Curve curve;
  double right = 0;
  double all = 0;
  for (const Verdict v : verdicts) {
    if (v == Verdict::kIgnored) continue;
    all += 1;
    right += v == Verdict::kRight ? 1 : 0;
    curve.recall.push_back(right / static_cast<double>(objects));
    curve.precision.push_back(right / all);
  }
  for (std::size_t i = curve.precision.size(); i-- > 1;)
    curve.precision[i - 1] = std::max(curve.precision[i - 1], curve.precision[i]);
  return curve;
}

// The mean precision at `steps` + 1 recalls from 0 to 1.
double AreaAtPoints(const Curve& curve, int steps) {
  double sum = 0;
  for (int i = 0; i <= steps; ++i) {
    const double recall = static_cast<double>(i) / steps;
    const auto at = std::lower_bound(curve.recall.begin(), curve.recall.end(), recall - 1e-12);
    if (at != curve.recall.end())
      sum += curve.precision[static_cast<std::size_t>(at - curve.recall.begin())];
  }
  return sum / (steps + 1);
}

double AreaUnder(const Curve& curve, Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::k11Points:
      return AreaAtPoints(curve, 10);
    case Interpolation::k101Points:
      return AreaAtPoints(curve, 100);
    case Interpolation::kAllPoints:
      break;
  }
  double area = 0;
  double last = 0;
  for (std::size_t i = 0; i < curve.recall.size(); ++i) {
    area += (curve.recall[i] - last) * curve.precision[i];
    last = curve.recall[i];
  }
  return area;
}

}  // namespace

double Iou(const Box& a, const Box& b) {
  const double both = Intersection(a, b);
  const double either = Area(a) + Area(b) - both;
  return either > 0 ? both / either : 0;
}

std::optional<double> VocAveragePrecision(std::span<const TrueBox> truth,
                                          std::span<const FoundBox> found, int category, double iou,
                                          Interpolation interpolation) {
  Objects objects(truth, category);
  if (objects.counted() == 0) return std::nullopt;
  std::vector<Verdict> verdicts;
  for (const FoundBox& f : OfCategory(found, category))
    verdicts.push_back(objects.MatchVoc(f, iou));
  return AreaUnder(CurveOf(verdicts, objects.counted()), interpolation);
}

double VocMeanAveragePrecision(std::span<const TrueBox> truth, std::span<const FoundBox> found,
                               double iou, Interpolation interpolation) {
  const std::set<int> categories = CategoriesOf(truth);
  double sum = 0;
  for (const int category : categories)
    sum += VocAveragePrecision(truth, found, category, iou, interpolation).value_or(0);
  return categories.empty() ? 0 : sum / static_cast<double>(categories.size());
}

std::optional<double> CocoAveragePrecision(std::span<const TrueBox> truth,
                                           std::span<const FoundBox> found, int category,
                                           double iou) {
  constexpr int kMostOfImage = 100;
  Objects objects(truth, category);
  if (objects.counted() == 0) return std::nullopt;
  std::map<std::int64_t, int> of_image;
  std::vector<Verdict> verdicts;
  for (const FoundBox& f : OfCategory(found, category)) {
    if (++of_image[f.image] > kMostOfImage) continue;
    verdicts.push_back(objects.MatchCoco(f, iou));
  }
  return AreaUnder(CurveOf(verdicts, objects.counted()), Interpolation::k101Points);
}

CocoScores CocoEvaluate(std::span<const TrueBox> truth, std::span<const FoundBox> found) {
  constexpr int kOverlaps = 10;
  CocoScores scores;
  const std::set<int> categories = CategoriesOf(truth);
  if (categories.empty()) return scores;
  for (int i = 0; i < kOverlaps; ++i) {
    double sum = 0;
    for (const int category : categories)
      sum += CocoAveragePrecision(truth, found, category, 0.5 + 0.05 * i).value_or(0);
    const double mean = sum / static_cast<double>(categories.size());
    scores.ap += mean / kOverlaps;
    if (i == 0) scores.ap50 = mean;
    if (i == 5) scores.ap75 = mean;
  }
  return scores;
}

std::vector<RecallPoint> RecallCurve(std::span<const TrueBox> truth,
                                     std::span<const FoundBox> found, std::int64_t images,
                                     double iou) {
  Objects objects(truth, std::nullopt);
  std::vector<FoundBox> sorted(found.begin(), found.end());
  SortByScore(sorted);
  std::vector<RecallPoint> curve;
  double right = 0;
  double wrong = 0;
  for (const FoundBox& f : sorted) {
    const Verdict verdict = objects.MatchVoc(f, iou);
    right += verdict == Verdict::kRight ? 1 : 0;
    wrong += verdict == Verdict::kWrong ? 1 : 0;
    const double objects_counted =
        static_cast<double>(std::max<std::int64_t>(objects.counted(), 1));
    const RecallPoint point = {f.score, right / objects_counted,
                               wrong / static_cast<double>(std::max<std::int64_t>(images, 1))};
    if (!curve.empty() && curve.back().score == f.score) {
      curve.back() = point;
    } else {
      curve.push_back(point);
    }
  }
  return curve;
}

double RecallAtFalsePositives(std::span<const RecallPoint> curve,
                              double false_positives_per_image) {
  double best = 0;
  for (const RecallPoint& p : curve) {
    if (p.false_positives_per_image <= false_positives_per_image) best = std::max(best, p.recall);
  }
  return best;
}

double RecallAtScore(std::span<const RecallPoint> curve, double score) {
  double recall = 0;
  for (const RecallPoint& p : curve) {
    if (p.score >= score) recall = p.recall;
  }
  return recall;
}

std::vector<FoundBox> SuppressOverlaps(std::vector<FoundBox> found, double iou) {
  SortByScore(found);
  std::map<std::pair<std::int64_t, int>, std::vector<Box>> kept_boxes;
  std::vector<FoundBox> kept;
  for (const FoundBox& f : found) {
    auto& boxes = kept_boxes[{f.image, f.category}];
    const bool clear =
        std::all_of(boxes.begin(), boxes.end(), [&](const Box& b) { return Iou(f.box, b) <= iou; });
    if (!clear) continue;
    boxes.push_back(f.box);
    kept.push_back(f);
  }
  return kept;
}

}  // namespace tf2::dataset
