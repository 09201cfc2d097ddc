#include "cost/cost.h"

#include <algorithm>

#include "program/pack.h"

namespace tf2::cost {
namespace {

using program::Descriptor;
using program::Opcode;

// Symbols of docs/isa.md, Timing.
struct Window {
  std::int64_t steps = 1;        // len
  std::int64_t residual = 0;     // K
  std::int64_t words = 1;        // M
  std::int64_t gap = 1;          // G
  std::int64_t first_write = 2;  // write(m) = first_write + m * write_step
  std::int64_t write_step = 1;
  std::int64_t Write(std::int64_t m) const { return first_write + m * write_step; }
};

Window TimingOf(const Descriptor& d, const arch::Arch& a) {
  Window w;
  w.steps = d.StepsPerWindow();
  if (d.opcode == Opcode::kMaxPool) return w;
  const std::int64_t planes = a.planes_per_tile();
  const std::int64_t halves = d.wide ? 2 : 1;
  w.residual = d.residual ? planes : 0;
  w.words = halves * planes;
  w.gap = halves * std::max<std::int64_t>(a.n / a.requant_units, planes);
  w.write_step = a.requant_units <= a.c ? a.c / a.requant_units : 1;
  w.first_write = a.requant_units <= a.c ? 9 + w.write_step : 10;
  return w;
}

// Cycle of the last window's last step, features read and written in turn: a slot waits while a
// word is written.
std::int64_t LastStepSinglePort(const Window& w, std::int64_t windows) {
  std::vector<std::int64_t> writes;  // pending, ascending from `head`
  std::size_t head = 0;
  const auto next = [&](std::int64_t t) {
    ++t;
    while (head < writes.size() && writes[head] <= t) {
      if (writes[head] == t) ++t;
      ++head;
    }
    return t;
  };
  std::int64_t t = 0;
  std::int64_t last = 0;
  for (std::int64_t i = 0; i < windows; ++i) {
    for (std::int64_t slot = 0; slot < w.steps - 1 + w.residual; ++slot) t = next(t);
    t = next(i == 0 ? t : std::max(t, last + w.gap - 1));
    last = t;
    for (std::int64_t m = 0; m < w.words; ++m) writes.push_back(t + w.Write(m));
    if (head > 4096) {
      writes.erase(writes.begin(), writes.begin() + static_cast<std::ptrdiff_t>(head));
      head = 0;
    }
  }
  return t;
}

// Last step of the last window, features read and written in the same cycle.
std::int64_t LastStepDualPort(const Window& w, std::int64_t windows) {
  const std::int64_t slots = w.steps + w.residual;
  return slots + (windows - 1) * std::max(slots, w.gap);
}

constexpr std::int64_t kDescriptorLoad = 32;  // 31 cycles of load and cycle 0

// A host that sends and takes bits whenever the engine can, and waits for a command's answer before
// the next command.
struct Port {
  std::int64_t beat;     // cycles of a beat
  std::int64_t command;  // cycles of a command
};

Port PortOf(const arch::Arch& a) {
  const std::int64_t beat = a.beat_bits / a.port_bits;
  return {beat, 64 / a.beat_bits * beat};
}

// A port as wide as a beat waits one cycle while the command is decoded: before the second beat of
// a write, or before what follows a write of a single beat.
std::int64_t WaitAfter(const Port& port, std::int64_t beats) {
  return port.beat == 1 && beats == 1 ? 1 : 0;
}
std::int64_t WriteCycles(const Port& port, std::int64_t beats) {
  return port.command + beats * port.beat + (port.beat == 1 && beats > 1 ? 1 : 0);
}

// Command, its way through the decoder, the run, and the answer.
std::int64_t RunPortCycles(const Port& port) { return port.command + 3 + port.beat; }

std::int64_t ReadCycles(const Port& port, std::int64_t beats) {
  return port.command + 2 + beats * (port.beat + 2);
}

void AddPortCycles(const program::Program& program, const arch::Arch& a, FrameCost& frame) {
  const Port port = PortOf(a);
  const std::int64_t word_beats = a.feature_word_bits() / a.beat_bits;
  const std::int64_t input_beats = program::InputRange(program).count * word_beats;
  frame.load_cycles = WriteCycles(port, input_beats);
  frame.run_port_cycles = WaitAfter(port, input_beats) + RunPortCycles(port);
  for (const program::WordRange& range : program::OutputRanges(program)) {
    frame.read_cycles += ReadCycles(port, range.count * word_beats);
  }
  frame.frame_cycles =
      frame.load_cycles + frame.run_port_cycles + frame.run_cycles + frame.read_cycles;
}

void AddBreakdown(FrameCost& frame) {
  const auto total = static_cast<double>(frame.frame_cycles);
  std::int64_t pooling = 0;
  std::int64_t padding = 0;  // lane cycles
  std::int64_t stalls = 0;
  std::int64_t overhead = frame.run_port_cycles;
  std::int64_t macs = 0;
  for (const LayerCost& layer : frame.layers) {
    overhead += layer.overhead_cycles;
    macs += layer.macs;
    if (layer.kind == "conv") {
      padding += layer.steps * frame.lanes - layer.macs;
      stalls += layer.stall_cycles;
    } else {
      pooling += layer.steps + layer.stall_cycles;
    }
  }
  frame.utilisation = static_cast<double>(frame.macs) / (total * static_cast<double>(frame.lanes));
  frame.lost_load = static_cast<double>(frame.load_cycles) / total;
  frame.lost_read = static_cast<double>(frame.read_cycles) / total;
  frame.lost_pooling = static_cast<double>(pooling) / total;
  // Multiply-accumulates that the importer counted and no convolution here computes come out of the
  // padding.
  frame.lost_padding_lanes = static_cast<double>(padding - (frame.macs - macs)) /
                             (total * static_cast<double>(frame.lanes));
  frame.lost_stalls = static_cast<double>(stalls) / total;
  frame.lost_overhead = static_cast<double>(overhead) / total;
}

}  // namespace

LayerCost PredictLayer(const Descriptor& d, const arch::Arch& a) {
  const Window w = TimingOf(d, a);
  const std::int64_t windows = d.Windows();
  const std::int64_t last_step =
      a.dual_port ? LastStepDualPort(w, windows) : LastStepSinglePort(w, windows);
  LayerCost cost;
  cost.cycles = kDescriptorLoad + last_step + w.Write(w.words - 1);
  cost.steps = d.Steps();
  cost.stall_cycles = last_step - cost.steps;
  cost.overhead_cycles = cost.cycles - last_step;
  return cost;
}

Result<FrameCost> PredictFrame(const program::Program& program, const arch::Arch& a) {
  TF2_RETURN_IF_ERROR(program::CheckRunnable(program, a));
  TF2_ASSIGN_OR_RETURN(const std::vector<Descriptor> descriptors, program::DecodeAll(program));
  FrameCost frame;
  frame.lanes = a.lanes();
  frame.macs = program.macs;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    LayerCost layer = PredictLayer(descriptors[i], a);
    layer.name = program.layers[i].name;
    layer.kind = program.layers[i].kind;
    layer.macs = program.layers[i].macs;
    layer.utilisation =
        static_cast<double>(layer.macs) / static_cast<double>(layer.cycles * frame.lanes);
    frame.run_cycles += layer.cycles;
    frame.layers.push_back(std::move(layer));
  }
  AddPortCycles(program, a, frame);
  AddBreakdown(frame);
  return frame;
}

std::int64_t PredictLoadProgram(const program::Program& program, const arch::Arch& a) {
  const Port port = PortOf(a);
  std::int64_t cycles = 0;
  for (const std::size_t bytes :
       {program::WeightImage(program).size(), program::ParamImage(program).size(),
        program::ProgramImage(program).size()}) {
    if (bytes == 0) continue;  // max pools only: no weights, no parameters
    cycles += WriteCycles(port, static_cast<std::int64_t>(bytes) * 8 / a.beat_bits);
  }
  return cycles;
}

}  // namespace tf2::cost
