// Threads for data-parallel loops. Results must be stored by index, so that they never depend on
// the number of threads. Threads that wait go to sleep after 50 microseconds at most.
#ifndef TF2_BASE_PARALLEL_H_
#define TF2_BASE_PARALLEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"

namespace tf2 {

// Threads to use when the user does not say: TF2_THREADS, else the CPUs of this process's affinity
// mask, at most the control group's quota (rounded up). 1...1024.
int DefaultThreads();

// A fixed crew of threads, the caller being one of them. One loop at a time: calls from several
// threads queue up; a call from inside a loop body runs inline on the caller.
class ThreadPool {
 public:
  // `threads` >= 1, the caller included; 0 means DefaultThreads().
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }
  // Splits [0, n) into min(n, threads()) consecutive ranges whose lengths differ by at most one
  // (longer ones first) and calls fn(begin, end, k) for range k, k < threads(), each once, on some
  // thread. Returns when all are done. `fn` must not throw.
  void ForRanges(std::int64_t n,
                 const std::function<void(std::int64_t begin, std::int64_t end, int k)>& fn);
  // Loops that may run at the same time. Each cuts [0, n) into pieces of `piece` (the last may be
  // shorter) and calls fn(begin, end) for runs of adjacent ones, each piece in one of them. Every
  // thread has its share of adjacent pieces of each loop, and takes half of what is left of it at a
  // time; one that is done with all takes from what others have not begun: for loops of equal steps
  // on threads that other programs may hold up. Returns when all are done; no fn must throw.
  struct Loop {
    std::int64_t n = 0;
    std::int64_t piece = 1;  // >= 1
    std::function<void(std::int64_t begin, std::int64_t end)> fn;
    std::int64_t together = 1;  // most pieces of a call, >= 1
  };
  void ForPieces(const std::vector<Loop>& loops);
  // Stages of such loops: each begins when all loops of the one before are done. Threads go from
  // one to the next by themselves, and between stages none waits for one that is held up without a
  // piece; the call ends when all threads have. begin(s) is called before stage s on some thread,
  // where loops may run inline, while no loop of this call runs; after false, no stage follows. It
  // must not throw. Where no stage has two pieces, the caller runs all of them.
  void ForStages(std::span<const std::vector<Loop>> stages,
                 const std::function<bool(std::size_t stage)>& begin);
  // Calls fn(i) for every i in [0, n); threads claim the next i when free: for steps of unequal
  // length.
  void For(std::int64_t n, const std::function<void(std::int64_t i)>& fn);

 private:
  struct Crew;
  int threads_;
  std::unique_ptr<Crew> crew_;
};

// Whether this thread runs the body of a loop, so that loops run inline on it.
bool InsideLoop();

// One loop with threads of its own (0: DefaultThreads()): for coarse steps of a millisecond or
// more.
void ParallelFor(std::int64_t n, int threads, const std::function<void(std::int64_t i)>& fn);
// The same for steps that can fail: no step above one that failed starts, and none after Ctrl-C;
// the error of the lowest failing index is returned, kCancelled after Ctrl-C.
Status ParallelForStatus(std::int64_t n, int threads,
                         const std::function<Status(std::int64_t i)>& fn);

}  // namespace tf2

#endif  // TF2_BASE_PARALLEL_H_
