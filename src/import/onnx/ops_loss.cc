// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, as the operators that they are made of.
#include <utility>

#include "import/onnx/node_import.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

// Emits the parts of a loss under the name of its node.
struct LossParts {
  NodeImport& n;

  Result<ir::ValueId> Emit(ir::OpKind kind, const char* part, std::vector<ir::ValueId> in,
                           ir::AttrMap attrs = {}) const {
    return n.EmitPart(kind, part, std::move(in), std::move(attrs));
  }
  Result<ir::ValueId> Constant(const char* part, ir::Tensor t) const {
    return n.AddConstant(part, std::move(t));
  }
  // Targets with 0 for those that are ignored, and 1 where a target counts, 0 where not.
  Result<std::pair<ir::ValueId, ir::ValueId>> Targets(ir::ValueId target, bool ignores,
                                                      std::int64_t ignored) const {
    if (!ignores) return std::pair{target, ir::kNoValue};
    TF2_ASSIGN_OR_RETURN(const ir::ValueId index,
                         Constant("ignore_index", ir::Tensor::Int({}, {ignored})));
    TF2_ASSIGN_OR_RETURN(
        const ir::ValueId mask,
        Emit(ir::OpKind::kBinary, "ignored", {target, index}, {{"fn", std::string("equal")}}));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId zero, Constant("first", ir::Tensor::Int({}, {0})));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId safe,
                         Emit(ir::OpKind::kWhere, "targets", {mask, zero, target}));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId off, Constant("off", ir::Tensor::Float({}, {0})));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId on, Constant("on", ir::Tensor::Float({}, {1})));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId counts,
                         Emit(ir::OpKind::kWhere, "counts", {mask, off, on}));
    return std::pair{safe, counts};
  }
  // The weight of each target; none where all are 1.
  Result<ir::ValueId> Weights(ir::ValueId target, ir::ValueId counts) const {
    if (!n.HasInput(2)) return counts;
    TF2_ASSIGN_OR_RETURN(const ir::ValueId w,
                         Emit(ir::OpKind::kGather, "class_weights", {n.inputs[2], target},
                              {{"axis", std::int64_t{0}}}));
    if (counts == ir::kNoValue) return w;
    return Emit(ir::OpKind::kMul, "weights", {w, counts});
  }
  Result<ir::ValueId> Sum(const char* part, ir::ValueId x) const {
    return Emit(ir::OpKind::kReduce, part, {x},
                {{"fn", std::string("sum")}, {"keep", std::int64_t{0}}});
  }
};

// The loss of log-probabilities [n, c, ...] against inputs 1 (targets [n, ...]) and 2 (class
// weights).
Status EmitLoss(NodeImport& n, ir::ValueId log_prob) {
  const LossParts p{n};
  TF2_ASSIGN_OR_RETURN(const std::string reduction, n.attrs.String("reduction", "mean"));
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    return InvalidArgument("attribute reduction is '{}'", reduction);
  const bool ignores = n.attrs.Has("ignore_index");
  TF2_ASSIGN_OR_RETURN(const std::int64_t ignored, n.attrs.Int("ignore_index", 0));
  TF2_ASSIGN_OR_RETURN(const auto targets, p.Targets(n.inputs[1], ignores, ignored));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId weights, p.Weights(targets.first, targets.second));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId column, p.Emit(ir::OpKind::kUnsqueeze, "columns",
                                                        {targets.first}, {{"axes", Ints{1}}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId picked,
                       p.Emit(ir::OpKind::kGatherElements, "picked", {log_prob, column},
                              {{"axis", std::int64_t{1}}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId flat, p.Emit(ir::OpKind::kSqueeze, "log_likelihood",
                                                      {picked}, {{"axes", Ints{1}}}));
  TF2_ASSIGN_OR_RETURN(ir::ValueId loss,
                       p.Emit(ir::OpKind::kUnary, "losses", {flat}, {{"fn", std::string("neg")}}));
  if (weights != ir::kNoValue) {
    TF2_ASSIGN_OR_RETURN(loss, p.Emit(ir::OpKind::kMul, "weighted", {loss, weights}));
  }
  n.result_type = onnx_pb::Tensor::FLOAT;
  if (reduction == "none") return n.EmitResult(ir::OpKind::kIdentity, {loss});
  if (reduction == "sum" || weights == ir::kNoValue) {
    return n.EmitResult(ir::OpKind::kReduce, {loss},
                        {{"fn", reduction}, {"keep", std::int64_t{0}}});
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId total, p.Sum("total", loss));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId weight, p.Sum("total_weight", weights));
  return n.EmitResult(ir::OpKind::kDiv, {total, weight});
}

Status ImportNllLoss(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  return EmitLoss(n, n.inputs[0]);
}

Status ImportCrossEntropy(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId log_prob,
      n.EmitPart(ir::OpKind::kLogSoftmax, "log_prob", {n.inputs[0]}, {{"axis", std::int64_t{1}}}));
  n.SetOutput(1, log_prob);
  return EmitLoss(n, log_prob);
}

}  // namespace

std::vector<OperatorRow> LossOperators() {
  return {{"NegativeLogLikelihoodLoss", ImportNllLoss},
          {"SoftmaxCrossEntropyLoss", ImportCrossEntropy}};
}

}  // namespace tf2::import::onnx
