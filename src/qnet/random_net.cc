#include "qnet/random_net.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/rng.h"
#include "ir/graph.h"

namespace tf2::qnet {
namespace {

// Exponents stay close together so that every sum and residual shift is representable.
constexpr int kLowQ = 1;
constexpr int kHighQ = 7;

class Generator {
 public:
  Generator(std::uint64_t seed, const RandomNetOptions& options)
      : rng_(seed), padding_rng_(rng_.Fork(1)), inputs_rng_(rng_.Fork(2)), options_(options) {
    net_.name = fmt::format("random-{}", seed);
  }

  QNet Run() {
    AddInput();
    const std::int64_t ops = rng_.Between(1, options_.max_ops);
    for (std::int64_t i = 0; i < ops; ++i) AddRandomOp();
    if (net_.ops.empty() || !AnyWeighted()) AddConv(Pick());
    ChooseOutputs();
    if (options_.cpu_only && rng_.Chance(0.3)) AddHead();
    for (const Op& op : net_.ops) net_.macs += MacsOf(net_, op);
    const Status status = Verify(net_);
    TF2_CHECK(status.ok(), "seed {}: {}", net_.name, status.error().ToString());
    return std::move(net_);
  }

 private:
  const Tensor& T(TensorId id) const { return net_.tensor(id); }

  TensorId AddTensor(std::vector<std::int32_t> dims, std::vector<std::int8_t> q) {
    Tensor t;
    t.name = fmt::format("t{}", net_.tensors.size());
    t.dims = std::move(dims);
    t.q = std::move(q);
    net_.tensors.push_back(std::move(t));
    return static_cast<TensorId>(net_.tensors.size() - 1);
  }

  std::vector<std::int8_t> RandomQ(std::int32_t channels) {
    std::vector<std::int8_t> q(static_cast<std::size_t>(channels));
    const bool one = rng_.Chance(0.3);
    const auto first = static_cast<std::int8_t>(rng_.Between(kLowQ, kHighQ));
    for (auto& v : q) v = one ? first : static_cast<std::int8_t>(rng_.Between(kLowQ, kHighQ));
    return q;
  }

  std::int32_t RandomChannels() {
    // Often around the multiples of the lanes.
    static constexpr std::int32_t kEdges[] = {1, 2, 3, 4, 7, 8, 9, 12, 15, 16, 17, 20};
    const std::int32_t c = rng_.Chance(0.6)
                               ? kEdges[rng_.Below(std::size(kEdges))]
                               : static_cast<std::int32_t>(rng_.Between(1, options_.max_channels));
    return std::min(c, options_.max_channels);
  }

  void AddInput() {
    const std::int32_t c =
        rng_.Chance(0.5) ? static_cast<std::int32_t>(rng_.Between(1, 3)) : RandomChannels();
    const auto side = [&] { return static_cast<std::int32_t>(rng_.Between(1, options_.max_side)); };
    net_.inputs = {AddTensor({c, side(), side()}, RandomQ(c))};
    if (!options_.cpu_only) return;
    // Others, often of the same dims.
    while (net_.inputs.size() < 3 && inputs_rng_.Chance(0.25)) {
      std::vector<std::int32_t> dims = T(net_.inputs[0]).dims;
      if (inputs_rng_.Chance(0.4)) {
        for (std::int32_t& d : dims)
          d = static_cast<std::int32_t>(inputs_rng_.Between(1, options_.max_side));
      }
      const std::int32_t channels = dims[0];
      net_.inputs.push_back(AddTensor(std::move(dims), RandomQ(channels)));
    }
  }

  // A readable tensor, recent ones more often.
  TensorId Pick() {
    for (int tries = 0; tries < 50; ++tries) {
      const auto count = static_cast<std::int64_t>(net_.tensors.size());
      const std::int64_t back = std::min(rng_.Between(0, count - 1), rng_.Between(0, count - 1));
      const auto id = static_cast<TensorId>(count - 1 - back);
      if (T(id).type == ElemType::kInt8) return id;
    }
    return net_.inputs[0];
  }

  // Another readable tensor of the same dims, or none.
  std::optional<TensorId> PickLike(const std::vector<std::int32_t>& dims) {
    std::vector<TensorId> found;
    for (std::size_t i = 0; i < net_.tensors.size(); ++i) {
      if (net_.tensors[i].dims == dims) found.push_back(static_cast<TensorId>(i));
    }
    if (found.empty()) return std::nullopt;
    return rng_.Pick(found);
  }

  bool AnyWeighted() const {
    return std::ranges::any_of(net_.ops, [](const Op& op) {
      return !std::holds_alternative<Reshape>(op.params) &&
             !std::holds_alternative<Concat>(op.params);
    });
  }

  void AddOp(std::vector<TensorId> inputs, TensorId output, OpParams params) {
    Op op;
    op.inputs = std::move(inputs);
    op.output = output;
    op.params = std::move(params);
    op.name = fmt::format("{}{}", KindName(op), net_.ops.size());
    net_.ops.push_back(std::move(op));
  }

  void AddRandomOp() {
    if (options_.cpu_only && rng_.Chance(0.35)) return AddCpuOnlyOp();
    const TensorId x = Pick();
    const std::uint64_t kind = rng_.Below(20);
    if (kind < 9) {
      AddConv(x);
    } else if (kind < 11) {
      AddMaxPool(x);
    } else if (kind < 13) {
      AddAvgPool(x);
    } else if (kind < 16) {
      AddSum(x);
    } else if (kind < 19) {
      AddConcat(x);
    } else {
      AddReshape(x);
    }
  }

  void AddCpuOnlyOp() {
    const TensorId x = Pick();
    switch (rng_.Below(6)) {
      case 0:
        return AddTable(OneQ(x));
      case 1:
        return AddBinary(x);
      case 2:
        return AddLrn(OneQ(x));
      case 3:
        return AddMove(x);
      case 4:
        return AddDilate(x);
      default:
        return AddHost(x);
    }
  }

  bool HasOneQ(TensorId id) const {
    return std::ranges::count(T(id).q, T(id).q[0]) == std::ssize(T(id).q);
  }

  std::vector<std::int8_t> RandomOneQ(std::int32_t channels) {
    return std::vector<std::int8_t>(static_cast<std::size_t>(channels),
                                    static_cast<std::int8_t>(rng_.Between(kLowQ, kHighQ)));
  }

  // `x`, or a sum with one exponent in its place.
  TensorId OneQ(TensorId x) {
    if (HasOneQ(x)) return x;
    std::vector<std::int32_t> dims = T(x).dims;
    const TensorId y = AddTensor(std::move(dims), RandomOneQ(T(x).c()));
    AddOp({x, x}, y, Add{});
    return y;
  }

  void AddTable(TensorId x) {
    Table table{"random", {}};
    for (int i = 0; i < 256; ++i)
      table.values.push_back(static_cast<std::int16_t>(rng_.Between(-128, 127)));
    std::vector<std::int32_t> dims = T(x).dims;
    const TensorId y = AddTensor(std::move(dims), RandomOneQ(T(x).c()));
    AddOp({x}, y, std::move(table));
  }

  // The other operand has the same dims, one element a channel (of an average pool), or is `x`.
  void AddBinary(TensorId x) {
    TensorId other = PickLike(T(x).dims).value_or(x);
    if (rng_.Chance(0.6)) {
      AvgPool pool;
      pool.window.kh = T(x).h();
      pool.window.kw = T(x).w();
      pool.divisor_h = {pool.window.kh};
      pool.divisor_w = {pool.window.kw};
      pool.divisors = {pool.window.kh * pool.window.kw};
      std::vector<std::int8_t> q = RandomQ(T(x).c());
      std::vector<numerics::Scale>& row = pool.scale.emplace_back();
      for (std::size_t c = 0; c < q.size(); ++c) {
        row.push_back(numerics::MakeScale(std::exp2(q[c] - T(x).q[c]) / pool.divisors[0])
                          .value_or(numerics::Scale{1 << 14, 14}));
      }
      const TensorId pooled = AddTensor({T(x).c(), 1, 1}, std::move(q));
      AddOp({x}, pooled, std::move(pool));
      other = pooled;
    }
    Binary binary;
    binary.kind = static_cast<BinaryKind>(rng_.Below(5));
    binary.activation = rng_.Chance(0.3) ? Activation::kRelu : Activation::kNone;
    std::vector<std::int32_t> dims = T(x).dims;
    const TensorId y = AddTensor(std::move(dims), RandomQ(T(x).c()));
    AddOp(rng_.Chance(0.5) ? std::vector{x, other} : std::vector{other, x}, y, binary);
  }

  void AddLrn(TensorId x) {
    Lrn lrn;
    lrn.region = rng_.Chance(0.5) ? LrnRegion::kAcross : LrnRegion::kWithin;
    lrn.size = static_cast<std::int32_t>(rng_.Between(1, 6));
    std::vector<std::int8_t> q = RandomOneQ(T(x).c());
    const double unit = std::exp2(-2 * T(x).q[0]);
    lrn.shift = static_cast<std::uint8_t>(rng_.Between(8, 20));
    const std::uint32_t entries = numerics::LrnSlotOf(LargestLrnSum(lrn)).index + 2;
    for (std::uint32_t i = 0; i < entries; ++i) {
      const double sum = static_cast<double>(numerics::LrnSumAt(i)) * unit;
      const double factor = std::exp2(q[0] - T(x).q[0] + lrn.shift) * std::pow(1 + sum / 4, -0.75);
      lrn.factor.push_back(
          static_cast<std::int32_t>(std::min<double>(factor, numerics::kMaxLrnFactor)));
    }
    std::vector<std::int32_t> dims = T(x).dims;
    const TensorId y = AddTensor(std::move(dims), std::move(q));
    AddOp({x}, y, std::move(lrn));
  }

  // A crop, a flip, an upsampling (Q per channel), or a transposition (one Q).
  void AddMove(TensorId x) {
    const Tensor in = T(x);
    Move move;
    std::vector<std::int32_t> dims = in.dims;
    std::vector<std::int8_t> q = in.q;
    const std::int64_t plane = std::int64_t{in.h()} * in.w();
    switch (rng_.Below(4)) {
      case 0:  // channels in reverse
        std::ranges::reverse(q);
        move = {dims, {-plane, in.w(), 1}, (in.c() - 1) * plane};
        break;
      case 1:  // rows from the middle
        dims[1] = (in.h() + 1) / 2;
        move = {dims, {plane, in.w(), 1}, std::int64_t{in.h() / 4} * in.w()};
        break;
      case 2:
        if (in.elements() > 300) return;
        move = {{in.c(), in.h(), 2, in.w(), 2}, {plane, in.w(), 0, 1, 0}, 0};
        dims = {in.c(), 2 * in.h(), 2 * in.w()};
        break;
      default:
        x = OneQ(x);
        dims = {in.w(), in.c(), in.h()};
        move = {dims, {1, plane, in.w()}, 0};
        q.assign(static_cast<std::size_t>(in.w()), T(x).q[0]);
        break;
    }
    const TensorId y = AddTensor(std::move(dims), std::move(q));
    AddOp({x}, y, std::move(move));
  }

  void AddDilate(TensorId x) {
    const Tensor in = T(x);
    if (in.elements() > 300) return;
    const Dilate dilate{static_cast<std::int32_t>(rng_.Between(1, 3)),
                        static_cast<std::int32_t>(rng_.Between(1, 3))};
    const TensorId y =
        AddTensor({in.c(), (in.h() - 1) * dilate.sh + 1, (in.w() - 1) * dilate.sw + 1}, in.q);
    AddOp({x}, y, dilate);
  }

  static ir::Shape ShapeOf(const Tensor& tensor) { return {1, tensor.c(), tensor.h(), tensor.w()}; }

  // softmax(a + b) of two tensors of the same dims.
  void AddHost(TensorId x) {
    const TensorId other = PickLike(T(x).dims).value_or(x);
    ir::Graph graph;
    graph.name = "host";
    const ir::ValueId a = graph.AddValue("a", ir::DType::kFloat32, ShapeOf(T(x)));
    const ir::ValueId b = graph.AddValue("b", ir::DType::kFloat32, ShapeOf(T(other)));
    graph.inputs = {a, b};
    const ir::ValueId sum = graph.AddNode(ir::OpKind::kAdd, "sum", {a, b});
    graph.outputs = {graph.AddNode(ir::OpKind::kSoftmax, "softmax", {sum})};
    std::vector<std::int32_t> dims = T(x).dims;
    const TensorId y = AddTensor(std::move(dims), RandomQ(T(x).c()));
    AddOp({x, other}, y, Host{Finished(std::move(graph))});
  }

  static FloatGraph Finished(ir::Graph graph) {
    TF2_CHECK(ir::InferShapes(graph).ok());
    auto finished = FloatGraph::Make(graph);
    TF2_CHECK(finished.ok(), "{}", finished.error().ToString());
    return *std::move(finished);
  }

  // Softmax of the first output, the others as they are.
  void AddHead() {
    ir::Graph graph;
    graph.name = "head";
    for (Output& output : net_.outputs) {
      output.head = Head::kNone;
      graph.inputs.push_back(
          graph.AddValue(output.name, ir::DType::kFloat32, ShapeOf(T(output.tensor))));
    }
    graph.outputs = graph.inputs;
    graph.outputs[0] = graph.AddNode(ir::OpKind::kSoftmax, "softmax", {graph.inputs[0]});
    net_.head = Finished(std::move(graph));
  }

  static std::int32_t OutSize(std::int32_t in, std::int32_t k, std::int32_t stride,
                              std::int32_t pad, std::int32_t dil) {
    const std::int32_t span = in + 2 * pad - (k - 1) * dil - 1;
    return span < 0 ? 0 : span / stride + 1;
  }

  Window RandomWindow(std::int32_t max_kernel) {
    const auto small = [&](std::int32_t most) {
      return static_cast<std::int32_t>(rng_.Between(1, most));
    };
    Window w;
    w.kh = small(max_kernel);
    w.kw = rng_.Chance(0.7) ? w.kh : small(max_kernel);
    w.sh = rng_.Chance(0.7) ? 1 : small(3);
    w.sw = rng_.Chance(0.8) ? w.sh : small(3);
    w.ph = rng_.Chance(0.5) ? static_cast<std::int32_t>(rng_.Between(0, w.kh - 1)) : w.kh / 2;
    w.pw = rng_.Chance(0.8) ? std::min(w.ph, w.kw - 1)
                            : static_cast<std::int32_t>(rng_.Between(0, w.kw - 1));
    if (rng_.Chance(0.15)) {
      w.dh = small(2);
      w.dw = small(2);
    }
    return w;
  }

  // A window that gives at least one output pixel and never lies wholly in padding.
  Window FittingWindow(const Tensor& in, std::int32_t max_kernel) {
    for (int tries = 0; tries < 20; ++tries) {
      const Window w = RandomWindow(max_kernel);
      const bool pads_less = w.ph < w.kh && w.pw < w.kw && w.dh == 1 && w.dw == 1;
      const bool no_pads = w.ph == 0 && w.pw == 0;
      if ((pads_less || no_pads) && OutSize(in.h(), w.kh, w.sh, w.ph, w.dh) > 0 &&
          OutSize(in.w(), w.kw, w.sw, w.pw, w.dw) > 0 && w.kh - w.ph <= in.h() &&
          w.kw - w.pw <= in.w()) {
        return w;
      }
    }
    return Window{};
  }

  std::vector<std::int32_t> OutDims(const Tensor& in, const Window& w, std::int32_t c) const {
    return {c, OutSize(in.h(), w.kh, w.sh, w.ph, w.dh), OutSize(in.w(), w.kw, w.sw, w.pw, w.dw)};
  }

  void AddConv(TensorId x) {
    Conv conv;
    const Tensor in = T(x);
    std::int32_t oc = RandomChannels();
    if (rng_.Chance(0.12) && in.elements() <= 256) {
      conv.window.kh = in.h();  // the kernel is the whole input
      conv.window.kw = in.w();
    } else {
      conv.window = FittingWindow(in, 4);
    }
    ChooseGroups(in, conv, oc);
    if (options_.mac && rng_.Chance(0.3)) conv.kind = WeightKind::kMac;
    conv.activation = rng_.Chance(0.4) ? Activation::kRelu : Activation::kNone;
    const std::vector<std::int32_t> dims = OutDims(in, conv.window, oc);
    std::vector<TensorId> inputs{x};
    std::vector<std::int8_t> q = RandomQ(oc);
    if (const auto residual = rng_.Chance(0.4) ? PickLike(dims) : std::nullopt)
      inputs.push_back(*residual);
    FillCodes(conv, in, oc);
    FillScales(conv, inputs, q);
    if (options_.cpu_only) ChooseActivation(conv, inputs.size() > 1);
    const TensorId y = AddTensor(dims, std::move(q));
    AddOp(std::move(inputs), y, std::move(conv));
    ChoosePadding(net_.ops.back());
  }

  // Convolutions that pad one tensor agree; what one that does not pad says has no effect.
  void ChoosePadding(Op& op) {
    const std::int8_t drawn = padding_rng_.Chance(0.4) ? kLowPadding : std::int8_t{0};
    std::int8_t& value = std::get<Conv>(op.params).pad_value;
    value = drawn;
    if (!ReadsPadding(net_, op)) return;
    value = around_.try_emplace(op.inputs[0], drawn).first->second;
  }

  void ChooseActivation(Conv& conv, bool residual) {
    const std::size_t oc = conv.beta.size();
    if (rng_.Chance(0.2)) {
      conv.activation = Activation::kClip;
      for (std::size_t o = 0; o < oc; ++o) {
        conv.clip_low.push_back(static_cast<std::int16_t>(rng_.Between(-40, 0)));
        conv.clip_high.push_back(static_cast<std::int16_t>(rng_.Between(0, 127)));
      }
    } else if (!residual && rng_.Chance(0.3)) {
      conv.activation = Activation::kPRelu;
      for (std::size_t o = 0; o < oc; ++o) {
        conv.alpha_negative.push_back(
            static_cast<std::int16_t>(rng_.Between(-numerics::kMaxAlpha / 4, numerics::kMaxAlpha)));
      }
    }
  }

  void ChooseGroups(const Tensor& in, Conv& conv, std::int32_t& oc) {
    if (!rng_.Chance(0.3)) return;
    std::vector<std::int32_t> divisors;
    for (std::int32_t g = 1; g <= in.c(); ++g) {
      if (in.c() % g == 0) divisors.push_back(g);
    }
    conv.groups = rng_.Chance(0.5) ? in.c() : rng_.Pick(divisors);
    const std::int32_t per_group =
        rng_.Chance(0.6) ? 1 : static_cast<std::int32_t>(rng_.Between(1, 3));
    oc = conv.groups * per_group;
  }

  std::int8_t RandomCode(WeightKind kind) {
    switch (kind) {
      case WeightKind::kSac: {
        if (rng_.Chance(0.2)) return 0;
        const auto magnitude =
            static_cast<std::int8_t>(1 << rng_.Below(numerics::kMaxCodeExponent + 1));
        return rng_.Chance(0.5) ? static_cast<std::int8_t>(-magnitude) : magnitude;
      }
      case WeightKind::kMac:
        return static_cast<std::int8_t>(rng_.Between(-127, 127));
    }
    return 0;
  }

  void FillCodes(Conv& conv, const Tensor& in, std::int32_t oc) {
    const std::int64_t row = std::int64_t{in.c() / conv.groups} * conv.window.kh * conv.window.kw;
    const std::size_t terms =
        options_.two_terms && conv.kind == WeightKind::kSac && rng_.Chance(0.4) ? 2 : 1;
    conv.terms.assign(terms, std::vector<std::int8_t>(static_cast<std::size_t>(row * oc)));
    conv.beta.resize(static_cast<std::size_t>(oc));
    for (std::int32_t o = 0; o < oc; ++o) {
      std::int64_t room = ((std::int64_t{1} << (options_.acc_bits - 1)) - 1) / 128;
      const bool all_zero = rng_.Chance(0.03);
      for (auto& term : conv.terms) {
        for (std::int64_t i = 0; i < row; ++i) {
          std::int8_t code = all_zero ? std::int8_t{0} : RandomCode(conv.kind);
          if (std::abs(code) > room) code = 0;
          room -= std::abs(code);
          term[static_cast<std::size_t>(o * row + i)] = code;
        }
      }
      const std::int64_t most =
          std::min<std::int64_t>(std::max<std::int64_t>(room * 128 - 1, 0), 20000);
      conv.beta[static_cast<std::size_t>(o)] = static_cast<std::int32_t>(rng_.Between(-most, most));
    }
  }

  // Scales that bring typical sums into 8 bits; some rows saturate, some vanish.
  void FillScales(Conv& conv, const std::vector<TensorId>& inputs,
                  const std::vector<std::int8_t>& q) {
    const auto oc = static_cast<std::int32_t>(q.size());
    const std::int64_t row = static_cast<std::int64_t>(conv.terms[0].size()) / oc;
    for (std::int32_t o = 0; o < oc; ++o) {
      double energy = 1;
      for (const auto& term : conv.terms) {
        for (std::int64_t i = 0; i < row; ++i) {
          const double code = term[static_cast<std::size_t>(o * row + i)];
          energy += code * code;
        }
      }
      const double factor = 1.0 / std::sqrt(energy) *
                            std::exp2(static_cast<double>(rng_.Between(-2, 2))) *
                            (0.5 + rng_.Double());
      int max_s = numerics::kMaxShift;
      if (inputs.size() > 1) {
        const int to_residual =
            q[static_cast<std::size_t>(o)] - T(inputs[1]).q[static_cast<std::size_t>(o)];
        max_s = std::min(max_s, numerics::kMaxResidualShift - to_residual);
      }
      auto scale = numerics::MakeScale(factor, max_s);
      if (!scale) scale = numerics::Scale{1 << 14, 14};
      if (rng_.Chance(0.02)) scale->alpha = 0;
      conv.scale.push_back(*scale);
      if (inputs.size() > 1) AddShift(conv, q, inputs[1], o);
    }
  }

  // t = s + Q_out - Q_res, with s raised where that would be negative.
  void AddShift(Conv& conv, const std::vector<std::int8_t>& q, TensorId residual, std::int32_t o) {
    const auto at = static_cast<std::size_t>(o);
    const int difference = q[at] - T(residual).q[at];
    numerics::Scale& scale = conv.scale[at];
    if (scale.s + difference < 0) scale.s = static_cast<std::uint8_t>(-difference);
    conv.t.push_back(static_cast<std::uint8_t>(scale.s + difference));
  }

  void AddMaxPool(TensorId x) {
    const Window w = FittingWindow(T(x), 4);
    const TensorId y = AddTensor(OutDims(T(x), w, T(x).c()), T(x).q);
    AddOp({x}, y, MaxPool{w});
  }

  void AddAvgPool(TensorId x) {
    const Tensor in = T(x);
    AvgPool pool;
    if (rng_.Chance(0.4)) {
      pool.window.kh = in.h();
      pool.window.kw = in.w();
    } else {
      pool.window = FittingWindow(in, 4);
    }
    pool.activation = rng_.Chance(0.2) ? Activation::kRelu : Activation::kNone;
    const std::vector<std::int32_t> dims = OutDims(in, pool.window, in.c());
    const bool count_padding = rng_.Chance(0.5);
    const auto divisors = [&](std::int32_t out, std::int32_t size, std::int32_t k, std::int32_t s,
                              std::int32_t p, std::int32_t dil) {
      std::vector<std::int32_t> result;
      for (std::int32_t o = 0; o < out; ++o) {
        std::int32_t inside = 0;
        for (std::int32_t i = 0; i < k; ++i) {
          const std::int32_t at = o * s - p + i * dil;
          inside += at >= 0 && at < size ? 1 : 0;
        }
        result.push_back(count_padding ? k : std::max(inside, 1));
      }
      return result;
    };
    const Window& w = pool.window;
    pool.divisor_h = divisors(dims[1], in.h(), w.kh, w.sh, w.ph, w.dh);
    pool.divisor_w = divisors(dims[2], in.w(), w.kw, w.sw, w.pw, w.dw);
    std::set<std::int32_t> products;
    for (const std::int32_t a : pool.divisor_h) {
      for (const std::int32_t b : pool.divisor_w) products.insert(a * b);
    }
    pool.divisors.assign(products.begin(), products.end());
    std::vector<std::int8_t> q = RandomQ(in.c());
    for (const std::int32_t d : pool.divisors) {
      std::vector<numerics::Scale> row;
      for (std::size_t c = 0; c < q.size(); ++c) {
        const auto scale = numerics::MakeScale(std::exp2(q[c] - in.q[c]) / d);
        row.push_back(scale.value_or(numerics::Scale{1 << 14, 14}));
      }
      pool.scale.push_back(std::move(row));
    }
    const TensorId y = AddTensor(dims, std::move(q));
    AddOp({x}, y, std::move(pool));
  }

  void AddSum(TensorId x) {
    const std::optional<TensorId> other = PickLike(T(x).dims);
    Add add;
    add.activation = rng_.Chance(0.4) ? Activation::kRelu : Activation::kNone;
    std::vector<std::int32_t> dims = T(x).dims;
    const TensorId y = AddTensor(std::move(dims), RandomQ(T(x).c()));
    AddOp({x, other.value_or(x)}, y, add);
  }

  void AddConcat(TensorId x) {
    std::vector<TensorId> inputs{x};
    std::vector<TensorId> candidates;
    for (std::size_t i = 0; i < net_.tensors.size(); ++i) {
      const Tensor& t = net_.tensors[i];
      if (t.type == ElemType::kInt8 && t.h() == T(x).h() && t.w() == T(x).w()) {
        candidates.push_back(static_cast<TensorId>(i));
      }
    }
    const std::int64_t count = rng_.Between(1, 3);
    std::int32_t channels = T(x).c();
    for (std::int64_t i = 0; i < count; ++i) {
      const TensorId next = rng_.Pick(candidates);
      if (channels + T(next).c() > 4 * options_.max_channels) continue;
      channels += T(next).c();
      inputs.push_back(next);
    }
    std::vector<std::int8_t> q;
    for (const TensorId id : inputs) q.insert(q.end(), T(id).q.begin(), T(id).q.end());
    const TensorId y = AddTensor({channels, T(x).h(), T(x).w()}, std::move(q));
    AddOp(std::move(inputs), y, Concat{});
  }

  void AddReshape(TensorId x) {
    const Tensor in = T(x);
    const std::int32_t pixels = in.h() * in.w();
    std::vector<std::int32_t> dims{in.c(), pixels, 1};
    std::vector<std::int8_t> q = in.q;
    if (options_.general_reshape && rng_.Chance(0.4)) {
      // Any split of the elements under one exponent.
      if (std::ranges::count(q, q[0]) != std::ssize(q)) return;
      const auto elements = static_cast<std::int32_t>(in.elements());
      std::vector<std::int32_t> divisors;
      for (std::int32_t d = 1; d <= elements; ++d) {
        if (elements % d == 0) divisors.push_back(d);
      }
      const std::int32_t c = rng_.Pick(divisors);
      dims = {c, elements / c, 1};
      q.assign(static_cast<std::size_t>(c), q[0]);
    } else if (rng_.Chance(0.7) && in.elements() <= 400) {
      dims = {in.c() * pixels, 1, 1};
      q.clear();
      for (const std::int8_t v : in.q) q.insert(q.end(), static_cast<std::size_t>(pixels), v);
    }
    const TensorId y = AddTensor(std::move(dims), std::move(q));
    AddOp({x}, y, Reshape{});
  }

  // Every tensor that nobody reads is an output; sometimes one that is read, too. Some become 16
  // bits wide.
  void ChooseOutputs() {
    std::vector<bool> read(net_.tensors.size(), false);
    for (const Op& op : net_.ops) {
      for (const TensorId id : op.inputs) read[Index(id)] = true;
    }
    for (Op& op : net_.ops) {
      const bool is_read = read[Index(op.output)];
      if (is_read && !rng_.Chance(0.08)) continue;
      Widen(op, is_read);
      Output out;
      out.tensor = op.output;
      out.name = fmt::format("out{}", net_.outputs.size());
      out.head = rng_.Chance(0.3) ? Head::kSoftmax : Head::kNone;
      for (const std::int32_t d : T(op.output).dims) out.shape.push_back(d);
      net_.outputs.push_back(std::move(out));
    }
  }

  void Widen(const Op& op, bool is_read) {
    const bool can = std::holds_alternative<Conv>(op.params) ||
                     std::holds_alternative<AvgPool>(op.params) ||
                     std::holds_alternative<Add>(op.params);
    if (!is_read && can && rng_.Chance(0.5)) net_.tensor(op.output).type = ElemType::kInt16;
  }

  Rng rng_;
  Rng padding_rng_;                         // of its own: a seed's networks stay what they were
  Rng inputs_rng_;                          // likewise
  std::map<TensorId, std::int8_t> around_;  // what lies around a tensor that is padded
  RandomNetOptions options_;
  QNet net_;
};

}  // namespace

QNet RandomNet(std::uint64_t seed, const RandomNetOptions& options) {
  return Generator(seed, options).Run();
}

std::vector<std::int8_t> RandomInput(const QNet& net, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::int8_t> values(static_cast<std::size_t>(InputElements(net)));
  for (auto& v : values) {
    const std::uint64_t kind = rng.Below(10);
    v = kind == 0   ? std::int8_t{-128}
        : kind == 1 ? std::int8_t{127}
        : kind == 2 ? std::int8_t{0}
                    : static_cast<std::int8_t>(rng.Between(-128, 127));
  }
  return values;
}

}  // namespace tf2::qnet
