// One ONNX node while it is imported: what the importer of its operator reads from it, and how it
// puts the result into the graph. The importers (ops_*.cc) are listed in ops.cc.
#ifndef TF2_IMPORT_ONNX_NODE_IMPORT_H_
#define TF2_IMPORT_ONNX_NODE_IMPORT_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "import/onnx/attributes.h"
#include "ir/graph.h"
#include "ir/graph_builder.h"

namespace tf2::import::onnx {

struct NodeImport {
  ir::GraphBuilder& builder;
  Attributes attrs;
  std::int64_t opset;                // of the default domain
  std::string name;                  // of the graph node
  std::vector<ir::ValueId> inputs;   // kNoValue where left out
  std::vector<std::string> outputs;  // names; empty where nothing reads the output
  std::optional<std::filesystem::path> folder;
  ir::ValueId result = ir::kNoValue;  // output 0, set by the importer of the operator

  bool HasInput(std::size_t i) const { return i < inputs.size() && inputs[i] != ir::kNoValue; }
  // An error where fewer than `least` or more than `most` inputs are given, or a required one is
  // left out.
  Status ExpectInputs(std::size_t least, std::size_t most) const;
  // An error where an output but the first is read; `what` says what it would hold.
  Status ExpectOneOutput(std::string_view what) const;
  // The shape of a present input.
  const ir::Shape& ShapeOf(std::size_t i) const { return builder.ShapeOf(inputs[i]); }
  // The float constant that is input i; an error that calls it `what` where it is none.
  Result<const ir::Tensor*> FloatConstant(std::size_t i, std::string_view what) const;
  // The integers that input i is known to hold; an error that calls it `what` where they are not
  // known.
  Result<std::vector<std::int64_t>> KnownInts(std::size_t i, std::string_view what) const;
  // An error unless input i is computed from constants only.
  Status ExpectFixed(std::size_t i, std::string_view what) const;

  // A node of the graph that this ONNX node needs besides; `part` makes its name.
  Result<ir::ValueId> EmitPart(ir::OpKind kind, std::string_view part,
                               std::vector<ir::ValueId> operands,
                               ir::AttrMap node_attrs = {}) const;
  // The node whose output is output 0.
  Status EmitResult(ir::OpKind kind, std::vector<ir::ValueId> operands,
                    ir::AttrMap node_attrs = {});
  // A constant that belongs to this node.
  Result<ir::ValueId> AddConstant(std::string_view part, ir::Tensor tensor) const;
};

// Imports one node: reads `n`, emits graph nodes, sets n.result.
using ImportFunction = Status (*)(NodeImport& n);

// The importer of an operator of the default domain; null where tf2 has none.
ImportFunction FindOperator(std::string_view op_type);
// What to do about an operator that tf2 does not import.
std::string UnsupportedHint(std::string_view op_type);

Status ImportConv(NodeImport& n);
Status ImportMaxPool(NodeImport& n);
Status ImportAveragePool(NodeImport& n);
Status ImportGlobalMaxPool(NodeImport& n);
Status ImportGlobalAveragePool(NodeImport& n);

Status ImportGemm(NodeImport& n);
Status ImportMatMul(NodeImport& n);
Status ImportBatchNormalization(NodeImport& n);
Status ImportSoftmax(NodeImport& n);

Status ImportAdd(NodeImport& n);
Status ImportSub(NodeImport& n);
Status ImportMul(NodeImport& n);
Status ImportDiv(NodeImport& n);
Status ImportSum(NodeImport& n);
Status ImportRelu(NodeImport& n);
Status ImportClip(NodeImport& n);
Status ImportIdentity(NodeImport& n);
Status ImportDropout(NodeImport& n);

Status ImportConcat(NodeImport& n);
Status ImportPad(NodeImport& n);
Status ImportFlatten(NodeImport& n);
Status ImportReshape(NodeImport& n);
Status ImportTranspose(NodeImport& n);

Status ImportConstant(NodeImport& n);
Status ImportConstantOfShape(NodeImport& n);
Status ImportShape(NodeImport& n);
Status ImportGather(NodeImport& n);
Status ImportUnsqueeze(NodeImport& n);
Status ImportSqueeze(NodeImport& n);
Status ImportSlice(NodeImport& n);
Status ImportCast(NodeImport& n);

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_NODE_IMPORT_H_
