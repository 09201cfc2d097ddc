#include "quantize/columns.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace tf2::quantize {
namespace {

// What lies around the input.
template <typename T>
float Around(const ColumnShape& s) {
  return std::is_same_v<T, float> ? s.real_pad_value : static_cast<float>(s.pad_value);
}

// One tap of one channel at the positions [x0, x0 + n) of output row `oy`.
template <typename T>
void GatherRow(const ColumnShape& s, const T* plane, std::int64_t iy, std::int64_t tap_x,
               std::int64_t x0, std::int64_t n, float* out) {
  if (iy < 0 || iy >= s.h) {
    std::fill_n(out, n, Around<T>(s));
    return;
  }
  const T* row = plane + iy * s.w;
  const std::int64_t sw = s.window.sw;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t ix = (x0 + i) * sw + tap_x;
    out[i] = ix >= 0 && ix < s.w ? static_cast<float>(row[ix]) : Around<T>(s);
  }
}

// The same for stride 1: a copy between two margins.
template <typename T>
void GatherDense(const ColumnShape& s, const T* plane, std::int64_t iy, std::int64_t start,
                 std::int64_t n, float* out) {
  if (iy < 0 || iy >= s.h) {
    std::fill_n(out, n, Around<T>(s));
    return;
  }
  const T* row = plane + iy * s.w + start;
  const std::int64_t left = std::clamp<std::int64_t>(-start, 0, n);
  const std::int64_t right = std::clamp<std::int64_t>(s.w - start, left, n);
  std::fill_n(out, left, Around<T>(s));
  for (std::int64_t i = left; i < right; ++i) out[i] = static_cast<float>(row[i]);
  std::fill(out + right, out + n, Around<T>(s));
}

}  // namespace

ColumnShape ColumnShapeOf(const qnet::QNet& net, const qnet::Op& op) {
  const auto& conv = std::get<qnet::Conv>(op.params);
  const qnet::Tensor& in = net.tensor(op.inputs[0]);
  const qnet::Tensor& out = net.tensor(op.output);
  return {in.c(),      in.h(),         in.w(),
          out.h(),     out.w(),        conv.window,
          conv.groups, conv.pad_value, static_cast<float>(std::ldexp(conv.pad_value, -in.q[0]))};
}

template <typename T>
void GatherRange(const ColumnShape& s, const T* x, std::int32_t group, std::size_t first,
                 std::size_t count, float* out) {
  const qnet::Window& w = s.window;
  const std::int32_t channels = s.c / s.groups;
  const auto last = static_cast<std::int64_t>(first + count);
  for (std::int32_t c = group * channels; c < (group + 1) * channels; ++c) {
    const T* plane = x + std::int64_t{c} * s.h * s.w;
    for (std::int32_t ky = 0; ky < w.kh; ++ky) {
      for (std::int32_t kx = 0; kx < w.kw; ++kx, out += count) {
        float* to = out;
        for (auto p = static_cast<std::int64_t>(first); p < last;) {
          const std::int64_t oy = p / s.ow;
          const std::int64_t ox = p % s.ow;
          const std::int64_t n = std::min<std::int64_t>(s.ow - ox, last - p);
          const std::int64_t iy = oy * w.sh - w.ph + std::int64_t{ky} * w.dh;
          const std::int64_t tap_x = std::int64_t{kx} * w.dw - w.pw;
          if (w.sw == 1) {
            GatherDense(s, plane, iy, ox + tap_x, n, to);
          } else {
            GatherRow(s, plane, iy, tap_x, ox, n, to);
          }
          to += n;
          p += n;
        }
      }
    }
  }
}

template <typename T>
void GatherAt(const ColumnShape& s, const T* x, std::int32_t group,
              std::span<const std::int32_t> positions, float* out) {
  const qnet::Window& w = s.window;
  const std::int32_t channels = s.c / s.groups;
  for (std::int32_t c = group * channels; c < (group + 1) * channels; ++c) {
    const T* plane = x + std::int64_t{c} * s.h * s.w;
    for (std::int32_t ky = 0; ky < w.kh; ++ky) {
      for (std::int32_t kx = 0; kx < w.kw; ++kx) {
        for (const std::int32_t p : positions) {
          const std::int32_t iy = p / s.ow * w.sh - w.ph + ky * w.dh;
          const std::int32_t ix = p % s.ow * w.sw - w.pw + kx * w.dw;
          const bool inside = iy >= 0 && iy < s.h && ix >= 0 && ix < s.w;
          *out++ = inside ? static_cast<float>(plane[std::int64_t{iy} * s.w + ix]) : Around<T>(s);
        }
      }
    }
  }
}

template void GatherRange<std::int8_t>(const ColumnShape&, const std::int8_t*, std::int32_t,
                                       std::size_t, std::size_t, float*);
template void GatherRange<float>(const ColumnShape&, const float*, std::int32_t, std::size_t,
                                 std::size_t, float*);
template void GatherAt<std::int8_t>(const ColumnShape&, const std::int8_t*, std::int32_t,
                                    std::span<const std::int32_t>, float*);
template void GatherAt<float>(const ColumnShape&, const float*, std::int32_t,
                              std::span<const std::int32_t>, float*);

}  // namespace tf2::quantize
