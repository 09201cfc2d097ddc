#include "base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

namespace tf2::internal {
namespace {

struct Terminal {
  std::mutex mutex;
  bool status_shown = false;
};

Terminal& Stderr() {
  static Terminal terminal;
  return terminal;
}

// Returns to column 0 and clears to the end of the line.
constexpr std::string_view kWipe = "\r\x1b[K";

void Write(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

void WriteTerminalLine(std::string_view line) {
  Terminal& terminal = Stderr();
  const std::scoped_lock lock(terminal.mutex);
  std::string text(terminal.status_shown ? kWipe : "");
  text.append(line).append("\n");
  terminal.status_shown = false;
  Write(text);
}

void DrawTerminalStatus(std::string_view text) {
  Terminal& terminal = Stderr();
  const std::scoped_lock lock(terminal.mutex);
  if (text.empty() && !terminal.status_shown) return;
  terminal.status_shown = !text.empty();
  Write(std::string(kWipe).append(text));
  std::fflush(stderr);
}

int TerminalColumns() {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool StderrIsTerminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace tf2::internal
