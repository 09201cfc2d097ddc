// Builds the float graph node by node, for importers. Every value has its static shape as soon as
// its node is appended, and integer values (shapes, indices, axes) are evaluated where their
// operands are known, so that importers can ask for them.
#ifndef TF2_IR_GRAPH_BUILDER_H_
#define TF2_IR_GRAPH_BUILDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ir/shape_rules.h"

namespace tf2::ir {

using AttrMap = std::map<std::string, Attr>;

class GraphBuilder {
 public:
  // All constants together take at most `max_constant_bytes`.
  explicit GraphBuilder(std::int64_t max_constant_bytes)
      : max_constant_bytes_(max_constant_bytes) {}

  // A run-time input.
  ValueId AddInput(std::string_view name, DType dtype, Shape shape);
  // A constant. Errors: all constants together are larger than allowed.
  Result<ValueId> AddConstant(std::string_view name, Tensor tensor);
  // An error where `count` more elements of constants are too many; to be asked before making them.
  Status Reserve(DType dtype, std::int64_t count) const;
  // Appends a node; its one output is called `value_name`. Names are made unique. The output has
  // its shape. A node that only renames or reshapes a constant becomes a constant. Errors: the
  // shapes do not fit, or the result is too large; located by the caller.
  Result<ValueId> Emit(OpKind kind, std::string_view node_name, std::string_view value_name,
                       std::vector<ValueId> inputs, AttrMap attrs = {});

  const Graph& graph() const { return graph_; }
  const Shape& ShapeOf(ValueId id) const { return graph_.value(id).shape; }
  DType DTypeOf(ValueId id) const { return graph_.value(id).dtype; }
  // The constant behind `id`; null for a run-time value.
  const Tensor* Constant(ValueId id) const;
  // Whether `id` is a constant or computed from constants only.
  bool IsFixed(ValueId id) const { return fixed_[Index(id)]; }
  // The value of an integer constant or of evaluated shape arithmetic; null where unknown.
  const Tensor* IntsOf(ValueId id) const;
  // The value of a constant, or of what is evaluated from shapes and small constants; null where
  // unknown.
  const Tensor* KnownOf(ValueId id) const;

  // Notes that an input of the file has batch `batch`, which became 1.
  void NoteReplacedBatch(std::int64_t batch) { replaced_batches_.push_back(batch); }
  // Makes the first number of `target`, the shape that `x` is to be reshaped to, 1 where it is a
  // batch that was replaced and the elements fit then. 0 copies a dimension, -1 is inferred.
  void FollowBatch(ValueId x, Shape& target) const;

  void AddOutput(ValueId id) { graph_.outputs.push_back(id); }
  void SetName(std::string name) { graph_.name = std::move(name); }
  // The graph without the values that nothing uses, verified. Leaves the builder empty.
  Result<Graph> Finish();

 private:
  ValueId AddValue(std::string_view name, DType dtype, Shape shape, bool fixed);
  // Shape and type of the output of `node`, from a graph of this node alone.
  Result<Value> InferOutput(const Node& node) const;

  Graph graph_;
  std::vector<bool> fixed_;
  std::unordered_map<std::string, int> value_names_;  // how often each was asked for
  std::unordered_map<std::string, int> node_names_;
  KnownValues known_;
  std::vector<std::int64_t> replaced_batches_;
  const std::int64_t max_constant_bytes_;
  std::int64_t constant_bytes_ = 0;
};

}  // namespace tf2::ir

#endif  // TF2_IR_GRAPH_BUILDER_H_
