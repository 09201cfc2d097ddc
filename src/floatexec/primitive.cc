#include "floatexec/primitive.h"

#include <algorithm>

#include "ir/shape_math.h"

namespace tf2::floatexec {

using dnnl::memory;
using ir::OpKind;

Desc PlainDesc(const ir::Shape& shape) {
  memory::dims dims(shape.begin(), shape.end());
  if (dims.empty()) dims.push_back(1);
  memory::dims strides(dims.size(), 1);
  for (std::size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  return {dims, memory::data_type::f32, strides};
}

memory LaidOut(const dnnl::engine& engine, const std::vector<float>& data, const Desc& plain,
               const Desc& wanted) {
  memory from(plain, engine, const_cast<float*>(data.data()));  // only read
  memory to(wanted, engine);
  dnnl::stream stream(engine);
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return to;
}

dnnl::primitive_attr AttrOf(bool accumulate, bool relu) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  if (accumulate) ops.append_sum(1.0F);
  if (relu) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  attr.set_post_ops(ops);
  return attr;
}

std::optional<Primitive> MakeRelu(const dnnl::engine& engine, const Desc& layout) {
  const dnnl::eltwise_forward::primitive_desc pd(
      {dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_relu, layout, 0.0F, 0.0F},
      AttrOf(false, false), engine);
  Primitive p;
  p.primitive = dnnl::eltwise_forward(pd);
  p.inputs = {{0, DNNL_ARG_SRC, layout}};
  p.output = pd.dst_desc();
  p.scratchpad = pd.scratchpad_desc();
  return p;
}

std::optional<Primitive> MakeAdd(const dnnl::engine& engine, const ir::Graph& graph,
                                 const ir::Node& node, const std::vector<Desc>& layouts) {
  const ir::Value& y = graph.value(node.outputs[0]);
  for (const ir::ValueId id : node.inputs) {
    if (graph.IsConstant(id) || graph.value(id).shape != y.shape) return std::nullopt;
  }
  const dnnl::binary::primitive_desc pd(
      {dnnl::algorithm::binary_add, layouts[0], layouts[0], layouts[0]},
      AttrOf(false, node.Int("relu") != 0), engine);
  Primitive p;
  p.primitive = dnnl::binary(pd);
  p.inputs = {{0, DNNL_ARG_SRC_0, layouts[0]}, {1, DNNL_ARG_SRC_1, layouts[0]}};
  p.output = layouts[0];
  p.scratchpad = pd.scratchpad_desc();
  return p;
}

std::optional<Primitive> MakeConcat(const dnnl::engine& engine, const ir::Graph& graph,
                                    const ir::Node& node, const std::vector<Desc>& layouts) {
  for (const ir::ValueId id : node.inputs) {
    if (graph.IsConstant(id)) return std::nullopt;
  }
  const auto axis = ir::NormalizeAxis(node.Int("axis"), graph.value(node.outputs[0]).shape.size());
  if (!axis.ok()) return std::nullopt;
  const dnnl::concat::primitive_desc pd(static_cast<int>(*axis), layouts, engine,
                                        AttrOf(false, false));
  Primitive p;
  p.primitive = dnnl::concat(pd);
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    p.inputs.push_back({i, DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), layouts[i]});
  }
  p.output = pd.dst_desc();
  p.scratchpad = pd.scratchpad_desc();
  return p;
}

std::optional<Primitive> MakePrimitive(const dnnl::engine& engine, const ir::Graph& graph,
                                       const ir::Node& node, const std::vector<Desc>& layouts) {
  const ir::Value& y = graph.value(node.outputs[0]);
  if (y.dtype != ir::DType::kFloat32 || y.shape.empty() || ir::ElementCount(y.shape) == 0)
    return std::nullopt;
  switch (node.kind) {
    case OpKind::kConv:
      return MakeConv(engine, graph, node);
    case OpKind::kGemm:
      return MakeGemm(engine, graph, node);
    case OpKind::kMaxPool:
    case OpKind::kGlobalMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kGlobalAvgPool:
      return MakePool(engine, graph, node, layouts[0]);
    case OpKind::kRelu:
      return MakeRelu(engine, layouts[0]);
    case OpKind::kAdd:
      return MakeAdd(engine, graph, node, layouts);
    case OpKind::kConcat:
      return MakeConcat(engine, graph, node, layouts);
    default:  // the interpreter has them all
      return std::nullopt;
  }
}

}  // namespace tf2::floatexec
