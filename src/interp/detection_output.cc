// detection_output: boxes of SSD from locations, scores and default boxes, as Caffe's layer.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

struct Box {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

float Area(const Box& b) { return b.x1 < b.x0 || b.y1 < b.y0 ? 0 : (b.x1 - b.x0) * (b.y1 - b.y0); }

float Overlap(const Box& a, const Box& b) {
  const float w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const float h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (!(w > 0) || !(h > 0)) return 0;
  return w * h / (Area(a) + Area(b) - w * h);
}

struct Params {
  std::int64_t boxes, classes, background, location_sets, nms_top_k, keep_top_k;
  float score_threshold, nms_threshold, nms_eta;
  std::string code;
  bool variance_in_target;
};

Params ParamsOf(const Call& call) {
  const ir::Node& n = call.node;
  const std::int64_t classes = n.Int("classes");
  return {.boxes = call.x(2).shape[2] / 4,
          .classes = classes,
          .background = n.Int("background"),
          .location_sets = n.Int("share_location") != 0 ? 1 : classes,
          .nms_top_k = n.Int("nms_top_k"),
          .keep_top_k = n.Int("keep_top_k"),
          .score_threshold = n.Float("score_threshold"),
          .nms_threshold = n.Float("nms_threshold"),
          .nms_eta = n.Float("nms_eta"),
          .code = n.String("code"),
          .variance_in_target = n.Int("variance_in_target") != 0};
}

Box Decode(const Params& p, const Box& prior, const float* variance, const float* location) {
  std::array<float, 4> t = {location[0], location[1], location[2], location[3]};
  if (!p.variance_in_target) {
    for (std::size_t i = 0; i < 4; ++i) t[i] *= variance[i];
  }
  const float w = prior.x1 - prior.x0;
  const float h = prior.y1 - prior.y0;
  if (p.code == "corner")
    return {prior.x0 + t[0], prior.y0 + t[1], prior.x1 + t[2], prior.y1 + t[3]};
  if (p.code == "corner_size")
    return {prior.x0 + t[0] * w, prior.y0 + t[1] * h, prior.x1 + t[2] * w, prior.y1 + t[3] * h};
  const float cx = (prior.x0 + prior.x1) / 2 + t[0] * w;
  const float cy = (prior.y0 + prior.y1) / 2 + t[1] * h;
  const float ow = std::exp(t[2]) * w;
  const float oh = std::exp(t[3]) * h;
  return {cx - ow / 2, cy - oh / 2, cx + ow / 2, cy + oh / 2};
}

struct Detection {
  std::int64_t label = 0;
  float score = 0;
  Box box;
};

// The boxes of one class that no better one overlaps, best first; equal scores keep their order.
std::vector<Detection> BestOfClass(const Params& p, std::int64_t label,
                                   const std::vector<Box>& boxes, const float* scores) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < p.boxes; ++i) {
    if (scores[i * p.classes + label] > p.score_threshold) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return scores[a * p.classes + label] > scores[b * p.classes + label];
  });
  if (p.nms_top_k >= 0 && static_cast<std::int64_t>(order.size()) > p.nms_top_k)
    order.resize(static_cast<std::size_t>(p.nms_top_k));
  std::vector<Detection> kept;
  float threshold = p.nms_threshold;
  for (const std::int64_t i : order) {
    const Box& box = boxes[static_cast<std::size_t>(i)];
    const bool clear = std::all_of(kept.begin(), kept.end(), [&](const Detection& d) {
      return Overlap(box, d.box) <= threshold;
    });
    if (!clear) continue;
    kept.push_back({label, scores[i * p.classes + label], box});
    if (p.nms_eta < 1 && threshold > 0.5F) threshold *= p.nms_eta;
  }
  return kept;
}

std::vector<Detection> DetectionsOf(const Params& p, const float* locations, const float* scores,
                                    const float* priors) {
  std::vector<Detection> all;
  std::vector<Box> boxes(static_cast<std::size_t>(p.boxes));
  std::int64_t decoded = -1;  // the set of locations that `boxes` come from
  for (std::int64_t label = 0; label < p.classes; ++label) {
    if (label == p.background) continue;
    const std::int64_t set = p.location_sets == 1 ? 0 : label;
    if (set != decoded) {
      for (std::int64_t i = 0; i < p.boxes; ++i) {
        const float* prior = priors + 4 * i;
        boxes[static_cast<std::size_t>(i)] =
            Decode(p, {prior[0], prior[1], prior[2], prior[3]}, prior + 4 * p.boxes,
                   locations + 4 * (i * p.location_sets + set));
      }
      decoded = set;
    }
    const auto best = BestOfClass(p, label, boxes, scores);
    all.insert(all.end(), best.begin(), best.end());
  }
  if (p.keep_top_k >= 0 && static_cast<std::int64_t>(all.size()) > p.keep_top_k) {
    std::stable_sort(all.begin(), all.end(),
                     [](const Detection& a, const Detection& b) { return a.score > b.score; });
    all.resize(static_cast<std::size_t>(p.keep_top_k));
    std::stable_sort(all.begin(), all.end(),
                     [](const Detection& a, const Detection& b) { return a.label < b.label; });
  }
  return all;
}

}  // namespace

Status RunDetectionOutput(const Call& call, ir::Tensor& y) {
  const Params p = ParamsOf(call);
  const std::int64_t n = call.x().shape[0];
  std::fill(y.f32.begin(), y.f32.end(), -1.0F);
  const auto at = [&call](std::size_t input, std::int64_t sample) {
    const ir::Tensor& t = call.x(input);
    return t.f32.data() + sample * t.shape[1];
  };
  float* row = y.f32.data();
  for (std::int64_t sample = 0; sample < n; ++sample) {
    for (const Detection& d : DetectionsOf(p, at(0, sample), at(1, sample), call.x(2).f32.data())) {
      const std::array<float, 7> values = {static_cast<float>(sample),
                                           static_cast<float>(d.label),
                                           d.score,
                                           d.box.x0,
                                           d.box.y0,
                                           d.box.x1,
                                           d.box.y1};
      row = std::copy(values.begin(), values.end(), row);
    }
  }
  return {};
}

}  // namespace tf2::interp
