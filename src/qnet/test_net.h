// A small network with every operator for the tests of this folder.
#ifndef TF2_QNET_TEST_NET_H_
#define TF2_QNET_TEST_NET_H_

#include <cmath>
#include <string>

#include "base/rng.h"
#include "qnet/qnet.h"

namespace tf2::qnet::testing {

inline TensorId AddTensor(QNet& net, const std::string& name, std::vector<std::int32_t> dims,
                          Rng& rng, ElemType type = ElemType::kInt8) {
  Tensor tensor{name, type, std::move(dims), {}};
  for (std::int32_t c = 0; c < tensor.c(); ++c)
    tensor.q.push_back(static_cast<std::int8_t>(rng.Between(2, 6)));
  net.tensors.push_back(std::move(tensor));
  return TensorId(static_cast<std::int32_t>(net.tensors.size()) - 1);
}

// A convolution with random codes, scales near 1/64 and, for two inputs, consistent residual
// shifts.
inline Conv RandomConv(const QNet& net, const std::vector<TensorId>& inputs, TensorId output,
                       Window window, std::int32_t groups, WeightKind kind, int terms, Rng& rng) {
  const Tensor& out = net.tensor(output);
  Conv conv{window, groups, kind, Activation::kNone, {}, {}, {}, {}};
  const std::int64_t codes =
      std::int64_t{out.c()} * (net.tensor(inputs[0]).c() / groups) * window.kh * window.kw;
  for (int term = 0; term < terms; ++term) {
    std::vector<std::int8_t>& list = conv.terms.emplace_back();
    for (std::int64_t i = 0; i < codes; ++i) {
      const auto nibble = static_cast<std::uint8_t>(rng.Below(15));
      list.push_back(kind == WeightKind::kSac ? *numerics::SacValue(nibble)
                                              : static_cast<std::int8_t>(rng.Between(-127, 127)));
    }
  }
  for (std::int32_t o = 0; o < out.c(); ++o) {
    conv.beta.push_back(static_cast<std::int32_t>(rng.Between(-5000, 5000)));
    conv.scale.push_back({static_cast<std::int16_t>(rng.Between(16384, 32767)),
                          static_cast<std::uint8_t>(rng.Between(19, 22))});
    if (inputs.size() > 1) {
      const auto c = static_cast<std::size_t>(o);
      conv.t.push_back(
          static_cast<std::uint8_t>(conv.scale[c].s + out.q[c] - net.tensor(inputs[1]).q[c]));
    }
  }
  return conv;
}

inline void SetOneQ(QNet& net, TensorId id, std::int8_t q) {
  std::vector<std::int8_t>& all = net.tensor(id).q;
  all.assign(all.size(), q);
}

// Softmax over the channel as a float graph.
inline FloatGraph SoftmaxGraph(const Tensor& tensor) {
  ir::Graph graph;
  graph.name = "softmax";
  graph.inputs = {
      graph.AddValue("x", ir::DType::kFloat32, {1, tensor.c(), tensor.h(), tensor.w()})};
  graph.outputs = {graph.AddNode(ir::OpKind::kSoftmax, "y", {graph.inputs[0]})};
  TF2_CHECK(ir::InferShapes(graph).ok());
  return *FloatGraph::Make(graph);
}

inline Lrn TestLrn(LrnRegion region, std::int32_t size) {
  Lrn lrn{region, size, {}, 20};
  const std::uint32_t entries = numerics::LrnSlotOf(LargestLrnSum(lrn)).index + 2;
  for (std::uint32_t i = 0; i < entries; ++i) {
    const double sum = static_cast<double>(numerics::LrnSumAt(i)) / 256;
    lrn.factor.push_back(
        static_cast<std::int32_t>(std::floor(std::pow(1 + sum, -0.75) * (1 << 20) + 0.5)));
  }
  return lrn;
}

// The operators of cpus only, on the tensors of EveryOperator.
inline void AddCpuOnly(QNet& net, TensorId x, Rng& rng) {
  const std::vector<std::int32_t> dims = net.tensor(x).dims;
  const std::int32_t c = dims[0];
  const auto add = [&](const std::string& name, std::vector<TensorId> inputs,
                       std::vector<std::int32_t> shape, OpParams params) {
    const TensorId out = AddTensor(net, name, std::move(shape), rng);
    net.ops.push_back({name, std::move(inputs), out, std::move(params)});
    return out;
  };
  const TensorId clip = AddTensor(net, "clip", dims, rng);
  Conv conv = RandomConv(net, {x, x}, clip, {}, 1, WeightKind::kSac, 1, rng);
  conv.activation = Activation::kClip;
  conv.clip_low.assign(static_cast<std::size_t>(c), -3);
  conv.clip_high.assign(static_cast<std::size_t>(c), 90);
  net.ops.push_back({"clip", {x, x}, clip, std::move(conv)});
  const TensorId prelu = AddTensor(net, "prelu", dims, rng);
  SetOneQ(net, prelu, 4);
  conv = RandomConv(net, {x}, prelu, {}, 1, WeightKind::kMac, 1, rng);
  conv.activation = Activation::kPRelu;
  conv.alpha_negative.assign(static_cast<std::size_t>(c), -4000);
  net.ops.push_back({"prelu", {x}, prelu, std::move(conv)});
  Table table{"negation", {}};
  for (int v = -128; v < 128; ++v) table.values.push_back(numerics::Sat8(-v));
  const TensorId negated = add("table", {prelu}, dims, table);
  SetOneQ(net, negated, 3);
  add("mul", {negated, clip}, dims, Binary{BinaryKind::kMul, Activation::kRelu});
  for (const LrnRegion region : {LrnRegion::kAcross, LrnRegion::kWithin}) {
    const TensorId lrn =
        add(region == LrnRegion::kAcross ? "across" : "within", {prelu}, dims, TestLrn(region, 3));
    SetOneQ(net, lrn, 6);
  }
  const TensorId turned =
      add("turned", {prelu}, {dims[2], c, dims[1]},
          Move{{dims[2], c, dims[1]}, {1, std::int64_t{dims[1]} * dims[2], dims[2]}, 0});
  SetOneQ(net, turned, 4);
  const TensorId dilated =
      add("dilated", {prelu}, {c, 2 * dims[1] - 1, 3 * dims[2] - 2}, Dilate{2, 3});
  SetOneQ(net, dilated, 4);
  add("host", {clip}, dims, Host{SoftmaxGraph(net.tensor(clip))});
}

// conv, residual, groups, two terms, both pools, add, concat, reshape, a 16-bit end; then what only
// cpus run.
inline QNet EveryOperator(std::uint64_t seed) {
  Rng rng(seed);
  QNet net;
  net.name = "every operator";
  net.macs = 1234;
  net.inputs = {AddTensor(net, "in", {3, 9, 8}, rng)};
  const auto add_conv = [&](const std::string& name, std::vector<TensorId> inputs,
                            std::vector<std::int32_t> dims, Window window, std::int32_t groups,
                            WeightKind kind, int terms, Activation activation) {
    const TensorId out = AddTensor(net, name, std::move(dims), rng);
    Conv conv = RandomConv(net, inputs, out, window, groups, kind, terms, rng);
    conv.activation = activation;
    net.ops.push_back({name, std::move(inputs), out, std::move(conv)});
    return out;
  };
  const Window k3{3, 3, 1, 1, 1, 1, 1, 1};
  const TensorId a =
      add_conv("a", {net.inputs[0]}, {6, 9, 8}, k3, 1, WeightKind::kSac, 1, Activation::kRelu);
  const TensorId b =
      add_conv("b", {a, a}, {6, 9, 8}, k3, 3, WeightKind::kMac, 1, Activation::kRelu);
  const TensorId c =
      add_conv("c", {b}, {6, 9, 8}, {1, 1}, 1, WeightKind::kSac, 2, Activation::kNone);
  const TensorId sum = AddTensor(net, "sum", {6, 9, 8}, rng);
  net.ops.push_back({"sum", {b, c}, sum, Add{Activation::kRelu}});
  const TensorId max = AddTensor(net, "max", {6, 5, 4}, rng);
  net.tensor(max).q = net.tensor(sum).q;
  net.ops.push_back({"max", {sum}, max, MaxPool{{3, 3, 2, 2, 1, 1, 1, 1}}});
  const TensorId avg = AddTensor(net, "avg", {6, 5, 4}, rng);
  AvgPool pool{
      {3, 3, 2, 2, 1, 1, 1, 1}, Activation::kNone, {2, 3, 3, 3, 2}, {2, 3, 3, 3}, {4, 6, 9}, {}};
  for (const std::int32_t d : pool.divisors) {
    std::vector<numerics::Scale>& row = pool.scale.emplace_back();
    for (int i = 0; i < 6; ++i) row.push_back(*numerics::MakeScale(1.0 / d));
  }
  net.ops.push_back({"avg", {sum}, avg, std::move(pool)});
  const TensorId cat = AddTensor(net, "cat", {12, 5, 4}, rng);
  net.tensor(cat).q = net.tensor(max).q;
  net.tensor(cat).q.insert(net.tensor(cat).q.end(), net.tensor(avg).q.begin(),
                           net.tensor(avg).q.end());
  net.ops.push_back({"cat", {max, avg}, cat, Concat{}});
  const TensorId fc = AddTensor(net, "fc", {7, 1, 1}, rng, ElemType::kInt16);
  Conv last = RandomConv(net, {cat}, fc, {5, 4}, 1, WeightKind::kSac, 1, rng);
  for (numerics::Scale& scale : last.scale) scale.s = 16;
  net.ops.push_back({"fc", {cat}, fc, std::move(last)});
  const TensorId flat = AddTensor(net, "flat", {6 * 5 * 4, 1, 1}, rng);
  for (std::size_t i = 0; i < 120; ++i) net.tensor(flat).q[i] = net.tensor(max).q[i / 20];
  net.ops.push_back({"flat", {max}, flat, Reshape{}});
  AddCpuOnly(net, max, rng);
  net.outputs = {{fc, "prob", Head::kSoftmax, {7}}, {flat, "map", Head::kNone, {6, 20}}};
  net.preprocessing.mean = {104, 117, 123};
  net.preprocessing.std = {1.5f};
  net.preprocessing.order = ChannelOrder::kBgr;
  net.labels = {"zero", "one", ""};
  return net;
}

}  // namespace tf2::qnet::testing

#endif  // TF2_QNET_TEST_NET_H_
