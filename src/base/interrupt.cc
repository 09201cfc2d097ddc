#include "base/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace tf2 {
namespace {

std::atomic<bool> interrupted = false;
// Process groups of running tools; 0 is a free place.
std::array<std::atomic<int>, 64> child_groups;

static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void HandleSignal(int) {
  if (!interrupted.exchange(true)) return;
  for (const auto& group : child_groups) {
    if (const int pgid = group.load(); pgid > 0) ::kill(-pgid, SIGKILL);
  }
  ::_exit(130);
}

}  // namespace

void InstallInterruptHandlers() {
  struct sigaction action = {};
  action.sa_handler = HandleSignal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() { return interrupted.load(std::memory_order_relaxed); }

Status CheckInterrupted() {
  if (Interrupted()) return Cancelled("interrupted");
  return {};
}

void RequestInterrupt() { interrupted = true; }

void ClearInterrupt() { interrupted = false; }

namespace internal {

void AddChildGroup(int pgid) {
  for (auto& group : child_groups) {
    int free = 0;
    if (group.compare_exchange_strong(free, pgid)) return;
  }
}

void RemoveChildGroup(int pgid) {
  for (auto& group : child_groups) {
    int expected = pgid;
    if (group.compare_exchange_strong(expected, 0)) return;
  }
}

}  // namespace internal
}  // namespace tf2
