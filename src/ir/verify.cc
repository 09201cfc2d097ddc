#include <cmath>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ir/checks.h"
#include "ir/graph.h"
#include "ir/op_table.h"

namespace tf2::ir {
namespace {

bool InRange(const Graph& graph, ValueId id) {
  return id != kNoValue && Index(id) < graph.values.size();
}

bool MayBeAbsent(const OpRow& row, std::size_t input) {
  if (row.kind == OpKind::kConcat || row.kind == OpKind::kEinsum) return false;
  return input >= row.min_inputs || (row.kind == OpKind::kScale && input == 1);
}

Status CheckConstant(const Value& v) {
  const Tensor& t = *v.constant;
  const auto located = [&v](Error e) {
    return std::move(e).At(fmt::format("constant {}", v.name));
  };
  if (t.dtype != v.dtype || t.shape != v.shape) {
    return located(InvalidArgument("the tensor is {} {}, the value {} {}", NameOf(t.dtype),
                                   ToString(t.shape), NameOf(v.dtype), ToString(v.shape)));
  }
  if (Status s = CheckShape(t.shape, t.dtype); !s.ok()) return located(std::move(s.error()));
  const auto count = static_cast<std::size_t>(ElementCount(t.shape));
  const bool is_float = t.dtype == DType::kFloat32;
  if (t.f32.size() != (is_float ? count : 0) || t.i64.size() != (is_float ? 0 : count)) {
    return located(InvalidArgument("{} elements for shape {}", t.f32.size() + t.i64.size(),
                                   ToString(t.shape)));
  }
  for (std::size_t i = 0; i < t.f32.size(); ++i) {
    if (!std::isfinite(t.f32[i])) {
      return located(WithHint(InvalidArgument("element {} is {}", i, t.f32[i]),
                              "the model file holds damaged weights"));
    }
  }
  return {};
}

Status CheckNames(const Graph& graph) {
  std::unordered_set<std::string_view> names;
  for (const Value& v : graph.values) {
    if (v.name.empty()) return InvalidArgument("a value has no name");
    if (!names.insert(v.name).second) return InvalidArgument("two values have the name {}", v.name);
  }
  names.clear();
  for (const Node& node : graph.nodes) {
    if (node.name.empty()) return InvalidArgument("a node has no name");
    if (!names.insert(node.name).second)
      return InvalidArgument("two nodes have the name {}", node.name);
  }
  return {};
}

// Every value is defined once: by a constant, as an input or by a node.
Status CheckDefinitions(const Graph& graph) {
  std::vector<bool> defined(graph.values.size(), false);
  const auto define = [&](ValueId id, const std::string& by) -> Status {
    if (!InRange(graph, id)) return InvalidArgument("{} defines a value that does not exist", by);
    if (defined[Index(id)])
      return InvalidArgument("{} is defined twice", graph.value(id).name).At(by);
    defined[Index(id)] = true;
    return {};
  };
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].constant == nullptr) continue;
    defined[i] = true;
    TF2_RETURN_IF_ERROR(CheckConstant(graph.values[i]));
  }
  for (ValueId id : graph.inputs) TF2_RETURN_IF_ERROR(define(id, "the list of inputs"));
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.outputs) TF2_RETURN_IF_ERROR(define(id, node.name));
  }
  if (graph.outputs.empty()) return InvalidArgument("the graph has no output");
  for (ValueId id : graph.outputs) {
    if (!InRange(graph, id)) return InvalidArgument("an output of the graph does not exist");
    if (!defined[Index(id)])
      return InvalidArgument("nothing produces the output {}", graph.value(id).name);
  }
  return {};
}

// The shapes in the graph are those that inference finds.
Status CheckShapes(const Graph& graph) {
  Graph copy = graph;
  TF2_RETURN_IF_ERROR(InferShapes(copy));
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.outputs) {
      const Value& have = graph.value(id);
      const Value& want = copy.value(id);
      if (have.shape != want.shape || have.dtype != want.dtype) {
        return InvalidArgument("{} is {} {}, inferred {} {}", have.name, NameOf(have.dtype),
                               ToString(have.shape), NameOf(want.dtype), ToString(want.shape))
            .At(node.name);
      }
    }
  }
  return {};
}

}  // namespace

Status CheckNode(const Graph& graph, const Node& node) {
  const OpRow& row = RowOf(node.kind);
  const auto located = [&](Error e) {
    return std::move(e).At(fmt::format("{} ({})", node.name, row.name));
  };
  const std::size_t n = node.inputs.size();
  if (n < row.min_inputs || n > row.max_inputs) {
    return located(
        InvalidArgument("{} inputs, {} to {} are legal", n, row.min_inputs, row.max_inputs));
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (node.inputs[i] == kNoValue) {
      if (!MayBeAbsent(row, i)) return located(InvalidArgument("input {} is absent", i));
    } else if (!InRange(graph, node.inputs[i])) {
      return located(InvalidArgument("input {} does not exist", i));
    }
  }
  if (node.outputs.size() != row.outputs) {
    return located(InvalidArgument("{} outputs instead of {}", node.outputs.size(), row.outputs));
  }
  for (ValueId id : node.outputs) {
    if (!InRange(graph, id)) return located(InvalidArgument("an output does not exist"));
  }
  return CheckAttrs(node);
}

Status Verify(const Graph& graph) {
  for (ValueId id : graph.inputs) {
    if (!InRange(graph, id)) return InvalidArgument("an input of the graph does not exist");
  }
  TF2_RETURN_IF_ERROR(CheckNames(graph));
  for (const Node& node : graph.nodes) TF2_RETURN_IF_ERROR(CheckNode(graph, node));
  TF2_RETURN_IF_ERROR(CheckDefinitions(graph));
  return CheckShapes(graph);
}

}  // namespace tf2::ir
