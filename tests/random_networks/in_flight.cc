#include "tests/random_networks/in_flight.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

namespace tf2::random_networks {
namespace {

struct Slot {
  std::atomic<std::int64_t> index = -1;  // -1: free
  std::atomic<std::int64_t> since_s = 0;
};
std::array<Slot, 64> slots;

std::int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// With what a signal handler may call.
void Print(const char* text) {
  std::size_t n = 0;
  while (text[n] != 0) ++n;
  [[maybe_unused]] const auto written = ::write(2, text, n);
}

void PrintIndex(std::int64_t index) {
  char digits[24];
  char* at = digits + sizeof(digits) - 1;
  *at = 0;
  do {
    *--at = static_cast<char>('0' + index % 10);
    index /= 10;
  } while (index > 0);
  Print(at);
}

void PrintRunning() {
  Print("tf2_random_networks: running were the cases (rerun one with --case)");
  for (const Slot& slot : slots) {
    if (const std::int64_t index = slot.index.load(); index >= 0) {
      Print(" ");
      PrintIndex(index);
    }
  }
  Print("\n");
}

extern "C" void HandleCrash(int signal) {
  PrintRunning();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

void WatchCases(std::int64_t seconds) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(signal, HandleCrash);
  std::thread([seconds] {
    for (;;) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      for (const Slot& slot : slots) {
        if (slot.index.load() < 0 || Now() - slot.since_s.load() < seconds) continue;
        Print("tf2_random_networks: a case hangs\n");
        PrintRunning();
        ::_exit(1);
      }
    }
  }).detach();
}

InFlight::InFlight(std::int64_t index) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    std::int64_t free = -1;
    // The time first: a free slot's is not looked at.
    slots[i].since_s = slots[i].index.load() < 0 ? Now() : slots[i].since_s.load();
    if (!slots[i].index.compare_exchange_strong(free, index)) continue;
    slots[i].since_s = Now();
    slot_ = static_cast<int>(i);
    return;
  }
}

InFlight::~InFlight() {
  if (slot_ >= 0) slots[static_cast<std::size_t>(slot_)].index = -1;
}

}  // namespace tf2::random_networks
