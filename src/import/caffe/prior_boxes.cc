#include "import/caffe/prior_boxes.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using caffe_pb::PriorBoxParameter;

struct BoxSize {
  double w, h;  // in pixels
};

bool IsPositive(float v) { return v > 0 && std::isfinite(v); }

// 1, then the given ones and, with flip, their inverses, each once.
Result<std::vector<double>> AspectRatios(const PriorBoxParameter& p) {
  std::vector<double> ratios = {1};
  const auto add = [&ratios](double ratio) {
    const bool known = std::any_of(ratios.begin(), ratios.end(),
                                   [ratio](double r) { return std::fabs(r - ratio) < 1e-6; });
    if (!known) ratios.push_back(ratio);
    return !known;
  };
  for (const float ratio : p.aspect_ratio()) {
    if (!IsPositive(ratio)) return InvalidArgument("aspect_ratio is {}", ratio);
    if (add(ratio) && p.flip()) ratios.push_back(1.0 / ratio);
  }
  return ratios;
}

// The boxes of one position.
Result<std::vector<BoxSize>> BoxSizes(const PriorBoxParameter& p) {
  if (p.min_size_size() == 0) return InvalidArgument("min_size is missing");
  if (p.max_size_size() != 0 && p.max_size_size() != p.min_size_size())
    return InvalidArgument("{} min_size but {} max_size", p.min_size_size(), p.max_size_size());
  if (p.min_size_size() > 1024 || p.aspect_ratio_size() > 1024)
    return InvalidArgument("it has more than 1024 sizes or aspect ratios");
  TF2_ASSIGN_OR_RETURN(const auto ratios, AspectRatios(p));
  std::vector<BoxSize> sizes;
  for (int i = 0; i < p.min_size_size(); ++i) {
    if (!IsPositive(p.min_size(i))) return InvalidArgument("min_size is {}", p.min_size(i));
    const double least = std::trunc(p.min_size(i));
    sizes.push_back({least, least});
    if (p.max_size_size() > 0) {
      if (!(p.max_size(i) > p.min_size(i)) || !IsPositive(p.max_size(i)))
        return InvalidArgument("max_size {} is not above min_size {}", p.max_size(i),
                               p.min_size(i));
      const double between = std::sqrt(least * std::trunc(p.max_size(i)));
      sizes.push_back({between, between});
    }
    for (std::size_t r = 1; r < ratios.size(); ++r)
      sizes.push_back({least * std::sqrt(ratios[r]), least / std::sqrt(ratios[r])});
  }
  return sizes;
}

Result<std::vector<float>> Variances(const PriorBoxParameter& p) {
  std::vector<float> variances(p.variance().begin(), p.variance().end());
  if (variances.empty()) variances = {0.1F};
  if (variances.size() == 1) variances.resize(4, variances[0]);
  if (variances.size() != 4) return InvalidArgument("{} variances instead of 4", variances.size());
  for (const float v : variances) {
    if (!IsPositive(v)) return InvalidArgument("variance is {}", v);
  }
  return variances;
}

struct Geometry {
  double picture_w, picture_h, step_w, step_h;
};

Result<Geometry> GeometryOf(const PriorBoxParameter& p, const ir::Shape& map,
                            const ir::Shape& picture) {
  Geometry g = {};
  g.picture_w = static_cast<double>(p.has_img_w()      ? p.img_w()
                                    : p.has_img_size() ? p.img_size()
                                                       : picture[3]);
  g.picture_h = static_cast<double>(p.has_img_h()      ? p.img_h()
                                    : p.has_img_size() ? p.img_size()
                                                       : picture[2]);
  g.step_w = p.has_step_w() ? p.step_w() : p.step();
  g.step_h = p.has_step_h() ? p.step_h() : p.step();
  if (g.step_w == 0 || g.step_h == 0) {
    g.step_w = g.picture_w / static_cast<double>(map[3]);
    g.step_h = g.picture_h / static_cast<double>(map[2]);
  }
  if (!(g.step_w > 0) || !(g.step_h > 0) || !(g.picture_w > 0) || !(g.picture_h > 0) ||
      !std::isfinite(g.step_w) || !std::isfinite(g.step_h) || !std::isfinite(p.offset()))
    return InvalidArgument("step, offset or the picture's size is no usable number");
  return g;
}

}  // namespace

Result<std::int64_t> CountPriorBoxes(const PriorBoxParameter& p, const ir::Shape& map) {
  TF2_ASSIGN_OR_RETURN(const auto sizes, BoxSizes(p));
  const auto each = static_cast<std::int64_t>(sizes.size());
  if (map[2] * map[3] > ir::kMaxElements / (8 * each))
    return ResourceExhausted("{} boxes at {} positions are too many", each, map[2] * map[3]);
  return map[2] * map[3] * each;
}

Result<ir::Tensor> MakePriorBoxes(const PriorBoxParameter& p, const ir::Shape& map,
                                  const ir::Shape& picture) {
  TF2_ASSIGN_OR_RETURN(const auto sizes, BoxSizes(p));
  TF2_ASSIGN_OR_RETURN(const auto variances, Variances(p));
  TF2_ASSIGN_OR_RETURN(const Geometry g, GeometryOf(p, map, picture));
  TF2_ASSIGN_OR_RETURN(const std::int64_t count, CountPriorBoxes(p, map));
  std::vector<float> data;
  data.reserve(static_cast<std::size_t>(8 * count));
  const auto add = [&](double v) {
    data.push_back(static_cast<float>(p.clip() ? std::clamp(v, 0.0, 1.0) : v));
  };
  for (std::int64_t y = 0; y < map[2]; ++y) {
    for (std::int64_t x = 0; x < map[3]; ++x) {
      const double cx = (static_cast<double>(x) + p.offset()) * g.step_w;
      const double cy = (static_cast<double>(y) + p.offset()) * g.step_h;
      for (const BoxSize& size : sizes) {
        add((cx - size.w / 2) / g.picture_w);
        add((cy - size.h / 2) / g.picture_h);
        add((cx + size.w / 2) / g.picture_w);
        add((cy + size.h / 2) / g.picture_h);
      }
    }
  }
  for (std::int64_t i = 0; i < count; ++i)
    data.insert(data.end(), variances.begin(), variances.end());
  return ir::Tensor::Float({1, 2, 4 * count}, std::move(data));
}

}  // namespace tf2::import::caffe
