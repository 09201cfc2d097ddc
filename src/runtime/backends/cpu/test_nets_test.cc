#include "runtime/backends/cpu/test_nets.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tf2::runtime::cpu::testing {
namespace {

constexpr std::int32_t kMaxSide = 12;

qnet::Window RandomWindow(Rng& rng, const qnet::Tensor& input, bool pool) {
  qnet::Window w;
  w.kh = static_cast<std::int32_t>(rng.Between(1, 4));
  w.kw = static_cast<std::int32_t>(rng.Between(1, 4));
  w.sh = static_cast<std::int32_t>(rng.Between(1, 3));
  w.sw = static_cast<std::int32_t>(rng.Between(1, 3));
  if (!pool && rng.Chance(0.3)) {
    w.dh = static_cast<std::int32_t>(rng.Between(1, 3));
    w.dw = static_cast<std::int32_t>(rng.Between(1, 3));
  }
  w.kh = std::min(w.kh, input.h());
  w.kw = std::min(w.kw, input.w());
  w.ph = static_cast<std::int32_t>(rng.Between(0, pool ? w.kh - 1 : 3));
  w.pw = static_cast<std::int32_t>(rng.Between(0, pool ? w.kw - 1 : 3));
  return w;
}

}  // namespace

std::int32_t OutputSize(std::int32_t in, std::int32_t k, std::int32_t stride, std::int32_t pad,
                        std::int32_t dilation) {
  return std::max(0, in + 2 * pad - (k - 1) * dilation - 1) / stride + 1;
}

NetBuilder::NetBuilder(std::uint64_t seed, std::vector<std::int32_t> dims, int spread)
    : rng_(seed) {
  net_.name = "test";
  net_.inputs = {AddTensor(std::move(dims), false, spread)};
}

qnet::TensorId NetBuilder::AddTensor(std::vector<std::int32_t> dims, bool wide, int spread) {
  qnet::Tensor tensor;
  tensor.name = fmt::format("t{}", net_.tensors.size());
  tensor.type = wide ? qnet::ElemType::kInt16 : qnet::ElemType::kInt8;
  tensor.dims = std::move(dims);
  for (std::int32_t c = 0; c < tensor.c(); ++c) {
    const auto q = std::clamp<std::int64_t>(rng_.Between(4 - spread, 4 + spread), -16, 24);
    tensor.q.push_back(static_cast<std::int8_t>(q));
  }
  net_.tensors.push_back(std::move(tensor));
  return qnet::TensorId(static_cast<std::int32_t>(net_.tensors.size()) - 1);
}

std::int8_t NetBuilder::Code(const ConvOptions& options, bool negative) {
  int code = 0;
  switch (options.kind) {
    case qnet::WeightKind::kSac:
      code = options.extreme ? 64 : rng_.Chance(0.2) ? 0 : 1 << rng_.Below(7);
      break;
    case qnet::WeightKind::kMac:
      code = options.extreme ? 127 : static_cast<int>(rng_.Between(0, 127));
      break;
  }
  const bool flip = options.extreme ? negative : rng_.Chance(0.5);
  return static_cast<std::int8_t>(flip ? -code : code);
}

qnet::TensorId NetBuilder::Conv(qnet::TensorId input, const ConvOptions& options) {
  return MakeConv({input}, options);
}

qnet::TensorId NetBuilder::Conv(qnet::TensorId input, qnet::TensorId residual,
                                const ConvOptions& options) {
  return MakeConv({input, residual}, options);
}

qnet::TensorId NetBuilder::MakeConv(std::vector<qnet::TensorId> inputs,
                                    const ConvOptions& options) {
  const qnet::Tensor in = tensor(inputs[0]);
  const qnet::Window& w = options.window;
  const std::int32_t oh = options.oh > 0 ? options.oh : OutputSize(in.h(), w.kh, w.sh, w.ph, w.dh);
  const std::int32_t ow = options.ow > 0 ? options.ow : OutputSize(in.w(), w.kw, w.sw, w.pw, w.dw);
  const qnet::TensorId out = AddTensor({options.oc, oh, ow}, options.wide, 2);
  qnet::Conv conv;
  conv.window = w;
  conv.groups = options.groups;
  conv.pad_value = options.pad_value;
  conv.kind = options.kind;
  conv.activation = options.relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
  const std::int64_t row = std::int64_t{in.c() / options.groups} * w.kh * w.kw;
  for (int term = 0; term < options.terms; ++term) {
    auto& codes = conv.terms.emplace_back();
    for (std::int64_t i = 0; i < options.oc * row; ++i) {
      codes.push_back(Code(options, i / row % 2 == 0));
    }
  }
  // The sum of a row is about 128 * 30 * sqrt(row): s brings it near 8 bits, or anywhere.
  int s = 19;
  for (std::int64_t n = 1; n < row; n *= 4) ++s;
  for (std::int32_t o = 0; o < options.oc; ++o) {
    const bool any = options.extreme && rng_.Chance(0.5);
    conv.beta.push_back(static_cast<std::int32_t>(any ? rng_.Between(-2'000'000'000, 2'000'000'000)
                                                      : rng_.Between(-5000, 5000)));
    conv.scale.push_back(
        {static_cast<std::int16_t>(any ? rng_.Between(0, 32767) : rng_.Between(16384, 32767)),
         static_cast<std::uint8_t>(any ? rng_.Between(1, 47) : s)});
    if (inputs.size() < 2) continue;
    // t = s + q_out - q_res within 0..40, by choosing q_out, and s where -16 is not low enough.
    const auto c = static_cast<std::size_t>(o);
    const auto q_res = static_cast<int>(tensor(inputs[1]).q[c]);
    conv.scale[c].s = static_cast<std::uint8_t>(std::min<int>(conv.scale[c].s, 56 + q_res));
    auto& q_out = net_.tensor(out).q[c];
    const int least = std::max(-16, q_res - conv.scale[c].s);
    const int most = std::min(24, 40 + q_res - conv.scale[c].s);
    q_out = static_cast<std::int8_t>(std::clamp<int>(q_out, least, most));
    conv.t.push_back(static_cast<std::uint8_t>(conv.scale[c].s + q_out - q_res));
  }
  net_.ops.push_back({fmt::format("op{}", net_.ops.size()), std::move(inputs), out, conv});
  return out;
}

qnet::TensorId NetBuilder::MaxPool(qnet::TensorId input, const qnet::Window& w) {
  const qnet::Tensor in = tensor(input);
  const auto out = AddTensor({in.c(), OutputSize(in.h(), w.kh, w.sh, w.ph, w.dh),
                              OutputSize(in.w(), w.kw, w.sw, w.pw, w.dw)},
                             false, 0);
  net_.tensor(out).q = in.q;
  net_.ops.push_back({fmt::format("op{}", net_.ops.size()), {input}, out, qnet::MaxPool{w}});
  return out;
}

qnet::TensorId NetBuilder::AvgPool(qnet::TensorId input, const qnet::Window& w, bool wide,
                                   bool relu) {
  const qnet::Tensor in = tensor(input);
  const auto out = AddTensor({in.c(), OutputSize(in.h(), w.kh, w.sh, w.ph, w.dh),
                              OutputSize(in.w(), w.kw, w.sw, w.pw, w.dw)},
                             wide, 2);
  qnet::AvgPool pool;
  pool.window = w;
  pool.activation = relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
  for (std::int32_t i = 0; i < tensor(out).h(); ++i) {
    pool.divisor_h.push_back(static_cast<std::int32_t>(rng_.Between(1, 3)));
  }
  for (std::int32_t i = 0; i < tensor(out).w(); ++i) {
    pool.divisor_w.push_back(static_cast<std::int32_t>(rng_.Between(1, 3)));
  }
  std::set<std::int32_t> divisors;
  for (const auto h : pool.divisor_h) {
    for (const auto width : pool.divisor_w) divisors.insert(h * width);
  }
  pool.divisors.assign(divisors.begin(), divisors.end());
  for (std::size_t d = 0; d < pool.divisors.size(); ++d) {
    auto& row = pool.scale.emplace_back();
    for (std::int32_t c = 0; c < in.c(); ++c) {
      row.push_back({static_cast<std::int16_t>(rng_.Between(0, 32767)),
                     static_cast<std::uint8_t>(rng_.Between(wide ? 8 : 14, 18))});
    }
  }
  net_.ops.push_back({fmt::format("op{}", net_.ops.size()), {input}, out, std::move(pool)});
  return out;
}

qnet::TensorId NetBuilder::Add(qnet::TensorId a, qnet::TensorId b, bool wide, bool relu,
                               bool extreme) {
  const auto out = AddTensor(tensor(a).dims, wide, extreme ? 28 : 2);
  const auto activation = relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
  net_.ops.push_back({fmt::format("op{}", net_.ops.size()), {a, b}, out, qnet::Add{activation}});
  return out;
}

qnet::TensorId NetBuilder::Concat(const std::vector<qnet::TensorId>& inputs) {
  std::int32_t channels = 0;
  std::vector<std::int8_t> q;
  for (const auto id : inputs) {
    channels += tensor(id).c();
    q.insert(q.end(), tensor(id).q.begin(), tensor(id).q.end());
  }
  const qnet::Tensor& first = tensor(inputs[0]);
  const auto out =
      AddTensor({channels, first.h(), first.w()}, first.type == qnet::ElemType::kInt16, 0);
  net_.tensor(out).q = std::move(q);
  net_.ops.push_back({fmt::format("op{}", net_.ops.size()), inputs, out, qnet::Concat{}});
  return out;
}

qnet::TensorId NetBuilder::Reshape(qnet::TensorId input, std::vector<std::int32_t> dims) {
  const qnet::Tensor in = tensor(input);
  const auto out = AddTensor(std::move(dims), in.type == qnet::ElemType::kInt16, 0);
  const std::int64_t in_plane = std::int64_t{in.h()} * in.w();
  qnet::Tensor& to = net_.tensor(out);
  const std::int64_t out_plane = std::int64_t{to.h()} * to.w();
  for (std::int32_t c = 0; c < to.c(); ++c) {
    to.q[static_cast<std::size_t>(c)] = in.q[static_cast<std::size_t>(c * out_plane / in_plane)];
  }
  net_.ops.push_back({fmt::format("op{}", net_.ops.size()), {input}, out, qnet::Reshape{}});
  return out;
}

qnet::QNet NetBuilder::Finish(const std::vector<qnet::TensorId>& outputs) {
  for (const auto id : outputs) {
    net_.outputs.push_back({id,
                            fmt::format("out{}", net_.outputs.size()),
                            qnet::Head::kNone,
                            {tensor(id).elements()}});
  }
  const Status status = qnet::Verify(net_);
  TF2_CHECK(status.ok(), "{}", status.error().ToString());
  return net_;
}

namespace {

// A convolution of `from` with anything, or one that keeps the dims and adds one of `residuals`.
qnet::TensorId RandomConv(NetBuilder& net, qnet::TensorId from,
                          const std::vector<qnet::TensorId>& residuals) {
  Rng& rng = net.rng();
  const qnet::Tensor in = net.tensor(from);
  NetBuilder::ConvOptions options;
  options.groups = rng.Chance(0.2) ? in.c() : 1;
  if (in.c() % 2 == 0 && rng.Chance(0.2)) options.groups = 2;
  const std::int64_t most = options.groups == 1 ? 70 : options.groups == 2 ? 20 : 2;
  options.oc = options.groups * static_cast<std::int32_t>(rng.Between(1, most));
  options.kind = rng.Chance(0.4) ? qnet::WeightKind::kMac : qnet::WeightKind::kSac;
  options.terms = options.kind == qnet::WeightKind::kSac && rng.Chance(0.4) ? 2 : 1;
  options.relu = rng.Chance(0.5);
  options.wide = rng.Chance(0.2);
  options.extreme = rng.Chance(0.2);
  // One value around a tensor, whoever pads it.
  if (qnet::Index(from) % 3 == 1) options.pad_value = qnet::kLowPadding;
  if (rng.Chance(0.3)) {
    options.window = {3, 3, 1, 1, 1, 1, 1, 1};
    options.oc = in.c();
    return net.Conv(from, rng.Pick(residuals), options);
  }
  options.window = RandomWindow(rng, in, false);
  if (rng.Chance(0.2)) options.window = {in.h(), in.w(), 1, 1, 0, 0, 1, 1};
  if (rng.Chance(0.3)) options.window = {};
  if (rng.Chance(0.2)) {
    options.oh = static_cast<std::int32_t>(rng.Between(1, kMaxSide));
    options.ow = static_cast<std::int32_t>(rng.Between(1, kMaxSide));
  }
  return net.Conv(from, options);
}

// Any operator that reads `from`, and others of `readable` where it has several inputs.
qnet::TensorId RandomOp(NetBuilder& net, qnet::TensorId from,
                        const std::vector<qnet::TensorId>& readable) {
  Rng& rng = net.rng();
  const qnet::Tensor in = net.tensor(from);
  std::vector<qnet::TensorId> same_dims, same_size;
  for (const auto id : readable) {
    const qnet::Tensor& other = net.tensor(id);
    if (other.dims == in.dims) same_dims.push_back(id);
    if (other.h() == in.h() && other.w() == in.w()) same_size.push_back(id);
  }
  switch (rng.Below(8)) {
    case 0:
      return net.MaxPool(from, RandomWindow(rng, in, true));
    case 1:
      return net.AvgPool(from, RandomWindow(rng, in, true), rng.Chance(0.2), rng.Chance(0.3));
    case 2:
      return net.Add(from, rng.Pick(same_dims), rng.Chance(0.2), rng.Chance(0.3), rng.Chance(0.5));
    case 3: {
      std::vector<qnet::TensorId> parts = {from};
      while (rng.Chance(0.6) && parts.size() < 4) parts.push_back(rng.Pick(same_size));
      return net.Concat(parts);
    }
    case 4:
      if (rng.Chance(0.5)) return net.Reshape(from, {in.c(), in.w(), in.h()});
      return net.Reshape(from, {in.c() * in.h() * in.w(), 1, 1});
    default:
      return RandomConv(net, from, same_dims);
  }
}

}  // namespace

qnet::QNet RandomOps(std::uint64_t seed) {
  constexpr std::int64_t kMaxElements = 20000;
  Rng shape(seed ^ 0x5eed);
  const auto side = [&] { return static_cast<std::int32_t>(shape.Between(1, kMaxSide)); };
  // Half of the inputs have whole tiles of channels, so that concatenations happen in place.
  const auto channels = shape.Chance(0.5) ? 16 * shape.Between(1, 2) : shape.Between(1, 40);
  NetBuilder net(seed, {static_cast<std::int32_t>(channels), side(), side()},
                 shape.Chance(0.2) ? 20 : 2);
  Rng& rng = net.rng();
  std::vector<qnet::TensorId> readable = {net.input()};
  std::vector<qnet::TensorId> all;
  const auto ops = static_cast<int>(rng.Between(1, 7));
  for (int i = 0; i < ops; ++i) {
    const auto made = RandomOp(net, rng.Pick(readable), readable);
    all.push_back(made);
    const qnet::Tensor& tensor = net.tensor(made);
    if (tensor.type == qnet::ElemType::kInt8 && tensor.elements() < kMaxElements) {
      readable.push_back(made);
    }
  }
  std::vector<qnet::TensorId> outputs = {all.back()};
  while (rng.Chance(0.4) && outputs.size() < 3) outputs.push_back(rng.Pick(all));
  return net.Finish(outputs);
}

qnet::Lrn RandomLrn(Rng& rng, std::int32_t size) {
  qnet::Lrn lrn;
  lrn.size = size;
  lrn.shift = static_cast<std::uint8_t>(rng.Between(1, numerics::kMaxLrnShift));
  const std::uint32_t entries = numerics::LrnSlotOf(qnet::LargestLrnSum(lrn)).index + 2;
  for (std::uint32_t i = 0; i < entries; ++i) {
    lrn.factor.push_back(static_cast<std::int32_t>(rng.Between(
        0, std::min<std::int64_t>(numerics::kMaxLrnFactor, std::int64_t{2} << lrn.shift))));
  }
  return lrn;
}

std::vector<std::int8_t> RandomFrames(const qnet::QNet& net, int count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::int8_t> values(static_cast<std::size_t>(qnet::InputElements(net) * count));
  const std::int64_t kind = rng.Between(0, 3);
  for (std::int8_t& value : values) {
    const int extremes[] = {-128, 127, 0};
    value = static_cast<std::int8_t>(kind == 0         ? -128
                                     : rng.Chance(0.4) ? extremes[rng.Below(3)]
                                                       : rng.Between(-128, 127));
  }
  return values;
}

}  // namespace tf2::runtime::cpu::testing
