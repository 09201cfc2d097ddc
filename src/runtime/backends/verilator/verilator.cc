#include "runtime/backends/verilator/verilator.h"

#include <algorithm>
#include <utility>

#include "arch/arch.h"
#include "base/interrupt.h"
#include "program/pack.h"
#include "program/program.h"
#include "program/serialize.h"
#include "runtime/backends/verilator/simulator_library.h"
#include "runtime/batch_queue.h"

namespace tf2::runtime {
namespace {

// More cycles than any run of the program takes (docs/isa.md, Timing): one that takes more hangs.
Result<std::int64_t> CycleLimit(const program::Program& program) {
  TF2_ASSIGN_OR_RETURN(const auto descriptors, program::DecodeAll(program));
  std::int64_t limit = 100'000;
  for (const program::Descriptor& d : descriptors)
    limit += 2 * d.Steps() + 256 * d.Windows() + 1000;
  return limit;
}

class VerilatorDevice final : public Device {
 public:
  VerilatorDevice(arch::Arch arch, std::unique_ptr<SimulatedEngine> engine)
      : arch_(std::move(arch)),
        engine_(std::move(engine)),
        queue_([this](const Batch& batch) { return RunBatch(batch); }) {}

  std::string_view name() const override { return "verilator"; }
  std::string_view isa() const override { return "rtl"; }

  Status Load(const LoadedModel& model) override {
    TF2_RETURN_IF_ERROR(queue_.CheckIdle());
    if (model.program.empty()) {
      return WithHint(InvalidArgument("the simulated engine needs a compiled program"),
                      "make one with tf2 compile");
    }
    TF2_ASSIGN_OR_RETURN(program_, program::Deserialize(model.program));
    TF2_RETURN_IF_ERROR(program::CheckRunnable(program_, arch_));
    TF2_ASSIGN_OR_RETURN(max_cycles_, CycleLimit(program_));
    net_ = model.net;
    TF2_RETURN_IF_ERROR(WriteMemory(program::PortMemory::kWeights, program::WeightImage(program_)));
    TF2_RETURN_IF_ERROR(WriteMemory(program::PortMemory::kParams, program::ParamImage(program_)));
    TF2_RETURN_IF_ERROR(
        WriteMemory(program::PortMemory::kProgram, program::ProgramImage(program_)));
    queue_.SetFrameElements(qnet::InputElements(*net_));
    return {};
  }

  Result<Ticket> Submit(Batch batch) override { return queue_.Submit(std::move(batch)); }
  Result<std::vector<Frame>> Wait(Ticket ticket) override { return queue_.Wait(ticket); }

  Result<TraceReport> RunTraced(std::span<const std::int8_t> input,
                                const TraceSink& sink) override {
    TF2_RETURN_IF_ERROR(queue_.CheckIdle());
    if (!net_) return InvalidArgument("no network is loaded");
    TraceReport report;
    TF2_ASSIGN_OR_RETURN(report.outputs, RunFrame(input));
    TF2_RETURN_IF_ERROR(RunLayerByLayer(input, report.outputs, sink));
    for (std::size_t i = 0; i < net_->tensors.size(); ++i) {
      const auto id = static_cast<std::int32_t>(i);
      const bool shown =
          std::any_of(program_.places.begin(), program_.places.end(),
                      [id](const program::Place& place) { return place.tensor == id; });
      if (!shown) report.skipped.push_back(qnet::TensorId{id});
    }
    return report;
  }

  std::optional<RunStatistics> Statistics() const override { return statistics_; }

  void Close() override {
    queue_.Close();
    net_.reset();
    engine_.reset();
  }

 private:
  std::int64_t BeatsPerWord() const { return arch_.feature_word_bits() / arch_.beat_bits; }

  Status WriteMemory(program::PortMemory memory, std::span<const std::uint8_t> image) {
    return engine_->Write(static_cast<unsigned>(memory), 0, image);
  }

  Status WriteInput(std::span<const std::int8_t> input) {
    const program::WordRange range = program::InputRange(program_);
    return engine_->Write(static_cast<unsigned>(program::PortMemory::kFeatures),
                          range.begin * BeatsPerWord(), program::PackInput(program_, input));
  }

  // The words of a tensor, range after range.
  Result<std::vector<std::uint8_t>> ReadPlace(const program::Place& place) {
    std::vector<std::uint8_t> words;
    for (const program::WordRange& range : program::ReadRanges(place)) {
      TF2_ASSIGN_OR_RETURN(const auto part, engine_->Read(range.begin * BeatsPerWord(),
                                                          range.count * BeatsPerWord()));
      words.insert(words.end(), part.begin(), part.end());
    }
    return program::UnpackRanges(place, arch_.c, words);
  }

  // One frame as a host runs it: input, run, outputs.
  Result<Frame> RunFrame(std::span<const std::int8_t> input) {
    RunStatistics statistics;
    const std::int64_t start = engine_->cycles();
    TF2_RETURN_IF_ERROR(WriteInput(input));
    const std::int64_t written = engine_->cycles();
    TF2_RETURN_IF_ERROR(engine_->Run(0, max_cycles_));
    const std::int64_t ran = engine_->cycles();
    Frame frame;
    for (const program::OutputPlace& output : program_.outputs) {
      TF2_ASSIGN_OR_RETURN(frame.emplace_back(), ReadPlace(output.place));
    }
    statistics.input_cycles = written - start;
    statistics.cycles = ran - written;
    statistics.output_cycles = engine_->cycles() - ran;
    const std::vector<std::int64_t> layers = engine_->LayerCycles();
    for (std::size_t i = 0; i < layers.size() && i < program_.layers.size(); ++i) {
      statistics.layers.push_back({program_.layers[i].name, layers[i]});
    }
    statistics_ = std::move(statistics);
    return frame;
  }

  // Marks every layer as the last, so that each can be run on its own and its output read before it
  // is overwritten. Must end in the `outputs` of the whole run.
  Status RunLayerByLayer(std::span<const std::int8_t> input, const Frame& outputs,
                         const TraceSink& sink) {
    program::Program stepped = program_;
    TF2_ASSIGN_OR_RETURN(std::vector<program::Descriptor> descriptors,
                         program::DecodeAll(program_));
    for (std::size_t layer = 0; layer < descriptors.size(); ++layer) {
      descriptors[layer].last = true;
      TF2_ASSIGN_OR_RETURN(const program::Fields fields,
                           program::Encode(descriptors[layer], program_.field_bits));
      std::copy(
          fields.begin(), fields.end(),
          stepped.fields.begin() + static_cast<std::ptrdiff_t>(layer * program::kFieldsPerLayer));
    }
    TF2_RETURN_IF_ERROR(WriteMemory(program::PortMemory::kProgram, program::ProgramImage(stepped)));
    TF2_RETURN_IF_ERROR(WriteInput(input));
    for (std::size_t layer = 0; layer < stepped.layer_count(); ++layer) {
      TF2_RETURN_IF_ERROR(CheckInterrupted());
      TF2_RETURN_IF_ERROR(
          engine_->Run(static_cast<std::int64_t>(layer * program::kFieldsPerLayer), max_cycles_));
      for (const program::Place& place : program_.places) {
        if (place.ready_after != static_cast<std::int32_t>(layer)) continue;
        TF2_ASSIGN_OR_RETURN(const auto bytes, ReadPlace(place));
        for (std::size_t o = 0; o < outputs.size(); ++o) {
          if (qnet::Index(net_->outputs[o].tensor) == static_cast<std::size_t>(place.tensor) &&
              outputs[o] != bytes) {
            return Internal("layer {}: the whole run gives other bytes than the run layer by layer",
                            program_.layers[layer].name);
          }
        }
        sink(qnet::TensorId{place.tensor}, bytes);
      }
    }
    return WriteMemory(program::PortMemory::kProgram, program::ProgramImage(program_));
  }

  Result<std::vector<Frame>> RunBatch(const Batch& batch) {
    std::vector<Frame> frames;
    const std::size_t elements = batch.data.size() / static_cast<std::size_t>(batch.count);
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch.count); ++i) {
      TF2_RETURN_IF_ERROR(CheckInterrupted());
      TF2_ASSIGN_OR_RETURN(frames.emplace_back(),
                           RunFrame(std::span(batch.data).subspan(i * elements, elements)));
    }
    return frames;
  }

  const arch::Arch arch_;
  std::unique_ptr<SimulatedEngine> engine_;
  std::shared_ptr<const qnet::QNet> net_;
  program::Program program_;
  std::int64_t max_cycles_ = 0;
  std::optional<RunStatistics> statistics_;
  BatchQueue queue_;  // last: its thread ends before what it uses
};

Result<std::unique_ptr<Device>> Open(const DeviceOptions& options) {
  if (options.simulator.empty())
    return InvalidArgument("the verilator backend needs a simulator that src/build made");
  TF2_ASSIGN_OR_RETURN(arch::Arch arch,
                       arch::ReadArch((options.simulator.parent_path() / "arch.json").string()));
  TF2_ASSIGN_OR_RETURN(auto engine, SimulatedEngine::Open(options.simulator.string()));
  if (!options.trace_file.empty()) TF2_RETURN_IF_ERROR(engine->Trace(options.trace_file.string()));
  return std::unique_ptr<Device>(
      std::make_unique<VerilatorDevice>(std::move(arch), std::move(engine)));
}

}  // namespace

BackendFactory VerilatorBackend() {
  return {"verilator", "the accelerator's RTL, simulated: bit-exact and cycle-exact", Open};
}

}  // namespace tf2::runtime
