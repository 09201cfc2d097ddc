#include "cli/output.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace tf2::cli {
namespace {

// Bytes of the UTF-8 sequence that begins at `at`; 0 where none does.
std::size_t SequenceAt(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// One line that a terminal can show: names come from files that anybody wrote. Control characters
// and bytes that are no UTF-8 become \\xNN; the middle of a very long text is left out.
std::string Printable(std::string_view text) {
  constexpr std::size_t kMost = 700;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = SequenceAt(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool control =
        byte < 0x20 || byte == 0x7F ||
        (length == 2 && byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0);
    if (length == 0 || control) {
      out += fmt::format("\\x{:02x}", byte);
      ++at;
      if (length == 2) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at++]));
    } else {
      out.append(text.substr(at, length));
      at += length;
    }
    if (out.size() > kMost && text.size() > at + 2 * kMost) {
      out += " ... ";
      at = text.size() - kMost;
      while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    }
  }
  return out;
}

}  // namespace

int Fail(const Error& error) {
  std::fflush(stdout);
  const Error shown{error.code, Printable(error.message), Printable(error.location),
                    Printable(error.hint)};
  std::fprintf(stderr, "tf2: %s\n", shown.ToString().c_str());
  return error.code == ErrorCode::kCancelled ? 130 : 1;
}

void PrintJson(const Json& object) {
  // Names from model files may hold bytes that are not UTF-8; they are replaced, never fatal.
  const std::string text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

Table::Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

void Table::AddRow(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

std::string Table::ToString() const {
  std::vector<std::size_t> widths(rows_[0].size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - row[i].size(), ' ');
      line += i == 0 ? row[i] + pad : "  " + pad + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string Percent(double fraction) { return fmt::format("{:.2f}%", 100 * fraction); }

}  // namespace tf2::cli
