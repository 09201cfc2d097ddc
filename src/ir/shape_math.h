// Arithmetic on shapes that shape inference, importers and the interpreter share: axes, slices,
// broadcasting and the sizes of windows.
#ifndef TF2_IR_SHAPE_MATH_H_
#define TF2_IR_SHAPE_MATH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::ir {

// Largest size of one dimension, and of kernel, stride, dilation and padding.
inline constexpr std::int64_t kMaxDimension = std::int64_t{1} << 24;
// Most axes of one tensor.
inline constexpr std::size_t kMaxRank = 64;
// Most elements of one tensor (8 GiB of floats).
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;

// `axis` counted from the front; -1 is the last of `rank` axes. An error where -rank <= axis < rank
// does not hold.
Result<std::size_t> NormalizeAxis(std::int64_t axis, std::size_t rank);

// The axes of a squeeze or unsqueeze, normalised to `rank` and in ascending order. An error where
// one repeats.
Result<std::vector<std::size_t>> NormalizeAxes(const std::vector<std::int64_t>& axes,
                                               std::size_t rank);

// Numpy broadcasting, as ONNX has it: aligned at the last axis, sizes equal or one of them 1.
Result<Shape> BroadcastShape(const Shape& a, const Shape& b);

// The axes of a reduction, ascending; all where `axes` is empty.
Result<std::vector<std::size_t>> ReducedAxes(const std::vector<std::int64_t>& axes,
                                             std::size_t rank);

// The coordinates of element `flat` of a dense tensor of `shape`.
std::vector<std::int64_t> Coordinates(const Shape& shape, std::int64_t flat);

// The shape of a matrix product as numpy has it.
Result<Shape> MatMulResult(const Shape& a, const Shape& b);

// What a slice takes along one axis: elements start, start + step, ...; step may be negative.
struct SliceRange {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};
// One range per axis of `shape` for a slice node. Starts and ends beyond the axis are clamped as
// ONNX does.
Result<std::vector<SliceRange>> SliceRangesOf(const Node& node, const Shape& shape);

// One axis of a window that slides over an input of `in` elements with `pad_begin` and `pad_end`
// around it.
struct WindowAxis {
  std::int64_t in, kernel, stride, dilation, pad_begin, pad_end;
  bool ceil = false;
};
// Number of positions: floor((in + pads - extent) / stride) + 1 with extent = dilation * (kernel -
// 1) + 1, or rounded up where `ceil`, less a last window that would start in the end padding. Caffe
// does so when it has padding (pooling_layer.cpp), PyTorch always since 1.5 (pooling_shape.h), ONNX
// Runtime since 1.16 (pool_attributes.h; the ONNX text says so since operator set 22). Without
// padding they can only differ where stride > kernel, where Caffe reads an empty window. 0 where no
// window fits.
std::int64_t WindowCount(const WindowAxis& axis);

}  // namespace tf2::ir

#endif  // TF2_IR_SHAPE_MATH_H_
