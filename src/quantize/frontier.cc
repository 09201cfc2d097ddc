#include "quantize/frontier.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/files.h"

namespace tf2::quantize {
namespace {

// An open file of `bytes` zeros that has no name any more: its folder goes when this returns.
Result<int> UnlinkedFile(std::size_t bytes) {
  TF2_ASSIGN_OR_RETURN(const ScratchDir folder, ScratchDir::Create());
  const std::string name = folder.File("activations");
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return IoError("cannot make a temporary file: {}", std::strerror(errno)).At(name);
  if (const int failed = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes)); failed != 0) {
    ::close(fd);
    return WithHint(
        ResourceExhausted("no room for {} bytes of activations: {}", bytes, std::strerror(failed))
            .At(name),
        "set TMPDIR to a folder with more room, or calibrate on fewer samples "
        "(--limit)");
  }
  return fd;
}

}  // namespace

Result<Frontier> Frontier::Make(FrontierMemory& memory, std::size_t count, std::size_t bytes_each) {
  Frontier frontier;
  frontier.stride_ = (bytes_each + 63) / 64 * 64;
  frontier.bytes_ = std::max<std::size_t>(frontier.stride_ * count, 64);
  frontier.in_file_ = memory.in_memory_ + frontier.bytes_ > memory.limit_;
  void* data = MAP_FAILED;
  if (frontier.in_file_) {
    TF2_ASSIGN_OR_RETURN(const int fd, UnlinkedFile(frontier.bytes_));
    data = ::mmap(nullptr, frontier.bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
  } else {
    data = ::mmap(nullptr, frontier.bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                  0);
  }
  if (data == MAP_FAILED) {
    return WithHint(ResourceExhausted("no memory for {} bytes of activations", frontier.bytes_),
                    "calibrate on fewer samples (--limit)");
  }
  frontier.data_ = static_cast<std::uint8_t*>(data);
  frontier.memory_ = &memory;
  if (!frontier.in_file_) memory.in_memory_ += frontier.bytes_;
  return frontier;
}

Frontier::~Frontier() {
  if (data_ == nullptr) return;
  ::munmap(data_, bytes_);
  if (!in_file_) memory_->in_memory_ -= bytes_;
}

void Frontier::Swap(Frontier& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(data_, other.data_);
  std::swap(stride_, other.stride_);
  std::swap(bytes_, other.bytes_);
  std::swap(in_file_, other.in_file_);
}

}  // namespace tf2::quantize
