// Builds the float graph node by node. Every value has its static shape as soon as its node is
// appended, and integer values (shapes, indices, axes) are evaluated where their operands are
// known, so that importers can ask for them.
#ifndef TF2_IMPORT_ONNX_GRAPH_BUILDER_H_
#define TF2_IMPORT_ONNX_GRAPH_BUILDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ir/shape_rules.h"

namespace tf2::import::onnx {

using AttrMap = std::map<std::string, ir::Attr>;

class GraphBuilder {
 public:
  // All constants together take at most `max_constant_bytes`.
  explicit GraphBuilder(std::int64_t max_constant_bytes)
      : max_constant_bytes_(max_constant_bytes) {}

  // A run-time input.
  ir::ValueId AddInput(std::string_view name, ir::DType dtype, ir::Shape shape);
  // A constant. Errors: all constants together are larger than allowed.
  Result<ir::ValueId> AddConstant(std::string_view name, ir::Tensor tensor);
  // An error where `count` more elements of constants are too many; to be asked before making them.
  Status Reserve(ir::DType dtype, std::int64_t count) const;
  // Appends a node; its one output is called `value_name`. Names are made unique. The output has
  // its shape. A node that only renames or reshapes a constant becomes a constant. Errors: the
  // shapes do not fit, or the result is too large; located by the caller.
  Result<ir::ValueId> Emit(ir::OpKind kind, std::string_view node_name, std::string_view value_name,
                           std::vector<ir::ValueId> inputs, AttrMap attrs = {});

  const ir::Graph& graph() const { return graph_; }
  const ir::Shape& ShapeOf(ir::ValueId id) const { return graph_.value(id).shape; }
  ir::DType DTypeOf(ir::ValueId id) const { return graph_.value(id).dtype; }
  // The constant behind `id`; null for a run-time value.
  const ir::Tensor* Constant(ir::ValueId id) const;
  // Whether `id` is a constant or computed from constants only.
  bool IsFixed(ir::ValueId id) const { return fixed_[ir::Index(id)]; }
  // The value of an integer constant or of evaluated shape arithmetic; null where unknown.
  const ir::Tensor* KnownInts(ir::ValueId id) const;

  // Batch sizes of the inputs that were replaced by 1.
  std::vector<std::int64_t> replaced_batches;

  void AddOutput(ir::ValueId id) { graph_.outputs.push_back(id); }
  void SetName(std::string name) { graph_.name = std::move(name); }
  // The graph without the values that nothing uses, verified. Leaves the builder empty.
  Result<ir::Graph> Finish();

 private:
  ir::ValueId AddValue(std::string_view name, ir::DType dtype, ir::Shape shape, bool fixed);
  // Shape and type of the output of `node`, from a graph of this node alone.
  Result<ir::Value> InferOutput(const ir::Node& node) const;

  ir::Graph graph_;
  std::vector<bool> fixed_;
  std::unordered_set<std::string> value_names_;
  std::unordered_set<std::string> node_names_;
  ir::KnownInts known_;
  const std::int64_t max_constant_bytes_;
  std::int64_t constant_bytes_ = 0;
};

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_GRAPH_BUILDER_H_
