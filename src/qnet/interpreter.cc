#include "qnet/interpreter.h"

#include "qnet/ops.h"

namespace tf2::qnet {
namespace {

struct Runner {
  const QNet& net;
  const Op& op;
  Inputs inputs;
  ThreadPool* pool;

  Result<Bytes> operator()(const Conv& conv) const { return RunConv(net, op, conv, inputs); }
  Result<Bytes> operator()(const MaxPool& max) const { return RunMaxPool(net, op, max, inputs); }
  Result<Bytes> operator()(const AvgPool& avg) const { return RunAvgPool(net, op, avg, inputs); }
  Result<Bytes> operator()(const Add& add) const { return RunAdd(net, op, add, inputs); }
  Result<Bytes> operator()(const Concat&) const { return RunConcat(inputs); }
  Result<Bytes> operator()(const Reshape&) const { return RunReshape(inputs); }
  Result<Bytes> operator()(const Table& table) const { return RunTable(net, op, table, inputs); }
  Result<Bytes> operator()(const Binary& binary) const {
    return RunBinary(net, op, binary, inputs);
  }
  Result<Bytes> operator()(const Lrn& lrn) const { return RunLrn(net, op, lrn, inputs); }
  Result<Bytes> operator()(const Move& move) const { return RunMove(net, op, move, inputs); }
  Result<Bytes> operator()(const Dilate& dilate) const {
    return RunDilate(net, op, dilate, inputs);
  }
  Result<Bytes> operator()(const Host& host) const { return RunHost(net, op, host, inputs, pool); }
};

// How many operators and outputs read each tensor.
std::vector<std::int64_t> CountReaders(const QNet& net) {
  std::vector<std::int64_t> readers(net.tensors.size(), 0);
  for (const Op& op : net.ops) {
    for (const TensorId id : op.inputs) ++readers[Index(id)];
  }
  for (const Output& output : net.outputs) ++readers[Index(output.tensor)];
  return readers;
}

// Executes in order; `free_dead` empties a tensor after its last reader.
Result<std::vector<Bytes>> Execute(const QNet& net, std::span<const std::int8_t> input,
                                   bool free_dead) {
  const std::int64_t want = InputElements(net);
  if (std::ssize(input) != want) {
    return InvalidArgument("the input has {} values, the network's has {}", input.size(), want);
  }
  std::vector<Bytes> tensors(net.tensors.size());
  for (const TensorId id : net.inputs) {
    const auto own = input.first(static_cast<std::size_t>(net.tensor(id).elements()));
    tensors[Index(id)].assign(own.begin(), own.end());
    input = input.subspan(own.size());
  }
  std::vector<std::int64_t> readers = CountReaders(net);
  std::vector<const Bytes*> inputs;
  for (const Op& op : net.ops) {
    inputs.clear();
    for (const TensorId id : op.inputs) inputs.push_back(&tensors[Index(id)]);
    TF2_ASSIGN_OR_RETURN(tensors[Index(op.output)], RunOp(net, op, inputs));
    if (!free_dead) continue;
    for (const TensorId id : op.inputs) {
      if (--readers[Index(id)] == 0) Bytes().swap(tensors[Index(id)]);
    }
  }
  return tensors;
}

}  // namespace

Result<Bytes> RunOp(const QNet& net, const Op& op, std::span<const Bytes* const> inputs,
                    ThreadPool* pool) {
  TF2_CHECK(inputs.size() == op.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    TF2_CHECK(std::ssize(*inputs[i]) == net.tensor(op.inputs[i]).bytes(), "input {} of {}", i,
              op.name);
  }
  TF2_ASSIGN_OR_RETURN(Bytes y, std::visit(Runner{net, op, inputs, pool}, op.params));
  TF2_CHECK(std::ssize(y) == net.tensor(op.output).bytes(), "output of {}", op.name);
  return y;
}

Result<std::vector<Bytes>> InterpretAll(const QNet& net, std::span<const std::int8_t> input) {
  return Execute(net, input, false);
}

Result<std::vector<Bytes>> Interpret(const QNet& net, std::span<const std::int8_t> input) {
  TF2_ASSIGN_OR_RETURN(const std::vector<Bytes> tensors, Execute(net, input, true));
  std::vector<Bytes> outputs;
  for (const Output& output : net.outputs) outputs.push_back(tensors[Index(output.tensor)]);
  return outputs;
}

}  // namespace tf2::qnet
