// Messages for people, on standard error, one line each: "tf2: warning: ...". Libraries return
// Errors; they log only what is no failure. The level is process-wide: warnings unless TF2_LOG
// (error, warning, info, debug) or main says otherwise.
#ifndef TF2_BASE_LOG_H_
#define TF2_BASE_LOG_H_

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace tf2 {

enum class LogLevel : std::uint8_t { kError = 0, kWarning = 1, kInfo = 2, kDebug = 3 };

void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();
// Writes `message` if `level` is at or below the process's level. Lines of several threads do not
// mix.
void Log(LogLevel level, std::string_view message);

template <typename... A>
void LogError(fmt::format_string<A...> f, A&&... a) {
  Log(LogLevel::kError, fmt::format(f, std::forward<A>(a)...));
}
template <typename... A>
void LogWarning(fmt::format_string<A...> f, A&&... a) {
  Log(LogLevel::kWarning, fmt::format(f, std::forward<A>(a)...));
}
template <typename... A>
void LogInfo(fmt::format_string<A...> f, A&&... a) {
  if (GetLogLevel() >= LogLevel::kInfo) Log(LogLevel::kInfo, fmt::format(f, std::forward<A>(a)...));
}
template <typename... A>
void LogDebug(fmt::format_string<A...> f, A&&... a) {
  if (GetLogLevel() >= LogLevel::kDebug)
    Log(LogLevel::kDebug, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace tf2

#endif  // TF2_BASE_LOG_H_
