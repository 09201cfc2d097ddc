// Files: whole-file reads with a limit, read-only mappings, writes that leave either the old or the
// new file, locks, scratch folders. Every failure names the path; nothing here leaves a partial
// file behind.
#ifndef TF2_BASE_FILES_H_
#define TF2_BASE_FILES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tf2 {

// Largest file that ReadFile takes unless told otherwise: 2 GiB.
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 31;

// The bytes of the regular file `path`. Errors: kNotFound; kInvalidArgument (a folder, not a
// regular file); kResourceExhausted (more than `max_bytes`); kIo.
Result<std::vector<std::uint8_t>> ReadFile(const std::string& path,
                                           std::uint64_t max_bytes = kMaxFileBytes);
Result<std::string> ReadTextFile(const std::string& path, std::uint64_t max_bytes = kMaxFileBytes);

// Replaces or creates `path` with `bytes` in one step: a temporary file in the same folder, fsync,
// rename. On failure the old file, if there was one, is untouched and the temporary is gone.
// Errors: kNotFound (no such folder), kResourceExhausted (disk or quota full), kIo (unwritable).
Status WriteFileAtomically(const std::string& path, std::span<const std::uint8_t> bytes);
Status WriteFileAtomically(const std::string& path, std::string_view text);

// Whether WriteFileAtomically could create `path` now: for checking `-o` before an hour of work.
Status CheckWritable(const std::string& path);

// A read-only mapping of a whole regular file. The view stays valid while the object lives, also
// after a move. A file that another process truncates while it is mapped raises SIGBUS: files that
// tf2 writes are replaced, never truncated.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  std::span<const std::uint8_t> bytes_;
};

// An exclusive advisory lock between processes (flock) on the file `path`, which is created if need
// be and stays. Released by the destructor or by the end of the process.
class FileLock {
 public:
  // Waits until the lock is free; kCancelled after Ctrl-C.
  static Result<FileLock> Acquire(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// A fresh folder under $TMPDIR (or /tmp) that its destructor removes with all it holds.
class ScratchDir {
 public:
  static Result<ScratchDir> Create();
  ScratchDir(ScratchDir&& other) noexcept;
  ScratchDir& operator=(ScratchDir&& other) noexcept;
  ~ScratchDir();
  const std::string& path() const { return path_; }
  // path() + "/" + name.
  std::string File(std::string_view name) const;

 private:
  explicit ScratchDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

bool FileExists(const std::string& path);
bool IsDirectory(const std::string& path);
// Creates `path` and its parents; success when it already is a folder.
Status MakeDirectories(const std::string& path);
// Names (not paths) of the entries of folder `path` without "." and "..", sorted by bytes.
Result<std::vector<std::string>> ListDirectory(const std::string& path);

// Where results that can be rebuilt are kept: $TF2_CACHE, else $XDG_CACHE_HOME/tf2, else
// ~/.cache/tf2. Not created.
std::string CacheDirectory();

}  // namespace tf2

#endif  // TF2_BASE_FILES_H_
