// Transposes and slices of constants, done while a model is imported.
#ifndef TF2_IMPORT_ONNX_CONSTANT_MOVES_H_
#define TF2_IMPORT_ONNX_CONSTANT_MOVES_H_

#include <cstddef>
#include <vector>

#include "ir/graph.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {

// `t` with its axes in `order` (a permutation): axis d of the result is axis order[d] of `t`.
ir::Tensor Transposed(const ir::Tensor& t, const std::vector<std::size_t>& order);

// The elements of `t` that `ranges` (one per axis, within the shape) take.
ir::Tensor Sliced(const ir::Tensor& t, const std::vector<ir::SliceRange>& ranges);

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_CONSTANT_MOVES_H_
