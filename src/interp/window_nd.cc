// Convolutions and pools over two or three spatial axes by plain loops: conv3d, conv_transpose,
// conv_transpose3d, max_pool_indices, max_pool3d, avg_pool3d. Two axes are three of which the first
// has one element.
#include <algorithm>
#include <limits>
#include <vector>

#include "interp/kernels.h"
#include "interp/pool_axis.h"

namespace tf2::interp {
namespace {

constexpr std::size_t kAxes = 3;

// One spatial axis.
struct WindowAxis {
  std::int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0;
};

std::array<WindowAxis, kAxes> AxesOf(const ir::WindowAttrs& a, const ir::Shape& x,
                                     const ir::Shape& y) {
  std::array<WindowAxis, kAxes> axes;
  const std::size_t n = a.kernel.size();
  for (std::size_t d = 0; d < n; ++d) {
    axes[d + kAxes - n] = {x[d + 2],       y[d + 2],  a.kernel[d],  a.strides[d],
                           a.dilations[d], a.pads[d], a.pads[d + n]};
  }
  return axes;
}

// Calls tap(output position, input position, count) for the run of positions along the last axis at
// which tap `k` of the kernel lies in the input, for every row; outputs step by 1, inputs by the
// stride. For a transposed convolution `in` and `out` change places.
template <typename F>
void ForEachRun(const std::array<WindowAxis, kAxes>& a, const std::array<std::int64_t, kAxes>& k,
                F&& run) {
  const std::int64_t shift = k[2] * a[2].dilation - a[2].pad_begin;
  const std::int64_t first = shift >= 0 ? 0 : (-shift + a[2].stride - 1) / a[2].stride;
  const std::int64_t last =
      a[2].in - 1 - shift < 0 ? -1 : std::min(a[2].out - 1, (a[2].in - 1 - shift) / a[2].stride);
  if (last < first) return;
  for (std::int64_t z = 0; z < a[0].out; ++z) {
    const std::int64_t iz = z * a[0].stride + k[0] * a[0].dilation - a[0].pad_begin;
    if (iz < 0 || iz >= a[0].in) continue;
    for (std::int64_t y = 0; y < a[1].out; ++y) {
      const std::int64_t iy = y * a[1].stride + k[1] * a[1].dilation - a[1].pad_begin;
      if (iy < 0 || iy >= a[1].in) continue;
      run((z * a[1].out + y) * a[2].out + first,
          (iz * a[1].in + iy) * a[2].in + first * a[2].stride + shift, last - first + 1);
    }
  }
}

template <typename F>
void ForEachTap(const std::array<WindowAxis, kAxes>& a, F&& tap) {
  std::int64_t index = 0;
  for (std::int64_t z = 0; z < a[0].kernel; ++z) {
    for (std::int64_t y = 0; y < a[1].kernel; ++y) {
      for (std::int64_t x = 0; x < a[2].kernel; ++x) tap(index++, {z, y, x});
    }
  }
}

std::int64_t Volume(const ir::Shape& shape) {
  return ir::ElementCount({shape.begin() + 2, shape.end()});
}

}  // namespace

Status RunConv3d(const Call& call, ir::Tensor& y) {
  const ir::WindowAttrs attrs = ir::WindowAttrsOf(call.graph, call.node);
  const auto axes = AxesOf(attrs, call.x().shape, y.shape);
  const ir::Shape& w = call.x(1).shape;
  const std::int64_t in = Volume(call.x().shape);
  const std::int64_t out = Volume(y.shape);
  const std::int64_t taps = Volume(w);
  std::vector<double> sum(static_cast<std::size_t>(out));
  for (std::int64_t n = 0; n < y.shape[0]; ++n) {
    for (std::int64_t o = 0; o < w[0]; ++o) {
      std::fill(sum.begin(), sum.end(), call.Data(2) != nullptr ? call.Data(2)[o] : 0.0);
      const std::int64_t group = o / (w[0] / attrs.groups);
      for (std::int64_t c = 0; c < w[1]; ++c) {
        const float* x = call.x().f32.data() + (n * call.x().shape[1] + group * w[1] + c) * in;
        const float* weights = call.x(1).f32.data() + (o * w[1] + c) * taps;
        ForEachTap(axes, [&](std::int64_t tap, const std::array<std::int64_t, kAxes>& k) {
          const double v = weights[tap];
          ForEachRun(axes, k, [&](std::int64_t to, std::int64_t from, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i)
              sum[static_cast<std::size_t>(to + i)] += v * x[from + i * axes[2].stride];
          });
        });
      }
      std::copy(sum.begin(), sum.end(), y.f32.begin() + (n * w[0] + o) * out);
    }
  }
  return {};
}

Status RunConvTranspose(const Call& call, ir::Tensor& y) {
  const ir::WindowAttrs attrs = ir::WindowAttrsOf(call.graph, call.node);
  // The window of a convolution from y to x.
  const auto axes = AxesOf(attrs, y.shape, call.x().shape);
  const ir::Shape& w = call.x(1).shape;
  const std::int64_t in = Volume(call.x().shape);
  const std::int64_t out = Volume(y.shape);
  const std::int64_t taps = Volume(w);
  const std::int64_t channels = y.shape[1];
  const std::int64_t ic_group = w[0] / attrs.groups;
  std::vector<double> sum(static_cast<std::size_t>(out));
  for (std::int64_t n = 0; n < y.shape[0]; ++n) {
    for (std::int64_t o = 0; o < channels; ++o) {
      std::fill(sum.begin(), sum.end(), call.Data(2) != nullptr ? call.Data(2)[o] : 0.0);
      const std::int64_t group = o / w[1];
      for (std::int64_t c = group * ic_group; c < (group + 1) * ic_group; ++c) {
        const float* x = call.x().f32.data() + (n * w[0] + c) * in;
        const float* weights = call.x(1).f32.data() + (c * w[1] + o % w[1]) * taps;
        ForEachTap(axes, [&](std::int64_t tap, const std::array<std::int64_t, kAxes>& k) {
          const double v = weights[tap];
          ForEachRun(axes, k, [&](std::int64_t from, std::int64_t to, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i)
              sum[static_cast<std::size_t>(to + i * axes[2].stride)] += v * x[from + i];
          });
        });
      }
      std::copy(sum.begin(), sum.end(), y.f32.begin() + (n * channels + o) * out);
    }
  }
  return {};
}

namespace {

// The windows of a pool along its three axes, and the calls window(plane, z, y, x) for each.
struct PoolRun {
  std::array<WindowAxis, kAxes> axes;
  std::array<std::vector<PoolWindow>, kAxes> windows;
  std::int64_t planes, in;

  PoolRun(const Call& call, const ir::Tensor& y)
      : planes(y.shape[0] * y.shape[1]), in(Volume(call.x().shape)) {
    const ir::WindowAttrs attrs = ir::WindowAttrsOf(call.graph, call.node);
    axes = AxesOf(attrs, call.x().shape, y.shape);
    for (std::size_t d = 0; d < kAxes; ++d) {
      const WindowAxis& a = axes[d];
      windows[d] = PoolWindows(
          {a.in, a.out, a.kernel, a.stride, a.dilation, a.pad_begin, a.pad_end}, attrs.divisor);
    }
  }

  // f(plane, z window, y window, x window, output index)
  template <typename F>
  void ForEach(F&& f) const {
    std::size_t at = 0;
    for (std::int64_t plane = 0; plane < planes; ++plane) {
      for (const PoolWindow& z : windows[0]) {
        for (const PoolWindow& y : windows[1]) {
          for (const PoolWindow& x : windows[2]) f(plane, z, y, x, at++);
        }
      }
    }
  }

  // f(offset in the plane) for every tap.
  template <typename F>
  void Taps(const PoolWindow& z, const PoolWindow& y, const PoolWindow& x, F&& f) const {
    for (std::int64_t k = 0; k < z.taps; ++k) {
      for (std::int64_t j = 0; j < y.taps; ++j) {
        const std::int64_t row =
            ((z.first + k * axes[0].dilation) * axes[1].in + y.first + j * axes[1].dilation) *
            axes[2].in;
        for (std::int64_t i = 0; i < x.taps; ++i) f(row + x.first + i * axes[2].dilation);
      }
    }
  }
};

}  // namespace

Status RunMaxPool3d(const Call& call, ir::Tensor& y) {
  const PoolRun run(call, y);
  run.ForEach([&](std::int64_t plane, const PoolWindow& wz, const PoolWindow& wy,
                  const PoolWindow& wx, std::size_t at) {
    const float* x = call.x().f32.data() + plane * run.in;
    float best = -std::numeric_limits<float>::infinity();
    run.Taps(wz, wy, wx, [&](std::int64_t i) { best = std::max(best, x[i]); });
    y.f32[at] = best;
  });
  return {};
}

Status RunAvgPool3d(const Call& call, ir::Tensor& y) {
  const PoolRun run(call, y);
  run.ForEach([&](std::int64_t plane, const PoolWindow& wz, const PoolWindow& wy,
                  const PoolWindow& wx, std::size_t at) {
    const float* x = call.x().f32.data() + plane * run.in;
    double sum = 0;
    run.Taps(wz, wy, wx, [&](std::int64_t i) { sum += x[i]; });
    y.f32[at] = static_cast<float>(sum / static_cast<double>(wz.divisor * wy.divisor * wx.divisor));
  });
  return {};
}

Status RunMaxPoolIndices(const Call& call, ir::Tensor& y) {
  const PoolRun run(call, y);
  const bool column_major = call.node.Int("column_major") != 0;
  const std::int64_t height = run.axes[1].in;
  const std::int64_t width = run.axes[2].in;
  run.ForEach([&](std::int64_t plane, const PoolWindow& wz, const PoolWindow& wy,
                  const PoolWindow& wx, std::size_t at) {
    const float* x = call.x().f32.data() + plane * run.in;
    std::int64_t best = -1;
    run.Taps(wz, wy, wx, [&](std::int64_t i) {
      if (best < 0 || x[i] > x[best]) best = i;
    });
    if (column_major) best = best % width * height + best / width;
    y.i64[at] = plane * run.in + best;
  });
  return {};
}

}  // namespace tf2::interp
