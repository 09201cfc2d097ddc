// Operators that move data.
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
  if (mode == "wrap") n.writer.RequireOpset(19);
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

Status ExportResize(const NodeExport& n) {
  const std::string coordinates = n.node.String("coordinates");
  if (coordinates == "tf_half_pixel_for_nn") {
    return WithHint(Unsupported("its coordinates are tf_half_pixel_for_nn, which ONNX dropped"),
                    "export the model before it");
  }
  if (coordinates == "half_pixel_symmetric") n.writer.RequireOpset(19);
  const auto scales = std::get<std::vector<float>>(
      n.node.attrs.contains("scales") ? n.node.attrs.at("scales") : std::vector<float>());
  const auto roi = std::get<std::vector<float>>(
      n.node.attrs.contains("roi") ? n.node.attrs.at("roi") : std::vector<float>());
  const auto list = [&](std::string_view part, const std::vector<float>& values) {
    if (values.empty()) return std::string();
    return n.writer.Floats(n.PartName(part), {static_cast<std::int64_t>(values.size())}, values);
  };
  std::vector<std::string> operands = {n.inputs[0], list("roi", roi), list("scales", scales)};
  if (scales.empty()) operands.push_back(n.IntsOf("sizes", n.node.Ints("sizes")));
  n.Emit("Resize", operands,
         {{"mode", n.node.String("mode")},
          {"coordinate_transformation_mode", coordinates},
          {"nearest_mode", n.node.String("nearest")},
          {"cubic_coeff_a", n.node.Float("cubic_a")},
          {"exclude_outside", n.node.Int("exclude_outside")},
          {"antialias", n.node.Int("antialias")},
          {"extrapolation_value", n.node.Float("outside")}});
  return {};
}

Status ExportTrilu(const NodeExport& n) {
  const std::int64_t k = n.node.Int("k");
  n.Emit("Trilu", {n.inputs[0], n.writer.Ints(n.PartName("k"), ir::Shape{}, {{k}})},
         {{"upper", n.node.Int("upper")}});
  return {};
}

Status ExportOneHot(const NodeExport& n) {
  const std::int64_t depth = n.node.Int("depth");
  const std::string count = n.writer.Ints(n.PartName("depth"), ir::Shape{}, {{depth}});
  n.Emit("OneHot", {n.inputs[0], count, n.inputs[1]}, {{"axis", n.node.Int("axis")}});
  return {};
}

Status ExportGridSample(const NodeExport& n) {
  const std::string mode = n.node.String("mode");
  return ExportSimple(n, "GridSample",
                      {{"mode", mode == "linear"  ? std::string("bilinear")
                                : mode == "cubic" ? std::string("bicubic")
                                                  : mode},
                       {"padding_mode", n.node.String("padding")},
                       {"align_corners", n.node.Int("align_corners")}});
}

Status ExportRoiAlign(const NodeExport& n) {
  const float offset = n.node.Float("offset");
  if (offset != 0 && offset != 0.5F) {
    return WithHint(Unsupported("its offset is {}, neither 0 nor a half", offset),
                    "export the model before it");
  }
  return ExportSimple(n, "RoiAlign",
                      {{"mode", n.node.String("mode")},
                       {"output_height", n.node.Int("height")},
                       {"output_width", n.node.Int("width")},
                       {"sampling_ratio", n.node.Int("sampling")},
                       {"spatial_scale", n.node.Float("scale")},
                       {"coordinate_transformation_mode",
                        std::string(offset == 0 ? "output_half_pixel" : "half_pixel")}});
}

}  // namespace tf2::export_onnx
