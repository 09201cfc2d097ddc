#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/files.h"
#include "base/interrupt.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace tf2 {
namespace {

using Clock = std::chrono::steady_clock;

// How often a running tool is checked for Ctrl-C and the time limit.
constexpr int kPollMs = 50;
// Time between SIGTERM and SIGKILL.
constexpr auto kGrace = std::chrono::milliseconds(500);

struct Package {
  std::string_view tool;
  std::string_view name;
};
constexpr std::array kPackages = {
    Package{"verilator", "verilator"},
    Package{"yosys", "yosys"},
    Package{"nextpnr-ice40", "nextpnr-ice40"},
    Package{"icepack", "fpga-icestorm"},
    Package{"iceunpack", "fpga-icestorm"},
    Package{"icebox_vlog", "fpga-icestorm"},
    Package{"g++", "g++"},
};

Error MissingTool(std::string_view tool, std::string_view package) {
  for (const Package& known : kPackages) {
    if (package.empty() && known.tool == tool) package = known.name;
  }
  return WithHint(NotFound("the tool '{}' is not installed", tool),
                  package.empty() ? std::string("install it and see that it is in PATH")
                                  : fmt::format("install it: apt-get install {}", package));
}

bool IsExecutable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0 && !IsDirectory(path);
}

// The environment of this process with `changes` applied, as "NAME=value".
std::vector<std::string> Environment(
    const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(changes.begin(), changes.end(),
                                      [&](const auto& change) { return change.first == name; });
    if (!replaced) result.emplace_back(text);
  }
  for (const auto& [name, value] : changes) result.push_back(fmt::format("{}={}", name, value));
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// A child process in a group of its own, and the read end of the pipe of its output.
struct Child {
  pid_t pid = -1;
  int output = -1;

  ~Child() {
    if (output >= 0) ::close(output);
    if (pid > 0) {
      ::kill(-pid, SIGKILL);
      Reap();
    }
  }
  // Waits and returns the wait status.
  int Reap() {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    internal::RemoveChildGroup(pid);
    pid = -1;
    return status;
  }
};

Status Spawn(const std::string& path, std::vector<std::string> argv, const CommandOptions& options,
             Child& child) {
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0)
    return IoError("cannot make a pipe: {}", std::strerror(errno));
  child.output = pipe_fds[0];
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2);
  if (!options.working_dir.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, options.working_dir.c_str());
  }
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  for (const int sig : {SIGINT, SIGTERM, SIGPIPE}) ::sigaddset(&defaults, sig);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> environment = Environment(options.env);
  const int error = ::posix_spawn(&child.pid, path.c_str(), &actions, &attributes,
                                  Pointers(argv).data(), Pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  ::close(pipe_fds[1]);
  if (error != 0) {
    child.pid = -1;
    return IoError("cannot run '{}': {}", path, std::strerror(error));
  }
  internal::AddChildGroup(child.pid);
  return {};
}

// Asks the group to end, and makes it end after kGrace.
void KillGroup(Child& child) {
  ::kill(-child.pid, SIGTERM);
  const auto deadline = Clock::now() + kGrace;
  while (Clock::now() < deadline) {
    siginfo_t info = {};
    // WNOWAIT keeps the zombie, so that its group cannot be another's.
    if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0) {
      break;
    }
    ::poll(nullptr, 0, 10);
  }
  ::kill(-child.pid, SIGKILL);
  child.Reap();
}

// Collects the last bytes of the output and copies all of it to the log.
class Output {
 public:
  explicit Output(std::size_t limit) : limit_(limit) {}
  ~Output() {
    if (log_ >= 0) ::close(log_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Status OpenLog(const std::string& path) {
    if (path.empty()) return {};
    log_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log_ < 0) return IoError("cannot write: {}", std::strerror(errno)).At(path);
    return {};
  }
  void Append(std::string_view text) {
    text_.append(text);
    if (text_.size() > 2 * limit_ + 65536) text_.erase(0, text_.size() - limit_);
    // A log that cannot be written (full disk) does not stop the tool, which will meet the same
    // trouble.
    while (log_ >= 0 && !text.empty()) {
      const ssize_t n = ::write(log_, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  std::string Take() {
    if (text_.size() > limit_) text_.erase(0, text_.size() - limit_);
    return std::move(text_);
  }

 private:
  std::size_t limit_;
  std::string text_;
  int log_ = -1;
};

// Reads until the tool closes its output or ends; kills it on Ctrl-C and at the time limit.
Status Pump(Child& child, const std::string& tool, const CommandOptions& options,
            Clock::time_point start, Output& output) {
  std::array<char, 65536> buffer;
  while (true) {
    if (Interrupted()) {
      KillGroup(child);
      return Cancelled("interrupted while '{}' ran", tool);
    }
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    if (options.timeout_s > 0 && elapsed.count() > options.timeout_s) {
      KillGroup(child);
      return ResourceExhausted("'{}' took longer than {} s", tool, options.timeout_s);
    }
    pollfd wait = {child.output, POLLIN, 0};
    const int ready = ::poll(&wait, 1, kPollMs);
    if (ready < 0 && errno != EINTR) return IoError("poll: {}", std::strerror(errno));
    if (ready > 0) {
      const ssize_t n = ::read(child.output, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return {};
      output.Append({buffer.data(), static_cast<std::size_t>(n)});
      continue;
    }
    siginfo_t info = {};
    // The tool has ended although a grandchild still holds the pipe open.
    if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0) {
      return {};
    }
  }
}

// The last `count` lines of `text`.
std::string LastLines(std::string_view text, int count) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::size_t from = text.size();
  for (int i = 0; i < count && from != std::string_view::npos && from > 0; ++i) {
    from = text.rfind('\n', from - 1);
  }
  return std::string(from == std::string_view::npos || from == 0 ? text : text.substr(from + 1));
}

}  // namespace

std::optional<std::string> FindTool(std::string_view tool) {
  if (tool.empty()) return std::nullopt;
  if (tool.find('/') != std::string_view::npos) {
    std::string path(tool);
    if (IsExecutable(path)) return path;
    return std::nullopt;
  }
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string_view dir = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    std::string path = std::string(dir.empty() ? "." : dir) + "/" + std::string(tool);
    if (IsExecutable(path)) return path;
  }
  return std::nullopt;
}

Status RequireTool(std::string_view tool) {
  if (FindTool(tool)) return {};
  return MissingTool(tool, {});
}

Result<CommandResult> RunCommand(const std::vector<std::string>& argv,
                                 const CommandOptions& options) {
  TF2_CHECK(!argv.empty());
  const std::optional<std::string> path = FindTool(argv[0]);
  if (!path) return MissingTool(argv[0], options.package);
  TF2_RETURN_IF_ERROR(CheckInterrupted());
  if (!options.working_dir.empty() && !IsDirectory(options.working_dir)) {
    return NotFound("no such folder").At(options.working_dir);
  }
  Output output(options.max_output);
  TF2_RETURN_IF_ERROR(output.OpenLog(options.log_file));
  const auto start = Clock::now();
  Child child;
  TF2_RETURN_IF_ERROR(Spawn(*path, argv, options, child));
  TF2_RETURN_IF_ERROR(Pump(child, argv[0], options, start, output));
  // It may run on with its output closed.
  while (true) {
    siginfo_t info = {};
    if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0) {
      break;
    }
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    if (Interrupted() || (options.timeout_s > 0 && elapsed.count() > options.timeout_s)) {
      KillGroup(child);
      TF2_RETURN_IF_ERROR(CheckInterrupted());
      return ResourceExhausted("'{}' took longer than {} s", argv[0], options.timeout_s);
    }
    ::poll(nullptr, 0, 2);
  }
  const int status = child.Reap();
  CommandResult result;
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  result.output = output.Take();
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

Result<CommandResult> RunCommandChecked(const std::vector<std::string>& argv,
                                        const CommandOptions& options) {
  TF2_ASSIGN_OR_RETURN(CommandResult result, RunCommand(argv, options));
  if (result.exit_code == 0) return result;
  constexpr int kShownLines = 12;
  Error error = Internal("'{}' failed with status {}:\n{}", argv[0], result.exit_code,
                         LastLines(result.output, kShownLines));
  if (!options.log_file.empty()) return std::move(error).At(options.log_file);
  return error;
}

}  // namespace tf2
