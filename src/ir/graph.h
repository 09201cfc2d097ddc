// The float graph: what an importer makes of a model file and the passes rewrite. Values are
// single-assignment, nodes are kept in topological order, shapes are static and include the batch
// (axis 0). Everything is an index into a vector, so iteration is deterministic. Activations are
// NCHW.
#ifndef TF2_IR_GRAPH_H_
#define TF2_IR_GRAPH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace tf2::ir {

enum class OpKind : std::uint8_t {
#define TF2_IR_OP(kind, name, min_inputs, max_inputs, outputs) kind,
#include "ir/op_table.def"
};

enum class DType : std::uint8_t { kFloat32 = 0, kInt64 = 1 };

using Shape = std::vector<std::int64_t>;
// Product of the dimensions; 1 for a scalar.
std::int64_t ElementCount(const Shape& shape);
// "[1, 3, 32, 32]".
std::string ToString(const Shape& shape);

// A constant or a run-time value. Exactly one of the two vectors is used, by dtype.
struct Tensor {
  DType dtype = DType::kFloat32;
  Shape shape;
  std::vector<float> f32;
  std::vector<std::int64_t> i64;

  static Tensor Float(Shape shape, std::vector<float> data);
  static Tensor Int(Shape shape, std::vector<std::int64_t> data);
  bool operator==(const Tensor&) const = default;
};

// Index into Graph::values. kNoValue stands for an optional input that is absent.
enum class ValueId : std::int32_t {};
inline constexpr ValueId kNoValue{-1};
constexpr std::size_t Index(ValueId id) { return static_cast<std::size_t>(id); }

struct Value {
  std::string name;  // unique, as in the model where it has one
  DType dtype = DType::kFloat32;
  Shape shape;                             // complete once InferShapes has run
  std::shared_ptr<const Tensor> constant;  // set for weights and folded values
};

using Attr =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;

// One operator. Attributes are those of the operator's row (op_table.h); absent ones have the row's
// default.
struct Node {
  OpKind kind{};
  std::string name;  // of the layer in the model; unique
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::map<std::string, Attr> attrs;

  std::int64_t Int(
      const std::string& key) const;  // CHECKs that the row has it; default where absent
  float Float(const std::string& key) const;
  std::string String(const std::string& key) const;
  std::vector<std::int64_t> Ints(const std::string& key) const;
  std::vector<float> Floats(const std::string& key) const;
  bool HasInput(std::size_t i) const { return i < inputs.size() && inputs[i] != kNoValue; }
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;      // topological order
  std::vector<ValueId> inputs;  // run-time inputs, [n, c, h, w] or [n, k]
  std::vector<ValueId> outputs;
  // Multiply-accumulates of one sample as imported; set by CountMacs after import, kept through the
  // passes but for what they drop of windows.
  std::int64_t macs = 0;

  const Value& value(ValueId id) const { return values[Index(id)]; }
  Value& value(ValueId id) { return values[Index(id)]; }
  bool IsConstant(ValueId id) const { return id != kNoValue && value(id).constant != nullptr; }
  const Tensor& constant(ValueId id) const { return *value(id).constant; }

  ValueId AddValue(std::string name, DType dtype = DType::kFloat32,
                   Shape shape = {});  // makes the name unique
  ValueId AddConstant(std::string name, Tensor tensor);
  // Appends a node with one new output value named as the node; returns the output.
  ValueId AddNode(OpKind kind, std::string name, std::vector<ValueId> inputs,
                  std::map<std::string, Attr> attrs = {});

  // Node index that produces / nodes indices that read `id` (in order); graph outputs are not
  // readers.
  std::optional<std::size_t> Producer(ValueId id) const;
  std::vector<std::size_t> Readers(ValueId id) const;
  bool IsOutput(ValueId id) const;
  // Makes every reader (and graph output) of `from` use `to`.
  void ReplaceUses(ValueId from, ValueId to);
};

// Conv attributes as numbers. pads: top, left, bottom, right.
struct ConvAttrs {
  std::int64_t kh, kw, sh, sw, dh, dw, groups;
  std::int64_t pt, pl, pb, pr;
  bool relu;        // set by fusion
  float pad_value;  // what lies in the padding
};
ConvAttrs ConvAttrsOf(const Graph& graph, const Node& node);

// How an average pool divides: by the elements inside the input, by the whole kernel, or by Caffe's
// rule (the window clipped to the padded input).
enum class PoolDivisor : std::uint8_t { kValid, kKernel, kCaffe };
struct PoolAttrs {
  std::int64_t kh, kw, sh, sw, dh, dw;
  std::int64_t pt, pl, pb, pr;
  bool ceil;            // output size rounded up; windows that start in the end padding are dropped
  PoolDivisor divisor;  // average only
};
// Also for the global pools (kernel = input).
PoolAttrs PoolAttrsOf(const Graph& graph, const Node& node);

// The window of an operator over two or three spatial axes: conv, conv3d, conv_transpose,
// conv_transpose3d and the pools that are not global. Lists have one number per spatial axis; pads
// has those before all axes, then those after.
struct WindowAttrs {
  std::vector<std::int64_t> kernel, strides, dilations, pads;
  std::vector<std::int64_t> output_padding;  // of the transposed ones; zeros elsewhere
  std::int64_t groups = 1;                   // of the weighted ones
  bool ceil = false;                         // of the pools
  PoolDivisor divisor = PoolDivisor::kValid;
};
WindowAttrs WindowAttrsOf(const Graph& graph, const Node& node);

// Sorts nodes topologically (stable); an error names the nodes of a cycle.
Status SortTopologically(Graph& graph);
// Fills every value's shape and dtype in order; an error names node, operator and the shapes that
// do not fit.
Status InferShapes(Graph& graph);
// Arity, attributes, single assignment, order, known shapes, NaN/Inf-free constants, positive dims.
// Located errors.
Status Verify(const Graph& graph);
// One sample as the graph's inputs: `values` holds them one after another, in order, row-major.
// Integers stay exact up to 2^24. Errors: kInvalidArgument for another number of values (says which
// shapes the graph takes), and for one that is no finite number where an integer is wanted.
Result<std::vector<Tensor>> InputsOf(const Graph& graph, std::span<const float> values);
// Multiply-accumulates of one sample (conv and gemm; padded taps counted).
std::int64_t MacsOf(const Graph& graph, const Node& node);
std::int64_t CountMacs(const Graph& graph);

}  // namespace tf2::ir

#endif  // TF2_IR_GRAPH_H_
