// Convolutions, fully connected layers and pools.
#include <algorithm>
#include <cmath>
#include <set>

#include "interp/pool_axis.h"
#include "quantize/lowering.h"
#include "quantize/per_channel.h"

namespace tf2::quantize {

using ir::Node;
using ir::OpKind;
using ir::ValueId;
using qnet::TensorId;

namespace {

std::int32_t Narrow(std::int64_t v) { return static_cast<std::int32_t>(v); }

// Of a convolution or a pool, which name their windows alike.
template <typename Attrs>
qnet::Window WindowOf(const Attrs& a) {
  return {Narrow(a.kh), Narrow(a.kw), Narrow(a.sh), Narrow(a.sw),
          Narrow(a.pt), Narrow(a.pl), Narrow(a.dh), Narrow(a.dw)};
}

// [k, oc] -> [oc, k].
std::vector<float> Transposed(const std::vector<float>& w, std::size_t oc) {
  std::vector<float> out(w.size());
  const std::size_t k = w.size() / oc;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t o = 0; o < oc; ++o) out[o * k + i] = w[i * oc + o];
  }
  return out;
}

}  // namespace

Status Lowering::LowerConv(const Node& node) {
  const ir::ConvAttrs a = ir::ConvAttrsOf(graph_, node);
  if (a.pad_value != 0 && a.pad_value != qnet::kLowPadding)
    return Refuse(node, fmt::format("it pads with {}", a.pad_value), "pad with zeros");
  TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
  FloatWeights weights;
  TF2_ASSIGN_OR_RETURN(weights.w, ConstantOf(graph_, node, 1));
  TF2_ASSIGN_OR_RETURN(weights.bias, ConstantOf(graph_, node, 2));
  weights.bias.resize(static_cast<std::size_t>(dims[0]), 0.0F);
  TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
  std::vector<TensorId> inputs = {x};
  if (node.HasInput(3)) {
    TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), Shaped(node, node.inputs[3]));
  }
  qnet::Conv conv;
  conv.window = WindowOf(a);
  conv.groups = Narrow(a.groups);
  conv.pad_value = static_cast<std::int8_t>(a.pad_value);
  conv.activation = a.relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
  return AddConv(node, std::move(inputs), std::move(conv), std::move(weights));
}

Status Lowering::AddConv(const Node& node, std::vector<TensorId> inputs, qnet::Conv conv,
                         FloatWeights weights) {
  ValueId result = node.outputs[0];
  if (conv.activation == qnet::Activation::kNone)
    result = FuseActivation(node, inputs.size() > 1, conv, weights);
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(result));
  AddOp(node, std::move(inputs), AddTensor(result, std::move(dims)), std::move(conv),
        std::move(weights));
  return {};
}

ValueId Lowering::FuseActivation(const Node& node, bool residual, qnet::Conv& conv,
                                 FloatWeights& weights) {
  const ValueId own = node.outputs[0];
  const std::vector<std::size_t> readers = graph_.Readers(own);
  if (readers.size() != 1 || graph_.IsOutput(own)) return own;
  const Node& reader = graph_.nodes[readers[0]];
  if (reader.inputs[0] != own) return own;
  std::size_t last = readers[0];
  const auto clip = [&](float low, float high) {
    weights.clip_low = low;
    weights.clip_high = high;
    conv.activation = qnet::Activation::kClip;
  };
  const std::size_t channels = weights.bias.size();
  if (reader.kind == OpKind::kClip) {
    clip(reader.Float("min"), reader.Float("max"));
    if (weights.clip_low > weights.clip_high) return own;
  } else if (const auto fake = FakeQuantizationAt(reader)) {
    clip(fake->low, fake->high);
    last = fake->end;
  } else if (!residual && reader.kind == OpKind::kUnary && reader.String("fn") == "leaky_relu") {
    conv.activation = qnet::Activation::kPRelu;
    weights.slope.assign(channels, reader.Float("alpha"));
  } else if (!residual && reader.kind == OpKind::kPrelu) {
    auto slope = ChannelConstant(graph_, reader, 1, channels);
    if (!slope.ok()) return own;
    conv.activation = qnet::Activation::kPRelu;
    weights.slope = *std::move(slope);
  } else {
    return own;
  }
  for (const std::size_t i : {readers[0], last})
    draft_.placements[i] = {Place::kFolded, node.name, "", ""};
  return graph_.nodes[last].outputs[0];
}

// Zeros between the inputs, then a convolution with the kernel turned round.
Status Lowering::LowerConvTranspose(const Node& node) {
  const ir::WindowAttrs a = ir::WindowAttrsOf(graph_, node);
  TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
  TF2_ASSIGN_OR_RETURN(const std::vector<float> w, ConstantOf(graph_, node, 1));
  qnet::Conv conv;
  conv.groups = Narrow(a.groups);
  conv.window.kh = Narrow(a.kernel[0]);
  conv.window.kw = Narrow(a.kernel[1]);
  conv.window.dh = Narrow(a.dilations[0]);
  conv.window.dw = Narrow(a.dilations[1]);
  conv.window.ph = Narrow((a.kernel[0] - 1) * a.dilations[0] - a.pads[0]);
  conv.window.pw = Narrow((a.kernel[1] - 1) * a.dilations[1] - a.pads[1]);
  if (conv.window.ph < 0 || conv.window.pw < 0) {
    return Refuse(node, "it crops more than its kernel reaches",
                  "crop the output with a slice instead of padding");
  }
  TF2_ASSIGN_OR_RETURN(TensorId x, Shaped(node, node.inputs[0]));
  const qnet::Tensor in = net_.tensor(x);
  if (a.strides[0] != 1 || a.strides[1] != 1) {
    // A tensor that quantises the same value, spread out.
    const qnet::Dilate dilate{Narrow(a.strides[0]), Narrow(a.strides[1])};
    net_.tensors.push_back({UniqueTensor(in.name + "/dilated"),
                            qnet::ElemType::kInt8,
                            {in.c(), (in.h() - 1) * dilate.sh + 1, (in.w() - 1) * dilate.sw + 1},
                            {}});
    draft_.values.push_back(node.inputs[0]);
    const TensorId dilated{static_cast<std::int32_t>(net_.tensors.size()) - 1};
    AddHelper(node.name + "/dilate", {x}, dilated, dilate);
    x = dilated;
  }
  const auto groups = static_cast<std::size_t>(a.groups);
  const auto oc = static_cast<std::size_t>(dims[0]) / groups;
  const auto ic = static_cast<std::size_t>(in.c()) / groups;
  const std::size_t taps = w.size() / (groups * ic * oc);
  FloatWeights weights;
  weights.w.resize(w.size());
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t o = 0; o < oc; ++o) {
      for (std::size_t i = 0; i < ic; ++i) {
        for (std::size_t t = 0; t < taps; ++t) {
          weights.w[((g * oc + o) * ic + i) * taps + t] =
              w[((g * ic + i) * oc + o) * taps + taps - 1 - t];
        }
      }
    }
  }
  TF2_ASSIGN_OR_RETURN(weights.bias, ConstantOf(graph_, node, 2));
  weights.bias.resize(static_cast<std::size_t>(dims[0]), 0.0F);
  return AddConv(node, {x}, std::move(conv), std::move(weights));
}

// The kernel is the whole input, so a flatten before it needs no operator.
Status Lowering::LowerGemm(const Node& node) {
  const ir::Shape& in = graph_.value(node.inputs[0]).shape;
  if (in.size() != 2 || in[0] != 1) {
    return Refuse(node, fmt::format("its input has the shape {}", ir::ToString(in)),
                  "products of one row [1, k] with a constant matrix are integer layers");
  }
  FloatWeights weights;
  TF2_ASSIGN_OR_RETURN(weights.w, ConstantOf(graph_, node, 1));
  TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
  const auto oc = static_cast<std::size_t>(dims[0]);
  bool relu = false;
  if (node.kind == OpKind::kMatMul) {
    if (graph_.value(node.inputs[1]).shape.size() != 2)
      return Refuse(node, "its matrix has other than two dimensions", "use a plain matrix");
    weights.w = Transposed(weights.w, oc);
  } else {
    TF2_ASSIGN_OR_RETURN(weights.bias, ConstantOf(graph_, node, 2));
    relu = node.Int("relu") != 0;
  }
  weights.bias.resize(oc, 0.0F);
  TF2_ASSIGN_OR_RETURN(const TensorId x, Elements(node, node.inputs[0]));
  qnet::Conv conv;
  conv.window.kh = net_.tensor(x).h();
  conv.window.kw = net_.tensor(x).w();
  conv.activation = relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
  return AddConv(node, {x}, std::move(conv), std::move(weights));
}

Status Lowering::LowerMaxPool(const Node& node) {
  return AddMaxPool(node, ir::PoolAttrsOf(graph_, node));
}

Status Lowering::AddMaxPool(const Node& node, const ir::PoolAttrs& a) {
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(node.outputs[0]));
  TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
  AddOp(node, {x}, AddTensor(node.outputs[0], std::move(dims)), qnet::MaxPool{WindowOf(a)});
  return {};
}

Status Lowering::LowerAvgPool(const Node& node) {
  return AddAvgPool(node, ir::PoolAttrsOf(graph_, node));
}

Status Lowering::AddAvgPool(const Node& node, const ir::PoolAttrs& a) {
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(node.outputs[0]));
  TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
  const qnet::Tensor& in = net_.tensor(x);
  qnet::AvgPool pool;
  pool.window = WindowOf(a);
  std::set<std::int32_t> products;
  for (const auto& row :
       interp::PoolWindows({in.h(), dims[1], a.kh, a.sh, a.dh, a.pt, a.pb}, a.divisor)) {
    pool.divisor_h.push_back(Narrow(row.divisor));
  }
  for (const auto& column :
       interp::PoolWindows({in.w(), dims[2], a.kw, a.sw, a.dw, a.pl, a.pr}, a.divisor)) {
    pool.divisor_w.push_back(Narrow(column.divisor));
  }
  for (const std::int32_t h : std::set(pool.divisor_h.begin(), pool.divisor_h.end())) {
    for (const std::int32_t w : std::set(pool.divisor_w.begin(), pool.divisor_w.end()))
      products.insert(h * w);
  }
  pool.divisors.assign(products.begin(), products.end());
  AddOp(node, {x}, AddTensor(node.outputs[0], std::move(dims)), std::move(pool));
  return {};
}

// The mean or the maximum over height and width is a global pool.
Status Lowering::LowerReduce(const Node& node) {
  const ir::Shape& in = graph_.value(node.inputs[0]).shape;
  std::vector<std::int64_t> axes = node.Ints("axes");
  for (std::int64_t& axis : axes) axis += axis < 0 ? std::ssize(in) : 0;
  std::ranges::sort(axes);
  const std::string fn = node.String("fn");
  std::vector<std::int64_t> spatial;
  for (std::int64_t axis = 2; axis < std::ssize(in); ++axis) spatial.push_back(axis);
  if (spatial.empty() || axes != spatial || (fn != "mean" && fn != "max")) {
    return Refuse(
        node, fmt::format("the {} over axes [{}]", fn, fmt::join(axes, ", ")),
        "means and maxima over height and width (all axes behind the channel) are integer "
        "layers");
  }
  const ir::PoolAttrs a = {.kh = in[2],
                           .kw = ir::ElementCount({in.begin() + 3, in.end()}),
                           .sh = 1,
                           .sw = 1,
                           .dh = 1,
                           .dw = 1,
                           .pt = 0,
                           .pl = 0,
                           .pb = 0,
                           .pr = 0,
                           .ceil = false,
                           .divisor = ir::PoolDivisor::kValid};
  return fn == "mean" ? AddAvgPool(node, a) : AddMaxPool(node, a);
}

}  // namespace tf2::quantize
