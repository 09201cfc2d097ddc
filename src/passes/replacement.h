// What stands for one node after a pass: the operators that follow one another from its input to
// its output. Private to src/passes.
#ifndef TF2_PASSES_REPLACEMENT_H_
#define TF2_PASSES_REPLACEMENT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "passes/rewrite.h"

namespace tf2::passes {

using Attrs = std::map<std::string, ir::Attr>;

class Replacement {
 public:
  Replacement(ir::Graph& graph, const ir::Node& node) : graph_(graph), name_(node.name) {}

  ir::ValueId Add(ir::OpKind kind, const char* part, std::vector<ir::ValueId> inputs, Attrs attrs,
                  ir::Shape shape) {
    const ir::ValueId y =
        graph_.AddValue(name_ + "/" + part, ir::DType::kFloat32, std::move(shape));
    nodes_.push_back({kind, graph_.value(y).name, std::move(inputs), {y}, std::move(attrs)});
    return y;
  }
  ir::ValueId Reshape(const char* part, ir::ValueId x, ir::Shape shape) {
    if (graph_.value(x).shape == shape) return x;
    return Add(ir::OpKind::kReshape, part, {x}, {{"shape", shape}}, shape);
  }
  ir::ValueId Slice(const char* part, ir::ValueId x, std::int64_t axis, std::int64_t start,
                    std::int64_t count, std::int64_t step) {
    ir::Shape shape = graph_.value(x).shape;
    if (start == 0 && step == 1 && shape[static_cast<std::size_t>(axis)] == count) return x;
    shape[static_cast<std::size_t>(axis)] = count;
    return Add(ir::OpKind::kSlice, part, {x},
               {{"starts", Ints{start}},
                {"ends", Ints{start + (count - 1) * step + 1}},
                {"axes", Ints{axis}},
                {"steps", Ints{step}}},
               std::move(shape));
  }
  ir::ValueId Transpose(const char* part, ir::ValueId x, const Ints& perm) {
    ir::Shape shape;
    for (const std::int64_t d : perm) {
      shape.push_back(graph_.value(x).shape[static_cast<std::size_t>(d)]);
    }
    return Add(ir::OpKind::kTranspose, part, {x}, {{"perm", perm}}, std::move(shape));
  }
  ir::ValueId Constant(const char* part, ir::Tensor tensor) {
    return graph_.AddConstant(name_ + "/" + part, std::move(tensor));
  }
  const ir::Shape& ShapeOf(ir::ValueId id) const { return graph_.value(id).shape; }

  // The operators instead of node `index`; the last of them yields its output. The first whose kind
  // is among `named`, one of which must be there, has its name.
  void Finish(std::size_t index,
              std::initializer_list<ir::OpKind> named = {ir::OpKind::kConv, ir::OpKind::kMaxPool,
                                                         ir::OpKind::kAvgPool}) {
    nodes_.back().outputs = graph_.nodes[index].outputs;
    std::ranges::find_if(nodes_, [&](const ir::Node& n) {
      return std::ranges::find(named, n.kind) != named.end();
    })->name = name_;
    const auto at = graph_.nodes.begin() + static_cast<std::ptrdiff_t>(index);
    const auto next = graph_.nodes.erase(at);
    graph_.nodes.insert(next, std::make_move_iterator(nodes_.begin()),
                        std::make_move_iterator(nodes_.end()));
  }

 private:
  ir::Graph& graph_;
  std::string name_;
  std::vector<ir::Node> nodes_;
};

}  // namespace tf2::passes

#endif  // TF2_PASSES_REPLACEMENT_H_
