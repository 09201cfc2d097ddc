// Rules of one operator. Internal to src/qnet.
#ifndef TF2_QNET_VERIFY_OP_H_
#define TF2_QNET_VERIFY_OP_H_

#include <functional>
#include <utility>

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

// Largest kernel, stride, dilation and padding.
inline constexpr std::int32_t kMaxWindow = 1 << 15;

template <typename... A>
Error Broken(fmt::format_string<A...> f, A&&... a) {
  return InvalidArgument(f, std::forward<A>(a)...);
}

// The inputs of a float graph are reals of as many elements as the tensors that stand for them.
template <typename List, typename Projection>
Status CheckGraphInputs(const QNet& net, const FloatGraph& float_graph, const List& tensors,
                        Projection tensor_of) {
  const ir::Graph& graph = float_graph.graph();
  if (graph.inputs.size() != tensors.size())
    return Broken("its graph has {} inputs for {} tensors", graph.inputs.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const ir::Value& value = graph.value(graph.inputs[i]);
    const Tensor& tensor = net.tensor(std::invoke(tensor_of, tensors[i]));
    if (value.dtype != ir::DType::kFloat32 || ir::ElementCount(value.shape) != tensor.elements()) {
      return Broken("its graph's input {} of shape {} is not the {} values of %{}", value.name,
                    ir::ToString(value.shape), tensor.elements(), tensor.name);
    }
  }
  return {};
}

// Inputs, windows, parameter vectors, ranges and the accumulator's bound. The tensors of `net` are
// well-formed and `op` names existing ones. The error states the rule, not the operator.
Status VerifyOp(const QNet& net, const Op& op);

}  // namespace tf2::qnet

#endif  // TF2_QNET_VERIFY_OP_H_
