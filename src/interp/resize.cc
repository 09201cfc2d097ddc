// resize: each axis on its own, from a table of weighted source positions per output position.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

struct Tap {
  std::int64_t index;
  double weight;
};

// The taps of every output position of one axis; `outside` where the position lies beyond the input
// (tf_crop_and_resize only).
struct AxisTable {
  std::vector<std::vector<Tap>> taps;
  std::vector<bool> outside;
  bool is_identity = true;
};

struct AxisParams {
  std::int64_t in, out;
  double scale;  // output / input
  double roi_start, roi_end;
};

double SourceOf(const std::string& rule, const AxisParams& a, std::int64_t i) {
  const auto x = static_cast<double>(i);
  const auto in = static_cast<double>(a.in);
  const auto out = static_cast<double>(a.out);
  if (rule == "asymmetric") return x / a.scale;
  if (rule == "pytorch_half_pixel") return a.out > 1 ? (x + 0.5) / a.scale - 0.5 : 0;
  if (rule == "tf_half_pixel_for_nn") return (x + 0.5) / a.scale;
  // The length that the scale makes, before it is rounded down, is what corners are aligned over.
  if (rule == "align_corners") return a.scale * in > 1 ? x * (in - 1) / (a.scale * in - 1) : 0;
  if (rule == "tf_crop_and_resize") {
    if (a.out <= 1) return 0.5 * (a.roi_start + a.roi_end) * (in - 1);
    return a.roi_start * (in - 1) + x * (a.roi_end - a.roi_start) * (in - 1) / (out - 1);
  }
  if (rule == "half_pixel_symmetric") {
    const double adjust = out / (a.scale * in);
    const double centre = in / 2;
    return centre * (1 - adjust) + (x + 0.5) / a.scale - 0.5;
  }
  return (x + 0.5) / a.scale - 0.5;  // half_pixel
}

std::int64_t Nearest(const std::string& rule, double x) {
  if (rule == "floor") return static_cast<std::int64_t>(std::floor(x));
  if (rule == "ceil") return static_cast<std::int64_t>(std::ceil(x));
  if (rule == "round_prefer_ceil") return static_cast<std::int64_t>(std::floor(x + 0.5));
  return static_cast<std::int64_t>(std::ceil(x - 0.5));
}

double Cubic(double distance, double a) {
  const double d = std::fabs(distance);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

double Triangle(double distance) { return std::max(0.0, 1 - std::fabs(distance)); }

// The kernel around position x, stretched by 1 / scale where antialiasing shrinks. Taps beyond the
// ends read the border element, or are left out where `exclude_outside`.
std::vector<Tap> KernelTaps(const ir::Node& node, const AxisParams& a, double x) {
  const bool cubic = node.String("mode") == "cubic";
  const double cubic_a = node.Float("cubic_a");
  const double shrink = node.Int("antialias") != 0 ? std::min(1.0, a.scale) : 1.0;
  const double radius = (cubic ? 2.0 : 1.0) / shrink;
  const bool excludes = node.Int("exclude_outside") != 0;
  std::vector<Tap> taps;
  double total = 0;
  const auto first = static_cast<std::int64_t>(std::floor(x - radius)) + 1;
  for (std::int64_t i = first; static_cast<double>(i) < x + radius; ++i) {
    const double distance = (static_cast<double>(i) - x) * shrink;
    const double weight = cubic ? Cubic(distance, cubic_a) : Triangle(distance);
    if (weight == 0 || (excludes && (i < 0 || i >= a.in))) continue;
    total += weight;
    taps.push_back({std::clamp<std::int64_t>(i, 0, a.in - 1), weight});
  }
  for (Tap& tap : taps) tap.weight /= total;
  return taps;
}

AxisTable TableOf(const ir::Node& node, const AxisParams& a) {
  const std::string mode = node.String("mode");
  const std::string rule = node.String("coordinates");
  const std::string nearest = node.String("nearest");
  AxisTable table;
  for (std::int64_t o = 0; o < a.out; ++o) {
    const double x = SourceOf(rule, a, o);
    table.outside.push_back(rule == "tf_crop_and_resize" &&
                            (x < 0 || x > static_cast<double>(a.in - 1)));
    // Far outside there is no tap to weigh, and no integer to round to.
    const double near = std::clamp(x, -4.0, static_cast<double>(a.in) + 4);
    if (mode == "nearest") {
      table.taps.push_back({{std::clamp<std::int64_t>(Nearest(nearest, near), 0, a.in - 1), 1.0}});
    } else {
      table.taps.push_back(KernelTaps(node, a, near));
      if (table.taps.back().empty()) table.taps.back() = {{near < 0 ? 0 : a.in - 1, 1.0}};
    }
    const std::vector<Tap>& taps = table.taps.back();
    table.is_identity = table.is_identity && a.in == a.out && !table.outside.back() &&
                        taps.size() == 1 && taps[0].index == o;
  }
  return table;
}

// One axis: x is [outer, in, inner].
std::vector<float> Apply(const std::vector<float>& x, const AxisTable& table, std::int64_t outer,
                         std::int64_t in, std::int64_t inner, float outside) {
  const auto out = static_cast<std::int64_t>(table.taps.size());
  std::vector<float> y(static_cast<std::size_t>(outer * out * inner));
  std::vector<double> row(static_cast<std::size_t>(inner));
  for (std::int64_t n = 0; n < outer; ++n) {
    for (std::int64_t o = 0; o < out; ++o) {
      float* to = y.data() + (n * out + o) * inner;
      if (table.outside[static_cast<std::size_t>(o)]) {
        std::fill_n(to, inner, outside);
        continue;
      }
      std::fill(row.begin(), row.end(), 0.0);
      for (const Tap& tap : table.taps[static_cast<std::size_t>(o)]) {
        const float* from = x.data() + (n * in + tap.index) * inner;
        for (std::int64_t i = 0; i < inner; ++i)
          row[static_cast<std::size_t>(i)] += tap.weight * from[i];
      }
      std::copy(row.begin(), row.end(), to);
    }
  }
  return y;
}

}  // namespace

Status RunResize(const Call& call, ir::Tensor& y) {
  const std::vector<float> scales = call.node.Floats("scales");
  const std::vector<float> roi = call.node.Floats("roi");
  ir::Shape shape = call.x().shape;
  const std::size_t rank = shape.size();
  y.f32 = call.x().f32;
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t in = shape[d];
    const std::int64_t out = y.shape[d];
    const AxisParams a = {
        in, out, scales.empty() ? static_cast<double>(out) / static_cast<double>(in) : scales[d],
        roi.size() == 2 * rank ? roi[d] : 0.0, roi.size() == 2 * rank ? roi[d + rank] : 1.0};
    const AxisTable table = TableOf(call.node, a);
    if (table.is_identity) continue;
    const auto at = shape.begin() + static_cast<std::ptrdiff_t>(d);
    y.f32 = Apply(y.f32, table, ir::ElementCount({shape.begin(), at}), in,
                  ir::ElementCount({at + 1, shape.end()}), call.node.Float("outside"));
    shape[d] = out;
  }
  return {};
}

}  // namespace tf2::interp
