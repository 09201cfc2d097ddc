// The executors of one thread: the CPU kernels of every instruction set that this machine has, and
// a simulated engine for each configuration.
#ifndef TF2_TESTS_RANDOM_NETWORKS_BENCH_H_
#define TF2_TESTS_RANDOM_NETWORKS_BENCH_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/device.h"
#include "tests/random_networks/configuration.h"

namespace tf2::random_networks {

class Bench {
 public:
  // Opens the CPU devices. `threads` of each, to exercise both ways of sharing work.
  static Result<std::unique_ptr<Bench>> Open(int threads);

  std::vector<std::unique_ptr<runtime::Device>>& cpus() { return cpus_; }
  // The engine of `configuration`, opened at the first call.
  Result<runtime::Device*> Engine(const Configuration& configuration);

 private:
  struct OpenEngine {
    std::string simulator;
    std::unique_ptr<runtime::Device> device;
  };
  std::vector<std::unique_ptr<runtime::Device>> cpus_;
  std::vector<OpenEngine> engines_;
};

// Benches that threads borrow; made when all are in use.
class BenchPool {
 public:
  class Lease {
   public:
    Lease(BenchPool& pool, std::unique_ptr<Bench> bench) : pool_(&pool), bench_(std::move(bench)) {}
    Lease(Lease&&) = default;
    ~Lease() {
      if (bench_) pool_->Return(std::move(bench_));
    }
    Bench& operator*() { return *bench_; }

   private:
    BenchPool* pool_;
    std::unique_ptr<Bench> bench_;
  };

  Result<Lease> Borrow();

 private:
  void Return(std::unique_ptr<Bench> bench);

  std::mutex mutex_;
  std::vector<std::unique_ptr<Bench>> free_;
  int made_ = 0;
};

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_BENCH_H_
