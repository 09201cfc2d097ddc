// lrn, group_norm, layer_norm, mvn, l2_normalize. Sums are made in double.
#include <algorithm>
#include <cmath>
#include <vector>

#include "interp/broadcast.h"
#include "interp/kernels.h"
#include "interp/pool_axis.h"
#include "interp/ranges.h"
#include "interp/wide.h"
#include "ir/shape_math.h"

namespace tf2::interp {
namespace {

struct LrnParams {
  std::int64_t size;
  double alpha, beta, bias;
};

// One sample [c, inner]: channel c sums channels c - (size - 1) / 2 ... c + size / 2.
void LrnAcross(const float* x, std::int64_t channels, std::int64_t inner, const LrnParams& p,
               float* y) {
  const double scale = p.alpha / static_cast<double>(p.size);
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int64_t first = std::max<std::int64_t>(0, c - (p.size - 1) / 2);
    const std::int64_t last = std::min(channels - 1, c + p.size / 2);
    for (std::int64_t i = 0; i < inner; ++i) {
      double sum = 0;
      for (std::int64_t k = first; k <= last; ++k) {
        const double v = x[k * inner + i];
        sum += v * v;
      }
      y[c * inner + i] =
          static_cast<float>(x[c * inner + i] / std::pow(p.bias + scale * sum, p.beta));
    }
  }
}

// One plane [h, w]: squares are averaged over a window of size x size, by the part of it that lies
// in the padded plane (Caffe's average pooling).
void LrnWithin(const float* x, std::int64_t h, std::int64_t w, const LrnParams& p, float* y) {
  const std::int64_t pad = (p.size - 1) / 2;
  const auto rows = PoolWindows({h, h, p.size, 1, 1, pad, pad}, ir::PoolDivisor::kCaffe);
  const auto columns = PoolWindows({w, w, p.size, 1, 1, pad, pad}, ir::PoolDivisor::kCaffe);
  for (std::int64_t r = 0; r < h; ++r) {
    const PoolWindow& row = rows[static_cast<std::size_t>(r)];
    for (std::int64_t c = 0; c < w; ++c) {
      const PoolWindow& column = columns[static_cast<std::size_t>(c)];
      double sum = 0;
      for (std::int64_t j = row.first; j < row.first + row.taps; ++j) {
        for (std::int64_t i = column.first; i < column.first + column.taps; ++i)
          sum += static_cast<double>(x[j * w + i]) * x[j * w + i];
      }
      const double mean = sum / static_cast<double>(row.divisor * column.divisor);
      y[r * w + c] = static_cast<float>(x[r * w + c] / std::pow(p.bias + p.alpha * mean, p.beta));
    }
  }
}

// Sums over `axes` of x by the position of the others: index(i) of a walk over x.
struct AxisSums {
  ir::Shape kept;   // x's shape with ones at the axes
  Strides strides;  // of the sums along x
  std::int64_t count = 1;

  AxisSums(const ir::Shape& x, const std::vector<std::size_t>& axes) : kept(x) {
    for (std::size_t axis : axes) {
      count *= x[axis];
      kept[axis] = 1;
    }
    strides = BroadcastStrides(kept, x);
  }

  std::vector<double> Zeros() const {
    return std::vector<double>(static_cast<std::size_t>(ir::ElementCount(kept)), 0.0);
  }

  // f(element of x, element of the sums)
  template <typename F>
  void ForEach(const ir::Shape& x, F&& f) const {
    Walk(x, strides, f);
  }
};

}  // namespace

Status RunLrn(const Call& call, ir::Tensor& y) {
  const LrnParams p = {call.node.Int("size"), call.node.Float("alpha"), call.node.Float("beta"),
                       call.node.Float("bias")};
  const ir::Shape& s = y.shape;
  const float* x = call.x().f32.data();
  if (call.node.String("region") == "within") {
    for (std::int64_t plane = 0; plane < s[0] * s[1]; ++plane) {
      const std::int64_t at = plane * s[2] * s[3];
      LrnWithin(x + at, s[2], s[3], p, y.f32.data() + at);
    }
    return {};
  }
  const std::int64_t inner = ir::ElementCount({s.begin() + 2, s.end()});
  for (std::int64_t n = 0; n < s[0]; ++n) {
    const std::int64_t at = n * s[1] * inner;
    LrnAcross(x + at, s[1], inner, p, y.f32.data() + at);
  }
  return {};
}

Status RunGroupNorm(const Call& call, ir::Tensor& y) {
  const ir::Shape& s = y.shape;
  const std::int64_t groups = call.node.Int("groups");
  const std::int64_t inner = ir::ElementCount({s.begin() + 2, s.end()});
  const std::int64_t channels = s[1] / groups;
  const std::int64_t size = channels * inner;
  const double epsilon = call.node.Float("epsilon");
  const float* const gamma = call.Data(1);
  const float* const beta = call.Data(2);
  const Wide& wide = WideLoops();
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t g = begin; g < end; ++g) {
      const float* x = call.x().f32.data() + g * size;
      const Moments m = wide.moments(x, size);
      const double factor = 1 / std::sqrt(m.variance + epsilon);
      const std::int64_t first = g % groups * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        wide.normalize(
            x + c * inner, inner, m, factor, gamma == nullptr ? nullptr : gamma + first + c,
            beta == nullptr ? nullptr : beta + first + c, 0, y.f32.data() + g * size + c * inner);
      }
    }
  };
  ForRanges(call.pool, s[0] * groups, size, run);
  return {};
}

Status RunLayerNorm(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), y.shape.size()));
  const ir::Shape inner(y.shape.begin() + static_cast<std::ptrdiff_t>(axis), y.shape.end());
  const std::int64_t size = ir::ElementCount(inner);
  const double epsilon = call.node.Float("epsilon");
  // gamma and beta as large as what is normalised
  std::array<std::vector<float>, 2> parameters;
  std::array<const float*, 2> data{};
  for (std::size_t k = 0; k < 2; ++k) {
    if (!call.node.HasInput(k + 1)) continue;
    parameters[k].resize(static_cast<std::size_t>(size));
    CopyStrided(call.x(k + 1).f32.data(), inner, BroadcastStrides(call.x(k + 1).shape, inner),
                parameters[k].data());
    data[k] = parameters[k].data();
  }
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin * size; at < end * size; at += size)
      LayerNormRow(call.x().f32.data() + at, size, epsilon, data[0], data[1], y.f32.data() + at);
  };
  ForRanges(call.pool, std::ssize(y.f32) / size, size, run);
  return {};
}

Status RunMvn(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const auto axes, ir::NormalizeAxes(call.node.Ints("axes"), y.shape.size()));
  const AxisSums sums(y.shape, axes);
  const std::vector<float>& x = call.x().f32;
  const auto count = static_cast<double>(sums.count);
  const double epsilon = call.node.Float("epsilon");
  std::vector<double> mean = sums.Zeros();
  sums.ForEach(y.shape, [&](std::size_t i, std::size_t s) { mean[s] += x[i]; });
  for (double& m : mean) m /= count;
  std::vector<double> spread = sums.Zeros();
  sums.ForEach(y.shape, [&](std::size_t i, std::size_t s) {
    spread[s] += (x[i] - mean[s]) * (x[i] - mean[s]);
  });
  const bool divides = call.node.Int("variance") != 0;
  for (double& v : spread) v = divides ? std::sqrt(v / count) + epsilon : 1;
  sums.ForEach(y.shape, [&](std::size_t i, std::size_t s) {
    y.f32[i] = static_cast<float>((x[i] - mean[s]) / spread[s]);
  });
  return {};
}

Status RunL2Normalize(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const auto axes, ir::NormalizeAxes(call.node.Ints("axes"), y.shape.size()));
  const AxisSums sums(y.shape, axes);
  const std::vector<float>& x = call.x().f32;
  std::vector<double> norm = sums.Zeros();
  sums.ForEach(y.shape,
               [&](std::size_t i, std::size_t s) { norm[s] += static_cast<double>(x[i]) * x[i]; });
  for (double& n : norm) n = std::sqrt(n + call.node.Float("epsilon"));
  sums.ForEach(y.shape, [&](std::size_t i, std::size_t s) {
    y.f32[i] = norm[s] == 0 ? 0.0F : static_cast<float>(x[i] / norm[s]);
  });
  return {};
}

}  // namespace tf2::interp
