// What a convolution reads, as a matrix: a row per tap (channel, ky, kx), a column per output
// position. Internal to src/quantize.
#ifndef TF2_QUANTIZE_COLUMNS_H_
#define TF2_QUANTIZE_COLUMNS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qnet/qnet.h"

namespace tf2::quantize {

// The geometry of one convolution's input and output.
struct ColumnShape {
  std::int32_t c, h, w;  // input
  std::int32_t oh, ow;   // output
  qnet::Window window;
  std::int32_t groups = 1;
  std::int8_t pad_value = 0;  // of the integers; the floats' is the same real value
  float real_pad_value = 0;

  std::size_t taps() const {  // of one group
    return static_cast<std::size_t>(c / groups) * static_cast<std::size_t>(window.kh) *
           static_cast<std::size_t>(window.kw);
  }
  std::size_t positions() const {
    return static_cast<std::size_t>(oh) * static_cast<std::size_t>(ow);
  }
};
ColumnShape ColumnShapeOf(const qnet::QNet& net, const qnet::Op& op);

// Columns of `group` at the `count` positions from `first` on: out[tap * count + p].
// T: std::int8_t or float.
template <typename T>
void GatherRange(const ColumnShape& shape, const T* x, std::int32_t group, std::size_t first,
                 std::size_t count, float* out);
// The same at chosen positions.
template <typename T>
void GatherAt(const ColumnShape& shape, const T* x, std::int32_t group,
              std::span<const std::int32_t> positions, float* out);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_COLUMNS_H_
