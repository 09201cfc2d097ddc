#include "sim_harness.h"

#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

#include "verilated.h"

#ifndef TF2_MODEL
#define TF2_MODEL Vtf2_engine
#define TF2_MODEL_HEADER "Vtf2_engine.h"
#endif
#ifndef TF2_BEAT_BITS
#define TF2_BEAT_BITS 64
#endif
#ifndef TF2_PORT_BITS
#define TF2_PORT_BITS 64
#endif

#include TF2_MODEL_HEADER

#if defined(VM_TRACE_FST) && VM_TRACE_FST
#include "verilated_fst_c.h"
#define TF2_TRACE VerilatedFstC
#elif defined(VM_TRACE_VCD) && VM_TRACE_VCD
#include "verilated_vcd_c.h"
#define TF2_TRACE VerilatedVcdC
#endif

// The engine samples its inputs at the rising edge; its outputs depend on registers alone, so they
// are read before the edge.
struct tf2_sim {
  VerilatedContext context;
  std::unique_ptr<TF2_MODEL> top;
#ifdef TF2_TRACE
  std::unique_ptr<TF2_TRACE> trace;
#endif
  uint64_t cycles = 0;
  bool was_running = false;
  uint64_t layer_start = 0;
  std::vector<uint64_t> layer_cycles;
  std::string error;

  // One clock cycle with the inputs as they stand.
  void Cycle() {
    if (top->running_o) {
      if (!was_running) {
        was_running = true;
        layer_start = cycles;
        layer_cycles.clear();
      }
      if (top->layer_done_o) {
        layer_cycles.push_back(cycles + 1 - layer_start);
        layer_start = cycles + 1;
      }
    } else {
      was_running = false;
    }
    top->clk_i = 1;
    top->eval();
    Dump(2 * cycles);
    top->clk_i = 0;
    top->eval();
    Dump(2 * cycles + 1);
    ++cycles;
  }

  void Dump([[maybe_unused]] uint64_t time) {
#ifdef TF2_TRACE
    if (trace) trace->dump(time);
#endif
  }

  int Fail(std::string text) {
    error = std::move(text);
    return -1;
  }
};

namespace {

constexpr unsigned kParts = TF2_BEAT_BITS / TF2_PORT_BITS;
constexpr unsigned kBeatBytes = TF2_BEAT_BITS / 8;
constexpr uint64_t kPortMask =
    TF2_PORT_BITS == 64 ? ~uint64_t{0} : (uint64_t{1} << (TF2_PORT_BITS % 64)) - 1;
constexpr uint64_t kMaxCount = (uint64_t{1} << 24) - 1;
constexpr uint64_t kPatience = 1000;  // cycles without progress at the port while no program runs

// Sends the low `bits` bits of `value`, low first; false when the engine does not take them.
bool Send(tf2_sim* sim, uint64_t value, unsigned bits) {
  for (unsigned sent = 0; sent < bits; sent += TF2_PORT_BITS) {
    sim->top->in_valid_i = 1;
    sim->top->in_data_i = static_cast<std::remove_reference_t<decltype(sim->top->in_data_i)>>(
        (value >> sent) & kPortMask);
    uint64_t waited = 0;
    for (bool taken = false; !taken;) {
      taken = sim->top->in_ready_o;
      sim->Cycle();
      if (++waited > kPatience) return false;
    }
  }
  sim->top->in_valid_i = 0;
  return true;
}

bool Command(tf2_sim* sim, unsigned op, unsigned memory, uint64_t address, uint64_t count) {
  return Send(sim, op | memory << 4 | address << 8 | count << 32, 64);
}

// Receives one beat; false after `patience` cycles without any.
bool Receive(tf2_sim* sim, uint64_t patience, uint64_t* beat) {
  *beat = 0;
  uint64_t waited = 0;
  for (unsigned part = 0; part < kParts;) {
    if (waited++ > patience) return false;
    sim->top->out_ready_i = 1;
    if (sim->top->out_valid_o) {
      *beat |= static_cast<uint64_t>(sim->top->out_data_o) << (part * TF2_PORT_BITS);
      ++part;
    }
    sim->Cycle();
  }
  sim->top->out_ready_i = 0;
  return true;
}

bool InRange(uint64_t address, uint64_t count) {
  return address <= kMaxCount && count <= kMaxCount - address + 1;
}

}  // namespace

tf2_sim* tf2_sim_create(void) {
  auto* sim = new (std::nothrow) tf2_sim;
  if (sim == nullptr) return nullptr;
#ifdef TF2_TRACE
  sim->context.traceEverOn(true);
#endif
  sim->context.randReset(0);
  sim->top = std::make_unique<TF2_MODEL>(&sim->context);
  sim->top->clk_i = 0;
  sim->top->rst_ni = 0;
  sim->top->in_valid_i = 0;
  sim->top->in_data_i = 0;
  sim->top->out_ready_i = 0;
  sim->top->eval();
  for (int i = 0; i < 4; ++i) sim->Cycle();
  sim->top->rst_ni = 1;
  sim->top->eval();
  sim->cycles = 0;
  return sim;
}

void tf2_sim_destroy(tf2_sim* sim) {
  if (sim == nullptr) return;
#ifdef TF2_TRACE
  if (sim->trace) sim->trace->close();
#endif
  sim->top->final();
  delete sim;
}

uint32_t tf2_sim_beat_bits(const tf2_sim*) { return TF2_BEAT_BITS; }
uint32_t tf2_sim_port_bits(const tf2_sim*) { return TF2_PORT_BITS; }
uint64_t tf2_sim_layers(const tf2_sim* sim) { return sim->layer_cycles.size(); }
uint64_t tf2_sim_cycles(const tf2_sim* sim) { return sim->cycles; }
const char* tf2_sim_error(const tf2_sim* sim) { return sim->error.c_str(); }

uint64_t tf2_sim_layer_cycles(const tf2_sim* sim, uint64_t layer) {
  return layer < sim->layer_cycles.size() ? sim->layer_cycles[layer] : 0;
}

int tf2_sim_write(tf2_sim* sim, unsigned memory, uint64_t address, const uint8_t* data,
                  uint64_t beats) {
  sim->error.clear();
  if (memory > TF2_SIM_PROGRAM || !InRange(address, beats))
    return sim->Fail("write outside the memory");
  if (beats == 0) return 0;
  if (!Command(sim, 1, memory, address, beats))
    return sim->Fail("the engine does not take a write command");
  for (uint64_t i = 0; i < beats; ++i) {
    uint64_t beat = 0;
    for (unsigned b = 0; b < kBeatBytes; ++b) beat |= uint64_t{data[i * kBeatBytes + b]} << (8 * b);
    if (!Send(sim, beat, TF2_BEAT_BITS))
      return sim->Fail("the engine does not take a beat to write");
  }
  return 0;
}

int tf2_sim_read(tf2_sim* sim, uint64_t address, uint8_t* data, uint64_t beats) {
  sim->error.clear();
  if (!InRange(address, beats)) return sim->Fail("read outside the memory");
  if (beats == 0) return 0;
  if (!Command(sim, 2, TF2_SIM_FEATURES, address, beats))
    return sim->Fail("the engine does not take a read command");
  for (uint64_t i = 0; i < beats; ++i) {
    uint64_t beat;
    if (!Receive(sim, kPatience, &beat))
      return sim->Fail("the engine does not send a beat that was read");
    for (unsigned b = 0; b < kBeatBytes; ++b)
      data[i * kBeatBytes + b] = static_cast<uint8_t>(beat >> (8 * b));
  }
  return 0;
}

int tf2_sim_run(tf2_sim* sim, uint64_t field, uint64_t max_cycles, uint64_t* reported) {
  sim->error.clear();
  sim->layer_cycles.clear();
  uint64_t beat;
  if (!Command(sim, 3, 0, field, 0)) return sim->Fail("the engine does not take a run command");
  if (!Receive(sim, max_cycles, &beat))
    return sim->Fail("the program did not end within the limit of cycles");
  if (reported != nullptr) *reported = beat;
  return 0;
}

int tf2_sim_trace(tf2_sim* sim, [[maybe_unused]] const char* path) {
  sim->error.clear();
#ifdef TF2_TRACE
  auto trace = std::make_unique<TF2_TRACE>();
  sim->top->trace(trace.get(), 99);
  trace->open(path);
  if (!trace->isOpen()) return sim->Fail(std::string("cannot write the waveform ") + path);
  sim->trace = std::move(trace);
  return 0;
#else
  return sim->Fail("this model was built without waveforms");
#endif
}
