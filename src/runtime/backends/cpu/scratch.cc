#include "runtime/backends/cpu/scratch.h"

#include <cstdlib>
#include <memory>

#include "runtime/backends/cpu/aligned_buffer.h"

namespace tf2::runtime::cpu {

void* Scratch(std::int64_t bytes) {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  thread_local std::unique_ptr<void, Free> memory;
  thread_local std::int64_t size = 0;
  if (bytes > size) {
    memory.reset();  // first, so that both are never held
    size = 0;
    memory.reset(AllocateAligned(static_cast<std::size_t>(bytes)));
    size = bytes;
  }
  return memory.get();
}

}  // namespace tf2::runtime::cpu
