// The data of a tensor by element type. Private to src/interp.
#ifndef TF2_INTERP_DISPATCH_H_
#define TF2_INTERP_DISPATCH_H_

#include <cstdint>
#include <type_traits>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::interp {

template <typename T>
auto& DataOf(auto& tensor) {
  if constexpr (std::is_same_v<T, float>) {
    return tensor.f32;
  } else {
    static_assert(std::is_same_v<T, std::int64_t>);
    return tensor.i64;
  }
}

// f(T{}) for the C++ type T of `dtype`.
template <typename F>
auto Dispatch(ir::DType dtype, F&& f) {
  switch (dtype) {
    case ir::DType::kFloat32:
      return f(float{});
    case ir::DType::kInt64:
      return f(std::int64_t{});
  }
  TF2_CHECK(false, "no such element type");
}

}  // namespace tf2::interp

#endif  // TF2_INTERP_DISPATCH_H_
