#include "ir/einsum.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/kernels.h"

namespace tf2::interp {
namespace {

// How far one operand moves when a label advances.
Strides LabelStrides(const std::vector<std::size_t>& labels, const ir::Shape& shape,
                     std::size_t count) {
  Strides strides(count, 0);
  const Strides dense = DenseStrides(shape);
  for (std::size_t d = 0; d < labels.size(); ++d) {
    if (shape[d] != 1) strides[labels[d]] += dense[d];
  }
  return strides;
}

}  // namespace

// One loop over the labels of the result with one over the others inside.
Status RunEinsum(const Call& call, ir::Tensor& y) {
  std::vector<ir::Shape> shapes;
  for (const ir::Tensor* x : call.inputs) shapes.push_back(x->shape);
  TF2_ASSIGN_OR_RETURN(const ir::Einsum e, ir::Einsum::Parse(call.node.String("equation"), shapes));
  std::vector<std::size_t> order = e.output;
  for (std::size_t label = 0; label < e.sizes.size(); ++label) {
    if (std::find(e.output.begin(), e.output.end(), label) == e.output.end())
      order.push_back(label);
  }
  std::vector<Strides> strides;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    strides.push_back(LabelStrides(e.inputs[i], shapes[i], e.sizes.size()));
  std::int64_t inner = 1;
  for (std::size_t k = e.output.size(); k < order.size(); ++k) inner *= e.sizes[order[k]];
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    using W = std::conditional_t<std::is_same_v<T, float>, double, std::uint64_t>;
    std::vector<std::int64_t> at(order.size(), 0);
    std::vector<std::int64_t> offsets(shapes.size(), 0);
    const auto advance = [&] {
      for (std::size_t k = order.size(); k-- > 0;) {
        const std::int64_t size = e.sizes[order[k]];
        ++at[k];
        const std::int64_t steps = at[k] < size ? 1 : 1 - size;
        for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] += steps * strides[i][order[k]];
        if (at[k] < size) return;
        at[k] = 0;
      }
    };
    for (T& out : DataOf<T>(y)) {
      W sum = 0;
      for (std::int64_t k = 0; k < inner; ++k, advance()) {
        W product = 1;
        for (std::size_t i = 0; i < offsets.size(); ++i)
          product *=
              static_cast<W>(DataOf<T>(*call.inputs[i])[static_cast<std::size_t>(offsets[i])]);
        sum += product;
      }
      out = static_cast<T>(sum);
    }
  });
  return {};
}

}  // namespace tf2::interp
