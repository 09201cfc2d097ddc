#include "quantize/lower.h"

#include "quantize/choose_q.h"
#include "quantize/draft.h"
#include "quantize/finish.h"
#include "quantize/power_of_two.h"
#include "quantize/weights.h"

namespace tf2::quantize {

std::optional<QRule> ParseQRule(std::string_view name) {
  if (name == "floor") return QRule::kFloor;
  if (name == "round") return QRule::kRound;
  if (name == "cap") return QRule::kCap;
  if (name == "layer") return QRule::kLayer;
  if (name == "mse") return QRule::kMse;
  return std::nullopt;
}

qnet::WeightKind KindOf(const QuantizeOptions& options) {
  return options.bits == 4 ? qnet::WeightKind::kSac : qnet::WeightKind::kMac;
}

Result<qnet::QNet> Quantize(const ir::Graph& graph, const Calibration& calibration,
                            const QuantizeOptions& options) {
  // Var[v] is the right weight only when the bias takes the mean.
  const ErrorWeight weight = options.correct_bias ? ErrorWeight::kVariance : ErrorWeight::kNone;
  return QuantizeWith(graph, calibration, options,
                      NearestRounder({.weight = weight, .correct_bias = options.correct_bias}));
}

namespace {

// Rounds until no Q has to come down: each round that does not succeed lowers some Q, and no Q
// falls below kMinQ.
Status SettleQ(Draft& draft, const Calibration& calibration, qnet::WeightKind kind,
               const WeightRounder& rounder, QPlan& plan) {
  while (true) {
    plan.Apply(draft);
    TF2_ASSIGN_OR_RETURN(const std::vector<QCap> caps,
                         FinishNumbers(draft, calibration, kind, rounder));
    if (caps.empty()) return {};
    for (const QCap& cap : caps) plan.Cap(draft, cap.tensor, cap.channel, cap.limit);
  }
}

// The plan before any weight is rounded.
Result<QPlan> FirstPlan(Draft& draft, const Calibration& calibration,
                        const QuantizeOptions& options) {
  if (options.bits != 4 && options.bits != 8) {
    return WithHint(InvalidArgument("weights of {} bits", options.bits), "4 (powers of two) or 8");
  }
  TF2_ASSIGN_OR_RETURN(QPlan plan,
                       QPlan::Make(draft, calibration, options.q, options.bounds, options.warn));
  plan.Apply(draft);
  if (options.bits == 4) {
    for (const qnet::TensorId tensor : InputsThatNeedOneQ(draft)) {
      plan.RequireOneQ(draft, tensor);
    }
  }
  return plan;
}

}  // namespace

Result<QPlan> PlanQ(Draft& draft, const Calibration& calibration, const QuantizeOptions& options) {
  TF2_ASSIGN_OR_RETURN(QPlan plan, FirstPlan(draft, calibration, options));
  TF2_RETURN_IF_ERROR(
      SettleQ(draft, calibration, KindOf(options),
              NearestRounder({.weight = ErrorWeight::kVariance, .correct_bias = true}), plan));
  return plan;
}

Result<qnet::QNet> QuantizeWith(const ir::Graph& graph, const Calibration& calibration,
                                const QuantizeOptions& options, const WeightRounder& rounder) {
  TF2_ASSIGN_OR_RETURN(Draft draft, LowerStructure(graph, &calibration));
  TF2_ASSIGN_OR_RETURN(QPlan plan, FirstPlan(draft, calibration, options));
  TF2_RETURN_IF_ERROR(SettleQ(draft, calibration, KindOf(options), rounder, plan));
  DropIdleClips(draft.net);
  TF2_RETURN_IF_ERROR(Verify(draft.net));
  return std::move(draft.net);
}

}  // namespace tf2::quantize
