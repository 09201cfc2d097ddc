#include "build/decoded_verilog.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace tf2::build {
namespace {

std::vector<std::string_view> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + separator.size();
  }
  return parts;
}

// "output reg x = 0" -> "x"; "n1 = 0" -> "n1".
std::string_view NameOf(std::string_view declaration) {
  const std::size_t equals = declaration.find(" =");
  if (equals != std::string_view::npos) declaration = declaration.substr(0, equals);
  const std::size_t blank = declaration.rfind(' ');
  return blank == std::string_view::npos ? declaration : declaration.substr(blank + 1);
}

// The ports of a header line "module NAME (input a, output b);" with, for each, what the body says
// of it.
struct Ports {
  std::string_view head;  // up to the parenthesis
  std::vector<std::string_view> declarations;
  std::map<std::string_view, std::string> registers;  // name -> "name = 0"

  bool Has(std::string_view name) const {
    for (const std::string_view d : declarations) {
      if (NameOf(d) == name) return true;
    }
    return false;
  }
};

bool ParseHeader(std::string_view line, Ports& ports) {
  const std::size_t open = line.find('('), close = line.rfind(");");
  if (!line.starts_with("module ") || open == std::string_view::npos ||
      close == std::string_view::npos)
    return false;
  ports.head = line.substr(0, open + 1);
  ports.declarations = Split(line.substr(open + 1, close - open - 1), ", ");
  return true;
}

// A line "wire a, b;" or "reg a = 0;" without the ports; empty when nothing remains.
std::string WithoutPorts(std::string_view line, std::string_view keyword, Ports& ports) {
  std::string kept;
  const std::string_view list = line.substr(keyword.size(), line.rfind(';') - keyword.size());
  for (const std::string_view item : Split(list, ", ")) {
    if (!ports.Has(NameOf(item))) {
      kept += (kept.empty() ? "" : ", ") + std::string(item);
    } else if (keyword == "reg ") {
      ports.registers[NameOf(item)] = item;
    }
  }
  return kept.empty() ? "" : std::string(keyword) + kept + ";";
}

std::string Header(const Ports& ports) {
  std::string text(ports.head);
  for (std::size_t i = 0; i < ports.declarations.size(); ++i) {
    const std::string_view declaration = ports.declarations[i];
    if (i > 0) text += ", ";
    const auto found = ports.registers.find(NameOf(declaration));
    text +=
        found == ports.registers.end() ? std::string(declaration) : "output reg " + found->second;
  }
  return text + ");";
}

}  // namespace

std::string MergePortDeclarations(std::string_view verilog) {
  std::vector<std::string> lines;
  Ports ports;
  std::size_t header = std::string::npos;
  for (const std::string_view line : Split(verilog, "\n")) {
    lines.emplace_back(line);
    if (header == std::string::npos) {
      if (ParseHeader(line, ports)) header = lines.size() - 1;
      continue;
    }
    for (const std::string_view keyword : {"wire ", "reg "}) {
      // A wire with a value ("wire n1 = a & b;") declares no port.
      const bool list = line.starts_with(keyword) && line.ends_with(";");
      if (list && (keyword == "reg " || line.find('=') == std::string_view::npos)) {
        lines.back() = WithoutPorts(line, keyword, ports);
      }
    }
  }
  if (header != std::string::npos) lines[header] = Header(ports);
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += lines[i] + (i + 1 < lines.size() ? "\n" : "");
  return text;
}

}  // namespace tf2::build
