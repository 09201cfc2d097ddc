// Base64 (RFC 4648, section 4) of the constants in the text form. Private to src/ir.
#ifndef TF2_IR_BASE64_H_
#define TF2_IR_BASE64_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tf2::ir {

std::string ToBase64(std::span<const std::uint8_t> bytes);
// None where `text` is not canonical base64.
std::optional<std::vector<std::uint8_t>> FromBase64(std::string_view text);

}  // namespace tf2::ir

#endif  // TF2_IR_BASE64_H_
