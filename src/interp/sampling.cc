// grid_sample, roi_align.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

enum class Padding : std::uint8_t { kZeros, kBorder, kReflection };

Padding PaddingOf(const std::string& name) {
  if (name == "border") return Padding::kBorder;
  return name == "reflection" ? Padding::kReflection : Padding::kZeros;
}

// x folded back into low..high as between two mirrors.
double Reflect(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0)) return low;
  const double distance = std::fabs(x - low);
  const double turns = std::floor(distance / range);
  const double rest = distance - turns * range;
  return std::fmod(turns, 2) == 0 ? low + rest : high - rest;
}

struct Axis {
  std::int64_t size;
  bool align_corners;
  Padding padding;

  double Position(float grid) const {
    const auto n = static_cast<double>(size);
    return align_corners ? (grid + 1.0) / 2 * (n - 1) : ((grid + 1.0) * n - 1) / 2;
  }
  double Padded(double x) const {
    if (padding == Padding::kReflection) {
      x = align_corners ? Reflect(x, 0, static_cast<double>(size - 1))
                        : Reflect(x, -0.5, static_cast<double>(size) - 0.5);
    }
    if (padding != Padding::kZeros) x = std::clamp(x, 0.0, static_cast<double>(size - 1));
    return x;
  }
  // The element at integer position i after padding; -1 for a zero.
  std::int64_t Index(double i) const {
    const double p = Padded(i);
    if (!(p >= 0 && p <= static_cast<double>(size - 1))) return -1;
    return static_cast<std::int64_t>(p);
  }
};

struct Plane {
  const float* data;
  std::int64_t width;
  double At(std::int64_t y, std::int64_t x) const {
    return y < 0 || x < 0 ? 0.0 : data[y * width + x];
  }
};

std::array<double, 4> CubicWeights(double t) {
  constexpr double kA = -0.75;
  const auto outer = [](double d) { return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA; };
  const auto inner = [](double d) { return ((kA + 2) * d - (kA + 3)) * d * d + 1; };
  return {outer(1 + t), inner(t), inner(1 - t), outer(2 - t)};
}

double Sample(const Plane& plane, const Axis& ay, const Axis& ax, double y, double x,
              const std::string& mode) {
  if (mode != "cubic") {
    y = ay.Padded(y);
    x = ax.Padded(x);
  }
  if (mode == "nearest") return plane.At(ay.Index(std::nearbyint(y)), ax.Index(std::nearbyint(x)));
  const double y0 = std::floor(y);
  const double x0 = std::floor(x);
  double sum = 0;
  if (mode == "linear") {
    for (int j = 0; j < 2; ++j) {
      for (int i = 0; i < 2; ++i) {
        const double weight = (j == 0 ? 1 - (y - y0) : y - y0) * (i == 0 ? 1 - (x - x0) : x - x0);
        if (weight != 0) sum += weight * plane.At(ay.Index(y0 + j), ax.Index(x0 + i));
      }
    }
    return sum;
  }
  const auto wy = CubicWeights(y - y0);
  const auto wx = CubicWeights(x - x0);
  for (int j = 0; j < 4; ++j) {
    for (int i = 0; i < 4; ++i)
      sum += wy[j] * wx[i] * plane.At(ay.Index(y0 + j - 1), ax.Index(x0 + i - 1));
  }
  return sum;
}

}  // namespace

Status RunGridSample(const Call& call, ir::Tensor& y) {
  const ir::Shape& s = call.x().shape;
  const std::string mode = call.node.String("mode");
  const bool align = call.node.Int("align_corners") != 0;
  const Padding padding = PaddingOf(call.node.String("padding"));
  const Axis ay = {s[2], align, padding};
  const Axis ax = {s[3], align, padding};
  const std::int64_t points = y.shape[2] * y.shape[3];
  for (float g : call.x(1).f32) {
    if (!std::isfinite(g)) return InvalidArgument("a coordinate of the grid is {}", g);
  }
  for (std::int64_t n = 0; n < s[0]; ++n) {
    const float* grid = call.x(1).f32.data() + n * points * 2;
    for (std::int64_t c = 0; c < s[1]; ++c) {
      const Plane plane = {call.x().f32.data() + (n * s[1] + c) * s[2] * s[3], s[3]};
      float* out = y.f32.data() + (n * s[1] + c) * points;
      for (std::int64_t p = 0; p < points; ++p) {
        out[p] = static_cast<float>(
            Sample(plane, ay, ax, ay.Position(grid[2 * p + 1]), ax.Position(grid[2 * p]), mode));
      }
    }
  }
  return {};
}

namespace {

// Bilinear value at (y, x) where -1 <= y <= h, else 0.
std::array<double, 4> Corners(const float* plane, std::int64_t h, std::int64_t w, double y,
                              double x) {
  if (!(y >= -1 && y <= static_cast<double>(h) && x >= -1 && x <= static_cast<double>(w)))
    return {};
  y = std::clamp(y, 0.0, static_cast<double>(h - 1));
  x = std::clamp(x, 0.0, static_cast<double>(w - 1));
  const auto y0 = static_cast<std::int64_t>(y);
  const auto x0 = static_cast<std::int64_t>(x);
  const std::int64_t y1 = std::min(y0 + 1, h - 1);
  const std::int64_t x1 = std::min(x0 + 1, w - 1);
  const double ly = y - static_cast<double>(y0);
  const double lx = x - static_cast<double>(x0);
  return {(1 - ly) * (1 - lx) * plane[y0 * w + x0], (1 - ly) * lx * plane[y0 * w + x1],
          ly * (1 - lx) * plane[y1 * w + x0], ly * lx * plane[y1 * w + x1]};
}

// The bins of one box along one axis.
struct Bins {
  double start, size;
  std::int64_t samples;

  Bins(float low, float high, double scale, double offset, std::int64_t count,
       std::int64_t sampling)
      : start(low * scale - offset) {
    double length = high * scale - offset - start;
    if (offset == 0) length = std::max(length, 1.0);
    size = length / static_cast<double>(count);
    // An adaptive number stays within reason: boxes are data.
    samples = sampling > 0
                  ? sampling
                  : static_cast<std::int64_t>(std::fmin(std::fmax(std::ceil(size), 0), 4096));
  }
  double At(std::int64_t bin, std::int64_t sample) const {
    return start + static_cast<double>(bin) * size +
           (static_cast<double>(sample) + 0.5) * size / static_cast<double>(samples);
  }
};

}  // namespace

Status RunRoiAlign(const Call& call, ir::Tensor& y) {
  const ir::Shape& s = call.x().shape;
  const bool takes_max = call.node.String("mode") == "max";
  const double scale = call.node.Float("scale");
  const double offset = call.node.Float("offset");
  const std::int64_t sampling = call.node.Int("sampling");
  const std::int64_t oh = y.shape[2];
  const std::int64_t ow = y.shape[3];
  float* out = y.f32.data();
  for (std::int64_t r = 0; r < y.shape[0]; ++r) {
    const float* box = call.x(1).f32.data() + 4 * r;
    const std::int64_t n = call.x(2).i64[static_cast<std::size_t>(r)];
    if (n < 0 || n >= s[0]) return InvalidArgument("box {} lies in sample {} of {}", r, n, s[0]);
    for (int i = 0; i < 4; ++i) {
      if (!(std::fabs(box[i]) < 1e7F)) return InvalidArgument("box {} has the side {}", r, box[i]);
    }
    const Bins rows(box[1], box[3], scale, offset, oh, sampling);
    const Bins columns(box[0], box[2], scale, offset, ow, sampling);
    const auto count =
        static_cast<double>(std::max<std::int64_t>(1, rows.samples * columns.samples));
    for (std::int64_t c = 0; c < s[1]; ++c) {
      const float* plane = call.x().f32.data() + (n * s[1] + c) * s[2] * s[3];
      for (std::int64_t cell = 0; cell < oh * ow; ++cell) {
        double sum = 0;
        double top = rows.samples * columns.samples > 0 ? -HUGE_VAL : 0;
        for (std::int64_t j = 0; j < rows.samples; ++j) {
          for (std::int64_t i = 0; i < columns.samples; ++i) {
            const auto v =
                Corners(plane, s[2], s[3], rows.At(cell / ow, j), columns.At(cell % ow, i));
            sum += v[0] + v[1] + v[2] + v[3];
            top = std::max({top, v[0], v[1], v[2], v[3]});
          }
        }
        *out++ = static_cast<float>(takes_max ? top : sum / count);
      }
    }
  }
  return {};
}

}  // namespace tf2::interp
