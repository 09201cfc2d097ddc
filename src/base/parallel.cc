#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

#include "base/interrupt.h"

namespace tf2 {
namespace {

constexpr int kMaxThreads = 1024;

thread_local bool inside_loop = false;

// First two numbers of a file such as "200000 100000"; false where it has no numbers ("max 100000")
// or is not there.
bool ReadTwoNumbers(const char* path, long long& first, long long* second) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "re"), std::fclose);
  if (file == nullptr) return false;
  if (std::fscanf(file.get(), "%lld", &first) != 1) return false;
  return second == nullptr || std::fscanf(file.get(), "%lld", second) == 1;
}

// CPUs of the control group's quota rounded up (version 2, then 1), or kMaxThreads.
int QuotaCpus() {
  long long quota = 0;
  long long period = 0;
  const bool found = ReadTwoNumbers("/sys/fs/cgroup/cpu.max", quota, &period) ||
                     (ReadTwoNumbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, nullptr) &&
                      ReadTwoNumbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, nullptr));
  if (!found || quota <= 0 || period <= 0) return kMaxThreads;
  return static_cast<int>(std::clamp<long long>((quota + period - 1) / period, 1, kMaxThreads));
}

int AffinityCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

int DefaultThreads() {
  if (const char* text = std::getenv("TF2_THREADS"); text != nullptr && *text != '\0') {
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (*end == '\0' && value >= 1) return static_cast<int>(std::min<long>(value, kMaxThreads));
  }
  return std::clamp(std::min(AffinityCpus(), QuotaCpus()), 1, kMaxThreads);
}

namespace {

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// How one thread waits: it looks for a while, then sleeps, since waking up can take longer than a
// loop over a small layer. The while is short where the last wait was a long one: there was nothing
// to do, or the thread that is waited for has no processor.
class alignas(64) Patience {
 public:
  // Returns when `condition` holds; `sleep` waits for it asleep.
  template <typename Condition, typename Sleep>
  void Await(const Condition& condition, const Sleep& sleep) {
    const auto start = Clock::now();
    if (!LookUntil(start + budget_, condition)) sleep();
    budget_ = Clock::now() - start <= kLong ? kLong : kShort;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::duration kLong = std::chrono::microseconds(50);
  static constexpr Clock::duration kShort = std::chrono::microseconds(3);

  template <typename Condition>
  static bool LookUntil(Clock::time_point end, const Condition& condition) {
    constexpr int kLooks = 32;  // between two looks at the clock
    do {
      for (int i = 0; i < kLooks; ++i) {
        if (condition()) return true;
        Pause();
      }
    } while (Clock::now() < end);
    return false;
  }

  Clock::duration budget_ = kLong;
};

}  // namespace

// Threads wait until `generation` changes, then each calls `body` with its number.
struct ThreadPool::Crew {
  std::mutex loop;  // held for one loop
  std::mutex mutex;
  std::condition_variable start;
  std::condition_variable done;
  std::atomic<std::uint64_t> generation = 0;  // changes under `mutex`
  std::atomic<int> busy = 0;
  int sleeping = 0;      // threads that wait for `start`; under `mutex`
  bool waiting = false;  // whether the caller waits for `done`; under `mutex`
  std::atomic<bool> stop = false;
  const std::function<void(int)>* body = nullptr;
  Patience callers_patience;             // under `loop`
  std::vector<Patience> between_stages;  // each thread's
  std::vector<std::thread> threads;

  // Whether there is another loop after number `seen`; false at the end.
  bool Await(std::uint64_t seen, Patience& patience) {
    const auto ready = [&] { return stop || generation != seen; };
    patience.Await(ready, [&] {
      std::unique_lock lock(mutex);
      ++sleeping;
      start.wait(lock, ready);
      --sleeping;
    });
    return !stop;
  }

  void Work(int number) {
    Patience patience;
    for (std::uint64_t seen = 0; Await(seen, patience);) {
      seen = generation;
      inside_loop = true;
      (*body)(number);
      inside_loop = false;
      if (--busy > 0) continue;
      const std::scoped_lock lock(mutex);
      if (waiting) done.notify_one();
    }
  }

  // Calls run(k) for k in [0, threads + 1), number 0 on the caller.
  void Run(const std::function<void(int)>& run) {
    const std::scoped_lock one(loop);
    bool wake = false;
    {
      const std::scoped_lock lock(mutex);
      body = &run;
      busy = static_cast<int>(threads.size());
      ++generation;
      wake = sleeping > 0;
    }
    if (wake) start.notify_all();
    inside_loop = true;
    run(0);
    inside_loop = false;
    const auto finished = [&] { return busy == 0; };
    callers_patience.Await(finished, [&] {
      std::unique_lock lock(mutex);
      waiting = true;
      done.wait(lock, finished);
      waiting = false;
    });
  }
};

ThreadPool::ThreadPool(int threads)
    : threads_(threads == 0 ? DefaultThreads() : std::clamp(threads, 1, kMaxThreads)),
      crew_(std::make_unique<Crew>()) {
  crew_->between_stages.resize(static_cast<std::size_t>(threads_));
  crew_->threads.reserve(static_cast<std::size_t>(threads_ - 1));
  for (int k = 1; k < threads_; ++k) {
    crew_->threads.emplace_back([crew = crew_.get(), k] { crew->Work(k); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::scoped_lock lock(crew_->mutex);
    crew_->stop = true;
  }
  crew_->start.notify_all();
  for (std::thread& thread : crew_->threads) thread.join();
}

void ThreadPool::ForRanges(
    std::int64_t n, const std::function<void(std::int64_t begin, std::int64_t end, int k)>& fn) {
  if (n <= 0) return;
  const std::int64_t parts = std::min<std::int64_t>(n, threads_);
  const auto range = [&](int k) {
    if (k >= parts) return;
    const std::int64_t begin = n / parts * k + std::min<std::int64_t>(k, n % parts);
    fn(begin, begin + n / parts + (k < n % parts ? 1 : 0), k);
  };
  if (parts == 1 || inside_loop) {
    for (int k = 0; k < parts; ++k) range(k);
  } else {
    crew_->Run(range);
  }
}

namespace {

// Pieces of one thread in one loop that nobody has begun.
struct alignas(64) Share {
  std::atomic<std::int64_t> next = 0;
  std::int64_t end = 0;

  // Takes half of the pieces, `most` at most and at least one: few steps, of which the last ones
  // are short. Sets `first` and returns their number, 0 where there are none.
  std::int64_t Take(std::int64_t most, std::int64_t& first) {
    first = next;
    while (first < end) {
      const std::int64_t count = std::min((end - first + 1) / 2, most);
      if (next.compare_exchange_weak(first, first + count)) return count;
    }
    return 0;
  }
};

// Cuts loops into `threads` shares each, [loop][thread]. Returns the number of pieces.
std::int64_t CutIntoShares(std::span<const ThreadPool::Loop> loops, std::size_t threads,
                           std::span<Share> shares) {
  std::vector<std::int64_t> given(threads);  // pieces, to each thread
  std::vector<std::size_t> order(threads);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const std::int64_t pieces = (loops[i].n + loops[i].piece - 1) / loops[i].piece;
    const std::int64_t parts = std::min(pieces, static_cast<std::int64_t>(threads));
    // Few pieces go to those that have least of the loops before.
    const bool few = parts < static_cast<std::int64_t>(threads);
    if (few) std::ranges::stable_sort(order, {}, [&](std::size_t k) { return given[k]; });
    for (std::int64_t k = 0; k < parts; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const std::size_t thread = few ? order[at] : at;
      Share& share = shares[i * threads + thread];
      share.next = pieces * k / parts;
      share.end = pieces * (k + 1) / parts;
      given[thread] += share.end - share.next;
    }
  }
  return std::accumulate(given.begin(), given.end(), std::int64_t{0});
}

// The work of one call of ForStages. Whoever ends the last piece of a stage begins the next one.
class StagedWork {
 public:
  using Stages = std::span<const std::vector<ThreadPool::Loop>>;

  StagedWork(Stages stages, int threads, const std::function<bool(std::size_t)>& begin)
      : threads_(static_cast<std::size_t>(threads)),
        stages_(stages),
        begin_(begin),
        left_(stages.size()) {
    std::size_t loops = 0;
    for (const auto& stage : stages) loops += stage.size();
    shares_ = std::vector<Share>(loops * threads_);
    std::size_t first = 0;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const std::size_t count = stages[i].size() * threads_;
      first_share_.push_back(first);
      left_[i] = CutIntoShares(stages[i], threads_, {shares_.data() + first, count});
      first += count;
    }
    Begin(0);
  }

  // Whether no stage has work for two threads.
  bool IsShort() const {
    return std::ranges::all_of(left_, [](const auto& pieces) { return pieces <= 1; });
  }

  // On thread `k`, as all threads do. Returns without waiting for the pieces of the last stage.
  void Run(int k, Patience& patience) {
    std::uint32_t stage = current_;
    while (stage < end()) {
      if (RunPieces(stage, static_cast<std::size_t>(k))) Begin(stage + 1);
      if (stage + 1 == end()) return;
      patience.Await([&] { return current_ != stage; }, [&] { current_.wait(stage); });
      stage = current_;
    }
  }

 private:
  std::uint32_t end() const { return static_cast<std::uint32_t>(stages_.size()); }

  // The next stage from `stage` on that has pieces, or the end.
  void Begin(std::uint32_t stage) {
    for (; stage < end(); ++stage) {
      if (!begin_(stage)) {
        stage = end();
        break;
      }
      if (left_[stage] > 0) break;
    }
    current_ = stage;
    current_.notify_all();
  }

  // Runs pieces of a stage until nobody has any that has not begun, those of thread `k` first.
  // Whether it ended the last one of all.
  bool RunPieces(std::size_t stage, std::size_t k) {
    const auto& loops = stages_[stage];
    Share* const shares = shares_.data() + first_share_[stage];
    bool last = false;
    for (std::size_t other = 0; other < threads_; ++other) {
      const std::size_t owner = (k + other) % threads_;
      for (std::size_t i = 0; i < loops.size(); ++i) {
        const ThreadPool::Loop& loop = loops[i];
        std::int64_t at = 0;
        while (const std::int64_t count = shares[i * threads_ + owner].Take(loop.together, at)) {
          loop.fn(at * loop.piece, std::min((at + count) * loop.piece, loop.n));
          last = (left_[stage] -= count) == 0;
        }
      }
    }
    return last;
  }

  alignas(64) std::atomic<std::uint32_t> current_ = 0;  // stage
  const std::size_t threads_;
  const Stages stages_;
  const std::function<bool(std::size_t)>& begin_;
  std::vector<Share> shares_;                    // [stage][loop][thread]
  std::vector<std::size_t> first_share_;         // [stage]
  std::vector<std::atomic<std::int64_t>> left_;  // [stage]: pieces that have not ended
};

}  // namespace

void ThreadPool::ForPieces(const std::vector<Loop>& loops) {
  ForStages({&loops, 1}, [](std::size_t) { return true; });
}

void ThreadPool::ForStages(std::span<const std::vector<Loop>> stages,
                           const std::function<bool(std::size_t stage)>& begin) {
  const bool alone = threads_ == 1 || inside_loop;
  StagedWork work(stages, alone ? 1 : threads_, begin);
  if (alone || work.IsShort()) {
    Patience patience;
    work.Run(0, patience);
  } else {
    crew_->Run([&](int k) { work.Run(k, crew_->between_stages[static_cast<std::size_t>(k)]); });
  }
}

void ThreadPool::For(std::int64_t n, const std::function<void(std::int64_t i)>& fn) {
  std::atomic<std::int64_t> next = 0;
  ForRanges(std::min<std::int64_t>(n, threads_), [&](std::int64_t, std::int64_t, int) {
    for (std::int64_t i = next++; i < n; i = next++) fn(i);
  });
}

bool InsideLoop() { return inside_loop; }

void ParallelFor(std::int64_t n, int threads, const std::function<void(std::int64_t i)>& fn) {
  const int wanted = threads == 0 ? DefaultThreads() : threads;
  ThreadPool pool(static_cast<int>(std::clamp<std::int64_t>(n, 1, std::max(wanted, 1))));
  pool.For(n, fn);
}

Status ParallelForStatus(std::int64_t n, int threads,
                         const std::function<Status(std::int64_t i)>& fn) {
  // Indices are claimed in order, so every index below a failing one is claimed, and runs: the
  // lowest is known.
  std::mutex mutex;
  std::atomic<std::int64_t> failed_at = n;
  Status failure;
  ParallelFor(n, threads, [&](std::int64_t i) {
    if (i > failed_at || Interrupted()) return;
    Status status = fn(i);
    if (status.ok()) return;
    const std::scoped_lock lock(mutex);
    if (i < failed_at) {
      failed_at = i;
      failure = std::move(status);
    }
  });
  if (!failure.ok()) return failure;
  return CheckInterrupted();
}

}  // namespace tf2
