#include <algorithm>

#include "floatexec/primitive.h"

namespace tf2::floatexec {
namespace {

// oneDNN's end padding of one axis, so that the last window fits; nullopt where a window would lie
// wholly in the padding.
std::optional<std::int64_t> EndPadding(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                       std::int64_t stride, std::int64_t begin) {
  const std::int64_t end = std::max<std::int64_t>((out - 1) * stride + kernel - in - begin, 0);
  if (begin >= kernel || end >= kernel) return std::nullopt;
  return end;
}

std::optional<dnnl::algorithm> AlgorithmOf(const ir::Node& node, const ir::PoolAttrs& a,
                                           std::int64_t end_h, std::int64_t end_w) {
  switch (node.kind) {
    case ir::OpKind::kMaxPool:
    case ir::OpKind::kGlobalMaxPool:
      return dnnl::algorithm::pooling_max;
    default:
      break;
  }
  switch (a.divisor) {
    case ir::PoolDivisor::kValid:
      return dnnl::algorithm::pooling_avg_exclude_padding;
    case ir::PoolDivisor::kKernel:
      return dnnl::algorithm::pooling_avg_include_padding;
    case ir::PoolDivisor::kCaffe:  // the same unless windows pass the padded input
      if (end_h > a.pb || end_w > a.pr) return std::nullopt;
      return dnnl::algorithm::pooling_avg_include_padding;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Primitive> MakePool(const dnnl::engine& engine, const ir::Graph& graph,
                                  const ir::Node& node, const Desc& layout) {
  const ir::Shape& in = graph.value(node.inputs[0]).shape;
  const ir::Shape& out = graph.value(node.outputs[0]).shape;
  if (in.size() != 4 || graph.IsConstant(node.inputs[0])) return std::nullopt;
  const ir::PoolAttrs a = ir::PoolAttrsOf(graph, node);
  if (a.dh != 1 || a.dw != 1) return std::nullopt;
  const auto end_h = EndPadding(in[2], out[2], a.kh, a.sh, a.pt);
  const auto end_w = EndPadding(in[3], out[3], a.kw, a.sw, a.pl);
  if (!end_h || !end_w) return std::nullopt;
  const auto algorithm = AlgorithmOf(node, a, *end_h, *end_w);
  if (!algorithm) return std::nullopt;
  const Desc dst(dnnl::memory::dims(out.begin(), out.end()), dnnl::memory::data_type::f32,
                 dnnl::memory::format_tag::any);
  const dnnl::pooling_forward::desc desc(dnnl::prop_kind::forward_inference, *algorithm, layout,
                                         dst, {a.sh, a.sw}, {a.kh, a.kw}, {a.pt, a.pl},
                                         {*end_h, *end_w});
  const dnnl::pooling_forward::primitive_desc pd(desc, AttrOf(false, false), engine);
  Primitive p;
  p.primitive = dnnl::pooling_forward(pd);
  p.inputs = {{0, DNNL_ARG_SRC, pd.src_desc()}};
  p.output = pd.dst_desc();
  p.scratchpad = pd.scratchpad_desc();
  return p;
}

}  // namespace tf2::floatexec
