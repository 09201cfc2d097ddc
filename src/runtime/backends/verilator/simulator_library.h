// The functions of a simulator's shared object (rtl/tb/sim_harness.h) with Status instead of codes.
#ifndef TF2_RUNTIME_BACKENDS_VERILATOR_SIMULATOR_LIBRARY_H_
#define TF2_RUNTIME_BACKENDS_VERILATOR_SIMULATOR_LIBRARY_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace tf2::runtime {

// One simulated engine. Not thread-safe.
class SimulatedEngine {
 public:
  // Loads the object (a private copy of its state) and creates an engine after reset. kNotFound,
  // kDataLoss.
  static Result<std::unique_ptr<SimulatedEngine>> Open(const std::string& path);
  ~SimulatedEngine();
  SimulatedEngine(const SimulatedEngine&) = delete;
  SimulatedEngine& operator=(const SimulatedEngine&) = delete;

  std::int64_t beat_bits() const;
  std::int64_t port_bits() const;
  // `memory`: docs/isa.md, Host port. Addresses in beats; data in whole beats.
  Status Write(unsigned memory, std::int64_t beat, std::span<const std::uint8_t> data);
  Result<std::vector<std::uint8_t>> Read(std::int64_t beat, std::int64_t beats);
  // Runs the program at `field`; fails after `max_cycles`.
  Status Run(std::int64_t field, std::int64_t max_cycles);
  std::int64_t cycles() const;
  // Of the last run, in order.
  std::vector<std::int64_t> LayerCycles() const;
  Status Trace(const std::string& path);

 private:
  struct Functions;
  SimulatedEngine(void* library, std::unique_ptr<Functions> functions);
  Error Failure(const char* what) const;

  void* library_;
  std::unique_ptr<Functions> f_;
  void* sim_ = nullptr;
};

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_BACKENDS_VERILATOR_SIMULATOR_LIBRARY_H_
