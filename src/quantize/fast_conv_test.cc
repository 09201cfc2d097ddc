// The fast convolution against the interpreter's, byte for byte.
#include "quantize/fast_conv.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace tf2::quantize {
namespace {

qnet::Bytes RandomBytes(Rng& rng, std::size_t n) {
  qnet::Bytes bytes(n);
  for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(rng.Below(256));
  return bytes;
}

// A network of one convolution with random numbers.
struct Case {
  std::int32_t ic, oc, groups, k, stride, pad, dilation, size;
  qnet::WeightKind kind;
  int terms;
  bool residual, relu, wide;
  bool clip = false;
};

qnet::QNet NetOf(const Case& c, Rng& rng) {
  qnet::QNet net;
  net.inputs = {qnet::TensorId{0}};
  const std::int32_t out = (c.size + 2 * c.pad - c.dilation * (c.k - 1) - 1) / c.stride + 1;
  const auto add = [&](std::int32_t channels, std::int32_t size, bool wide) {
    net.tensors.push_back({"t",
                           wide ? qnet::ElemType::kInt16 : qnet::ElemType::kInt8,
                           {channels, size, size},
                           std::vector<std::int8_t>(static_cast<std::size_t>(channels), 3)});
  };
  add(c.ic, c.size, false);
  add(c.oc, out, false);
  add(c.oc, out, c.wide);
  qnet::Conv conv;
  conv.window = {c.k, c.k, c.stride, c.stride, c.pad, c.pad, c.dilation, c.dilation};
  conv.groups = c.groups;
  conv.kind = c.kind;
  if (c.relu) conv.activation = qnet::Activation::kRelu;
  if (c.clip) conv.activation = qnet::Activation::kClip;
  const auto oc = static_cast<std::size_t>(c.oc);
  const std::size_t weights = oc * static_cast<std::size_t>(c.ic / c.groups * c.k * c.k);
  for (int t = 0; t < c.terms; ++t) {
    std::vector<std::int8_t> term(weights);
    for (std::int8_t& w : term) {
      w = c.kind == qnet::WeightKind::kMac
              ? static_cast<std::int8_t>(rng.Between(-127, 127))
              : static_cast<std::int8_t>((rng.Chance(0.5) ? 1 : -1) * (1 << rng.Below(7)));
    }
    conv.terms.push_back(std::move(term));
  }
  for (std::size_t o = 0; o < oc; ++o) {
    conv.beta.push_back(static_cast<std::int32_t>(rng.Between(-100000, 100000)));
    conv.scale.push_back({static_cast<std::int16_t>(rng.Between(16384, 32767)),
                          static_cast<std::uint8_t>(c.wide ? 18 : 26)});
    if (c.clip) {
      conv.clip_low.push_back(static_cast<std::int16_t>(rng.Between(-128, 0)));
      conv.clip_high.push_back(static_cast<std::int16_t>(rng.Between(0, 127)));
    }
    if (c.residual) conv.t.push_back(static_cast<std::uint8_t>(rng.Between(20, 26)));
  }
  std::vector<qnet::TensorId> inputs = {qnet::TensorId{0}};
  if (c.residual) inputs.push_back(qnet::TensorId{1});
  net.ops.push_back({"conv", inputs, qnet::TensorId{2}, std::move(conv)});
  return net;
}

void ExpectEqual(const Case& c) {
  Rng rng(5);
  const qnet::QNet net = NetOf(c, rng);
  const qnet::Bytes x = RandomBytes(rng, static_cast<std::size_t>(net.tensors[0].bytes()));
  const qnet::Bytes r = RandomBytes(rng, static_cast<std::size_t>(net.tensors[1].bytes()));
  std::vector<const qnet::Bytes*> inputs = {&x};
  if (c.residual) inputs.push_back(&r);
  const qnet::Bytes want = *qnet::RunOp(net, net.ops[0], inputs);
  const qnet::Bytes got =
      FastConv(net, net.ops[0])
          .Run(reinterpret_cast<const std::int8_t*>(x.data()),
               c.residual ? reinterpret_cast<const std::int8_t*>(r.data()) : nullptr);
  EXPECT_EQ(got, want);
}

TEST(FastConv, EqualsTheInterpreter) {
  using enum qnet::WeightKind;
  ExpectEqual({3, 8, 1, 3, 2, 1, 1, 13, kSac, 1, false, true, false});
  ExpectEqual({16, 24, 1, 1, 1, 0, 1, 9, kSac, 2, true, true, false});
  ExpectEqual({16, 16, 16, 3, 1, 1, 1, 10, kMac, 1, false, false, false});
  ExpectEqual({12, 6, 3, 3, 1, 2, 2, 11, kSac, 1, false, false, false});
  ExpectEqual({8, 10, 1, 5, 3, 2, 1, 17, kMac, 1, true, false, true});
  ExpectEqual({6, 8, 1, 3, 1, 1, 1, 9, kMac, 1, true, false, false, true});
}

TEST(FastConv, SplitsRowsBeyondSinglePrecision) {
  // 1,200 taps of up to 127 * 128: the sum passes 2^24.
  ExpectEqual({1200, 3, 1, 1, 1, 0, 1, 4, qnet::WeightKind::kMac, 1, false, false, true});
  ExpectEqual({3000, 2, 1, 1, 1, 0, 1, 3, qnet::WeightKind::kSac, 2, false, true, false});
}

}  // namespace
}  // namespace tf2::quantize
