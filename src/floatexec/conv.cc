#include "floatexec/primitive.h"

namespace tf2::floatexec {

using dnnl::memory;

namespace {

constexpr auto kFloat = memory::data_type::f32;
constexpr auto kAny = memory::format_tag::any;

Desc AnyDesc(const ir::Shape& shape) {
  return {memory::dims(shape.begin(), shape.end()), kFloat, kAny};
}

// Weights [oc, ic/groups, kh, kw] as oneDNN names them: with the group as a dimension of its own.
ir::Shape GroupedShape(const ir::Shape& w, std::int64_t groups) {
  if (groups == 1) return w;
  return {groups, w[0] / groups, w[1], w[2], w[3]};
}

}  // namespace

std::optional<Primitive> MakeConv(const dnnl::engine& engine, const ir::Graph& graph,
                                  const ir::Node& node) {
  const ir::ConvAttrs a = ir::ConvAttrsOf(graph, node);
  const bool bias = node.HasInput(2);
  const bool residual = node.HasInput(3);
  if (!graph.IsConstant(node.inputs[1]) || (bias && !graph.IsConstant(node.inputs[2])) ||
      (residual && graph.IsConstant(node.inputs[3])) || graph.IsConstant(node.inputs[0]))
    return std::nullopt;
  const ir::Tensor& w = graph.constant(node.inputs[1]);
  const ir::Shape grouped = GroupedShape(w.shape, a.groups);
  ir::Shape in = graph.value(node.inputs[0]).shape;
  memory::dims before = {a.pt, a.pl};
  memory::dims after = {a.pb, a.pr};
  std::optional<Primitive::Padding> padding;
  if (a.pad_value != 0) {
    padding = {a.pad_value, memory::dims(in.begin(), in.end()), {0, 0, a.pt, a.pl}};
    in[2] += a.pt + a.pb;
    in[3] += a.pl + a.pr;
    before = after = {0, 0};
  }
  const Desc src = AnyDesc(in);
  const Desc dst = AnyDesc(graph.value(node.outputs[0]).shape);
  const Desc bias_desc = bias ? PlainDesc({w.shape[0]}) : Desc();
  const dnnl::convolution_forward::desc desc(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, src,
      AnyDesc(grouped), bias_desc, dst, {a.sh, a.sw}, {a.dh - 1, a.dw - 1}, before, after);
  const dnnl::convolution_forward::primitive_desc pd(desc, AttrOf(residual, a.relu), engine);
  Primitive p;
  p.primitive = dnnl::convolution_forward(pd);
  p.inputs = {{0, DNNL_ARG_SRC, pd.src_desc()}};
  p.constants.emplace(DNNL_ARG_WEIGHTS,
                      LaidOut(engine, w.f32, PlainDesc(grouped), pd.weights_desc()));
  if (bias) {
    p.constants.emplace(DNNL_ARG_BIAS, LaidOut(engine, graph.constant(node.inputs[2]).f32,
                                               bias_desc, pd.bias_desc()));
  }
  if (residual) p.accumulate = 3;
  p.padding = std::move(padding);
  p.output = pd.dst_desc();
  p.scratchpad = pd.scratchpad_desc();
  return p;
}

std::optional<Primitive> MakeGemm(const dnnl::engine& engine, const ir::Graph& graph,
                                  const ir::Node& node) {
  const bool bias = node.HasInput(2);
  if (!graph.IsConstant(node.inputs[1]) || (bias && !graph.IsConstant(node.inputs[2])) ||
      graph.IsConstant(node.inputs[0]))
    return std::nullopt;
  const ir::Tensor& w = graph.constant(node.inputs[1]);
  const Desc bias_desc = bias ? PlainDesc({w.shape[0]}) : Desc();
  const dnnl::inner_product_forward::desc desc(
      dnnl::prop_kind::forward_inference, AnyDesc(graph.value(node.inputs[0]).shape),
      AnyDesc(w.shape), bias_desc, AnyDesc(graph.value(node.outputs[0]).shape));
  const dnnl::inner_product_forward::primitive_desc pd(desc, AttrOf(false, node.Int("relu") != 0),
                                                       engine);
  Primitive p;
  p.primitive = dnnl::inner_product_forward(pd);
  p.inputs = {{0, DNNL_ARG_SRC, pd.src_desc()}};
  p.constants.emplace(DNNL_ARG_WEIGHTS,
                      LaidOut(engine, w.f32, PlainDesc(w.shape), pd.weights_desc()));
  if (bias) {
    p.constants.emplace(DNNL_ARG_BIAS, LaidOut(engine, graph.constant(node.inputs[2]).f32,
                                               bias_desc, pd.bias_desc()));
  }
  p.output = pd.dst_desc();
  p.scratchpad = pd.scratchpad_desc();
  return p;
}

}  // namespace tf2::floatexec
