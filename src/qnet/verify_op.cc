#include "qnet/verify_op.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "qnet/move_map.h"

namespace tf2::qnet {
namespace {

Status CheckWindow(const Window& w) {
  for (const std::int32_t v : {w.kh, w.kw, w.sh, w.sw, w.dh, w.dw}) {
    if (v < 1 || v > kMaxWindow)
      return Broken("kernel, stride or dilation {} is outside 1..{}", v, kMaxWindow);
  }
  for (const std::int32_t v : {w.ph, w.pw}) {
    if (v < 0 || v > kMaxWindow) return Broken("padding {} is outside 0..{}", v, kMaxWindow);
  }
  return {};
}

// Whether every one of `out` windows along an axis has a tap inside the input.
bool EveryWindowMeetsInput(std::int32_t in, std::int32_t out, std::int32_t k, std::int32_t stride,
                           std::int32_t pad, std::int32_t dilation) {
  for (std::int64_t o = 0; o < out; ++o) {
    const std::int64_t start = o * stride - pad;
    const std::int64_t first =
        start >= 0 ? 0 : (-start + dilation - 1) / dilation;  // first tap >= 0
    if (first >= k || start + first * dilation >= in) return false;
  }
  return true;
}

Status CheckScale(const numerics::Scale& scale) {
  if (scale.alpha < 0) return Broken("alpha {} is negative", scale.alpha);
  if (scale.s < 1 || scale.s > numerics::kMaxShift)
    return Broken("s {} is outside 1..{}", scale.s, numerics::kMaxShift);
  return {};
}

// Of what has one activation for all channels.
Status CheckActivation(Activation activation) {
  if (activation != Activation::kNone && activation != Activation::kRelu)
    return Broken("unknown activation");
  return {};
}

struct Arity {
  std::size_t min, max;
};
struct ArityOf {
  static constexpr std::size_t kMany = 1 << 16;
  Arity operator()(const Conv&) const { return {1, 2}; }
  Arity operator()(const MaxPool&) const { return {1, 1}; }
  Arity operator()(const AvgPool&) const { return {1, 1}; }
  Arity operator()(const Add&) const { return {2, 2}; }
  Arity operator()(const Concat&) const { return {1, kMany}; }
  Arity operator()(const Reshape&) const { return {1, 1}; }
  Arity operator()(const Table&) const { return {1, 1}; }
  Arity operator()(const Binary&) const { return {2, 2}; }
  Arity operator()(const Lrn&) const { return {1, 1}; }
  Arity operator()(const Move&) const { return {1, 1}; }
  Arity operator()(const Dilate&) const { return {1, 1}; }
  Arity operator()(const Host&) const { return {1, kMany}; }
};

bool HasOneQ(const Tensor& tensor) {
  return std::ranges::count(tensor.q, tensor.q[0]) == std::ssize(tensor.q);
}

// Which int8 codes weights of a kind may have, at code + 128.
std::array<bool, 256> ValidCodes(WeightKind kind) {
  std::array<bool, 256> valid{};
  for (int code = -128; code < 128; ++code) {
    valid[static_cast<std::size_t>(code + 128)] =
        kind == WeightKind::kSac ? numerics::SacNibble(code).has_value() : code != -128;
  }
  return valid;
}

class OpChecker {
 public:
  OpChecker(const QNet& net, const Op& op) : net_(net), op_(op), out_(net.tensor(op.output)) {}

  Status Check() const {
    const Arity arity = std::visit(ArityOf{}, op_.params);
    if (op_.inputs.size() < arity.min || op_.inputs.size() > arity.max) {
      return Broken("{} inputs", op_.inputs.size());
    }
    return std::visit([this](const auto& params) { return Check(params); }, op_.params);
  }

 private:
  const Tensor& in(std::size_t i = 0) const { return net_.tensor(op_.inputs[i]); }

  Status NeedInt8Inputs() const {
    for (std::size_t i = 0; i < op_.inputs.size(); ++i) {
      if (in(i).type != ElemType::kInt8) return Broken("reads the 16-bit tensor %{}", in(i).name);
    }
    return {};
  }

  Status Check(const Conv& conv) const {
    TF2_RETURN_IF_ERROR(NeedInt8Inputs());
    TF2_RETURN_IF_ERROR(CheckWindow(conv.window));
    TF2_RETURN_IF_ERROR(CheckConvActivation(conv));
    if (conv.pad_value != 0 && conv.pad_value != kLowPadding)
      return Broken("the padding's value {} is neither 0 nor {}", conv.pad_value, kLowPadding);
    if (conv.groups < 1 || in().c() % conv.groups != 0 || out_.c() % conv.groups != 0) {
      return Broken("{} groups for {} -> {} channels", conv.groups, in().c(), out_.c());
    }
    const auto channels = static_cast<std::size_t>(out_.c());
    if (conv.beta.size() != channels || conv.scale.size() != channels) {
      return Broken("{} beta and {} scales for {} channels", conv.beta.size(), conv.scale.size(),
                    channels);
    }
    for (const numerics::Scale& scale : conv.scale) TF2_RETURN_IF_ERROR(CheckScale(scale));
    TF2_RETURN_IF_ERROR(CheckCodes(conv));
    return CheckResidual(conv);
  }

  bool FitsOutput(std::int64_t v) const {
    switch (out_.type) {
      case ElemType::kInt8:
        return v == numerics::Sat8(v);
      case ElemType::kInt16:
        return v == numerics::Sat16(v);
    }
    return false;
  }

  Status CheckConvActivation(const Conv& conv) const {
    std::size_t bounds = 0;
    std::size_t slopes = 0;
    const auto channels = static_cast<std::size_t>(out_.c());
    switch (conv.activation) {
      case Activation::kNone:
      case Activation::kRelu:
        break;
      case Activation::kClip:
        bounds = channels;
        break;
      case Activation::kPRelu:
        slopes = channels;
        if (op_.inputs.size() > 1) return Broken("has a PReLU and a residual");
        break;
      default:
        return Broken("unknown activation");
    }
    if (conv.clip_low.size() != bounds || conv.clip_high.size() != bounds ||
        conv.alpha_negative.size() != slopes) {
      return Broken("the activation's parameters are not one for each of {} channels", channels);
    }
    for (std::size_t o = 0; o < bounds; ++o) {
      const int low = conv.clip_low[o];
      const int high = conv.clip_high[o];
      if (low > high || !FitsOutput(low) || !FitsOutput(high))
        return Broken("channel {} is clipped to {}..{}", o, low, high);
    }
    for (std::size_t o = 0; o < slopes; ++o) {
      if (conv.alpha_negative[o] < -numerics::kMaxAlpha)
        return Broken("alpha {} of channel {} below 0", conv.alpha_negative[o], o);
    }
    return {};
  }

  Status CheckCodes(const Conv& conv) const {
    std::size_t max_terms = 1;
    switch (conv.kind) {
      case WeightKind::kSac:
        max_terms = 2;
        break;
      case WeightKind::kMac:
        break;
    }
    if (conv.kind != WeightKind::kSac && conv.kind != WeightKind::kMac)
      return Broken("unknown kind of weights");
    if (conv.terms.empty() || conv.terms.size() > max_terms)
      return Broken("{} weight terms", conv.terms.size());
    const std::int64_t row = std::int64_t{in().c() / conv.groups} * conv.window.kh * conv.window.kw;
    const auto channels = static_cast<std::size_t>(out_.c());
    for (const auto& term : conv.terms) {
      if (static_cast<std::int64_t>(term.size()) / out_.c() != row || term.size() % channels != 0) {
        return Broken("{} codes instead of {} x {}", term.size(), out_.c(), row);
      }
    }
    const std::array<bool, 256> valid = ValidCodes(conv.kind);
    for (std::size_t o = 0; o < channels; ++o) {
      std::int64_t sum_abs = 0;
      for (const auto& term : conv.terms) {
        const auto codes = std::span(term).subspan(o * static_cast<std::size_t>(row),
                                                   static_cast<std::size_t>(row));
        for (const int code : codes) {
          if (!valid[static_cast<std::size_t>(code + 128)]) {
            return Broken("channel {} has the code {}", o, code);
          }
          sum_abs += code < 0 ? -code : code;
        }
      }
      if (!numerics::AccumulatorFits(sum_abs, conv.beta[o], 32)) {
        return Broken(
            "the accumulator of channel {} may overflow: sum |code| {} * 128 + |beta| {} >= 2^31",
            o, sum_abs, conv.beta[o]);
      }
    }
    return {};
  }

  Status CheckResidual(const Conv& conv) const {
    if (op_.inputs.size() == 1) {
      if (!conv.t.empty()) return Broken("has residual shifts but no residual");
      return {};
    }
    const Tensor& res = in(1);
    if (res.dims != out_.dims)
      return Broken("the residual %{} has other dims than the output", res.name);
    if (conv.t.size() != static_cast<std::size_t>(out_.c()))
      return Broken("{} residual shifts", conv.t.size());
    for (std::size_t o = 0; o < conv.t.size(); ++o) {
      const int t = conv.scale[o].s + out_.q[o] - res.q[o];
      if (conv.t[o] > numerics::kMaxResidualShift || conv.t[o] != t) {
        return Broken(
            "residual shift {} of channel {}: must be s + Q_out - Q_res = {} and at most {}",
            conv.t[o], o, t, numerics::kMaxResidualShift);
      }
    }
    return {};
  }

  Status CheckPoolGeometry(const Window& w) const {
    TF2_RETURN_IF_ERROR(NeedInt8Inputs());
    TF2_RETURN_IF_ERROR(CheckWindow(w));
    if (in().c() != out_.c()) return Broken("{} -> {} channels", in().c(), out_.c());
    if (!EveryWindowMeetsInput(in().h(), out_.h(), w.kh, w.sh, w.ph, w.dh) ||
        !EveryWindowMeetsInput(in().w(), out_.w(), w.kw, w.sw, w.pw, w.dw)) {
      return Broken("a window lies outside the input");
    }
    return {};
  }

  Status Check(const MaxPool& pool) const {
    TF2_RETURN_IF_ERROR(CheckPoolGeometry(pool.window));
    if (out_.type != ElemType::kInt8 || out_.q != in().q)
      return Broken("changes the exponents or the width");
    return {};
  }

  Status Check(const AvgPool& pool) const {
    TF2_RETURN_IF_ERROR(CheckPoolGeometry(pool.window));
    TF2_RETURN_IF_ERROR(CheckActivation(pool.activation));
    if (std::int64_t{pool.window.kh} * pool.window.kw > 1 << 23)
      return Broken("the sum of a window may overflow");
    if (pool.divisor_h.size() != static_cast<std::size_t>(out_.h()) ||
        pool.divisor_w.size() != static_cast<std::size_t>(out_.w())) {
      return Broken("{} x {} divisors", pool.divisor_h.size(), pool.divisor_w.size());
    }
    const std::set<std::int32_t> rows(pool.divisor_h.begin(), pool.divisor_h.end());
    const std::set<std::int32_t> columns(pool.divisor_w.begin(), pool.divisor_w.end());
    std::set<std::int32_t> products;
    for (const std::int32_t a : rows) {
      for (const std::int32_t b : columns) {
        if (a < 1 || b < 1 || a > kMaxWindow || b > kMaxWindow)
          return Broken("divisor {} x {}", a, b);
        products.insert(a * b);
      }
    }
    if (!std::ranges::equal(products, pool.divisors))
      return Broken("the list of divisors is not that of the positions");
    if (pool.scale.size() != pool.divisors.size())
      return Broken("{} rows of scales", pool.scale.size());
    for (const auto& row : pool.scale) {
      if (row.size() != static_cast<std::size_t>(out_.c()))
        return Broken("{} scales in a row", row.size());
      for (const numerics::Scale& scale : row) TF2_RETURN_IF_ERROR(CheckScale(scale));
    }
    return {};
  }

  Status Check(const Add& add) const {
    TF2_RETURN_IF_ERROR(NeedInt8Inputs());
    TF2_RETURN_IF_ERROR(CheckActivation(add.activation));
    if (in(0).dims != out_.dims || in(1).dims != out_.dims)
      return Broken("the dims of inputs and output differ");
    return {};
  }

  Status Check(const Concat&) const {
    std::vector<std::int8_t> q;
    for (std::size_t i = 0; i < op_.inputs.size(); ++i) {
      if (in(i).type != out_.type)
        return Broken("%{} has another width than the output", in(i).name);
      if (in(i).h() != out_.h() || in(i).w() != out_.w())
        return Broken("%{} has another size than the output", in(i).name);
      q.insert(q.end(), in(i).q.begin(), in(i).q.end());
    }
    if (q != out_.q)
      return Broken("channels or exponents of the output are not those of the inputs");
    return {};
  }

  Status Check(const Reshape&) const {
    if (in().type != out_.type) return Broken("changes the width");
    if (in().elements() != out_.elements())
      return Broken("{} -> {} elements", in().elements(), out_.elements());
    const std::int64_t in_plane = std::int64_t{in().h()} * in().w();
    const std::int64_t out_plane = std::int64_t{out_.h()} * out_.w();
    for (std::int64_t i = 0; i < in().elements(); i += std::min(in_plane, out_plane)) {
      if (in().q[static_cast<std::size_t>(i / in_plane)] !=
          out_.q[static_cast<std::size_t>(i / out_plane)]) {
        return Broken("element {} changes its exponent", i);
      }
    }
    // Planes that do not nest need one Q.
    if (std::max(in_plane, out_plane) % std::min(in_plane, out_plane) != 0 &&
        std::ranges::count(in().q, in().q[0]) != std::ssize(in().q)) {
      return Broken("mixes channels of different exponents");
    }
    return {};
  }

  Status Check(const Table& table) const {
    TF2_RETURN_IF_ERROR(NeedInt8Inputs());
    if (in().dims != out_.dims) return Broken("the dims of input and output differ");
    if (!HasOneQ(in()) || !HasOneQ(out_)) return Broken("needs one exponent in and one out");
    if (table.values.size() != 256) return Broken("{} entries", table.values.size());
    for (const std::int16_t v : table.values) {
      if (!FitsOutput(v)) return Broken("entry {} is wider than the output", v);
    }
    return {};
  }

  Status Check(const Binary& binary) const {
    TF2_RETURN_IF_ERROR(NeedInt8Inputs());
    TF2_RETURN_IF_ERROR(CheckActivation(binary.activation));
    if (binary.kind > BinaryKind::kMin) return Broken("unknown kind");
    for (std::size_t d = 0; d < 3; ++d) {
      const auto [low, high] = std::minmax(in(0).dims[d], in(1).dims[d]);
      if (high != out_.dims[d] || (low != high && low != 1))
        return Broken("the dims of the inputs do not broadcast to the output's");
    }
    return {};
  }

  Status Check(const Lrn& lrn) const {
    TF2_RETURN_IF_ERROR(NeedInt8Inputs());
    if (in().dims != out_.dims) return Broken("the dims of input and output differ");
    if (!HasOneQ(in()) || !HasOneQ(out_)) return Broken("needs one exponent in and one out");
    if (lrn.region != LrnRegion::kAcross && lrn.region != LrnRegion::kWithin)
      return Broken("unknown region");
    const std::int32_t most = lrn.region == LrnRegion::kAcross ? kMaxLrnAcross : kMaxLrnWithin;
    if (lrn.size < 1 || lrn.size > most) return Broken("size {} is outside 1..{}", lrn.size, most);
    if (lrn.shift < 1 || lrn.shift > numerics::kMaxLrnShift)
      return Broken("shift {} is outside 1..{}", lrn.shift, numerics::kMaxLrnShift);
    const std::uint32_t index = numerics::LrnSlotOf(LargestLrnSum(lrn)).index;
    if (lrn.factor.size() != std::size_t{index} + 2)
      return Broken("{} factors instead of {}", lrn.factor.size(), index + 2);
    for (const std::int32_t f : lrn.factor) {
      if (f < 0 || f > numerics::kMaxLrnFactor) return Broken("factor {}", f);
    }
    return {};
  }

  Status Check(const Move& move) const {
    if (in().type != out_.type) return Broken("changes the width");
    if (move.dims.empty() || move.dims.size() > kMaxMoveDims ||
        move.dims.size() != move.strides.size())
      return Broken("{} dims and {} strides", move.dims.size(), move.strides.size());
    std::int64_t elements = 1;
    std::int64_t lowest = move.offset;
    std::int64_t highest = move.offset;
    constexpr std::int64_t kFar = std::int64_t{1} << 32;
    if (move.offset < 0 || move.offset > kFar) return Broken("offset {}", move.offset);
    for (std::size_t d = 0; d < move.dims.size(); ++d) {
      const std::int64_t dim = move.dims[d];
      const std::int64_t stride = move.strides[d];
      if (dim < 1 || elements > out_.elements() / dim || stride < -kFar || stride > kFar)
        return Broken("dimension {} of stride {}", dim, stride);
      elements *= dim;
      (stride < 0 ? lowest : highest) += (dim - 1) * stride;
      if (lowest < 0 || highest >= in().elements())
        return Broken("reads element {} of {}", lowest < 0 ? lowest : highest, in().elements());
    }
    if (elements != out_.elements())
      return Broken("moves {} elements into {}", elements, out_.elements());
    return CheckMovedQ(move);
  }

  // Each element keeps its exponent.
  Status CheckMovedQ(const Move& move) const {
    if (HasOneQ(in()) && HasOneQ(out_) && in().q[0] == out_.q[0]) return {};
    const std::int64_t in_plane = std::int64_t{in().h()} * in().w();
    const std::int64_t out_plane = std::int64_t{out_.h()} * out_.w();
    std::int64_t broken = -1;
    ForEachMoved(move, [&](std::int64_t to, std::int64_t from) {
      if (in().q[static_cast<std::size_t>(from / in_plane)] !=
          out_.q[static_cast<std::size_t>(to / out_plane)])
        broken = to;
      return broken < 0;
    });
    if (broken >= 0) return Broken("element {} changes its exponent", broken);
    return {};
  }

  Status Check(const Dilate& dilate) const {
    TF2_RETURN_IF_ERROR(NeedInt8Inputs());
    if (dilate.sh < 1 || dilate.sw < 1 || dilate.sh > kMaxWindow || dilate.sw > kMaxWindow)
      return Broken("stride {} x {}", dilate.sh, dilate.sw);
    if (out_.c() != in().c() || out_.h() != (std::int64_t{in().h()} - 1) * dilate.sh + 1 ||
        out_.w() != (std::int64_t{in().w()} - 1) * dilate.sw + 1)
      return Broken("the output has other dims than the dilated input");
    if (out_.type != ElemType::kInt8 || out_.q != in().q)
      return Broken("changes the exponents or the width");
    return {};
  }

  Status Check(const Host& host) const {
    TF2_RETURN_IF_ERROR(CheckGraphInputs(net_, host.graph, op_.inputs, std::identity{}));
    const ir::Graph& graph = host.graph.graph();
    if (graph.outputs.size() != 1) return Broken("its graph has {} outputs", graph.outputs.size());
    const ir::Value& result = graph.value(graph.outputs[0]);
    if (result.dtype != ir::DType::kFloat32 || ir::ElementCount(result.shape) != out_.elements()) {
      return Broken("its graph's output {} of shape {} is not the {} values of %{}", result.name,
                    ir::ToString(result.shape), out_.elements(), out_.name);
    }
    return {};
  }

  const QNet& net_;
  const Op& op_;
  const Tensor& out_;
};

}  // namespace

Status VerifyOp(const QNet& net, const Op& op) { return OpChecker(net, op).Check(); }

}  // namespace tf2::qnet
