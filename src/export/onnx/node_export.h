// One node of the float graph while it is exported: what the exporters of the operators
// (nodes_*.cc) read from it and write. Private to this folder.
#ifndef TF2_EXPORT_ONNX_NODE_EXPORT_H_
#define TF2_EXPORT_ONNX_NODE_EXPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "export/onnx/model_writer.h"
#include "ir/graph.h"

namespace tf2::export_onnx {

struct NodeExport {
  ModelWriter& writer;
  const ir::Graph& graph;
  const ir::Node& node;
  std::vector<std::string> inputs;  // names in the model; empty where left out
  std::string output;               // the name of the node's result, unique already

  bool HasInput(std::size_t i) const { return node.HasInput(i); }
  const ir::Shape& ShapeOf(std::size_t i) const { return graph.value(node.inputs[i]).shape; }
  const ir::Shape& OutputShape() const { return graph.value(node.outputs[0]).shape; }
  std::size_t Rank() const { return ShapeOf(0).size(); }

  // The name of an intermediate value of this node.
  std::string PartName(std::string_view part) const { return fmt::format("{}/{}", output, part); }
  std::string Part(std::string_view op_type, const std::vector<std::string>& operands,
                   std::string_view part, const NodeAttrs& attrs = {}) const {
    return writer.Part(op_type, operands, PartName(part), attrs);
  }
  // The node that makes the result; `relu`: followed by a Relu.
  void Emit(std::string_view op_type, const std::vector<std::string>& operands,
            const NodeAttrs& attrs = {}, bool relu = false) const;
  // Integers that ONNX takes as an input.
  std::string IntsOf(std::string_view part, const std::vector<std::int64_t>& values) const {
    return writer.Ints(PartName(part), values);
  }
};

// An operator that is written with these attributes and the operands as they are.
Status ExportSimple(const NodeExport& n, std::string_view op_type, const NodeAttrs& attrs = {});
// `name` as integers, 0 or 1, where ONNX gives truth values; and the other way.
void EmitAsIntegers(const NodeExport& n, const std::string& truth);
std::string AsTruth(const NodeExport& n, const std::string& name, std::string_view part);

// nodes_window.cc
Status ExportConv(const NodeExport& n);  // two or three axes, transposed too
Status ExportMaxPool(const NodeExport& n);
Status ExportMaxPoolIndices(const NodeExport& n);
Status ExportAvgPool(const NodeExport& n);

// nodes_linear.cc
Status ExportGemm(const NodeExport& n);
Status ExportBatchNorm(const NodeExport& n);
Status ExportScale(const NodeExport& n);

// nodes_elementwise.cc
Status ExportUnary(const NodeExport& n);
Status ExportBinary(const NodeExport& n);
Status ExportClip(const NodeExport& n);
Status ExportWhere(const NodeExport& n);
Status ExportCast(const NodeExport& n);
Status ExportQuantizeLinear(const NodeExport& n);
Status ExportDequantizeLinear(const NodeExport& n);

// nodes_reduce.cc
Status ExportLrn(const NodeExport& n);
Status ExportGroupNorm(const NodeExport& n);
Status ExportLayerNorm(const NodeExport& n);
Status ExportMvn(const NodeExport& n);
Status ExportL2Normalize(const NodeExport& n);
Status ExportReduce(const NodeExport& n);
Status ExportArg(const NodeExport& n, std::string_view op_type);
Status ExportTopK(const NodeExport& n);
Status ExportCumSum(const NodeExport& n);

// nodes_movement.cc
Status ExportPad(const NodeExport& n);
Status ExportReshape(const NodeExport& n);
Status ExportSlice(const NodeExport& n);
Status ExportResize(const NodeExport& n);
Status ExportTrilu(const NodeExport& n);
Status ExportOneHot(const NodeExport& n);
Status ExportGridSample(const NodeExport& n);
Status ExportRoiAlign(const NodeExport& n);

}  // namespace tf2::export_onnx

#endif  // TF2_EXPORT_ONNX_NODE_EXPORT_H_
