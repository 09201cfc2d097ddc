#include "base/log.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "base/terminal.h"

namespace tf2 {
namespace {

LogLevel LevelFromEnvironment() {
  const char* text = std::getenv("TF2_LOG");
  const std::string_view name = text != nullptr ? text : "";
  if (name == "error") return LogLevel::kError;
  if (name == "info") return LogLevel::kInfo;
  if (name == "debug") return LogLevel::kDebug;
  return LogLevel::kWarning;
}

std::atomic<LogLevel>& Level() {
  static std::atomic<LogLevel> level = LevelFromEnvironment();
  return level;
}

const char* Prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "tf2: error: ";
    case LogLevel::kWarning:
      return "tf2: warning: ";
    case LogLevel::kInfo:
      return "tf2: ";
    case LogLevel::kDebug:
      return "tf2: debug: ";
  }
  return "";
}

}  // namespace

void SetLogLevel(LogLevel level) { Level() = level; }

LogLevel GetLogLevel() { return Level(); }

void Log(LogLevel level, std::string_view message) {
  if (level > GetLogLevel()) return;
  internal::WriteTerminalLine(std::string(Prefix(level)) + std::string(message));
}

}  // namespace tf2
