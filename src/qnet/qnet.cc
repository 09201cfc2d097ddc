#include "qnet/qnet.h"

#include <algorithm>
#include <iterator>

#include "ir/op_table.h"

namespace tf2::qnet {
namespace {

struct KindNameOf {
  const char* operator()(const Conv&) const { return "conv"; }
  const char* operator()(const MaxPool&) const { return "max_pool"; }
  const char* operator()(const AvgPool&) const { return "avg_pool"; }
  const char* operator()(const Add&) const { return "add"; }
  const char* operator()(const Concat&) const { return "concat"; }
  const char* operator()(const Reshape&) const { return "reshape"; }
  const char* operator()(const Table&) const { return "table"; }
  const char* operator()(const Binary& binary) const {
    switch (binary.kind) {
      case BinaryKind::kAdd:
        return "broadcast_add";
      case BinaryKind::kSub:
        return "sub";
      case BinaryKind::kMul:
        return "mul";
      case BinaryKind::kMax:
        return "max";
      case BinaryKind::kMin:
        return "min";
    }
    return "binary";
  }
  const char* operator()(const Lrn&) const { return "lrn"; }
  const char* operator()(const Move&) const { return "move"; }
  const char* operator()(const Dilate&) const { return "dilate"; }
  const char* operator()(const Host&) const { return "host"; }
};

std::string WindowText(const Window& w) {
  std::string text = fmt::format(" kernel={}x{}", w.kh, w.kw);
  if (w.sh != 1 || w.sw != 1) text += fmt::format(" stride={}x{}", w.sh, w.sw);
  if (w.ph != 0 || w.pw != 0) text += fmt::format(" pad={}x{}", w.ph, w.pw);
  if (w.dh != 1 || w.dw != 1) text += fmt::format(" dilation={}x{}", w.dh, w.dw);
  return text;
}

std::string ActivationText(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "";
    case Activation::kRelu:
      return " relu";
    case Activation::kClip:
      return " clip";
    case Activation::kPRelu:
      return " prelu";
  }
  return "";
}

// " {conv, softmax}": the operators of a float graph.
std::string GraphText(const ir::Graph& graph) {
  std::vector<std::string_view> kinds;
  for (const ir::Node& node : graph.nodes) kinds.push_back(ir::NameOf(node.kind));
  return fmt::format(" {{{}}}", fmt::join(kinds, ", "));
}

struct ParamsText {
  std::string operator()(const Conv& conv) const {
    std::size_t codes = 0;
    std::size_t zeros = 0;
    for (const auto& term : conv.terms) {
      codes += term.size();
      zeros += static_cast<std::size_t>(std::ranges::count(term, 0));
    }
    std::string text = WindowText(conv.window);
    if (conv.pad_value != 0) text += fmt::format(" pad_value={}", conv.pad_value);
    if (conv.groups != 1) text += fmt::format(" groups={}", conv.groups);
    text += fmt::format(
        " {} codes={} zero={:.1f}%", conv.kind == WeightKind::kSac ? "sac" : "mac", codes,
        100.0 * static_cast<double>(zeros) / static_cast<double>(std::max<std::size_t>(codes, 1)));
    if (conv.terms.size() > 1) text += fmt::format(" terms={}", conv.terms.size());
    if (!conv.t.empty()) text += " residual";
    return text + ActivationText(conv.activation);
  }
  std::string operator()(const MaxPool& pool) const { return WindowText(pool.window); }
  std::string operator()(const AvgPool& pool) const {
    return WindowText(pool.window) + fmt::format(" divisors=[{}]", fmt::join(pool.divisors, ",")) +
           ActivationText(pool.activation);
  }
  std::string operator()(const Add& add) const { return ActivationText(add.activation); }
  std::string operator()(const Concat&) const { return ""; }
  std::string operator()(const Reshape&) const { return ""; }
  std::string operator()(const Table& table) const { return " " + table.function; }
  std::string operator()(const Binary& binary) const { return ActivationText(binary.activation); }
  std::string operator()(const Lrn& lrn) const {
    return fmt::format(" {} size={} table={} shift={}",
                       lrn.region == LrnRegion::kAcross ? "across" : "within", lrn.size,
                       lrn.factor.size(), lrn.shift);
  }
  std::string operator()(const Move& move) const {
    return fmt::format(" [{}] strides=[{}] offset={}", fmt::join(move.dims, ","),
                       fmt::join(move.strides, ","), move.offset);
  }
  std::string operator()(const Dilate& dilate) const {
    return fmt::format(" by={}x{}", dilate.sh, dilate.sw);
  }
  std::string operator()(const Host& host) const { return GraphText(host.graph.graph()); }
};

std::string TensorText(const Tensor& tensor) {
  const auto [lo, hi] = std::ranges::minmax(tensor.q);
  const std::string q = lo == hi ? fmt::format("{}", lo) : fmt::format("{}..{}", lo, hi);
  return fmt::format("%{} {}[{}] Q={}", tensor.name, tensor.type == ElemType::kInt8 ? "i8" : "i16",
                     fmt::join(tensor.dims, ","), q);
}

}  // namespace

std::int64_t Tensor::elements() const {
  std::int64_t count = 1;
  for (const std::int32_t dim : dims) count *= dim;
  return count;
}

bool IsInput(const QNet& net, TensorId id) { return std::ranges::count(net.inputs, id) != 0; }

std::int64_t InputElements(const QNet& net) {
  std::int64_t count = 0;
  for (const TensorId id : net.inputs) count += net.tensor(id).elements();
  return count;
}

const char* KindName(const Op& op) { return std::visit(KindNameOf{}, op.params); }

std::string ToText(const QNet& net) {
  std::string text = fmt::format("qnet \"{}\" macs={}\n", net.name, net.macs);
  for (const TensorId id : net.inputs)
    text += fmt::format("  input {}\n", TensorText(net.tensor(id)));
  for (const Op& op : net.ops) {
    std::vector<std::string> inputs;
    for (const TensorId id : op.inputs) inputs.push_back("%" + net.tensor(id).name);
    fmt::format_to(std::back_inserter(text), "  {} = {}({}) \"{}\"{}\n",
                   TensorText(net.tensor(op.output)), KindName(op), fmt::join(inputs, ", "),
                   op.name, std::visit(ParamsText{}, op.params));
  }
  for (const Output& output : net.outputs) {
    fmt::format_to(std::back_inserter(text), "  output \"{}\" = {}%{} [{}]\n", output.name,
                   output.head == Head::kSoftmax ? "softmax " : "", net.tensor(output.tensor).name,
                   fmt::join(output.shape, ","));
  }
  if (net.head) {
    const ir::Graph& graph = net.head->graph();
    std::vector<std::string> results;
    for (const ir::ValueId id : graph.outputs) {
      results.push_back(
          fmt::format("%{} {}", graph.value(id).name, ir::ToString(graph.value(id).shape)));
    }
    fmt::format_to(std::back_inserter(text), "  head{} -> {}\n", GraphText(graph),
                   fmt::join(results, ", "));
  }
  return text;
}

std::uint32_t LargestLrnSum(const Lrn& lrn) {
  const auto size = static_cast<std::uint32_t>(lrn.size);
  const std::uint32_t taps = lrn.region == LrnRegion::kAcross ? size : size * size;
  return taps * 128 * 128;
}

bool ReadsPadding(const QNet& net, const Op& op) {
  const auto* conv = std::get_if<Conv>(&op.params);
  if (conv == nullptr) return false;
  const auto beyond = [](std::int64_t in, std::int64_t out, std::int32_t k, std::int32_t stride,
                         std::int32_t pad, std::int32_t dilation) {
    return pad != 0 || (out - 1) * stride + std::int64_t{k - 1} * dilation >= in;
  };
  const Window& w = conv->window;
  const Tensor& in = net.tensor(op.inputs[0]);
  const Tensor& out = net.tensor(op.output);
  return beyond(in.h(), out.h(), w.kh, w.sh, w.ph, w.dh) ||
         beyond(in.w(), out.w(), w.kw, w.sw, w.pw, w.dw);
}

std::int64_t MacsOf(const QNet& net, const Op& op) {
  if (const auto* host = std::get_if<Host>(&op.params)) {
    std::int64_t macs = 0;
    for (const ir::Node& node : host->graph.graph().nodes)
      macs += ir::MacsOf(host->graph.graph(), node);
    return macs;
  }
  const auto* conv = std::get_if<Conv>(&op.params);
  if (conv == nullptr) return 0;
  const std::int64_t taps =
      std::int64_t{net.tensor(op.inputs[0]).c() / conv->groups} * conv->window.kh * conv->window.kw;
  return net.tensor(op.output).elements() * taps;
}

}  // namespace tf2::qnet
