#include "passes/recognise_activations.h"

#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <utility>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

constexpr float kSixth = 1.0F / 6;

bool IsAbout(float v, float wanted) { return std::fabs(v - wanted) <= 1e-5F * std::fabs(wanted); }

// The producer of `id` where it has one reader and is of `kind`; null elsewhere.
const Node* Part(const Graph& graph, ValueId id, OpKind kind) {
  const std::optional<std::size_t> at = graph.Producer(id);
  if (!at || graph.nodes[*at].kind != kind || !OnlyReader(graph, id)) return nullptr;
  return &graph.nodes[*at];
}

const Node* UnaryPart(const Graph& graph, ValueId id, const char* fn) {
  const Node* node = Part(graph, id, OpKind::kUnary);
  return node != nullptr && node->String("fn") == fn ? node : nullptr;
}

// The input of `node` beside a constant number that is about `wanted`; for a division the constant
// is the divisor.
std::optional<ValueId> BesideNumber(const Graph& graph, const Node& node, float wanted) {
  for (std::size_t i = node.kind == OpKind::kDiv ? 1 : 0; i < 2; ++i) {
    const std::vector<float>* c = ConstantData(graph, node, i);
    const ValueId other = node.inputs[1 - i];
    if (c == nullptr || c->size() != 1 || !IsAbout((*c)[0], wanted)) continue;
    if (graph.value(other).shape == graph.value(node.outputs[0]).shape) return other;
  }
  return std::nullopt;
}

// x of node = x / 6, in either spelling.
std::optional<ValueId> Sixth(const Graph& graph, const Node& node) {
  if (node.kind == OpKind::kDiv) return BesideNumber(graph, node, 6);
  if (node.kind == OpKind::kMul) return BesideNumber(graph, node, kSixth);
  return std::nullopt;
}

// x of the value clip(x + 3, 0, 6).
std::optional<ValueId> ClippedShift(const Graph& graph, ValueId id) {
  const Node* clip = Part(graph, id, OpKind::kClip);
  if (clip == nullptr || clip->Float("min") != 0 || clip->Float("max") != 6) return std::nullopt;
  const Node* add = Part(graph, clip->inputs[0], OpKind::kAdd);
  if (add == nullptr || add->Int("relu") != 0) return std::nullopt;
  return BesideNumber(graph, *add, 3);
}

// The function that a product of x and the value `gate` is; null where it is none.
const char* GatedFn(const Graph& graph, ValueId x, ValueId gate) {
  if (const Node* s = UnaryPart(graph, gate, "sigmoid"); s != nullptr && s->inputs[0] == x)
    return "silu";
  if (const Node* h = UnaryPart(graph, gate, "hard_sigmoid"); h != nullptr && h->inputs[0] == x)
    return IsAbout(h->Float("alpha"), kSixth) && h->Float("beta") == 0.5F ? "hard_swish" : nullptr;
  const Node* t = UnaryPart(graph, gate, "tanh");
  const Node* p = t != nullptr ? UnaryPart(graph, t->inputs[0], "softplus") : nullptr;
  return p != nullptr && p->inputs[0] == x ? "mish" : nullptr;
}

void MakeUnary(Node& node, ValueId x, const char* fn) {
  node.kind = OpKind::kUnary;
  node.inputs = {x};
  node.attrs = {{"fn", std::string(fn)}};
}

bool RewriteProduct(const Graph& graph, Node& node) {
  for (std::size_t i = 0; i < 2; ++i) {
    const char* fn = GatedFn(graph, node.inputs[i], node.inputs[1 - i]);
    if (fn == nullptr) continue;
    MakeUnary(node, node.inputs[i], fn);
    return true;
  }
  return false;
}

// x clip(x + 3, 0, 6) / 6.
std::optional<ValueId> HardSwishOf(const Graph& graph, ValueId product) {
  const Node* mul = Part(graph, product, OpKind::kMul);
  for (std::size_t i = 0; mul != nullptr && i < 2; ++i) {
    const auto x = ClippedShift(graph, mul->inputs[1 - i]);
    if (x && *x == mul->inputs[i]) return x;
  }
  return std::nullopt;
}

// x of the value x / sqrt 2, in either spelling.
std::optional<ValueId> OverSqrt2(const Graph& graph, ValueId id) {
  if (const Node* div = Part(graph, id, OpKind::kDiv))
    return BesideNumber(graph, *div, std::numbers::sqrt2_v<float>);
  const Node* mul = Part(graph, id, OpKind::kMul);
  return mul != nullptr ? BesideNumber(graph, *mul, 1 / std::numbers::sqrt2_v<float>)
                        : std::nullopt;
}

// Whether `id` is x^3.
bool IsCube(const Graph& graph, ValueId id, ValueId x) {
  if (graph.value(id).shape != graph.value(x).shape) return false;
  if (const Node* pow = Part(graph, id, OpKind::kBinary)) {
    const std::vector<float>* e = ConstantData(graph, *pow, 1);
    return pow->String("fn") == "pow" && pow->inputs[0] == x && e != nullptr && e->size() == 1 &&
           (*e)[0] == 3;
  }
  const Node* mul = Part(graph, id, OpKind::kMul);
  for (std::size_t i = 0; mul != nullptr && i < 2; ++i) {
    const Node* square = Part(graph, mul->inputs[1 - i], OpKind::kMul);
    if (mul->inputs[i] == x && square != nullptr && square->inputs[0] == x &&
        square->inputs[1] == x)
      return true;
  }
  return false;
}

// x of the value sqrt(2 / pi) (x + 0.044715 x^3).
std::optional<ValueId> CubicOf(const Graph& graph, ValueId id) {
  const Node* scaled = Part(graph, id, OpKind::kMul);
  const auto sum = scaled != nullptr ? BesideNumber(graph, *scaled, 0.7978845608F) : std::nullopt;
  const Node* add = sum ? Part(graph, *sum, OpKind::kAdd) : nullptr;
  for (std::size_t i = 0; add != nullptr && add->Int("relu") == 0 && i < 2; ++i) {
    const Node* product = Part(graph, add->inputs[1 - i], OpKind::kMul);
    const auto cube = product != nullptr ? BesideNumber(graph, *product, 0.044715F) : std::nullopt;
    if (cube && IsCube(graph, *cube, add->inputs[i])) return add->inputs[i];
  }
  return std::nullopt;
}

// A function of x.
struct FnOf {
  ValueId x;
  const char* fn;
};

// The function whose gate, times two, the value 1 + erf(x / sqrt 2) is, or that with tanh.
std::optional<FnOf> TwiceGeluGate(const Graph& graph, ValueId id) {
  const Node* add = Part(graph, id, OpKind::kAdd);
  const auto function =
      add != nullptr && add->Int("relu") == 0 ? BesideNumber(graph, *add, 1) : std::nullopt;
  if (!function) return std::nullopt;
  if (const Node* erf = UnaryPart(graph, *function, "erf")) {
    if (const auto x = OverSqrt2(graph, erf->inputs[0])) return FnOf{*x, "gelu"};
  }
  if (const Node* tanh = UnaryPart(graph, *function, "tanh")) {
    if (const auto x = CubicOf(graph, tanh->inputs[0])) return FnOf{*x, "gelu_tanh"};
  }
  return std::nullopt;
}

// x of the value x / 2, in either spelling; `id` itself is not looked at where it has more readers.
std::optional<ValueId> Half(const Graph& graph, ValueId id) {
  if (const Node* div = Part(graph, id, OpKind::kDiv)) return BesideNumber(graph, *div, 2);
  const Node* mul = Part(graph, id, OpKind::kMul);
  return mul != nullptr ? BesideNumber(graph, *mul, 0.5F) : std::nullopt;
}

// x / 2 (1 + erf(x / sqrt 2)), or that with tanh, whichever factors are multiplied first.
std::optional<FnOf> GeluOf(const Graph& graph, const Node& node) {
  if (node.kind != OpKind::kMul && node.kind != OpKind::kDiv) return std::nullopt;
  // (x gate) / 2
  const auto product = BesideNumber(graph, node, node.kind == OpKind::kDiv ? 2 : 0.5F);
  if (const Node* mul = product ? Part(graph, *product, OpKind::kMul) : nullptr) {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto gelu = TwiceGeluGate(graph, mul->inputs[1 - i]);
      if (gelu && gelu->x == mul->inputs[i]) return gelu;
    }
  }
  if (node.kind == OpKind::kDiv) return std::nullopt;
  for (std::size_t i = 0; i < 2; ++i) {
    // (x / 2) gate
    const auto gelu = TwiceGeluGate(graph, node.inputs[1 - i]);
    if (gelu && Half(graph, node.inputs[i]) == gelu->x) return gelu;
    // x (gate / 2)
    const auto gate = Half(graph, node.inputs[1 - i]);
    const auto halved = gate ? TwiceGeluGate(graph, *gate) : std::nullopt;
    if (halved && halved->x == node.inputs[i]) return halved;
  }
  return std::nullopt;
}

bool Rewrite(const Graph& graph, Node& node) {
  if (const auto gelu = GeluOf(graph, node)) {
    MakeUnary(node, gelu->x, gelu->fn);
    return true;
  }
  if (const auto scaled = Sixth(graph, node)) {
    if (const auto x = ClippedShift(graph, *scaled)) {
      MakeUnary(node, *x, "hard_sigmoid");
      node.attrs.insert_or_assign("alpha", kSixth);
      node.attrs.insert_or_assign("beta", 0.5F);
      return true;
    }
    if (const auto x = HardSwishOf(graph, *scaled)) {
      MakeUnary(node, *x, "hard_swish");
      return true;
    }
  }
  return node.kind == OpKind::kMul && RewriteProduct(graph, node);
}

}  // namespace

Result<int> RecogniseActivations(Graph& graph) {
  int changes = 0;
  for (Node& node : graph.nodes) changes += Rewrite(graph, node) ? 1 : 0;
  return changes;
}

}  // namespace tf2::passes
