#include "passes/trim_windows.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Shape;

// A window along one axis.
struct WindowAxis {
  std::int64_t in, out, k, stride, dilation, before, after;

  // Whether tap `i` meets the input in some place of the window: in the first one that is not
  // before it.
  bool Meets(std::int64_t i) const {
    const std::int64_t first = i * dilation - before;
    const std::int64_t o = first < 0 ? (-first + stride - 1) / stride : 0;
    return o < out && o * stride + first < in;
  }

  // Drops taps at both ends, at least one of all remaining, and returns those before the first.
  std::int64_t Trim() {
    std::int64_t first = 0;
    for (; k > 1 && before >= dilation && !Meets(0); --k, ++first) before -= dilation;
    for (; k > 1 && after >= dilation && !Meets(k - 1); --k) after -= dilation;
    if (k == 1) dilation = 1;
    return first;
  }
};

// Rows [top, top + kh) and columns [left, left + kw) of the windows `from`, of shape s: [oc, ic, h,
// w].
ir::Tensor Part(const Shape& s, const std::vector<float>& from, std::int64_t top, std::int64_t left,
                std::int64_t kh, std::int64_t kw) {
  std::vector<float> part;
  part.reserve(static_cast<std::size_t>(s[0] * s[1] * kh * kw));
  for (std::int64_t map = 0; map < s[0] * s[1]; ++map) {
    for (std::int64_t y = top; y < top + kh; ++y) {
      const auto row = from.begin() + (map * s[2] + y) * s[3] + left;
      part.insert(part.end(), row, row + kw);
    }
  }
  return ir::Tensor::Float({s[0], s[1], kh, kw}, std::move(part));
}

bool TrimWindow(Graph& graph, Node& node) {
  if (node.kind != OpKind::kConv) return false;
  const std::vector<float>* const weights = ConstantData(graph, node, 1);
  const ir::ConvAttrs a = ConvAttrsOf(graph, node);
  if (weights == nullptr || a.pad_value != 0) return false;
  const Shape& in = graph.value(node.inputs[0]).shape;
  const Shape& out = graph.value(node.outputs[0]).shape;
  WindowAxis y{in[2], out[2], a.kh, a.sh, a.dh, a.pt, a.pb};
  WindowAxis x{in[3], out[3], a.kw, a.sw, a.dw, a.pl, a.pr};
  const std::int64_t top = y.Trim(), left = x.Trim();
  if (y.k == a.kh && x.k == a.kw) return false;
  const std::int64_t macs = MacsOf(graph, node);
  ir::Tensor part = Part(graph.value(node.inputs[1]).shape, *weights, top, left, y.k, x.k);
  node.inputs[1] = graph.AddConstant(graph.value(node.inputs[1]).name, std::move(part));
  node.attrs.insert_or_assign("pads", Ints{y.before, x.before, y.after, x.after});
  node.attrs.insert_or_assign("dilations", Ints{y.dilation, x.dilation});
  graph.macs = std::max<std::int64_t>(graph.macs - (macs - MacsOf(graph, node)), 0);
  return true;
}

}  // namespace

Result<int> TrimWindows(Graph& graph) {
  int changes = 0;
  for (Node& node : graph.nodes) changes += TrimWindow(graph, node) ? 1 : 0;
  return changes;
}

}  // namespace tf2::passes
