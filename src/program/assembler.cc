#include "program/assembler.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace tf2::program {
namespace {

struct Flag {
  const char* name;
  bool Descriptor::*member;
};
constexpr Flag kFlags[] = {
    {"relu", &Descriptor::relu},       {"residual", &Descriptor::residual},
    {"wide", &Descriptor::wide},       {"last", &Descriptor::last},
    {"padding", &Descriptor::padding}, {"pad_low", &Descriptor::pad_low},
    {"repeat", &Descriptor::repeat},
};

const char* NameOf(Opcode opcode) {
  switch (opcode) {
    case Opcode::kConv:
      return "conv";
    case Opcode::kMaxPool:
      return "max_pool";
  }
  return "";
}

// The fields of a line of text.
constexpr std::size_t kLines[][6] = {
    {1, 2, 3, 4},         {5, 6, 7, 8, 9, 10},      {11, 12, 13, 14, 15, 16},
    {17, 18, 19, 20, 29}, {21, 22, 23, 24, 25, 26}, {27, 28},
};

// A backslash goes before quotes and backslashes; a line end is written as \n.
std::string Quote(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\' || c == '\n') out += '\\';
    out += c == '\n' ? 'n' : c;
  }
  return out + '"';
}

void Print(const AssembledLayer& layer, std::string& out) {
  const LayerInfo& info = layer.info;
  Descriptor d = layer.descriptor;
  out += fmt::format("layer {} {} op={} copied={} macs={}\n  {}", Quote(info.name),
                     Quote(info.kind), info.op, info.copied, info.macs, NameOf(d.opcode));
  for (const Flag& flag : kFlags) {
    if (d.*flag.member) out += fmt::format(" {}", flag.name);
  }
  out += '\n';
  Descriptor defaults;
  for (const auto& line : kLines) {
    std::string text;
    for (const std::size_t index : line) {
      if (index == 0 || FieldRef(d, index) == FieldRef(defaults, index)) continue;
      text += fmt::format(" {} {}", FieldName(index), FieldRef(d, index));
    }
    if (!text.empty()) out += ' ' + text + '\n';
  }
  out += "end\n";
}

struct Token {
  std::string_view text;
  std::size_t line, column;
  bool quoted = false;
};

Error Located(const Token& at, Error error) {
  return std::move(error).At(fmt::format("line {}, column {}", at.line, at.column));
}

// Words, quoted strings and line ends ("\n") of the text.
Result<std::vector<Token>> Split(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t line = 1;
  std::size_t start = 0;  // of the line
  std::size_t i = 0;
  const auto here = [&](std::size_t at, std::size_t size, bool quoted) {
    tokens.push_back({text.substr(at, size), line, at - start + 1, quoted});
  };
  while (i < text.size()) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      start = ++i;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++i;
    } else if (c == ';') {
      while (i < text.size() && text[i] != '\n') ++i;
    } else if (c == '"') {
      std::size_t end = i + 1;
      while (end < text.size() && text[end] != '"' && text[end] != '\n')
        end += text[end] == '\\' ? 2 : 1;
      if (end >= text.size() || text[end] == '\n') {
        return Located({text, line, i - start + 1},
                       InvalidArgument("a name without closing quote"));
      }
      here(i + 1, end - i - 1, true);
      i = end + 1;
    } else {
      std::size_t end = i;
      while (end < text.size() &&
             std::string_view(" \t\r\n;\"").find(text[end]) == std::string_view::npos)
        ++end;
      here(i, end - i, false);
      i = end;
    }
  }
  tokens.push_back({"", line, i - start + 1});
  return tokens;
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {
    for (std::size_t i = 1; FieldName(i) != nullptr; ++i) fields_[FieldName(i)] = i;
  }

  Result<std::vector<AssembledLayer>> Run() {
    std::vector<AssembledLayer> layers;
    while (!AtEnd()) {
      TF2_ASSIGN_OR_RETURN(AssembledLayer layer, ParseLayer());
      layers.push_back(std::move(layer));
    }
    return layers;
  }

 private:
  const Token& Peek() const { return tokens_[at_]; }
  bool AtEnd() const { return at_ + 1 == tokens_.size(); }
  const Token& Next() { return AtEnd() ? tokens_[at_] : tokens_[at_++]; }

  Status Expect(std::string_view word) {
    const Token& token = Next();
    if (token.quoted || token.text != word)
      return Located(token, InvalidArgument("expected \"{}\", found \"{}\"", word, token.text));
    return {};
  }

  Result<std::string> Name() {
    const Token& token = Next();
    if (!token.quoted)
      return Located(token, InvalidArgument("expected a quoted name, found \"{}\"", token.text));
    std::string name;
    for (std::size_t i = 0; i < token.text.size(); ++i) {
      const bool escaped = token.text[i] == '\\' && i + 1 < token.text.size();
      if (escaped) ++i;
      name += escaped && token.text[i] == 'n' ? '\n' : token.text[i];
    }
    return name;
  }

  static Result<std::int64_t> Number(const Token& token, std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Located(token, InvalidArgument("expected a number, found \"{}\"", text));
    }
    return value;
  }

  // key=NUMBER
  Result<std::int64_t> Keyed(std::string_view key) {
    const Token& token = Next();
    if (!token.text.starts_with(key) || token.text.size() <= key.size() ||
        token.text[key.size()] != '=') {
      return Located(token, InvalidArgument("expected {}=NUMBER, found \"{}\"", key, token.text));
    }
    return Number(token, token.text.substr(key.size() + 1));
  }

  Result<AssembledLayer> ParseLayer() {
    AssembledLayer layer;
    TF2_RETURN_IF_ERROR(Expect("layer"));
    TF2_ASSIGN_OR_RETURN(layer.info.name, Name());
    TF2_ASSIGN_OR_RETURN(layer.info.kind, Name());
    TF2_ASSIGN_OR_RETURN(const std::int64_t op, Keyed("op"));
    layer.info.op = static_cast<std::int32_t>(op);
    TF2_ASSIGN_OR_RETURN(const std::int64_t copied, Keyed("copied"));
    layer.info.copied = static_cast<std::int32_t>(copied);
    TF2_ASSIGN_OR_RETURN(layer.info.macs, Keyed("macs"));
    TF2_RETURN_IF_ERROR(ParseOpcode(layer.descriptor));
    while (Peek().quoted || Peek().text != "end") {
      const Token& name = Next();
      if (AtEnd() && name.text.empty())
        return Located(name, InvalidArgument("the layer has no \"end\""));
      TF2_RETURN_IF_ERROR(ParseWord(name, layer.descriptor));
    }
    TF2_RETURN_IF_ERROR(Expect("end"));
    return layer;
  }

  Status ParseOpcode(Descriptor& d) {
    const Token& token = Next();
    for (const Opcode opcode : {Opcode::kConv, Opcode::kMaxPool}) {
      if (token.quoted || token.text != NameOf(opcode)) continue;
      d.opcode = opcode;
      return {};
    }
    return Located(token, InvalidArgument("unknown operation \"{}\"", token.text));
  }

  // A flag, or a field and its value.
  Status ParseWord(const Token& name, Descriptor& d) {
    for (const Flag& flag : kFlags) {
      if (name.text == flag.name) {
        d.*flag.member = true;
        return {};
      }
    }
    const auto field = fields_.find(name.text);
    if (name.quoted || field == fields_.end())
      return Located(name, InvalidArgument("unknown field \"{}\"", name.text));
    const Token& value = Next();
    TF2_ASSIGN_OR_RETURN(FieldRef(d, field->second), Number(value, value.text));
    return {};
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::map<std::string_view, std::size_t> fields_;
};

}  // namespace

std::string Disassemble(const std::vector<AssembledLayer>& layers) {
  std::string out;
  for (const AssembledLayer& layer : layers) Print(layer, out);
  return out;
}

Result<std::string> Disassemble(const Program& program) {
  TF2_ASSIGN_OR_RETURN(const std::vector<Descriptor> descriptors, DecodeAll(program));
  std::vector<AssembledLayer> layers;
  for (std::size_t i = 0; i < descriptors.size(); ++i)
    layers.push_back({program.layers[i], descriptors[i]});
  return Disassemble(layers);
}

Result<std::vector<AssembledLayer>> Assemble(std::string_view text) {
  TF2_ASSIGN_OR_RETURN(std::vector<Token> tokens, Split(text));
  return Parser(std::move(tokens)).Run();
}

}  // namespace tf2::program
