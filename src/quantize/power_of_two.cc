#include "quantize/power_of_two.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "numerics/numerics.h"

namespace tf2::quantize {
namespace {

// Whether every weight is 0 or the largest one over 2^0 ... 2^6.
bool IsCodes(std::span<const double> row) {
  double largest = 0;
  for (const double w : row) largest = std::max(largest, std::fabs(w));
  return std::ranges::all_of(row, [&](double w) {
    if (w == 0) return true;
    int exponent = 0;
    return std::frexp(largest / std::fabs(w), &exponent) == 0.5 &&
           exponent - 1 <= numerics::kMaxCodeExponent;
  });
}

// Whether every row of the convolution is codes: as it is, or folded with the exponents of its
// input.
bool RowsAreCodes(const Draft& draft, std::size_t op, bool folded) {
  const qnet::Op& node = draft.net.ops[op];
  const auto& conv = std::get<qnet::Conv>(node.params);
  const qnet::Tensor& in = draft.net.tensor(node.inputs[0]);
  const auto oc = static_cast<std::size_t>(draft.net.tensor(node.output).c());
  const auto groups = static_cast<std::size_t>(conv.groups);
  const std::size_t taps =
      static_cast<std::size_t>(conv.window.kh) * static_cast<std::size_t>(conv.window.kw);
  const std::size_t ic = static_cast<std::size_t>(in.c()) / groups;
  std::vector<double> row(ic * taps);
  for (std::size_t o = 0; o < oc; ++o) {
    const std::size_t first_channel = o / (oc / groups) * ic;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double w = draft.weights[op].w[o * row.size() + i];
      row[i] = folded ? std::ldexp(w, -in.q[first_channel + i / taps]) : w;
    }
    if (!IsCodes(row)) return false;
  }
  return true;
}

}  // namespace

bool KeepsItsCodes(const Draft& draft, std::size_t op) {
  const auto oc = static_cast<std::size_t>(draft.net.tensor(draft.net.ops[op].output).c());
  return draft.weights[op].w.size() > oc && RowsAreCodes(draft, op, true);
}

std::vector<qnet::TensorId> InputsThatNeedOneQ(const Draft& draft) {
  std::vector<qnet::TensorId> inputs;
  for (std::size_t op = 0; op < draft.net.ops.size(); ++op) {
    if (!std::holds_alternative<qnet::Conv>(draft.net.ops[op].params)) continue;
    if (RowsAreCodes(draft, op, false) && !RowsAreCodes(draft, op, true))
      inputs.push_back(draft.net.ops[op].inputs[0]);
  }
  return inputs;
}

}  // namespace tf2::quantize
