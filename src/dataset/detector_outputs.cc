#include "dataset/detector_outputs.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace tf2::dataset {
namespace {

std::int64_t Count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t d : shape) count *= d;
  return count;
}

// [n, columns] where all but the last two axes are 1.
struct Table {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};
std::optional<Table> TableOf(const std::vector<std::int64_t>& shape) {
  if (shape.size() < 2) return std::nullopt;
  const Table t = {shape[shape.size() - 2], shape.back()};
  if (Count(shape) != t.rows * t.columns) return std::nullopt;
  return t;
}

std::string ListOf(std::span<const OutputForm> outputs) {
  std::vector<std::string> list;
  for (const OutputForm& o : outputs)
    list.push_back(fmt::format("{} [{}]", o.name, fmt::join(o.shape, ", ")));
  return fmt::format("{}", fmt::join(list, ", "));
}

std::vector<FoundBox> DecodeRows(std::span<const float> rows, std::int64_t image,
                                 const DetectorOptions& options) {
  std::vector<FoundBox> found;
  for (std::size_t at = 0; at + 7 <= rows.size(); at += 7) {
    const float* r = rows.data() + at;
    if (!(r[1] >= 0) || r[1] > 1e6F || !(r[2] >= options.least_score)) continue;
    const int category = static_cast<int>(r[1]);
    if (category == options.background) continue;
    found.push_back({image, category, r[2], {r[3], r[4], r[5], r[6]}});
  }
  return found;
}

Box BoxAt(std::span<const float> boxes, std::size_t i, const DetectorOptions& options) {
  const float* b = boxes.data() + 4 * i;
  if (options.priors.empty()) return {b[0], b[1], b[2], b[3]};
  const float* p = options.priors.data() + 4 * i;
  const double cx = p[0] + static_cast<double>(options.centre_variance) * b[0] * p[2];
  const double cy = p[1] + static_cast<double>(options.centre_variance) * b[1] * p[3];
  const double w = p[2] * std::exp(static_cast<double>(options.size_variance) * b[2]);
  const double h = p[3] * std::exp(static_cast<double>(options.size_variance) * b[3]);
  return {cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2};
}

}  // namespace

Result<DetectorForm> DetectorFormOf(std::span<const OutputForm> outputs) {
  DetectorForm form;
  if (outputs.size() == 1) {
    const auto table = TableOf(outputs[0].shape);
    form.rows = table && table->columns == 7;
    if (form.rows) return form;
  }
  for (std::size_t b = 0; b < outputs.size(); ++b) {
    for (std::size_t s = 0; s < outputs.size(); ++s) {
      const auto boxes = TableOf(outputs[b].shape);
      const auto scores = TableOf(outputs[s].shape);
      if (b == s || !boxes || !scores || boxes->columns != 4 || boxes->rows != scores->rows)
        continue;
      if (form.count != 0) {
        return InvalidArgument("more than one pair of outputs could be scores and boxes: {}",
                               ListOf(outputs));
      }
      form = {false, s, b, boxes->rows, scores->columns};
    }
  }
  if (form.count != 0) return form;
  return WithHint(
      InvalidArgument("the outputs are not those of a detector: {}", ListOf(outputs)),
      "one output of rows of 7, or scores [n, classes] and boxes [n, 4]; docs/howto/evaluate.md");
}

Result<std::vector<FoundBox>> DecodeDetections(const DetectorForm& form,
                                               std::span<const std::vector<float>> outputs,
                                               std::int64_t image, const DetectorOptions& options) {
  std::vector<FoundBox> found;
  if (form.rows) {
    found = DecodeRows(outputs[0], image, options);
  } else {
    const std::vector<float>& scores = outputs[form.scores];
    const std::vector<float>& boxes = outputs[form.boxes];
    const auto count = static_cast<std::size_t>(form.count);
    const auto classes = static_cast<std::size_t>(form.classes);
    if (scores.size() != count * classes || boxes.size() != 4 * count)
      return InvalidArgument("{} scores and {} numbers of boxes for {} boxes of {} classes",
                             scores.size(), boxes.size(), count, classes);
    if (!options.priors.empty() && options.priors.size() != 4 * count)
      return InvalidArgument("--priors has {} boxes, the network {}", options.priors.size() / 4,
                             count);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t c = 0; c < classes; ++c) {
        const float score = scores[i * classes + c];
        if (static_cast<int>(c) == options.background || !(score >= options.least_score)) continue;
        found.push_back({image, static_cast<int>(c), score, BoxAt(boxes, i, options)});
      }
    }
    found = SuppressOverlaps(std::move(found), options.nms_iou);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const FoundBox& a, const FoundBox& b) { return a.score > b.score; });
  if (found.size() > options.most) found.resize(options.most);
  return found;
}

}  // namespace tf2::dataset
