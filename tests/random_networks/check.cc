#include "tests/random_networks/check.h"

#include <memory>
#include <utility>

#include "base/interrupt.h"
#include "cost/cost.h"
#include "program/execute.h"
#include "program/pack.h"
#include "program/serialize.h"
#include "verify/compare.h"

namespace tf2::random_networks {
namespace {

using qnet::Index;
using qnet::TensorId;

// Compares what one link shows of one input; keeps the first difference.
class Comparison {
 public:
  Comparison(const Case& c, const Golden& golden, std::string link)
      : case_(c), golden_(golden), link_(std::move(link)), shown_(c.net.tensors.size()) {}

  void Tensor(std::size_t input, TensorId id, std::span<const std::uint8_t> bytes) {
    ++tensors_;
    shown_[Index(id)] = true;
    if (found_) return;
    auto d = verify::FirstDifference(case_.net, id, golden_[input][Index(id)], bytes);
    if (!d) return;
    d->link = link_;
    d->sample = static_cast<std::int64_t>(input);
    d->layer = "input";
    for (const qnet::Op& op : case_.net.ops) {
      if (op.output == id) d->layer = op.name;
    }
    found_ = {Kind::kValues, link_, d->layer, verify::ToString(*d)};
  }

  void Outputs(std::size_t input, const runtime::Frame& frame) {
    for (std::size_t o = 0; o < case_.net.outputs.size(); ++o) {
      Tensor(input, case_.net.outputs[o].tensor, frame[o]);
    }
  }

  // That every tensor which is computed, not only moved, was shown.
  void CheckComplete() {
    for (const qnet::Op& op : case_.net.ops) {
      const bool moved = std::holds_alternative<qnet::Reshape>(op.params) ||
                         std::holds_alternative<qnet::Concat>(op.params);
      if (found_ || moved || shown_[Index(op.output)]) continue;
      found_ = {Kind::kError, link_, op.name, fmt::format("{}: {} is not shown", link_, op.name)};
    }
  }

  // What a link reports instead of a result. kCancelled is the user's.
  Status Failed(Error error) {
    if (error.code == ErrorCode::kCancelled) return error;
    if (!found_) found_ = {Kind::kError, link_, {}, link_ + ": " + error.ToString()};
    return {};
  }

  void Cycles(const std::string& layer, const std::string& what, std::int64_t simulated,
              std::int64_t predicted) {
    if (found_ || simulated == predicted) return;
    found_ = {Kind::kCycles, link_, layer,
              fmt::format("{}: {}: {} cycles, predicted {}", link_, what, simulated, predicted)};
  }

  const std::optional<Disagreement>& found() const { return found_; }
  std::int64_t tensors() const { return tensors_; }

 private:
  const Case& case_;
  const Golden& golden_;
  const std::string link_;
  std::vector<bool> shown_;  // per tensor
  std::optional<Disagreement> found_;
  std::int64_t tensors_ = 0;
};

// Frames of inputs [first, end).
runtime::Batch BatchOf(const Case& c, std::size_t first) {
  runtime::Batch batch;
  for (std::size_t i = first; i < c.inputs.size(); ++i) {
    ++batch.count;
    batch.data.insert(batch.data.end(), c.inputs[i].begin(), c.inputs[i].end());
  }
  return batch;
}

// The first input with every tensor, then a batch of those from `first_of_batch` on, outputs only.
Status RunDevice(const Case& c, runtime::Device& device, std::size_t first_of_batch,
                 Comparison& comparison) {
  const auto sink = [&](TensorId id, std::span<const std::uint8_t> bytes) {
    comparison.Tensor(0, id, bytes);
  };
  auto traced = device.RunTraced(c.inputs[0], sink);
  if (!traced.ok()) return comparison.Failed(std::move(traced.error()));
  comparison.Outputs(0, traced->outputs);
  comparison.CheckComplete();
  if (first_of_batch >= c.inputs.size() || comparison.found()) return {};
  auto frames = device.Run(BatchOf(c, first_of_batch));
  if (!frames.ok()) return comparison.Failed(std::move(frames.error()));
  for (std::size_t i = 0; i < frames->size(); ++i)
    comparison.Outputs(first_of_batch + i, (*frames)[i]);
  return {};
}

Status RunOracle(const Case& c, const program::Program& program, const arch::Arch& arch,
                 Comparison& comparison) {
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const auto after_layer = [&](std::size_t layer, std::span<const std::uint8_t> now) -> Status {
      for (const program::Place& place : program.places) {
        if (place.ready_after != static_cast<std::int32_t>(layer)) continue;
        comparison.Tensor(i, TensorId{place.tensor}, program::UnpackTensor(place, arch.c, now));
      }
      return {};
    };
    auto frame = program::ExecuteFrame(program, arch, c.inputs[i], after_layer);
    if (!frame.ok()) return comparison.Failed(std::move(frame.error()));
    comparison.Outputs(i, *frame);
  }
  comparison.CheckComplete();
  return {};
}

// The counters of the last frame against the prediction.
Status CompareCycles(const Case& c, const program::Program& program, const arch::Arch& arch,
                     const runtime::Device& device, Comparison& comparison, Counts& counts) {
  const auto measured = device.Statistics();
  if (!measured) return comparison.Failed(Internal("no cycles were counted"));
  auto predicted = cost::PredictFrame(program, arch);
  if (!predicted.ok()) return comparison.Failed(std::move(predicted.error()));
  if (measured->layers.size() != predicted->layers.size()) {
    return comparison.Failed(Internal("{} layers ran, {} were predicted", measured->layers.size(),
                                      predicted->layers.size()));
  }
  for (std::size_t i = 0; i < measured->layers.size(); ++i) {
    const std::int32_t op = program.layers[i].op;
    const std::string layer = op < 0 ? "" : c.net.ops[static_cast<std::size_t>(op)].name;
    comparison.Cycles(layer, "layer " + program.layers[i].name, measured->layers[i].cycles,
                      predicted->layers[i].cycles);
  }
  comparison.Cycles("", "writing the input", measured->input_cycles, predicted->load_cycles);
  comparison.Cycles("", "the run with its command", measured->cycles,
                    predicted->run_cycles + predicted->run_port_cycles);
  comparison.Cycles("", "reading the outputs", measured->output_cycles, predicted->read_cycles);
  comparison.Cycles("", "the frame",
                    measured->input_cycles + measured->cycles + measured->output_cycles,
                    predicted->frame_cycles);
  counts.layers += std::ssize(measured->layers);
  counts.cycles += predicted->frame_cycles;
  return {};
}

runtime::LoadedModel ModelOf(const Case& c) {
  runtime::LoadedModel model;
  model.net = std::make_shared<const qnet::QNet>(c.net);
  return model;
}

// Compiles as the case says; folding that the network does not allow is left to the compiler.
Result<program::Program> Compile(const Case& c, const arch::Arch& arch) {
  auto program = sched::Compile(c.net, arch, c.options);
  if (program.ok() || c.options.folding != sched::Folding::kAlways) return program;
  sched::Options options = c.options;
  options.folding = sched::Folding::kAuto;
  return sched::Compile(c.net, arch, options);
}

Status RunEngine(const Case& c, const program::Program& program, const Configuration& configuration,
                 Bench& bench, Comparison& comparison, Counts& counts) {
  TF2_ASSIGN_OR_RETURN(runtime::Device * engine, bench.Engine(configuration));
  runtime::LoadedModel model = ModelOf(c);
  model.program = program::Serialize(program);
  if (Status loaded = engine->Load(model); !loaded.ok())
    return comparison.Failed(std::move(loaded.error()));
  TF2_RETURN_IF_ERROR(RunDevice(c, *engine, 1, comparison));
  if (comparison.found()) return {};
  return CompareCycles(c, program, configuration.arch, *engine, comparison, counts);
}

}  // namespace

const char* KindName(Kind kind) {
  switch (kind) {
    case Kind::kValues:
      return "values";
    case Kind::kCycles:
      return "cycles";
    case Kind::kError:
      return "error";
  }
  return "";
}

void Counts::Add(const Counts& other) {
  inputs += other.inputs;
  cpu_tensors += other.cpu_tensors;
  program_tensors += other.program_tensors;
  rtl_tensors += other.rtl_tensors;
  layers += other.layers;
  cycles += other.cycles;
}

Result<Golden> Interpret(const Case& c) {
  Golden golden;
  for (const auto& input : c.inputs) {
    TF2_ASSIGN_OR_RETURN(golden.emplace_back(), qnet::InterpretAll(c.net, input));
  }
  return golden;
}

Result<Outcome> CheckOnCpu(const Case& c, const Golden& golden, Bench& bench) {
  Outcome outcome;
  for (const auto& device : bench.cpus()) {
    Comparison comparison(c, golden, fmt::format("cpu {}", device->isa()));
    Status status = device->Load(ModelOf(c));
    status = status.ok() ? RunDevice(c, *device, 0, comparison)
                         : comparison.Failed(std::move(status.error()));
    TF2_RETURN_IF_ERROR(std::move(status));
    outcome.counts.cpu_tensors += comparison.tensors();
    if (!outcome.disagreement) outcome.disagreement = comparison.found();
  }
  return outcome;
}

Result<Outcome> CheckOnEngine(const Case& c, const Golden& golden,
                              const Configuration& configuration, Bench& bench) {
  TF2_RETURN_IF_ERROR(CheckInterrupted());
  Outcome outcome;
  const auto program = Compile(c, configuration.arch);
  Comparison oracle(c, golden, "program"), rtl(c, golden, "rtl");
  if (!program.ok()) {
    const Error& error = program.error();
    outcome.refusal = error.ToString();
    if (error.code == ErrorCode::kUnsupported || error.code == ErrorCode::kResourceExhausted)
      return outcome;
    TF2_RETURN_IF_ERROR(oracle.Failed(error));
    outcome.disagreement = oracle.found();
    return outcome;
  }
  outcome.ran = true;
  outcome.counts.inputs = std::ssize(c.inputs);
  TF2_RETURN_IF_ERROR(RunOracle(c, *program, configuration.arch, oracle));
  TF2_RETURN_IF_ERROR(RunEngine(c, *program, configuration, bench, rtl, outcome.counts));
  outcome.counts.program_tensors = oracle.tensors();
  outcome.counts.rtl_tensors = rtl.tensors();
  outcome.disagreement = oracle.found() ? oracle.found() : rtl.found();
  return outcome;
}

}  // namespace tf2::random_networks
