#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/interrupt.h"

namespace tf2 {
namespace {

namespace fs = std::filesystem;

// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error SystemError(const std::string& path, const char* what, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return NotFound("no such file or folder").At(path);
    case ENOSPC:
    case EDQUOT:
      return WithHint(ResourceExhausted("cannot {}: the disk is full", what).At(path),
                      "free some space or write to another disk");
    case EFBIG:
      return ResourceExhausted("cannot {}: larger than the file size limit", what).At(path);
    case EACCES:
    case EPERM:
    case EROFS:
      return WithHint(IoError("cannot {}: {}", what, std::strerror(error)).At(path),
                      "check the permissions of the file and its folder");
    default:
      return IoError("cannot {}: {}", what, std::strerror(error)).At(path);
  }
}

// Opens a regular file for reading and gives its size.
Result<std::pair<int, std::uint64_t>> OpenRegular(const std::string& path) {
  // O_NONBLOCK: a FIFO is refused below instead of waiting for its writer.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return SystemError(path, "read", errno);
  struct stat info = {};
  if (::fstat(fd.get(), &info) != 0) return SystemError(path, "read", errno);
  if (S_ISDIR(info.st_mode)) return InvalidArgument("this is a folder, not a file").At(path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument("not a regular file").At(path);
  return std::pair{fd.Release(), static_cast<std::uint64_t>(info.st_size)};
}

template <typename Buffer>
Result<Buffer> ReadInto(const std::string& path, std::uint64_t max_bytes) {
  TF2_ASSIGN_OR_RETURN(const auto opened, OpenRegular(path));
  const Fd fd(opened.first);
  const std::uint64_t size = opened.second;
  if (size > max_bytes) {
    return ResourceExhausted("{} bytes are more than the limit of {}", size, max_bytes).At(path);
  }
  Buffer buffer;
  buffer.resize(size);
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n = ::read(fd.get(), buffer.data() + done, buffer.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(path, "read", errno);
    if (n == 0) return DataLoss("the file became shorter while it was read").At(path);
    done += static_cast<std::size_t>(n);
  }
  return buffer;
}

// Removes the temporary file unless it was renamed.
struct Temporary {
  std::string path;
  bool kept = false;
  ~Temporary() {
    if (!kept && !path.empty()) ::unlink(path.c_str());
  }
};

// Creates a file of a new name beside `path`, with the permissions that the umask leaves.
Result<int> OpenTemporary(const std::string& path, Temporary& temporary) {
  static std::atomic<unsigned> counter = 0;
  while (true) {
    std::string name = fmt::format("{}.tmp{}-{}", path, ::getpid(), counter++);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
      temporary.path = std::move(name);
      return fd;
    }
    if (errno == EEXIST) continue;
    if (errno != ENOENT && errno != ENOTDIR) return SystemError(path, "write", errno);
    return WithHint(NotFound("cannot write: its folder does not exist").At(path),
                    "create the folder first");
  }
}

Status WriteAll(int fd, const std::string& path, std::span<const std::uint8_t> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(path, "write", errno);
    done += static_cast<std::size_t>(n);
  }
  return {};
}

}  // namespace

Result<std::vector<std::uint8_t>> ReadFile(const std::string& path, std::uint64_t max_bytes) {
  return ReadInto<std::vector<std::uint8_t>>(path, max_bytes);
}

Result<std::string> ReadTextFile(const std::string& path, std::uint64_t max_bytes) {
  return ReadInto<std::string>(path, max_bytes);
}

Status WriteFileAtomically(const std::string& path, std::span<const std::uint8_t> bytes) {
  if (IsDirectory(path)) return InvalidArgument("cannot write: this is a folder").At(path);
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    // /dev/stdout, a pipe, /dev/full: nothing to replace, so write straight into it.
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0) return SystemError(path, "write", errno);
    return WriteAll(fd.get(), path, bytes);
  }
  // A symbolic link keeps pointing: its target is replaced.
  std::error_code ignored;
  const fs::path resolved = fs::weakly_canonical(path, ignored);
  const std::string target = ignored || resolved.empty() ? path : resolved.string();
  Temporary temporary;
  TF2_ASSIGN_OR_RETURN(const int raw, OpenTemporary(target, temporary));
  Fd fd(raw);
  TF2_RETURN_IF_ERROR(WriteAll(fd.get(), path, bytes));
  // An existing file's permissions stay.
  if (::stat(target.c_str(), &info) == 0 && ::fchmod(fd.get(), info.st_mode & 07777) != 0) {
    return SystemError(path, "write", errno);
  }
  if (::fsync(fd.get()) != 0) return SystemError(path, "write", errno);
  if (::close(fd.Release()) != 0) return SystemError(path, "write", errno);
  if (::rename(temporary.path.c_str(), target.c_str()) != 0) {
    return SystemError(path, "write", errno);
  }
  temporary.kept = true;
  return {};
}

Status WriteFileAtomically(const std::string& path, std::string_view text) {
  return WriteFileAtomically(
      path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Status CheckWritable(const std::string& path) {
  if (path.empty()) return InvalidArgument("the name of the output file is empty");
  if (IsDirectory(path)) return InvalidArgument("cannot write: this is a folder").At(path);
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) return {};
  Temporary temporary;
  TF2_ASSIGN_OR_RETURN(const int raw, OpenTemporary(path, temporary));
  const Fd fd(raw);
  return {};
}

Result<MappedFile> MappedFile::Open(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const auto opened, OpenRegular(path));
  const Fd fd(opened.first);
  MappedFile file;
  if (opened.second == 0) return file;
  void* data = ::mmap(nullptr, opened.second, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return SystemError(path, "map", errno);
  file.bytes_ = {static_cast<const std::uint8_t*>(data), opened.second};
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

Result<FileLock> FileLock::Acquire(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (fd.get() < 0) return SystemError(path, "lock", errno);
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return SystemError(path, "lock", errno);
    if (Interrupted()) return Cancelled("interrupted while waiting for a lock").At(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return FileLock(fd.Release());
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<ScratchDir> ScratchDir::Create() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/tf2-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return SystemError(name, "create a temporary folder", errno);
  }
  return ScratchDir(std::move(name));
}

ScratchDir::ScratchDir(ScratchDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

ScratchDir& ScratchDir::operator=(ScratchDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

ScratchDir::~ScratchDir() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string ScratchDir::File(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

bool FileExists(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0;
}

bool IsDirectory(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return SystemError(path, "create the folder", error.value());
  if (!IsDirectory(path)) return InvalidArgument("not a folder").At(path);
  return {};
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  fs::directory_iterator it(path, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return SystemError(path, "list the folder", error.value());
  std::sort(names.begin(), names.end());
  return names;
}

std::string CacheDirectory() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  if (std::string dir = variable("TF2_CACHE"); !dir.empty()) return dir;
  if (const std::string dir = variable("XDG_CACHE_HOME"); !dir.empty()) return dir + "/tf2";
  const std::string home = variable("HOME");
  return (home.empty() ? "/tmp" : home) + "/.cache/tf2";
}

}  // namespace tf2
