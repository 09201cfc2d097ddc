#include "sched/conv_form.h"

#include <algorithm>

namespace tf2::sched {
namespace {

// Half-open runs of equal values.
struct Run {
  std::int32_t begin, size;
};

std::vector<Run> RunsOf(const std::vector<std::int32_t>& values) {
  std::vector<Run> runs;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(values.size()); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i == 0 || values[at] != values[at - 1]) runs.push_back({i, 0});
    ++runs.back().size;
  }
  return runs;
}

Rect Whole(const PlanTensor& t) { return {0, 0, t.h, t.w}; }

Result<ConvForm> FromConv(const qnet::Conv& conv, ConvForm form, bool folded,
                          std::int32_t input_channels) {
  switch (conv.kind) {
    case qnet::WeightKind::kSac:
      break;
    case qnet::WeightKind::kMac:
      return WithHint(Unsupported("int8 weights: the engine's lanes take 4-bit weights"),
                      "quantize with --bits 4");
  }
  form.conv = &conv;
  form.folded = folded;
  form.window = folded ? qnet::Window{} : conv.window;
  form.group_inputs = folded ? form.input->c : input_channels / conv.groups;
  form.group_outputs = form.output->c / conv.groups;
  form.relu = conv.activation == qnet::Activation::kRelu;
  form.pad_value = conv.pad_value;
  ConvRegion region;
  region.rect = Whole(*form.output);
  for (std::size_t o = 0; o < conv.beta.size(); ++o) {
    region.rows.push_back({conv.beta[o], conv.scale[o], conv.t.empty() ? 0 : conv.t[o]});
  }
  form.regions.push_back(std::move(region));
  return form;
}

ConvForm FromAvgPool(const qnet::AvgPool& pool, ConvForm form) {
  form.window = pool.window;
  form.relu = pool.activation == qnet::Activation::kRelu;
  const auto add = [&](const Rect& rect, std::int32_t divisor) {
    ConvRegion region;
    region.rect = rect;
    const auto at = std::ranges::lower_bound(pool.divisors, divisor) - pool.divisors.begin();
    for (const numerics::Scale& scale : pool.scale[static_cast<std::size_t>(at)])
      region.rows.push_back({0, scale, 0});
    form.regions.push_back(std::move(region));
  };
  if (pool.divisors.size() == 1) {
    add(Whole(*form.output), pool.divisors[0]);
    return form;
  }
  for (const Run& rows : RunsOf(pool.divisor_h)) {
    for (const Run& columns : RunsOf(pool.divisor_w)) {
      add({rows.begin, columns.begin, rows.size, columns.size},
          pool.divisor_h[static_cast<std::size_t>(rows.begin)] *
              pool.divisor_w[static_cast<std::size_t>(columns.begin)]);
    }
  }
  return form;
}

ConvForm FromAdd(const qnet::Add& add, const AddForm& scales, ConvForm form) {
  form.relu = add.activation == qnet::Activation::kRelu;
  ConvRegion region;
  region.rect = Whole(*form.output);
  for (std::size_t c = 0; c < scales.scale.size(); ++c)
    region.rows.push_back({0, scales.scale[c], scales.t[c]});
  form.regions.push_back(std::move(region));
  return form;
}

ConvForm FromCopy(ConvForm form) {
  ConvRegion region;
  region.rect = Whole(*form.output);
  constexpr int kExponent = 14;
  region.rows.assign(static_cast<std::size_t>(form.output->c),
                     RowParams{0, {1 << kExponent, kExponent}, 0});
  form.regions.push_back(std::move(region));
  return form;
}

}  // namespace

int ConvForm::Code(std::int32_t term, std::int32_t row, std::int32_t ic, std::int32_t ky,
                   std::int32_t kx) const {
  if (conv == nullptr) return 1;
  const qnet::Window& w = conv->window;
  std::int64_t inputs = group_inputs;
  if (folded) {
    inputs = group_inputs / (w.kh * w.kw);
    const auto channels = static_cast<std::int32_t>(inputs);
    kx = ic / channels % w.kw;
    ky = ic / channels / w.kw;
    ic %= channels;
  }
  const std::int64_t at = ((row * inputs + ic) * w.kh + ky) * w.kw + kx;
  return conv->terms[static_cast<std::size_t>(term)][static_cast<std::size_t>(at)];
}

Result<ConvForm> MakeConvForm(const qnet::QNet& net, const Plan& plan, const Task& task) {
  const auto tensor = [&](std::int32_t id) {
    return id < 0 ? nullptr : &plan.tensors[static_cast<std::size_t>(id)];
  };
  ConvForm form;
  form.input = tensor(task.input);
  form.output = tensor(task.output);
  form.residual = tensor(task.residual);
  if (task.copy) return FromCopy(std::move(form));
  const qnet::Op& op = net.ops[static_cast<std::size_t>(task.op)];
  if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) {
    const bool folded = plan.folded && qnet::IsInput(net, op.inputs[0]);
    return FromConv(*conv, std::move(form), folded, net.tensor(op.inputs[0]).c());
  }
  if (const auto* pool = std::get_if<qnet::AvgPool>(&op.params))
    return FromAvgPool(*pool, std::move(form));
  if (const auto* add = std::get_if<qnet::Add>(&op.params)) {
    const std::int32_t lane_input = static_cast<std::int32_t>(op.inputs[0]) == task.input ? 0 : 1;
    TF2_ASSIGN_OR_RETURN(const AddForm scales, MakeAddForm(net, op, lane_input));
    return FromAdd(*add, scales, std::move(form));
  }
  return Internal("{} is not a weighted layer", op.name);
}

}  // namespace tf2::sched
