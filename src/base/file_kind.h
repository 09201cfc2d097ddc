// What the first bytes of a file say about it, for messages to somebody who gave the wrong one.
#ifndef TF2_BASE_FILE_KIND_H_
#define TF2_BASE_FILE_KIND_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace tf2 {

struct FileKind {
  bool known = false;            // false: binary data of no known kind
  std::string_view description;  // with its article: "a PNG picture"; "binary data"
};

// Looks at no more than the first few kilobytes.
FileKind GuessFileKind(std::span<const std::uint8_t> bytes);

}  // namespace tf2

#endif  // TF2_BASE_FILE_KIND_H_
