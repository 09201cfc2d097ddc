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

Status ExportSimple(const NodeExport& n, std::string_view op_type, const NodeAttrs& attrs) {
  n.Emit(op_type, n.inputs, attrs);
  return {};
}

namespace {

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

// The integers of attribute `name` as the second input.
Status ExportWithInts(const NodeExport& n, std::string_view op_type, const char* name) {
  n.Emit(op_type, {n.inputs[0], n.IntsOf(name, n.node.Ints(name))});
  return {};
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
      return ExportConv(n);
    case ir::OpKind::kEinsum:
      return ExportSimple(n, "Einsum", {{"equation", n.node.String("equation")}});
    case ir::OpKind::kUnary:
      return ExportUnary(n);
    case ir::OpKind::kClip:
      return ExportClip(n);
    case ir::OpKind::kPrelu:
      return ExportSimple(n, "PRelu");
    case ir::OpKind::kBinary:
      return ExportBinary(n);
    case ir::OpKind::kWhere:
      return ExportWhere(n);
    case ir::OpKind::kQuantizeLinear:
      return ExportQuantizeLinear(n);
    case ir::OpKind::kDequantizeLinear:
      return ExportDequantizeLinear(n);
    case ir::OpKind::kMaxPoolIndices:
      return ExportMaxPoolIndices(n);
    case ir::OpKind::kMaxPool3d:
      return ExportMaxPool(n);
    case ir::OpKind::kAvgPool3d:
      return ExportAvgPool(n);
    case ir::OpKind::kLrn:
      return ExportLrn(n);
    case ir::OpKind::kGroupNorm:
      return ExportGroupNorm(n);
    case ir::OpKind::kLayerNorm:
      return ExportLayerNorm(n);
    case ir::OpKind::kMvn:
      return ExportMvn(n);
    case ir::OpKind::kL2Normalize:
      return ExportL2Normalize(n);
    case ir::OpKind::kReduce:
      return ExportReduce(n);
    case ir::OpKind::kArgMax:
      return ExportArg(n, "ArgMax");
    case ir::OpKind::kArgMin:
      return ExportArg(n, "ArgMin");
    case ir::OpKind::kTopK:
      return ExportTopK(n);
    case ir::OpKind::kCumSum:
      return ExportCumSum(n);
    case ir::OpKind::kTranspose:
      return ExportSimple(n, "Transpose", {{"perm", n.node.Ints("perm")}});
    case ir::OpKind::kExpand:
      return ExportWithInts(n, "Expand", "shape");
    case ir::OpKind::kTile:
      return ExportWithInts(n, "Tile", "repeats");
    case ir::OpKind::kResize:
      return ExportResize(n);
    case ir::OpKind::kDepthToSpace: {
      const std::string mode = n.node.String("mode") == "dcr" ? "DCR" : "CRD";
      return ExportSimple(n, "DepthToSpace", {{"blocksize", n.node.Int("block")}, {"mode", mode}});
    }
    case ir::OpKind::kSpaceToDepth:
      return ExportSimple(n, "SpaceToDepth", {{"blocksize", n.node.Int("block")}});
    case ir::OpKind::kTrilu:
      return ExportTrilu(n);
    case ir::OpKind::kOneHot:
      return ExportOneHot(n);
    case ir::OpKind::kGatherElements:
      return ExportWithAxis(n, "GatherElements");
    case ir::OpKind::kGatherNd:
      return ExportSimple(n, "GatherND", {{"batch_dims", n.node.Int("batch_dims")}});
    case ir::OpKind::kScatterElements:
      return ExportSimple(
          n, "ScatterElements",
          {{"axis", n.node.Int("axis")}, {"reduction", n.node.String("reduction")}});
    case ir::OpKind::kScatterNd:
      return ExportSimple(n, "ScatterND", {{"reduction", n.node.String("reduction")}});
    case ir::OpKind::kReverseSequence:
      return ExportSimple(
          n, "ReverseSequence",
          {{"batch_axis", n.node.Int("batch_axis")}, {"time_axis", n.node.Int("time_axis")}});
    case ir::OpKind::kGridSample:
      return ExportGridSample(n);
    case ir::OpKind::kRoiAlign:
      return ExportRoiAlign(n);
    case ir::OpKind::kLogSoftmax:
      return ExportWithAxis(n, "LogSoftmax");
    case ir::OpKind::kHardmax:
      return ExportWithAxis(n, "Hardmax");
    case ir::OpKind::kRoiPool:
    case ir::OpKind::kProposal:
    case ir::OpKind::kDetectionOutput:
    case ir::OpKind::kMultiThreshold:
      return WithHint(Unsupported("ONNX has no operator for it"), "export the model before it");
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
