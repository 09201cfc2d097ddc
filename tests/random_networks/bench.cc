#include "tests/random_networks/bench.h"

#include <utility>

#include "runtime/backends/cpu/cpu.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/verilator/verilator.h"

namespace tf2::random_networks {

Result<std::unique_ptr<Bench>> Bench::Open(int threads) {
  auto bench = std::make_unique<Bench>();
  for (const runtime::cpu::IsaInfo& isa : runtime::cpu::AllIsas()) {
    if (!isa.available) continue;
    runtime::DeviceOptions options;
    options.isa = isa.name;
    options.threads = threads;
    TF2_ASSIGN_OR_RETURN(bench->cpus_.emplace_back(), runtime::CpuBackend().open(options));
  }
  return bench;
}

Result<runtime::Device*> Bench::Engine(const Configuration& configuration) {
  for (OpenEngine& open : engines_) {
    if (open.simulator == configuration.simulator) return open.device.get();
  }
  runtime::DeviceOptions options;
  options.simulator = configuration.simulator;
  TF2_ASSIGN_OR_RETURN(auto device, runtime::VerilatorBackend().open(options));
  engines_.push_back({configuration.simulator, std::move(device)});
  return engines_.back().device.get();
}

Result<BenchPool::Lease> BenchPool::Borrow() {
  int threads = 1;
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      Lease lease(*this, std::move(free_.back()));
      free_.pop_back();
      return lease;
    }
    threads = 1 + made_++ % 2;
  }
  TF2_ASSIGN_OR_RETURN(auto bench, Bench::Open(threads));
  return Lease(*this, std::move(bench));
}

void BenchPool::Return(std::unique_ptr<Bench> bench) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(bench));
}

}  // namespace tf2::random_networks
