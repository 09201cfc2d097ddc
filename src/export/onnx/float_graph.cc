#include "export/onnx/float_graph.h"

#include <utility>

#include "export/onnx/node_export.h"
#include "ir/op_table.h"

namespace tf2::export_onnx {

void NodeExport::Emit(std::string_view op_type, const std::vector<std::string>& operands,
                      const NodeAttrs& attrs, bool relu) const {
  if (!relu) {
    writer.Node(op_type, operands, output, attrs);
    return;
  }
  writer.Node("Relu", {Part(op_type, operands, "sum", attrs)}, output);
}

namespace {

Status ExportSimple(const NodeExport& n, std::string_view op_type, const NodeAttrs& attrs = {}) {
  n.Emit(op_type, n.inputs, attrs);
  return {};
}

// The node as one ONNX operator of the same operands whose only attribute is `axis`.
Status ExportWithAxis(const NodeExport& n, std::string_view op_type) {
  return ExportSimple(n, op_type, {{"axis", n.node.Int("axis")}});
}

Status ExportAxes(const NodeExport& n, std::string_view op_type) {
  const std::vector<std::int64_t> axes = n.node.Ints("axes");
  std::vector<std::string> operands = {n.inputs[0]};
  if (!axes.empty()) operands.push_back(n.IntsOf("axes", axes));
  n.Emit(op_type, operands);
  return {};
}

Status ExportCast(const NodeExport& n) {
  const bool to_int = n.node.String("to") == "i64";
  return ExportSimple(n, "Cast",
                      {{"to", static_cast<std::int64_t>(to_int ? onnx_pb::Tensor::INT64
                                                               : onnx_pb::Tensor::FLOAT)}});
}

Status ExportNode(const NodeExport& n) {
  switch (n.node.kind) {
    case ir::OpKind::kConv:
      return ExportConv(n);
    case ir::OpKind::kGemm:
      return ExportGemm(n);
    case ir::OpKind::kMatMul:
      return ExportSimple(n, "MatMul");
    case ir::OpKind::kBatchNorm:
      return ExportBatchNorm(n);
    case ir::OpKind::kScale:
      return ExportScale(n);
    case ir::OpKind::kRelu:
      return ExportSimple(n, "Relu");
    case ir::OpKind::kAdd:
      n.Emit("Add", n.inputs, {}, n.node.Int("relu") != 0);
      return {};
    case ir::OpKind::kSub:
      return ExportSimple(n, "Sub");
    case ir::OpKind::kMul:
      return ExportSimple(n, "Mul");
    case ir::OpKind::kDiv:
      return ExportSimple(n, "Div");
    case ir::OpKind::kMaxPool:
      return ExportMaxPool(n);
    case ir::OpKind::kAvgPool:
      return ExportAvgPool(n);
    case ir::OpKind::kGlobalMaxPool:
      return ExportSimple(n, "GlobalMaxPool");
    case ir::OpKind::kGlobalAvgPool:
      return ExportSimple(n, "GlobalAveragePool");
    case ir::OpKind::kConcat:
      return ExportWithAxis(n, "Concat");
    case ir::OpKind::kPad:
      return ExportPad(n);
    case ir::OpKind::kFlatten:
      return ExportWithAxis(n, "Flatten");
    case ir::OpKind::kReshape:
      return ExportReshape(n);
    case ir::OpKind::kIdentity:
      return ExportSimple(n, "Identity");
    case ir::OpKind::kSoftmax:
      return ExportWithAxis(n, "Softmax");
    case ir::OpKind::kShape:
      return ExportSimple(n, "Shape");
    case ir::OpKind::kGather:
      return ExportWithAxis(n, "Gather");
    case ir::OpKind::kUnsqueeze:
      return ExportAxes(n, "Unsqueeze");
    case ir::OpKind::kSqueeze:
      return ExportAxes(n, "Squeeze");
    case ir::OpKind::kSlice:
      return ExportSlice(n);
    case ir::OpKind::kCast:
      return ExportCast(n);
    case ir::OpKind::kConv3d:
    case ir::OpKind::kConvTranspose:
    case ir::OpKind::kConvTranspose3d:
    case ir::OpKind::kEinsum:
    case ir::OpKind::kUnary:
    case ir::OpKind::kClip:
    case ir::OpKind::kPrelu:
    case ir::OpKind::kBinary:
    case ir::OpKind::kWhere:
    case ir::OpKind::kQuantizeLinear:
    case ir::OpKind::kDequantizeLinear:
    case ir::OpKind::kMultiThreshold:
    case ir::OpKind::kMaxPoolIndices:
    case ir::OpKind::kMaxPool3d:
    case ir::OpKind::kAvgPool3d:
    case ir::OpKind::kLrn:
    case ir::OpKind::kGroupNorm:
    case ir::OpKind::kLayerNorm:
    case ir::OpKind::kMvn:
    case ir::OpKind::kL2Normalize:
    case ir::OpKind::kReduce:
    case ir::OpKind::kArgMax:
    case ir::OpKind::kArgMin:
    case ir::OpKind::kTopK:
    case ir::OpKind::kCumSum:
    case ir::OpKind::kTranspose:
    case ir::OpKind::kExpand:
    case ir::OpKind::kTile:
    case ir::OpKind::kResize:
    case ir::OpKind::kDepthToSpace:
    case ir::OpKind::kSpaceToDepth:
    case ir::OpKind::kTrilu:
    case ir::OpKind::kOneHot:
    case ir::OpKind::kGatherElements:
    case ir::OpKind::kGatherNd:
    case ir::OpKind::kScatterElements:
    case ir::OpKind::kScatterNd:
    case ir::OpKind::kReverseSequence:
    case ir::OpKind::kGridSample:
    case ir::OpKind::kRoiAlign:
    case ir::OpKind::kRoiPool:
    case ir::OpKind::kProposal:
    case ir::OpKind::kDetectionOutput:
    case ir::OpKind::kLogSoftmax:
    case ir::OpKind::kHardmax:
      return WithHint(
          Unsupported("operator {} is not exported", NameOf(n.node.kind)).At(n.node.name),
          "export the model before it");
  }
  TF2_CHECK(false, "no such operator");
}

// Names of the graph's values in the model, as they come into being.
class Names {
 public:
  Names(ModelWriter& writer, const ir::Graph& graph)
      : writer_(writer), graph_(graph), names_(graph.values.size()) {}

  void Set(ir::ValueId id, std::string name) { names_[ir::Index(id)] = std::move(name); }
  const std::string& Define(ir::ValueId id) {
    std::string& name = names_[ir::Index(id)];
    name = writer_.Unique(graph_.value(id).name);
    return name;
  }
  // The name of a value that is read; a constant is written when it is first asked for.
  std::string Read(ir::ValueId id) {
    if (id == ir::kNoValue) return {};
    std::string& name = names_[ir::Index(id)];
    if (name.empty()) name = WriteConstant(id);
    return name;
  }

 private:
  std::string WriteConstant(ir::ValueId id) {
    TF2_CHECK(graph_.IsConstant(id), "value {} is read before it is made", graph_.value(id).name);
    const ir::Tensor& t = graph_.constant(id);
    switch (t.dtype) {
      case ir::DType::kFloat32:
        return writer_.Floats(graph_.value(id).name, t.shape, t.f32);
      case ir::DType::kInt64:
        return writer_.Ints(graph_.value(id).name, t.shape, t.i64);
    }
    TF2_CHECK(false, "no such element type");
  }

  ModelWriter& writer_;
  const ir::Graph& graph_;
  std::vector<std::string> names_;
};

}  // namespace

Result<std::vector<std::string>> EmitGraph(ModelWriter& writer, const ir::Graph& graph,
                                           const std::vector<std::string>& inputs) {
  TF2_CHECK(inputs.size() == graph.inputs.size());
  Names names(writer, graph);
  for (std::size_t i = 0; i < inputs.size(); ++i) names.Set(graph.inputs[i], inputs[i]);
  for (const ir::Node& node : graph.nodes) {
    NodeExport n{writer, graph, node, {}, {}};
    for (const ir::ValueId in : node.inputs) n.inputs.push_back(names.Read(in));
    n.output = names.Define(node.outputs[0]);
    if (Status s = ExportNode(n); !s.ok())
      return std::move(s.error()).At(fmt::format("{} ({})", node.name, ir::NameOf(node.kind)));
  }
  std::vector<std::string> outputs;
  for (const ir::ValueId id : graph.outputs) outputs.push_back(names.Read(id));
  return outputs;
}

Result<std::string> ExportGraph(const ir::Graph& graph) {
  ModelWriter writer(graph.name);
  std::vector<std::string> inputs;
  for (const ir::ValueId id : graph.inputs) {
    const ir::Value& value = graph.value(id);
    inputs.push_back(writer.Unique(value.name));
    writer.AddInput(inputs.back(), value.dtype, value.shape);
  }
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> outputs, EmitGraph(writer, graph, inputs));
  std::vector<bool> used(graph.values.size(), false);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ir::ValueId id = graph.outputs[i];
    const ir::Value& value = graph.value(id);
    // ONNX wants each output to be a node's and to be listed once.
    const bool direct = graph.Producer(id).has_value() && !used[ir::Index(id)];
    used[ir::Index(id)] = true;
    const std::string name =
        direct ? outputs[i] : writer.Part("Identity", {outputs[i]}, outputs[i] + "/output");
    writer.AddOutput(name, value.dtype, value.shape);
  }
  return writer.Finish();
}

}  // namespace tf2::export_onnx
