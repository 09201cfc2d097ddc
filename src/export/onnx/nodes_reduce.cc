// Normalisations and reductions.
#include "export/onnx/node_export.h"
#include "ir/functions.h"

namespace tf2::export_onnx {
namespace {

using Ints = std::vector<std::int64_t>;

std::string Ones(const NodeExport& n, std::string_view part, const ir::Shape& shape, float value) {
  return n.writer.Floats(
      n.PartName(part), shape,
      std::vector<float>(static_cast<std::size_t>(ir::ElementCount(shape)), value));
}

std::string Scalar(const NodeExport& n, std::string_view part, float value) {
  return n.writer.Float(n.PartName(part), value);
}

// x / (bias + alpha * mean of squares in a square of `size`)^beta within each channel.
Status LrnWithin(const NodeExport& n) {
  const std::int64_t size = n.node.Int("size");
  if (size % 2 == 0) {
    return WithHint(Unsupported("its region within channels is {} wide, an even number", size),
                    "export the model before it");
  }
  const std::int64_t pad = size / 2;
  const std::string squares = n.Part("Mul", {n.inputs[0], n.inputs[0]}, "squares");
  const std::string mean = n.Part("AveragePool", {squares}, "mean",
                                  {{"kernel_shape", Ints{size, size}},
                                   {"pads", Ints{pad, pad, pad, pad}},
                                   {"count_include_pad", std::int64_t{1}}});
  const std::string scaled =
      n.Part("Mul", {mean, Scalar(n, "alpha", n.node.Float("alpha"))}, "scaled");
  const std::string sum = n.Part("Add", {scaled, Scalar(n, "bias", n.node.Float("bias"))}, "sum");
  n.Emit("Div",
         {n.inputs[0], n.Part("Pow", {sum, Scalar(n, "beta", n.node.Float("beta"))}, "divisor")});
  return {};
}

std::string_view ReduceName(ir::ReduceFn fn) {
  switch (fn) {
    case ir::ReduceFn::kSum:
      return "ReduceSum";
    case ir::ReduceFn::kMean:
      return "ReduceMean";
    case ir::ReduceFn::kMax:
      return "ReduceMax";
    case ir::ReduceFn::kMin:
      return "ReduceMin";
    case ir::ReduceFn::kProd:
      return "ReduceProd";
    case ir::ReduceFn::kL1:
      return "ReduceL1";
    case ir::ReduceFn::kL2:
      return "ReduceL2";
    case ir::ReduceFn::kLogSum:
      return "ReduceLogSum";
    case ir::ReduceFn::kLogSumExp:
      return "ReduceLogSumExp";
    case ir::ReduceFn::kSumSquare:
      return "ReduceSumSquare";
  }
  TF2_CHECK(false, "no such function");
}

}  // namespace

Status ExportLrn(const NodeExport& n) {
  if (n.node.String("region") == "within") return LrnWithin(n);
  return ExportSimple(n, "LRN",
                      {{"size", n.node.Int("size")},
                       {"alpha", n.node.Float("alpha")},
                       {"beta", n.node.Float("beta")},
                       {"bias", n.node.Float("bias")}});
}

Status ExportGroupNorm(const NodeExport& n) {
  // The groups as channels of an instance normalisation, then factor and bias of each channel.
  const std::int64_t groups = n.node.Int("groups");
  const ir::Shape x = n.ShapeOf(0);
  const std::string split =
      n.Part("Reshape", {n.inputs[0], n.IntsOf("split", {x[0], groups, -1})}, "groups");
  const std::string normal = n.Part(
      "InstanceNormalization", {split, Ones(n, "one", {groups}, 1), Ones(n, "zero", {groups}, 0)},
      "normal", {{"epsilon", n.node.Float("epsilon")}});
  std::string value = n.Part("Reshape", {normal, n.IntsOf("joined", x)}, "joined");
  ir::Shape channel(x.size() - 1, 1);
  channel[0] = x[1];
  const std::string along = n.IntsOf("channel", channel);
  const auto parameter = [&](std::size_t i) {
    return n.Part("Reshape", {n.inputs[i], along}, "parameter");
  };
  if (n.HasInput(1)) value = n.Part("Mul", {value, parameter(1)}, "scaled");
  if (n.HasInput(2)) value = n.Part("Add", {value, parameter(2)}, "shifted");
  n.Emit("Identity", {value});
  return {};
}

Status ExportLayerNorm(const NodeExport& n) {
  std::int64_t axis = n.node.Int("axis");
  const ir::Shape& x = n.ShapeOf(0);
  const std::int64_t first = axis < 0 ? axis + static_cast<std::int64_t>(x.size()) : axis;
  const std::string gamma =
      n.HasInput(1) ? n.inputs[1] : Ones(n, "gamma", {x.begin() + first, x.end()}, 1);
  std::vector<std::string> operands = {n.inputs[0], gamma};
  if (n.HasInput(2)) operands.push_back(n.inputs[2]);
  n.Emit("LayerNormalization", operands, {{"axis", axis}, {"epsilon", n.node.Float("epsilon")}});
  return {};
}

Status ExportMvn(const NodeExport& n) {
  const std::string axes = n.IntsOf("axes", n.node.Ints("axes"));
  const std::string mean = n.Part("ReduceMean", {n.inputs[0], axes}, "mean");
  if (n.node.Int("variance") == 0) {
    n.Emit("Sub", {n.inputs[0], mean});
    return {};
  }
  const std::string centred = n.Part("Sub", {n.inputs[0], mean}, "centred");
  const std::string squares = n.Part("Mul", {centred, centred}, "squares");
  const std::string deviation =
      n.Part("Sqrt", {n.Part("ReduceMean", {squares, axes}, "variance")}, "deviation");
  const std::string divisor =
      n.Part("Add", {deviation, Scalar(n, "epsilon", n.node.Float("epsilon"))}, "divisor");
  n.Emit("Div", {centred, divisor});
  return {};
}

Status ExportL2Normalize(const NodeExport& n) {
  const std::string axes = n.IntsOf("axes", n.node.Ints("axes"));
  const std::string squares = n.Part("ReduceSumSquare", {n.inputs[0], axes}, "squares");
  const std::string sum =
      n.Part("Add", {squares, Scalar(n, "epsilon", n.node.Float("epsilon"))}, "sum");
  n.Emit("Div", {n.inputs[0], n.Part("Sqrt", {sum}, "length")});
  return {};
}

Status ExportReduce(const NodeExport& n) {
  const Ints axes = n.node.Ints("axes");
  std::vector<std::string> operands = {n.inputs[0]};
  if (!axes.empty()) operands.push_back(n.IntsOf("axes", axes));
  n.Emit(ReduceName(ir::ReduceFnOf(n.node)), operands, {{"keepdims", n.node.Int("keep")}});
  return {};
}

Status ExportArg(const NodeExport& n, std::string_view op_type) {
  return ExportSimple(n, op_type,
                      {{"axis", n.node.Int("axis")},
                       {"keepdims", n.node.Int("keep")},
                       {"select_last_index", n.node.Int("last")}});
}

Status ExportTopK(const NodeExport& n) {
  const bool values = n.node.String("result") == "values";
  const std::string other = n.writer.Unique(n.PartName(values ? "indices" : "values"));
  const std::vector<std::string> outputs = values ? std::vector<std::string>{n.output, other}
                                                  : std::vector<std::string>{other, n.output};
  n.writer.NodeOf("TopK", {n.inputs[0], n.IntsOf("k", {n.node.Int("k")})}, outputs,
                  {{"axis", n.node.Int("axis")}, {"largest", n.node.Int("largest")}});
  return {};
}

Status ExportCumSum(const NodeExport& n) {
  const std::int64_t axis = n.node.Int("axis");
  n.Emit("CumSum", {n.inputs[0], n.writer.Ints(n.PartName("axis"), ir::Shape{}, {{axis}})},
         {{"exclusive", n.node.Int("exclusive")}, {"reverse", n.node.Int("reverse")}});
  return {};
}

}  // namespace tf2::export_onnx
