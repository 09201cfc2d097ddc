// Pad, reshape, slice.
#include "export/onnx/node_export.h"

namespace tf2::export_onnx {

Status ExportPad(const NodeExport& n) {
  const std::string mode = n.node.String("mode");
  std::vector<std::string> operands = {n.inputs[0], n.IntsOf("pads", n.node.Ints("pads"))};
  if (mode == "constant") {
    const float value = n.node.Float("value");
    const auto integer = static_cast<std::int64_t>(value);
    operands.push_back(n.graph.value(n.node.inputs[0]).dtype == ir::DType::kInt64
                           ? n.writer.Ints(n.PartName("value"), ir::Shape{}, {{integer}})
                           : n.writer.Float(n.PartName("value"), value));
  }
  n.Emit("Pad", operands, {{"mode", mode}});
  return {};
}

Status ExportReshape(const NodeExport& n) {
  const std::string shape = n.HasInput(1) ? n.inputs[1] : n.IntsOf("shape", n.node.Ints("shape"));
  n.Emit("Reshape", {n.inputs[0], shape}, {{"allowzero", n.node.Int("allowzero")}});
  return {};
}

Status ExportSlice(const NodeExport& n) {
  const std::vector<std::int64_t> steps = n.node.Ints("steps");
  std::vector<std::int64_t> axes = n.node.Ints("axes");
  const std::vector<std::int64_t> starts = n.node.Ints("starts");
  if (axes.empty()) {
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  std::vector<std::string> operands = {n.inputs[0], n.IntsOf("starts", starts),
                                       n.IntsOf("ends", n.node.Ints("ends")),
                                       n.IntsOf("axes", axes)};
  if (!steps.empty()) operands.push_back(n.IntsOf("steps", steps));
  n.Emit("Slice", operands);
  return {};
}

}  // namespace tf2::export_onnx
