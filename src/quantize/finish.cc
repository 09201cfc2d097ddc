#include "quantize/finish.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "numerics/numerics.h"

namespace tf2::quantize {
namespace {

using numerics::kMaxResidualShift;
using numerics::kMinQ;
using numerics::MakeScale;

Error Located(Error error, const qnet::Op& op) { return std::move(error).At(op.name); }

// beta of a row in accumulator units, checked against the bound of 32 bits.
Result<std::int32_t> BetaOf(const qnet::Op& op, const RoundedLayer& layer, std::size_t o,
                            std::size_t row) {
  const double beta = std::floor(layer.bias[o] / layer.scale[o] + 0.5);
  std::int64_t sum_abs = 0;
  for (const auto& term : layer.terms) {
    for (std::size_t i = 0; i < row; ++i) sum_abs += std::abs(int{term[o * row + i]});
  }
  if (!(std::fabs(beta) < 0x1p40) ||
      !numerics::AccumulatorFits(sum_abs, static_cast<std::int64_t>(beta), 32)) {
    return Located(WithHint(Unsupported("the 32-bit accumulator of channel {} may overflow: sum "
                                        "|code| {} * 128 + |beta| {:.0f}",
                                        o, sum_abs, std::fabs(beta)),
                            "split the layer's input channels over two layers"),
                   op);
  }
  return static_cast<std::int32_t>(beta);
}

// alpha, s and t of channel `o` for factor = scale * 2^Q_out; what must change first goes to
// `caps`.
Status ScaleRow(const Draft& draft, const qnet::Op& op, const FloatWeights& weights,
                qnet::Conv& conv, std::size_t o, double row_scale, std::vector<QCap>& caps) {
  const int q_out = draft.net.tensor(op.output).q[o];
  const bool prelu = conv.activation == qnet::Activation::kPRelu;
  // s is that of the larger of the two factors.
  const double slope = prelu ? weights.slope[o] : 1.0;
  const double factor = std::ldexp(row_scale, q_out) * std::max(1.0, std::fabs(slope));
  const bool residual = op.inputs.size() > 1;
  const int q_res = residual ? draft.net.tensor(op.inputs[1]).q[o] : 0;
  const int max_s = residual ? std::min(numerics::kMaxShift, kMaxResidualShift - q_out + q_res)
                             : numerics::kMaxShift;
  const auto scale = MakeScale(factor, max_s);
  if (!scale) {
    if (q_out <= kMinQ) {
      return Located(
          Unsupported(
              "channel {} needs the factor {} from accumulator to output, which no alpha / 2^s has",
              o, factor),
          op);
    }
    caps.push_back({op.output, o, q_out - 1});
    return {};
  }
  conv.scale[o] = *scale;
  if (prelu) {
    const auto alpha = [&](double real) {
      const double limit = numerics::kMaxAlpha;
      return static_cast<std::int16_t>(
          std::clamp(std::round(std::ldexp(real, q_out + scale->s)), -limit, limit));
    };
    conv.scale[o].alpha = alpha(row_scale);
    conv.alpha_negative[o] = alpha(row_scale * slope);
  }
  if (!residual) return {};
  const int t = scale->s + q_out - q_res;
  if (t < 0) {
    if (q_res + t < kMinQ) {
      return Located(Unsupported("channel {}: the residual's exponent {} cannot be lowered by {}",
                                 o, q_res, -t),
                     op);
    }
    caps.push_back({op.inputs[1], o, q_res + t});
    return {};
  }
  conv.t[o] = static_cast<std::uint8_t>(t);
  return {};
}

// The bounds of a clip in the units of the output.
void FinishClip(const qnet::Tensor& out, const FloatWeights& weights, qnet::Conv& conv) {
  conv.clip_low.clear();
  conv.clip_high.clear();
  const auto bound = [&](double real, int q) {
    return out.type == qnet::ElemType::kInt8 ? numerics::QuantizeToInt8(real, q)
                                             : numerics::QuantizeToInt16(real, q);
  };
  for (const int q : out.q) {
    conv.clip_low.push_back(bound(weights.clip_low, q));
    conv.clip_high.push_back(bound(weights.clip_high, q));
  }
}

Status FinishConv(const Draft& draft, const qnet::Op& op, const FloatWeights& weights,
                  qnet::Conv& conv, RoundedLayer layer, std::vector<QCap>& caps) {
  const std::size_t oc = layer.scale.size();
  const std::size_t row = layer.terms[0].size() / oc;
  if (conv.pad_value != 0 && qnet::ReadsPadding(draft.net, op) &&
      std::ranges::any_of(draft.net.tensor(op.inputs[0]).q, [](int q) { return q != 0; })) {
    return WithHint(
        Located(Unsupported("it pads with {}, which is not the least value of its input",
                            conv.pad_value),
                op),
        "pad with zeros");
  }
  conv.beta.assign(oc, 0);
  conv.scale.assign(oc, {});
  conv.t.assign(op.inputs.size() > 1 ? oc : 0, 0);
  conv.alpha_negative.assign(conv.activation == qnet::Activation::kPRelu ? oc : 0, 0);
  if (conv.activation == qnet::Activation::kClip)
    FinishClip(draft.net.tensor(op.output), weights, conv);
  for (std::size_t o = 0; o < oc; ++o) {
    TF2_ASSIGN_OR_RETURN(conv.beta[o], BetaOf(op, layer, o, row));
    TF2_RETURN_IF_ERROR(ScaleRow(draft, op, weights, conv, o, layer.scale[o], caps));
  }
  conv.terms = std::move(layer.terms);
  return {};
}

// scale[d][c] = 2^(Q_out - Q_in) / d.
Status FinishAvgPool(const Draft& draft, const qnet::Op& op, qnet::AvgPool& pool,
                     std::vector<QCap>& caps) {
  const auto& q_in = draft.net.tensor(op.inputs[0]).q;
  const auto& q_out = draft.net.tensor(op.output).q;
  pool.scale.assign(pool.divisors.size(), {});
  for (std::size_t d = 0; d < pool.divisors.size(); ++d) {
    for (std::size_t c = 0; c < q_out.size(); ++c) {
      const double factor = std::ldexp(1.0 / pool.divisors[d], q_out[c] - q_in[c]);
      const auto scale = MakeScale(factor);
      if (!scale) {
        if (q_out[c] <= kMinQ)
          return Located(Unsupported("channel {} needs the factor {}", c, factor), op);
        caps.push_back({op.output, c, q_out[c] - 1});
      }
      pool.scale[d].push_back(scale.value_or(numerics::Scale{}));
    }
  }
  return {};
}

// The function at every value of the input.
Status FinishTable(const Draft& draft, const qnet::Op& op, const qnet::FloatGraph& function,
                   qnet::Table& table) {
  const int q_in = draft.net.tensor(op.inputs[0]).q[0];
  const qnet::Tensor& out = draft.net.tensor(op.output);
  std::vector<float> x;
  for (int v = -128; v < 128; ++v) x.push_back(std::ldexp(static_cast<float>(v), -q_in));
  TF2_ASSIGN_OR_RETURN(const auto y, function.Run({std::move(x)}));
  table.values.clear();
  for (const float real : y[0].f32) {
    table.values.push_back(out.type == qnet::ElemType::kInt8
                               ? numerics::QuantizeToInt8(real, out.q[0])
                               : numerics::QuantizeToInt16(real, out.q[0]));
  }
  return {};
}

// The factor at every entry, with as many bits as the largest allows.
Status FinishLrn(const Draft& draft, const qnet::Op& op, const LrnNumbers& numbers, qnet::Lrn& lrn,
                 std::vector<QCap>& caps) {
  const int q_in = draft.net.tensor(op.inputs[0]).q[0];
  const int q_out = draft.net.tensor(op.output).q[0];
  const std::uint32_t largest = qnet::LargestLrnSum(lrn);
  const double taps = largest / (128.0 * 128.0);
  std::vector<double> factors(std::size_t{numerics::LrnSlotOf(largest).index} + 2);
  for (std::uint32_t i = 0; i < factors.size(); ++i) {
    const double sum = std::ldexp(static_cast<double>(numerics::LrnSumAt(i)), -2 * q_in);
    factors[i] = std::ldexp(std::pow(numbers.bias + numbers.alpha / taps * sum, -numbers.beta),
                            q_out - q_in);
  }
  const double most = *std::ranges::max_element(factors);
  constexpr auto kMost = numerics::kMaxLrnFactor / 2;
  if (!(most < kMost)) {
    if (q_out <= kMinQ || !std::isfinite(most))
      return Located(Unsupported("a factor of {}, which its table does not hold", most), op);
    caps.push_back({op.output, 0, q_out - 1});
    return {};
  }
  int shift = numerics::kMaxLrnShift;
  while (std::ldexp(most, shift) > numerics::kMaxLrnFactor) --shift;
  lrn.shift = static_cast<std::uint8_t>(shift);
  lrn.factor.clear();
  for (const double factor : factors) {
    lrn.factor.push_back(static_cast<std::int32_t>(std::floor(std::ldexp(factor, shift) + 0.5)));
  }
  return {};
}

// How many of a layer's inputs are those of the calibrated value; zeros are between those of a
// dilation.
double ShareOfValues(const Draft& draft, qnet::TensorId input) {
  for (const qnet::Op& op : draft.net.ops) {
    if (op.output != input) continue;
    const auto* dilate = std::get_if<qnet::Dilate>(&op.params);
    return dilate == nullptr ? 1.0 : 1.0 / (dilate->sh * dilate->sw);
  }
  return 1.0;
}

}  // namespace

LayerProblem ProblemOf(const Draft& draft, const Calibration& calibration, std::size_t op,
                       qnet::WeightKind kind) {
  const qnet::Op& node = draft.net.ops[op];
  const auto& conv = std::get<qnet::Conv>(node.params);
  const qnet::Tensor& in = draft.net.tensor(node.inputs[0]);
  const ValueStats& stats = calibration.stats(draft.values[qnet::Index(node.inputs[0])]);
  LayerProblem problem;
  problem.name = node.name;
  problem.kind = kind;
  problem.oc = static_cast<std::size_t>(draft.net.tensor(node.output).c());
  problem.groups = static_cast<std::size_t>(conv.groups);
  const std::size_t taps =
      static_cast<std::size_t>(conv.window.kh) * static_cast<std::size_t>(conv.window.kw);
  const std::size_t ic = static_cast<std::size_t>(in.c()) / problem.groups;
  problem.row = ic * taps;
  problem.bias.assign(draft.weights[op].bias.begin(), draft.weights[op].bias.end());
  const std::vector<float>& w = draft.weights[op].w;
  TF2_CHECK(w.size() == problem.oc * problem.row, "weights of {}", node.name);
  problem.folded.resize(w.size());
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t group = i / problem.row / (problem.oc / problem.groups);
    problem.folded[i] =
        std::ldexp(static_cast<double>(w[i]), -in.q[group * ic + i % problem.row / taps]);
  }
  if (stats.mean.size() != static_cast<std::size_t>(in.c())) return problem;
  const double share = ShareOfValues(draft, node.inputs[0]);
  for (std::size_t i = 0; i < problem.groups * problem.row; ++i) {
    const std::size_t c = i / taps;
    problem.mean.push_back(share * std::ldexp(stats.mean[c], in.q[c]));
    problem.mean_square.push_back(share * std::ldexp(stats.mean_square[c], 2 * in.q[c]));
  }
  return problem;
}

Status FinishOperator(Draft& draft, std::size_t index, qnet::WeightKind kind, RoundedLayer layer,
                      std::vector<QCap>& caps) {
  qnet::Op& op = draft.net.ops[index];
  if (auto* conv = std::get_if<qnet::Conv>(&op.params)) {
    conv->kind = kind;
    return FinishConv(draft, op, draft.weights[index], *conv, std::move(layer), caps);
  }
  if (auto* pool = std::get_if<qnet::AvgPool>(&op.params))
    return FinishAvgPool(draft, op, *pool, caps);
  if (auto* table = std::get_if<qnet::Table>(&op.params))
    return FinishTable(draft, op, draft.functions.at(index), *table);
  if (auto* lrn = std::get_if<qnet::Lrn>(&op.params))
    return FinishLrn(draft, op, draft.lrns.at(index), *lrn, caps);
  return {};
}

void DropIdleClips(qnet::QNet& net) {
  for (qnet::Op& op : net.ops) {
    auto* conv = std::get_if<qnet::Conv>(&op.params);
    if (conv == nullptr || conv->activation != qnet::Activation::kClip) continue;
    const bool wide = net.tensor(op.output).type == qnet::ElemType::kInt16;
    const int lowest = wide ? -32768 : -128;
    const auto is = [](int end) { return [end](std::int16_t bound) { return bound == end; }; };
    if (!std::ranges::all_of(conv->clip_high, is(-lowest - 1))) continue;
    const bool at_zero = std::ranges::all_of(conv->clip_low, is(0));
    if (!at_zero && !std::ranges::all_of(conv->clip_low, is(lowest))) continue;
    conv->activation = at_zero ? qnet::Activation::kRelu : qnet::Activation::kNone;
    conv->clip_low.clear();
    conv->clip_high.clear();
  }
}

Result<std::vector<QCap>> FinishNumbers(Draft& draft, const Calibration& calibration,
                                        qnet::WeightKind kind, const WeightRounder& rounder) {
  std::vector<std::size_t> convs;
  for (std::size_t i = 0; i < draft.net.ops.size(); ++i) {
    if (std::holds_alternative<qnet::Conv>(draft.net.ops[i].params)) convs.push_back(i);
  }
  std::vector<RoundedLayer> layers(draft.net.ops.size());
  TF2_RETURN_IF_ERROR(ParallelForStatus(std::ssize(convs), 0, [&](std::int64_t i) -> Status {
    const std::size_t op = convs[static_cast<std::size_t>(i)];
    TF2_ASSIGN_OR_RETURN(layers[op], rounder(ProblemOf(draft, calibration, op, kind)));
    return {};
  }));
  std::vector<QCap> caps;
  for (std::size_t i = 0; i < draft.net.ops.size(); ++i) {
    TF2_RETURN_IF_ERROR(FinishOperator(draft, i, kind, std::move(layers[i]), caps));
  }
  return caps;
}

}  // namespace tf2::quantize
