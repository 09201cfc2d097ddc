// Errors as values. A failure that a user can reach is a Result<T> (or a Status) that carries one
// Error: what is wrong, where, and what to do. A bug is a TF2_CHECK.
#ifndef TF2_BASE_RESULT_H_
#define TF2_BASE_RESULT_H_

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace tf2 {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,    // the user's input or flags are wrong
  kNotFound,           // a file, node or device that was named does not exist
  kUnsupported,        // understood, but tf2 or the chosen hardware cannot do it
  kDataLoss,           // a file is truncated, damaged or newer than this program
  kResourceExhausted,  // does not fit: memory, device, disk
  kIo,                 // the operating system refused
  kCancelled,          // interrupted by the user
  kInternal,           // a bug in tf2, reported instead of a crash
};

// One failure. `message` says what is wrong in one line; `location` where (file, node, layer,
// offset); `hint` what the user can do about it. The last two may be empty.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string location;
  std::string hint;

  // "location: message\n  hint: hint".
  std::string ToString() const;
  // Puts `where` in front of the location: called by each layer that knows more.
  Error&& At(std::string where) &&;
};

// A value or an Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  const T& operator*() const& { return *value_; }
  T& operator*() & { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  const T* operator->() const { return &*value_; }
  T* operator->() { return &*value_; }
  const Error& error() const { return error_; }
  Error& error() { return error_; }

 private:
  std::optional<T> value_;
  Error error_;
};

// Success or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }
  Error& error() { return *error_; }

 private:
  std::optional<Error> error_;
};

// Errors by kind, message formatted with fmt; add a location with .At() and a hint by the field.
template <typename... A>
Error InvalidArgument(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kInvalidArgument, fmt::format(f, std::forward<A>(a)...), {}, {}};
}
template <typename... A>
Error NotFound(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kNotFound, fmt::format(f, std::forward<A>(a)...), {}, {}};
}
template <typename... A>
Error Unsupported(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kUnsupported, fmt::format(f, std::forward<A>(a)...), {}, {}};
}
template <typename... A>
Error DataLoss(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kDataLoss, fmt::format(f, std::forward<A>(a)...), {}, {}};
}
template <typename... A>
Error ResourceExhausted(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kResourceExhausted, fmt::format(f, std::forward<A>(a)...), {}, {}};
}
template <typename... A>
Error IoError(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kIo, fmt::format(f, std::forward<A>(a)...), {}, {}};
}
template <typename... A>
Error Cancelled(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kCancelled, fmt::format(f, std::forward<A>(a)...), {}, {}};
}
template <typename... A>
Error Internal(fmt::format_string<A...> f, A&&... a) {
  return {ErrorCode::kInternal, fmt::format(f, std::forward<A>(a)...), {}, {}};
}

// `error` with a hint for the user.
inline Error WithHint(Error error, std::string hint) {
  error.hint = std::move(hint);
  return error;
}

[[noreturn]] void CheckFailed(const char* file, int line, const char* expression,
                              const std::string& message);

}  // namespace tf2

#define TF2_CONCAT_INNER(a, b) a##b
#define TF2_CONCAT(a, b) TF2_CONCAT_INNER(a, b)

// Returns the Error of a Status or Result expression from the enclosing function.
#define TF2_RETURN_IF_ERROR(expr)                     \
  do {                                                \
    if (auto tf2_status = (expr); !tf2_status.ok()) { \
      return std::move(tf2_status.error());           \
    }                                                 \
  } while (false)

// TF2_ASSIGN_OR_RETURN(auto x, F()): binds the value, or returns the Error.
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
#define TF2_ASSIGN_OR_RETURN(lhs, expr) \
  TF2_ASSIGN_OR_RETURN_IMPL(TF2_CONCAT(tf2_result_, __LINE__), lhs, expr)
#define TF2_ASSIGN_OR_RETURN_IMPL(result, lhs, expr)  \
  auto result = (expr);                               \
  if (!result.ok()) return std::move(result.error()); \
  lhs = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)

// A condition that only a bug in tf2 can violate: prints and aborts.
#define TF2_CHECK(condition, ...)                                              \
  do {                                                                         \
    if (!(condition)) [[unlikely]]                                             \
      ::tf2::CheckFailed(__FILE__, __LINE__, #condition,                       \
                         std::string() __VA_OPT__(+fmt::format(__VA_ARGS__))); \
  } while (false)

#endif  // TF2_BASE_RESULT_H_
