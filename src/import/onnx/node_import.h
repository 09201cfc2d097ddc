// One ONNX node while it is imported: what the importer of its operator reads from it, and how it
// puts the result into the graph. The importers are in ops_*.cc, each with a table of its family.
#ifndef TF2_IMPORT_ONNX_NODE_IMPORT_H_
#define TF2_IMPORT_ONNX_NODE_IMPORT_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "import/onnx/attributes.h"
#include "ir/graph.h"
#include "ir/graph_builder.h"

namespace tf2::import::onnx {

struct NodeImport;
// Imports one node: reads `n`, emits graph nodes, sets its outputs.
using ImportFunction = Status (*)(NodeImport& n);

struct NodeImport {
  ir::GraphBuilder& builder;
  Attributes attrs;
  std::int64_t opset;                // of the default domain
  std::string op_type;               // with its domain where that is not the default one
  std::string name;                  // of the graph node
  std::vector<ir::ValueId> inputs;   // kNoValue where left out
  std::vector<std::int32_t> types;   // element types of the inputs in the model; 0 where left out
  std::vector<std::string> outputs;  // names; empty where nothing reads the output
  std::optional<std::filesystem::path> folder;
  ir::ValueId result = ir::kNoValue;  // output 0, set by the importer of the operator
  std::int32_t result_type = 0;       // its element type in the model; 0: as input 0
  struct Output {
    ir::ValueId id;
    std::int32_t type;  // 0: float or int64
  };
  std::map<std::size_t, Output> more = {};  // the outputs behind the first that were made

  bool HasInput(std::size_t i) const { return i < inputs.size() && inputs[i] != ir::kNoValue; }
  std::int32_t TypeOf(std::size_t i) const { return i < types.size() ? types[i] : 0; }
  bool Reads(std::size_t output) const {
    return output < outputs.size() && !outputs[output].empty();
  }
  // An error where fewer than `least` or more than `most` inputs are given, or a required one is
  // left out.
  Status ExpectInputs(std::size_t least, std::size_t most) const;
  // An error where an output but the first is read; `what` says what it would hold.
  Status ExpectOneOutput(std::string_view what) const;
  // The shape of a present input.
  const ir::Shape& ShapeOf(std::size_t i) const { return builder.ShapeOf(inputs[i]); }
  // The integers that input i is known to hold; an error that calls it `what` where they are not
  // known.
  Result<std::vector<std::int64_t>> KnownInts(std::size_t i, std::string_view what) const;
  // Integers that were an attribute before operator set `since` and are input i from then on; none
  // where absent.
  Result<std::optional<std::vector<std::int64_t>>> IntsOf(const char* attr, std::int64_t since,
                                                          std::size_t i);

  // A node of the graph that this ONNX node needs besides; `part` makes its name.
  Result<ir::ValueId> EmitPart(ir::OpKind kind, std::string_view part,
                               std::vector<ir::ValueId> operands,
                               ir::AttrMap node_attrs = {}) const;
  // The node whose output is output 0.
  Status EmitResult(ir::OpKind kind, std::vector<ir::ValueId> operands,
                    ir::AttrMap node_attrs = {});
  // The node whose output is output i, which is read.
  Status EmitOutput(std::size_t i, ir::OpKind kind, std::vector<ir::ValueId> operands,
                    ir::AttrMap node_attrs = {});
  // Makes a value that exists an output behind the first.
  void SetOutput(std::size_t i, ir::ValueId id, std::int32_t type = 0) { more[i] = {id, type}; }
  // What `import` makes of the inputs as they are, under the name of a part of this node.
  Result<ir::ValueId> AsPart(std::string_view part, ImportFunction import);
  // A constant that belongs to this node.
  Result<ir::ValueId> AddConstant(std::string_view part, ir::Tensor tensor) const;
};

// The name under which the tables list an operator: its type, behind its domain where that is not
// the default one ("com.microsoft.Gelu"); the domains of QONNX, Brevitas and FINN are "qonnx".
std::string OperatorName(const onnx_pb::Node& node);
// The importer of an operator by that name; null where tf2 has none.
ImportFunction FindOperator(std::string_view name);
// The names of all operators, sorted.
std::vector<std::string_view> OperatorNames();
// What to do about an operator that tf2 does not import.
std::string UnsupportedHint(std::string_view name);

// The operators of one family, by ops_*.cc.
struct OperatorRow {
  std::string_view name;
  ImportFunction import;
};
std::vector<OperatorRow> ActivationOperators();
std::vector<OperatorRow> ElementwiseOperators();
std::vector<OperatorRow> IndexOperators();
std::vector<OperatorRow> LinearOperators();
std::vector<OperatorRow> LossOperators();
std::vector<OperatorRow> MovementOperators();
std::vector<OperatorRow> NormOperators();
std::vector<OperatorRow> QuantizedOperators();
std::vector<OperatorRow> ReduceOperators();
std::vector<OperatorRow> ResizeOperators();
std::vector<OperatorRow> ShapeOperators();
std::vector<OperatorRow> WindowOperators();

Status ImportConv(NodeImport& n);     // also what quantised convolutions are made of
Status ImportMaxPool(NodeImport& n);  // also of QONNX

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_NODE_IMPORT_H_
