#include "dataset/labels.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/files.h"

namespace tf2::dataset {
namespace {

constexpr std::size_t kMaxClasses = 1 << 20;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\v\f";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    if (!line.empty()) lines.push_back(line);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

// "n" and eight digits.
bool IsWnid(std::string_view text) {
  return text.size() == 9 && text[0] == 'n' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](unsigned char ch) { return std::isdigit(ch); });
}

// Cuts the first column off `line`: up to a tab, a comma or a blank.
std::string_view TakeColumn(std::string_view& line) {
  const std::size_t end = line.find_first_of("\t, ");
  const std::string_view column = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : Trim(line.substr(end));
  if (!line.empty() && line[0] == ',') line = Trim(line.substr(1));
  return column;
}

std::optional<std::size_t> TakeIndex(std::string_view& line) {
  std::string_view rest = line;
  const std::string_view column = TakeColumn(rest);
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), index);
  if (error != std::errc() || end != column.data() + column.size() || rest.empty()) {
    return std::nullopt;
  }
  line = rest;
  return index;
}

std::optional<std::string_view> TakeWnid(std::string_view& line) {
  std::string_view rest = line;
  const std::string_view column = TakeColumn(rest);
  if (!IsWnid(column) || rest.empty()) return std::nullopt;
  line = rest;
  return column;
}

}  // namespace

Result<Labels> ParseLabels(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return InvalidArgument("this is not a text file with the names of classes");
  }
  std::vector<std::string_view> lines = Lines(text);
  if (lines.empty()) return InvalidArgument("the file has no names of classes");
  if (lines.size() > kMaxClasses) return ResourceExhausted("{} names of classes", lines.size());
  const auto all = [&](auto take) {
    return std::all_of(lines.begin(), lines.end(),
                       [&](std::string_view line) { return take(line).has_value(); });
  };
  const bool indexed = all(TakeIndex);
  Labels labels;
  labels.names.resize(lines.size());
  std::vector<bool> seen(lines.size());
  std::vector<std::size_t> order(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    order[i] = indexed ? *TakeIndex(lines[i]) : i;
    if (order[i] >= lines.size() || seen[order[i]]) {
      return InvalidArgument("line {}: index {} is {} among {} classes", i + 1, order[i],
                             order[i] >= lines.size() ? "too large" : "there twice", lines.size());
    }
    seen[order[i]] = true;
  }
  const bool with_ids = all(TakeWnid);
  if (with_ids) labels.ids.resize(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (with_ids) labels.ids[order[i]] = *TakeWnid(lines[i]);
    labels.names[order[i]] = lines[i];
  }
  return labels;
}

Result<Labels> ReadLabels(const std::string& path) {
  constexpr std::uint64_t kMaxBytes = 64 << 20;
  TF2_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kMaxBytes));
  auto labels = ParseLabels(text);
  if (!labels.ok()) return std::move(labels.error()).At(path);
  return labels;
}

}  // namespace tf2::dataset
