#include "interp/interpreter.h"

#include <optional>
#include <utility>

#include "interp/kernels.h"
#include "ir/op_table.h"

namespace tf2::interp {
namespace {

using ir::OpKind;

Status Execute(const Call& call, ir::Tensor& y) {
  switch (call.node.kind) {
    case OpKind::kConv:
      return RunConv(call, y);
    case OpKind::kGemm:
      return RunGemm(call, y);
    case OpKind::kMatMul:
      return RunMatMul(call, y);
    case OpKind::kBatchNorm:
      return RunBatchNorm(call, y);
    case OpKind::kScale:
      return RunScale(call, y);
    case OpKind::kRelu:
      return RunRelu(call, y);
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
      return RunArithmetic(call, y);
    case OpKind::kMaxPool:
    case OpKind::kGlobalMaxPool:
      return RunMaxPool(call, y);
    case OpKind::kAvgPool:
    case OpKind::kGlobalAvgPool:
      return RunAvgPool(call, y);
    case OpKind::kConcat:
      return RunConcat(call, y);
    case OpKind::kPad:
      return RunPad(call, y);
    case OpKind::kFlatten:
    case OpKind::kReshape:
    case OpKind::kIdentity:
    case OpKind::kUnsqueeze:
    case OpKind::kSqueeze:  // IsCopy
      return RunCopy(call, y);
    case OpKind::kSoftmax:
      return RunSoftmax(call, y);
    case OpKind::kShape:
      return RunShape(call, y);
    case OpKind::kGather:
      return RunGather(call, y);
    case OpKind::kSlice:
      return RunSlice(call, y);
    case OpKind::kCast:
      return RunCast(call, y);
    case OpKind::kConv3d:
      return RunConv3d(call, y);
    case OpKind::kConvTranspose:
    case OpKind::kConvTranspose3d:
      return RunConvTranspose(call, y);
    case OpKind::kEinsum:
      return RunEinsum(call, y);
    case OpKind::kUnary:
      return RunUnary(call, y);
    case OpKind::kClip:
      return RunClip(call, y);
    case OpKind::kPrelu:
      return RunPrelu(call, y);
    case OpKind::kBinary:
      return RunBinary(call, y);
    case OpKind::kWhere:
      return RunWhere(call, y);
    case OpKind::kQuantizeLinear:
      return RunQuantizeLinear(call, y);
    case OpKind::kDequantizeLinear:
      return RunDequantizeLinear(call, y);
    case OpKind::kMultiThreshold:
      return RunMultiThreshold(call, y);
    case OpKind::kMaxPoolIndices:
      return RunMaxPoolIndices(call, y);
    case OpKind::kMaxPool3d:
      return RunMaxPool3d(call, y);
    case OpKind::kAvgPool3d:
      return RunAvgPool3d(call, y);
    case OpKind::kLrn:
      return RunLrn(call, y);
    case OpKind::kGroupNorm:
      return RunGroupNorm(call, y);
    case OpKind::kLayerNorm:
      return RunLayerNorm(call, y);
    case OpKind::kMvn:
      return RunMvn(call, y);
    case OpKind::kL2Normalize:
      return RunL2Normalize(call, y);
    case OpKind::kReduce:
      return RunReduce(call, y);
    case OpKind::kArgMax:
    case OpKind::kArgMin:
      return RunArg(call, y);
    case OpKind::kTopK:
      return RunTopK(call, y);
    case OpKind::kCumSum:
      return RunCumSum(call, y);
    case OpKind::kTranspose:
      return RunTranspose(call, y);
    case OpKind::kExpand:
      return RunExpand(call, y);
    case OpKind::kTile:
      return RunTile(call, y);
    case OpKind::kResize:
      return RunResize(call, y);
    case OpKind::kDepthToSpace:
      return RunDepthToSpace(call, y);
    case OpKind::kSpaceToDepth:
      return RunSpaceToDepth(call, y);
    case OpKind::kTrilu:
      return RunTrilu(call, y);
    case OpKind::kOneHot:
      return RunOneHot(call, y);
    case OpKind::kGatherElements:
      return RunGatherElements(call, y);
    case OpKind::kGatherNd:
      return RunGatherNd(call, y);
    case OpKind::kScatterElements:
      return RunScatterElements(call, y);
    case OpKind::kScatterNd:
      return RunScatterNd(call, y);
    case OpKind::kReverseSequence:
      return RunReverseSequence(call, y);
    case OpKind::kGridSample:
      return RunGridSample(call, y);
    case OpKind::kRoiAlign:
      return RunRoiAlign(call, y);
    case OpKind::kRoiPool:
      return RunRoiPool(call, y);
    case OpKind::kProposal:
      return RunProposal(call, y);
    case OpKind::kDetectionOutput:
      return RunDetectionOutput(call, y);
    case OpKind::kLogSoftmax:
      return RunLogSoftmax(call, y);
    case OpKind::kHardmax:
      return RunHardmax(call, y);
  }
  TF2_CHECK(false, "no such operator");
}

ir::Tensor Zeros(const ir::Value& v) {
  ir::Tensor t;
  t.dtype = v.dtype;
  t.shape = v.shape;
  const auto n = static_cast<std::size_t>(ir::ElementCount(v.shape));
  switch (v.dtype) {
    case ir::DType::kFloat32:
      t.f32.assign(n, 0.0F);
      break;
    case ir::DType::kInt64:
      t.i64.assign(n, 0);
      break;
  }
  return t;
}

// Whether RunCopy runs it: the same data in another shape.
bool IsCopy(OpKind kind) {
  return kind == OpKind::kFlatten || kind == OpKind::kReshape || kind == OpKind::kIdentity ||
         kind == OpKind::kUnsqueeze || kind == OpKind::kSqueeze;
}

// The tensors of a run by value: inputs and constants are borrowed, results owned until their last
// reader.
class Store {
 public:
  Store(const ir::Graph& graph, std::span<const ir::Tensor> inputs)
      : at_(graph.values.size(), nullptr),
        owned_(graph.values.size()),
        uses_(graph.values.size(), 0) {
    for (std::size_t i = 0; i < at_.size(); ++i) at_[i] = graph.values[i].constant.get();
    for (std::size_t i = 0; i < inputs.size(); ++i) at_[Index(graph.inputs[i])] = &inputs[i];
    for (const ir::Node& node : graph.nodes) {
      for (ir::ValueId id : node.inputs) Count(id);
    }
    for (ir::ValueId id : graph.outputs) Count(id);
  }

  const ir::Tensor* Get(ir::ValueId id) const {
    return id == ir::kNoValue ? nullptr : at_[Index(id)];
  }

  void Put(ir::ValueId id, ir::Tensor tensor) {
    owned_[Index(id)] = std::move(tensor);
    at_[Index(id)] = &owned_[Index(id)];
  }

  // The data of a result that nobody will read again but the caller, or nothing.
  std::optional<ir::Tensor> Take(ir::ValueId id) {
    if (uses_[Index(id)] != 1 || at_[Index(id)] != &owned_[Index(id)]) return std::nullopt;
    return std::move(owned_[Index(id)]);
  }

  // Frees what was read for the last time.
  void Release(ir::ValueId id) {
    if (id != ir::kNoValue && --uses_[Index(id)] == 0) owned_[Index(id)] = {};
  }

  void ReleaseIfUnread(ir::ValueId id) {
    if (uses_[Index(id)] == 0) owned_[Index(id)] = {};
  }

 private:
  void Count(ir::ValueId id) {
    if (id != ir::kNoValue) ++uses_[Index(id)];
  }

  std::vector<const ir::Tensor*> at_;
  std::vector<ir::Tensor> owned_;
  std::vector<int> uses_;
};

}  // namespace

Status CheckInputs(const ir::Graph& graph, std::span<const ir::Tensor> inputs) {
  if (inputs.size() != graph.inputs.size()) {
    return InvalidArgument("{} inputs, the network has {}", inputs.size(), graph.inputs.size());
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ir::Value& v = graph.value(graph.inputs[i]);
    if (inputs[i].shape != v.shape || inputs[i].dtype != v.dtype) {
      return InvalidArgument("the tensor is {} {}, the network takes {} {}",
                             NameOf(inputs[i].dtype), ir::ToString(inputs[i].shape),
                             NameOf(v.dtype), ir::ToString(v.shape))
          .At(fmt::format("input {}", v.name));
    }
  }
  return {};
}

Result<ir::Tensor> RunNode(const ir::Graph& graph, const ir::Node& node,
                           std::span<const ir::Tensor* const> inputs, ThreadPool* pool) {
  ir::Tensor y = Zeros(graph.value(node.outputs[0]));
  if (Status s = Execute({graph, node, inputs, pool}, y); !s.ok()) {
    return std::move(s.error()).At(fmt::format("{} ({})", node.name, NameOf(node.kind)));
  }
  return y;
}

Result<std::vector<ir::Tensor>> RunAll(const ir::Graph& graph, std::span<const ir::Tensor> inputs,
                                       const ValueCallback& on_value, ThreadPool* pool) {
  TF2_RETURN_IF_ERROR(CheckInputs(graph, inputs));
  Store store(graph, inputs);
  if (on_value) {
    for (ir::ValueId id : graph.inputs) TF2_RETURN_IF_ERROR(on_value(id, *store.Get(id)));
  }
  std::vector<const ir::Tensor*> args;
  for (const ir::Node& node : graph.nodes) {
    args.clear();
    for (ir::ValueId id : node.inputs) args.push_back(store.Get(id));
    std::optional<ir::Tensor> y;
    if (IsCopy(node.kind)) y = store.Take(node.inputs[0]);
    if (y) {
      y->shape = graph.value(node.outputs[0]).shape;
    } else {
      TF2_ASSIGN_OR_RETURN(y, RunNode(graph, node, args, pool));
    }
    if (on_value) TF2_RETURN_IF_ERROR(on_value(node.outputs[0], *y));
    store.Put(node.outputs[0], *std::move(y));
    for (ir::ValueId id : node.inputs) store.Release(id);
    store.ReleaseIfUnread(node.outputs[0]);
  }
  std::vector<ir::Tensor> results;
  for (ir::ValueId id : graph.outputs) results.push_back(*store.Get(id));
  return results;
}

Result<std::vector<ir::Tensor>> Run(const ir::Graph& graph, std::span<const ir::Tensor> inputs,
                                    ThreadPool* pool) {
  return RunAll(graph, inputs, nullptr, pool);
}

}  // namespace tf2::interp
