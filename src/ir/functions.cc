#include "ir/functions.h"

#include <algorithm>
#include <array>

namespace tf2::ir {
namespace {

#define TF2_IR_FN(id, name) std::string_view(name),
constexpr std::array kUnaryNames = {TF2_IR_UNARY_FNS(TF2_IR_FN)};
constexpr std::array kBinaryNames = {TF2_IR_BINARY_FNS(TF2_IR_FN)};
constexpr std::array kReduceNames = {TF2_IR_REDUCE_FNS(TF2_IR_FN)};
#undef TF2_IR_FN

template <typename Fn>
Fn FnOf(const Node& node, OpKind kind, std::span<const std::string_view> names) {
  TF2_CHECK(node.kind == kind);
  const auto it = std::find(names.begin(), names.end(), node.String("fn"));
  TF2_CHECK(it != names.end());
  return static_cast<Fn>(it - names.begin());
}

}  // namespace

std::span<const std::string_view> UnaryFnNames() { return kUnaryNames; }
std::span<const std::string_view> BinaryFnNames() { return kBinaryNames; }
std::span<const std::string_view> ReduceFnNames() { return kReduceNames; }
std::string_view NameOf(UnaryFn fn) { return kUnaryNames[static_cast<std::size_t>(fn)]; }

UnaryFn UnaryFnOf(const Node& node) { return FnOf<UnaryFn>(node, OpKind::kUnary, kUnaryNames); }
BinaryFn BinaryFnOf(const Node& node) {
  return FnOf<BinaryFn>(node, OpKind::kBinary, kBinaryNames);
}
ReduceFn ReduceFnOf(const Node& node) {
  return FnOf<ReduceFn>(node, OpKind::kReduce, kReduceNames);
}

bool GivesTruth(UnaryFn fn) {
  return fn == UnaryFn::kNot || fn == UnaryFn::kIsNan || fn == UnaryFn::kIsInf;
}

bool GivesTruth(BinaryFn fn) { return fn >= BinaryFn::kEqual && fn <= BinaryFn::kXor; }

bool TakesIntegers(UnaryFn fn) { return fn == UnaryFn::kNot || fn == UnaryFn::kBitNot; }
bool TakesIntegers(BinaryFn fn) { return fn >= BinaryFn::kAnd; }

bool AllowsIntegers(UnaryFn fn) { return fn <= UnaryFn::kBitNot; }

}  // namespace tf2::ir
