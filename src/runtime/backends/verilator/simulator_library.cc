#include "runtime/backends/verilator/simulator_library.h"

#include <dlfcn.h>

namespace tf2::runtime {

// Signatures as in rtl/tb/sim_harness.h.
struct SimulatedEngine::Functions {
  void* (*create)() = nullptr;
  void (*destroy)(void*) = nullptr;
  std::uint32_t (*beat_bits)(const void*) = nullptr;
  std::uint32_t (*port_bits)(const void*) = nullptr;
  int (*write)(void*, unsigned, std::uint64_t, const std::uint8_t*, std::uint64_t) = nullptr;
  int (*read)(void*, std::uint64_t, std::uint8_t*, std::uint64_t) = nullptr;
  int (*run)(void*, std::uint64_t, std::uint64_t, std::uint64_t*) = nullptr;
  std::uint64_t (*layers)(const void*) = nullptr;
  std::uint64_t (*layer_cycles)(const void*, std::uint64_t) = nullptr;
  std::uint64_t (*cycles)(const void*) = nullptr;
  int (*trace)(void*, const char*) = nullptr;
  const char* (*error)(const void*) = nullptr;
};

namespace {

template <typename F>
bool Find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

SimulatedEngine::SimulatedEngine(void* library, std::unique_ptr<Functions> functions)
    : library_(library), f_(std::move(functions)) {}

Result<std::unique_ptr<SimulatedEngine>> SimulatedEngine::Open(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return NotFound("cannot load the simulator: {}", dlerror());
  auto f = std::make_unique<Functions>();
  const bool complete =
      Find(library, "tf2_sim_create", f->create) && Find(library, "tf2_sim_destroy", f->destroy) &&
      Find(library, "tf2_sim_beat_bits", f->beat_bits) &&
      Find(library, "tf2_sim_port_bits", f->port_bits) &&
      Find(library, "tf2_sim_write", f->write) && Find(library, "tf2_sim_read", f->read) &&
      Find(library, "tf2_sim_run", f->run) && Find(library, "tf2_sim_layers", f->layers) &&
      Find(library, "tf2_sim_layer_cycles", f->layer_cycles) &&
      Find(library, "tf2_sim_cycles", f->cycles) && Find(library, "tf2_sim_trace", f->trace) &&
      Find(library, "tf2_sim_error", f->error);
  if (!complete) {
    dlclose(library);
    return DataLoss("{}: is not a simulator that tf2 built", path);
  }
  std::unique_ptr<SimulatedEngine> engine(new SimulatedEngine(library, std::move(f)));
  engine->sim_ = engine->f_->create();
  if (engine->sim_ == nullptr)
    return ResourceExhausted("{}: no memory for the simulated engine", path);
  return engine;
}

SimulatedEngine::~SimulatedEngine() {
  if (sim_ != nullptr) f_->destroy(sim_);
  dlclose(library_);
}

Error SimulatedEngine::Failure(const char* what) const {
  return Internal("simulated engine: {}: {}", what, f_->error(sim_));
}

std::int64_t SimulatedEngine::beat_bits() const { return f_->beat_bits(sim_); }
std::int64_t SimulatedEngine::port_bits() const { return f_->port_bits(sim_); }

Status SimulatedEngine::Write(unsigned memory, std::int64_t beat,
                              std::span<const std::uint8_t> data) {
  const std::uint64_t beats = data.size() * 8 / static_cast<std::uint64_t>(beat_bits());
  if (f_->write(sim_, memory, static_cast<std::uint64_t>(beat), data.data(), beats) != 0)
    return Failure("write");
  return {};
}

Result<std::vector<std::uint8_t>> SimulatedEngine::Read(std::int64_t beat, std::int64_t beats) {
  std::vector<std::uint8_t> data(static_cast<std::size_t>(beats * beat_bits() / 8));
  if (f_->read(sim_, static_cast<std::uint64_t>(beat), data.data(),
               static_cast<std::uint64_t>(beats)) != 0) {
    return Failure("read");
  }
  return data;
}

Status SimulatedEngine::Run(std::int64_t field, std::int64_t max_cycles) {
  std::uint64_t reported = 0;
  if (f_->run(sim_, static_cast<std::uint64_t>(field), static_cast<std::uint64_t>(max_cycles),
              &reported) != 0) {
    return Failure("run");
  }
  return {};
}

std::int64_t SimulatedEngine::cycles() const { return static_cast<std::int64_t>(f_->cycles(sim_)); }

std::vector<std::int64_t> SimulatedEngine::LayerCycles() const {
  std::vector<std::int64_t> cycles(f_->layers(sim_));
  for (std::size_t i = 0; i < cycles.size(); ++i)
    cycles[i] = static_cast<std::int64_t>(f_->layer_cycles(sim_, i));
  return cycles;
}

Status SimulatedEngine::Trace(const std::string& path) {
  if (f_->trace(sim_, path.c_str()) != 0) return Failure("trace");
  return {};
}

}  // namespace tf2::runtime
