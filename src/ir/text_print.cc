#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>

#include "base/hash.h"
#include "ir/base64.h"
#include "ir/op_table.h"
#include "ir/text.h"

namespace tf2::ir {
namespace {

constexpr std::size_t kListed = 16;  // elements of a constant written as numbers

std::string Quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (u < 0x20 || u == 0x7F) {
      out += fmt::format("\\x{:02x}", u);
    } else {
      out += c;
    }
  }
  return fmt::format("\"{}\"", out);
}

bool IsPlain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '/' || c == '-';
  });
}

std::string Name(const std::string& name) {
  return fmt::format("%{}", IsPlain(name) ? name : Quoted(name));
}

std::string Name(const Graph& graph, ValueId id) {
  return id == kNoValue ? "_" : Name(graph.value(id).name);
}

std::string TypeText(const Value& v) {
  return fmt::format("{}{}", NameOf(v.dtype), ToString(v.shape));
}

std::string Text(const Attr& attr) {
  switch (static_cast<AttrType>(attr.index())) {
    case AttrType::kInt:
      return fmt::format("{}", std::get<std::int64_t>(attr));
    case AttrType::kFloat:
      return fmt::format("{}", std::get<float>(attr));
    case AttrType::kString:
      return Quoted(std::get<std::string>(attr));
    case AttrType::kInts:
      return fmt::format("[{}]", fmt::join(std::get<std::vector<std::int64_t>>(attr), ", "));
    case AttrType::kFloats:
      return fmt::format("[{}]", fmt::join(std::get<std::vector<float>>(attr), ", "));
  }
  TF2_CHECK(false, "no such attribute type");
}

template <typename T>
std::string Data(const std::vector<T>& data, ConstantText mode) {
  if (data.size() <= kListed) return fmt::format("{{{}}}", fmt::join(data, ", "));
  std::vector<std::uint8_t> bytes(data.size() * sizeof(T));
  std::memcpy(bytes.data(), data.data(), bytes.size());
  if (mode == ConstantText::kSummary) return fmt::format("omitted {:016x}", Hash64(bytes));
  return fmt::format("base64 \"{}\"", ToBase64(bytes));
}

std::string Text(const Graph& graph, const Node& node) {
  std::string line;
  for (ValueId out : node.outputs) line += (line.empty() ? "" : ", ") + Name(graph, out);
  line += fmt::format(" = {}(", NameOf(node.kind));
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    line += (i == 0 ? "" : ", ") + Name(graph, node.inputs[i]);
  line += ")";
  if (node.name != graph.value(node.outputs[0]).name)
    line += fmt::format(" as {}", Quoted(node.name));
  if (!node.attrs.empty()) {
    std::string attrs;
    for (const auto& [key, value] : node.attrs)
      attrs += fmt::format("{}{} = {}", attrs.empty() ? "" : ", ", key, Text(value));
    line += fmt::format(" {{{}}}", attrs);
  }
  return fmt::format("{} : {}", line, TypeText(graph.value(node.outputs[0])));
}

}  // namespace

std::string ToText(const Graph& graph, ConstantText constants) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "graph {} {{\n", Quoted(graph.name));
  if (graph.macs != 0) fmt::format_to(out, "  macs {}\n", graph.macs);
  for (ValueId id : graph.inputs)
    fmt::format_to(out, "  input {} : {}\n", Name(graph, id), TypeText(graph.value(id)));
  for (const Value& v : graph.values) {
    if (v.constant == nullptr) continue;
    const std::string data = v.dtype == DType::kFloat32 ? Data(v.constant->f32, constants)
                                                        : Data(v.constant->i64, constants);
    fmt::format_to(out, "  const {} : {} = {}\n", Name(v.name), TypeText(v), data);
  }
  for (const Node& node : graph.nodes) fmt::format_to(out, "  {}\n", Text(graph, node));
  for (ValueId id : graph.outputs) fmt::format_to(out, "  output {}\n", Name(graph, id));
  return text + "}\n";
}

}  // namespace tf2::ir
