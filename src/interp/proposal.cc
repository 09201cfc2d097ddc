// proposal: the regions of a region proposal network (Ren et al., "Faster R-CNN", 2015, section
// 3.1), as its published Python layer makes them: sides count both ends, so that a box of one pixel
// has the width x1 - x0 + 1.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

struct Box {
  double x0, y0, x1, y1;

  double Width() const { return x1 - x0 + 1; }
  double Height() const { return y1 - y0 + 1; }
};

Box Around(double cx, double cy, double w, double h) {
  return {cx - (w - 1) / 2, cy - (h - 1) / 2, cx + (w - 1) / 2, cy + (h - 1) / 2};
}

// Half to even, as numpy rounds.
double Round(double v) { return std::nearbyint(v); }

// For each ratio of height to width, for each scale.
std::vector<Box> Anchors(const ir::Node& node) {
  const auto base = static_cast<double>(node.Int("base_size"));
  const double centre = (base - 1) / 2;
  std::vector<Box> anchors;
  for (const float ratio : node.Floats("ratios")) {
    const double w = Round(std::sqrt(base * base / ratio));
    const double h = Round(w * ratio);
    for (const float scale : node.Floats("scales"))
      anchors.push_back(Around(centre, centre, w * scale, h * scale));
  }
  return anchors;
}

struct Proposal {
  Box box;
  float score;
};

double Overlap(const Box& a, const Box& b) {
  const double w = std::max(0.0, std::min(a.x1, b.x1) - std::max(a.x0, b.x0) + 1);
  const double h = std::max(0.0, std::min(a.y1, b.y1) - std::max(a.y0, b.y0) + 1);
  return w * h / (a.Width() * a.Height() + b.Width() * b.Height() - w * h);
}

// All boxes that are large enough, moved by their deltas and cut at the picture's border, position
// by position.
Result<std::vector<Proposal>> AllProposals(const Call& call) {
  const ir::Shape& s = call.x().shape;
  const float* scores = call.x().f32.data();
  const float* deltas = call.x(1).f32.data();
  const float* picture = call.x(2).f32.data();  // height, width, scale
  const double right = picture[1] - 1.0;
  const double bottom = picture[0] - 1.0;
  const double least = static_cast<double>(call.node.Int("min_size")) * picture[2];
  if (!(right >= 0) || !(bottom >= 0) || !std::isfinite(least))
    return InvalidArgument("the picture's size is {} x {}, its scale {}", picture[0], picture[1],
                           picture[2]);
  const auto stride = static_cast<double>(call.node.Int("stride"));
  const std::vector<Box> anchors = Anchors(call.node);
  const std::int64_t plane = s[2] * s[3];
  std::vector<Proposal> all;
  for (std::int64_t at = 0; at < plane; ++at) {
    const std::int64_t x = at % s[3], y = at / s[3];
    const double dx = static_cast<double>(x) * stride;
    const double dy = static_cast<double>(y) * stride;
    for (std::size_t a = 0; a < anchors.size(); ++a) {
      const auto index = static_cast<std::int64_t>(a);
      const float* d = deltas + 4 * index * plane + at;
      const Box& anchor = anchors[a];
      const double w = anchor.Width();
      const double h = anchor.Height();
      const double cx = anchor.x0 + dx + w / 2 + d[0] * w;
      const double cy = anchor.y0 + dy + h / 2 + d[plane] * h;
      const double nw = std::exp(static_cast<double>(d[2 * plane])) * w;
      const double nh = std::exp(static_cast<double>(d[3 * plane])) * h;
      if (!std::isfinite(cx + cy + nw + nh))
        return InvalidArgument("the deltas at position {} are no numbers", at);
      const Box box = {std::clamp(cx - nw / 2, 0.0, right), std::clamp(cy - nh / 2, 0.0, bottom),
                       std::clamp(cx + nw / 2, 0.0, right), std::clamp(cy + nh / 2, 0.0, bottom)};
      if (box.Width() < least || box.Height() < least) continue;
      const auto foreground = static_cast<std::int64_t>(anchors.size()) + index;
      const float score = scores[foreground * plane + at];
      all.push_back({box, std::isnan(score) ? std::numeric_limits<float>::lowest() : score});
    }
  }
  return all;
}

}  // namespace

Status RunProposal(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(std::vector<Proposal> all, AllProposals(call));
  std::stable_sort(all.begin(), all.end(),
                   [](const Proposal& a, const Proposal& b) { return a.score > b.score; });
  const auto most = static_cast<std::size_t>(call.node.Int("pre_nms"));
  if (all.size() > most) all.erase(all.begin() + static_cast<std::ptrdiff_t>(most), all.end());
  const double threshold = call.node.Float("nms_threshold");
  std::vector<Box> kept;
  const auto rows = static_cast<std::size_t>(y.shape[0]);
  for (const Proposal& p : all) {
    if (kept.size() == rows) break;
    const bool clear = std::all_of(kept.begin(), kept.end(), [&](const Box& other) {
      return Overlap(p.box, other) <= threshold;
    });
    if (clear) kept.push_back(p.box);
  }
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = y.f32.data() + 5 * r;
    if (r >= kept.size()) {  // no region
      row[0] = -1;
      continue;
    }
    row[1] = static_cast<float>(kept[r].x0);
    row[2] = static_cast<float>(kept[r].y0);
    row[3] = static_cast<float>(kept[r].x1);
    row[4] = static_cast<float>(kept[r].y1);
  }
  return {};
}

}  // namespace tf2::interp
