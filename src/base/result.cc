#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace tf2 {

std::string Error::ToString() const {
  std::string text = location.empty() ? message : location + ": " + message;
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
}

Error&& Error::At(std::string where) && {
  location = location.empty() ? std::move(where) : where + ": " + location;
  return std::move(*this);
}

void CheckFailed(const char* file, int line, const char* expression, const std::string& message) {
  std::fprintf(stderr, "tf2: internal error: %s:%d: %s %s\n", file, line, expression,
               message.c_str());
  std::abort();
}

}  // namespace tf2
