#include "verify/minimise_edits.h"

#include <algorithm>
#include <utility>

#include "qnet/interpreter.h"

namespace tf2::verify::minimise {
namespace {

using qnet::Index;
using qnet::TensorId;

// Output `tensor` alone, as the network's name for it where it has one.
std::vector<qnet::Output> OnlyOutput(const qnet::QNet& net, TensorId tensor) {
  qnet::Output output;
  output.tensor = tensor;
  output.name = "out";
  for (const std::int32_t d : net.tensor(tensor).dims) output.shape.push_back(d);
  return {output};
}

// Whether each tensor is needed by the outputs; the walk stops at the inputs.
std::vector<bool> NeededTensors(const qnet::QNet& net) {
  std::vector<bool> needed(net.tensors.size(), false);
  for (const qnet::Output& output : net.outputs) needed[Index(output.tensor)] = true;
  for (auto op = net.ops.rbegin(); op != net.ops.rend(); ++op) {
    if (!needed[Index(op->output)] || qnet::IsInput(net, op->output)) continue;
    for (const TensorId id : op->inputs) needed[Index(id)] = true;
  }
  return needed;
}

}  // namespace

FailingCase Compacted(const FailingCase& c) {
  const qnet::QNet& net = c.net;
  std::vector<bool> needed = NeededTensors(net);
  if (!std::ranges::any_of(net.inputs, [&](TensorId id) { return needed[Index(id)]; }))
    needed[Index(net.inputs[0])] = true;
  std::vector<TensorId> renumbered(net.tensors.size());
  FailingCase compacted;
  qnet::QNet& result = compacted.net;
  result.name = net.name;
  result.preprocessing = net.preprocessing;
  for (std::size_t i = 0; i < net.tensors.size(); ++i) {
    if (!needed[i]) continue;
    renumbered[i] = TensorId{static_cast<std::int32_t>(result.tensors.size())};
    result.tensors.push_back(net.tensors[i]);
  }
  auto contents = c.input.begin();
  for (const TensorId id : net.inputs) {
    const auto end = contents + net.tensor(id).elements();
    if (needed[Index(id)]) {
      result.inputs.push_back(renumbered[Index(id)]);
      compacted.input.insert(compacted.input.end(), contents, end);
    }
    contents = end;
  }
  for (const qnet::Op& op : net.ops) {
    if (!needed[Index(op.output)] || qnet::IsInput(net, op.output)) continue;
    qnet::Op copy = op;
    for (TensorId& id : copy.inputs) id = renumbered[Index(id)];
    copy.output = renumbered[Index(op.output)];
    result.ops.push_back(std::move(copy));
  }
  for (qnet::Output output : net.outputs) {
    output.tensor = renumbered[Index(output.tensor)];
    output.shape.assign(result.tensor(output.tensor).dims.begin(),
                        result.tensor(output.tensor).dims.end());
    result.outputs.push_back(std::move(output));
  }
  for (const qnet::Op& op : result.ops) result.macs += qnet::MacsOf(result, op);
  return compacted;
}

std::optional<FailingCase> CutAt(const FailingCase& c, TensorId tensor) {
  if (qnet::IsInput(c.net, tensor)) return {};
  FailingCase result = c;
  result.net.outputs = OnlyOutput(c.net, tensor);
  result = Compacted(result);
  if (result.net.ops.size() == c.net.ops.size() && c.net.outputs.size() == 1) return {};
  return result;
}

std::optional<FailingCase> WithoutOutput(const FailingCase& c, std::size_t output) {
  if (c.net.outputs.size() < 2) return {};
  FailingCase result = c;
  result.net.outputs.erase(result.net.outputs.begin() + static_cast<std::ptrdiff_t>(output));
  return Compacted(result);
}

std::optional<FailingCase> StartAt(const FailingCase& c, TensorId tensor) {
  if (qnet::IsInput(c.net, tensor) || c.net.tensor(tensor).type != qnet::ElemType::kInt8) return {};
  const auto is_it = [&](const qnet::Output& output) { return output.tensor == tensor; };
  if (std::ranges::any_of(c.net.outputs, is_it)) return {};
  FailingCase result = c;
  result.net.inputs = {tensor};
  const std::vector<bool> needed = NeededTensors(result.net);
  const auto is_needed = [&](TensorId id) { return needed[Index(id)]; };
  if (!is_needed(tensor) || std::ranges::any_of(c.net.inputs, is_needed)) return {};
  const auto contents = qnet::InterpretAll(c.net, c.input);
  if (!contents.ok()) return {};
  const qnet::Bytes& bytes = (*contents)[Index(tensor)];
  result.input.assign(bytes.size(), 0);
  std::ranges::transform(bytes, result.input.begin(),
                         [](std::uint8_t b) { return static_cast<std::int8_t>(b); });
  result.net.preprocessing = {};
  return Compacted(result);
}

std::optional<FailingCase> Bypassed(const FailingCase& c, std::size_t op, std::size_t input) {
  const qnet::Op& skipped = c.net.ops[op];
  const TensorId from = skipped.output, to = skipped.inputs[input];
  if (c.net.tensor(from).dims != c.net.tensor(to).dims) return {};
  const auto is_it = [&](const qnet::Output& output) { return output.tensor == from; };
  if (std::ranges::any_of(c.net.outputs, is_it)) return {};
  FailingCase result = c;
  for (qnet::Op& consumer : result.net.ops) {
    std::ranges::replace(consumer.inputs, from, to);
  }
  return Compacted(result);
}

std::optional<FailingCase> Merged(const FailingCase& c, std::size_t op, std::size_t input) {
  const std::vector<TensorId>& inputs = c.net.ops[op].inputs;
  if (input == 0 || inputs[input] == inputs[0] ||
      c.net.tensor(inputs[input]).dims != c.net.tensor(inputs[0]).dims) {
    return {};
  }
  FailingCase result = c;
  result.net.ops[op].inputs[input] = inputs[0];
  return Compacted(result);
}

std::optional<FailingCase> WithoutResidual(const FailingCase& c, std::size_t op) {
  if (!std::holds_alternative<qnet::Conv>(c.net.ops[op].params)) return {};
  if (c.net.ops[op].inputs.size() < 2) return {};
  FailingCase result = c;
  result.net.ops[op].inputs.resize(1);
  std::get<qnet::Conv>(result.net.ops[op].params).t.clear();
  return Compacted(result);
}

std::optional<FailingCase> PaddedWithZeros(const FailingCase& c, std::size_t op) {
  const auto* conv = std::get_if<qnet::Conv>(&c.net.ops[op].params);
  if (conv == nullptr || conv->pad_value == 0) return {};
  FailingCase result = c;
  for (qnet::Op& reader : result.net.ops) {
    auto* changed = std::get_if<qnet::Conv>(&reader.params);
    if (changed != nullptr && reader.inputs[0] == c.net.ops[op].inputs[0]) changed->pad_value = 0;
  }
  return result;
}

}  // namespace tf2::verify::minimise
