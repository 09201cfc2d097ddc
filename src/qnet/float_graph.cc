#include "qnet/float_graph.h"

#include <utility>

#include "interp/interpreter.h"
#include "ir/text.h"

namespace tf2::qnet {

Result<FloatGraph> FloatGraph::Make(const ir::Graph& graph) {
  return Parse(ir::ToText(graph), graph.name);
}

Result<FloatGraph> FloatGraph::Parse(std::string text, const std::string& source) {
  TF2_ASSIGN_OR_RETURN(ir::Graph graph, ir::ParseText(text, source));
  TF2_RETURN_IF_ERROR(ir::Verify(graph));
  FloatGraph result;
  result.contents_ = std::make_shared<const Contents>(Contents{std::move(graph), std::move(text)});
  return result;
}

const FloatGraph::Contents& FloatGraph::contents() const {
  static const Contents empty;
  return contents_ ? *contents_ : empty;
}

Result<std::vector<ir::Tensor>> FloatGraph::Run(std::vector<std::vector<float>> inputs,
                                                ThreadPool* pool) const {
  TF2_CHECK(inputs.size() == graph().inputs.size());
  std::vector<ir::Tensor> tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    tensors.push_back(
        ir::Tensor::Float(graph().value(graph().inputs[i]).shape, std::move(inputs[i])));
  }
  return interp::Run(graph(), tensors, pool);
}

}  // namespace tf2::qnet
