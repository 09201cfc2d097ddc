// Fully connected layers, batch normalisation, scale.
#include "export/onnx/node_export.h"

namespace tf2::export_onnx {
namespace {

// A parameter [c] of an input of this rank as [c, 1, ...], which broadcasts along axis 1.
std::string AlongChannel(const NodeExport& n, std::size_t input, std::string_view part) {
  ir::Shape shape(n.Rank() - 1, 1);
  shape[0] = n.ShapeOf(0)[1];
  const ir::ValueId id = n.node.inputs[input];
  if (n.graph.IsConstant(id))
    return n.writer.Floats(n.PartName(part), shape, n.graph.constant(id).f32);
  return n.Part("Reshape", {n.inputs[input], n.IntsOf("channel", shape)}, part);
}

}  // namespace

Status ExportGemm(const NodeExport& n) {
  n.Emit("Gemm", n.inputs, {{"transB", std::int64_t{1}}}, n.node.Int("relu") != 0);
  return {};
}

Status ExportBatchNorm(const NodeExport& n) {
  const std::int64_t channels = n.ShapeOf(0)[1];
  const auto parameter = [&](std::size_t i, std::string_view part, float value) {
    if (n.HasInput(i)) return n.inputs[i];
    return n.writer.Floats(n.PartName(part), {channels},
                           std::vector<float>(static_cast<std::size_t>(channels), value));
  };
  const std::string gamma = parameter(3, "gamma", 1);
  const std::string beta = parameter(4, "beta", 0);
  n.Emit("BatchNormalization", {n.inputs[0], gamma, beta, n.inputs[1], n.inputs[2]},
         {{"epsilon", n.node.Float("epsilon")}});
  return {};
}

Status ExportScale(const NodeExport& n) {
  const bool factor = n.HasInput(1);
  const bool bias = n.HasInput(2);
  if (!factor && !bias) {
    n.Emit("Identity", {n.inputs[0]});
  } else if (!bias) {
    n.Emit("Mul", {n.inputs[0], AlongChannel(n, 1, "factor")});
  } else if (!factor) {
    n.Emit("Add", {n.inputs[0], AlongChannel(n, 2, "bias")});
  } else {
    const std::string product =
        n.Part("Mul", {n.inputs[0], AlongChannel(n, 1, "factor")}, "product");
    n.Emit("Add", {product, AlongChannel(n, 2, "bias")});
  }
  return {};
}

}  // namespace tf2::export_onnx
