#include "runtime/backends/cpu/scratch.h"

#include <cstdlib>
#include <memory>
#include <new>

#include "runtime/backends/cpu/aligned_buffer.h"

namespace tf2::runtime::cpu {
namespace {

struct Memory {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> data;
  std::int64_t bytes = 0;
};

Memory& OfThisThread() {
  thread_local Memory memory;
  return memory;
}

}  // namespace

bool ReserveScratch(std::int64_t bytes) {
  try {
    Scratch(bytes);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

std::int64_t ReservedScratch() { return OfThisThread().bytes; }

void* Scratch(std::int64_t bytes) {
  Memory& memory = OfThisThread();
  if (bytes > memory.bytes) {
    memory.data.reset(AllocateAligned(static_cast<std::size_t>(bytes)));
    memory.bytes = bytes;
  }
  return memory.data.get();
}

}  // namespace tf2::runtime::cpu
