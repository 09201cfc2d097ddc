// Activations of all calibration pictures at one place of a network, in memory up to a limit and in
// a temporary file beyond it. Internal to src/quantize.
#ifndef TF2_QUANTIZE_FRONTIER_H_
#define TF2_QUANTIZE_FRONTIER_H_

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace tf2::quantize {

// The anonymous memory that all activations of one run take now. It is handed out until
// `limit_bytes` are in use; what comes after is mapped from an unlinked file of the temporary
// folder, which the system writes out as it needs memory.
class FrontierMemory {
 public:
  explicit FrontierMemory(std::uint64_t limit_bytes) : limit_(limit_bytes) {}
  FrontierMemory(const FrontierMemory&) = delete;
  FrontierMemory& operator=(const FrontierMemory&) = delete;

 private:
  friend class Frontier;
  const std::uint64_t limit_;
  std::uint64_t in_memory_ = 0;
};

// `count` samples of `bytes_each` bytes (rounded up to 64). Different samples may be written by
// different threads at the same time.
class Frontier {
 public:
  // `memory` must outlive the result. Errors: kResourceExhausted, kIo.
  static Result<Frontier> Make(FrontierMemory& memory, std::size_t count, std::size_t bytes_each);
  Frontier() = default;
  Frontier(Frontier&& other) noexcept { Swap(other); }
  Frontier& operator=(Frontier&& other) noexcept {
    Frontier moved(std::move(other));
    Swap(moved);
    return *this;
  }
  ~Frontier();

  bool empty() const { return data_ == nullptr; }
  std::uint8_t* Bytes(std::size_t sample) { return data_ + sample * stride_; }
  const std::uint8_t* Bytes(std::size_t sample) const { return data_ + sample * stride_; }
  float* Floats(std::size_t sample) { return reinterpret_cast<float*>(Bytes(sample)); }
  const float* Floats(std::size_t sample) const {
    return reinterpret_cast<const float*>(Bytes(sample));
  }
  const std::int8_t* Int8(std::size_t sample) const {
    return reinterpret_cast<const std::int8_t*>(Bytes(sample));
  }

 private:
  void Swap(Frontier& other) noexcept;

  FrontierMemory* memory_ = nullptr;
  std::uint8_t* data_ = nullptr;
  std::size_t stride_ = 0;
  std::size_t bytes_ = 0;
  bool in_file_ = false;
};

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_FRONTIER_H_
