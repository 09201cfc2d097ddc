// Memory at a multiple of 64 bytes: arenas, packed weights, what kernels keep.
#ifndef TF2_RUNTIME_BACKENDS_CPU_ALIGNED_BUFFER_H_
#define TF2_RUNTIME_BACKENDS_CPU_ALIGNED_BUFFER_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace tf2::runtime::cpu {

// Memory at a multiple of 64 bytes; from 2 MiB on at a multiple of that, in pages of that size
// where the system has them: fully connected layers read through their weights in pages of 4 KiB
// more slowly by a sixth. Freed by std::free. Throws std::bad_alloc.
inline void* AllocateAligned(std::size_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  void* memory = nullptr;
  if (::posix_memalign(&memory, bytes < kHugePage ? 64 : kHugePage, bytes) != 0)
    throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  if (bytes >= kHugePage) ::madvise(memory, bytes, MADV_HUGEPAGE);  // a hint: it may fail
#endif
  return memory;
}

// Zero-initialised bytes.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes)
      : data_(static_cast<std::uint8_t*>(AllocateAligned(bytes))) {
    std::memset(data_.get(), 0, bytes);
  }

  std::uint8_t* data() { return data_.get(); }
  const std::uint8_t* data() const { return data_.get(); }

 private:
  struct Delete {
    void operator()(std::uint8_t* p) const { std::free(p); }
  };
  std::unique_ptr<std::uint8_t, Delete> data_;
};

// For vectors that begin at a multiple of 64 bytes.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <typename U>
  explicit AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(AllocateAligned(n * sizeof(T))); }
  void deallocate(T* p, std::size_t) { std::free(p); }
  bool operator==(const AlignedAllocator&) const = default;
};
template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_ALIGNED_BUFFER_H_
