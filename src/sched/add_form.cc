#include <algorithm>

#include "sched/plan.h"

namespace tf2::sched {
namespace {

constexpr int kMaxAlphaExponent = 14;

// alpha = 2^(s + qo - qa), t = s + qo - qb with the smallest s that makes both exponents
// non-negative; false where no s does.
bool Form(const qnet::Tensor& a, const qnet::Tensor& b, const qnet::Tensor& out, AddForm& form) {
  form.scale.clear();
  form.t.clear();
  for (std::size_t c = 0; c < out.q.size(); ++c) {
    const int to_a = out.q[c] - a.q[c];
    const int to_b = out.q[c] - b.q[c];
    const int s = std::max({1, -to_a, -to_b});
    if (s > numerics::kMaxShift || s + to_a > kMaxAlphaExponent ||
        s + to_b > numerics::kMaxResidualShift)
      return false;
    form.scale.push_back(
        {static_cast<std::int16_t>(1 << (s + to_a)), static_cast<std::uint8_t>(s)});
    form.t.push_back(static_cast<std::uint8_t>(s + to_b));
  }
  return true;
}

}  // namespace

Result<AddForm> MakeAddForm(const qnet::QNet& net, const qnet::Op& op, std::int32_t first) {
  const qnet::Tensor& out = net.tensor(op.output);
  AddForm form;
  for (const std::int32_t lane_input : {first, 1 - first}) {
    form.lane_input = lane_input;
    const auto lane = static_cast<std::size_t>(lane_input);
    if (Form(net.tensor(op.inputs[lane]), net.tensor(op.inputs[1 - lane]), out, form)) return form;
  }
  return WithHint(
      Unsupported("the exponents of the two inputs lie more than {} apart", kMaxAlphaExponent),
      "this operator runs on the CPU backends only");
}

}  // namespace tf2::sched
