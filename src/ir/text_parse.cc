#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "ir/base64.h"
#include "ir/checks.h"
#include "ir/lexer.h"
#include "ir/op_table.h"
#include "ir/text.h"

namespace tf2::ir {
namespace {

struct Type {
  DType dtype = DType::kFloat32;
  Shape shape;
};

template <typename T>
std::optional<T> Number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& source) : lexer_(text, source) {}

  Result<Graph> Parse() {
    TF2_RETURN_IF_ERROR(Advance());
    TF2_RETURN_IF_ERROR(Word("graph"));
    TF2_ASSIGN_OR_RETURN(graph_.name, Take(TokenKind::kString, "the graph's name in quotes"));
    TF2_RETURN_IF_ERROR(Symbol('{'));
    while (!IsSymbol('}')) TF2_RETURN_IF_ERROR(Statement());
    TF2_RETURN_IF_ERROR(Advance());
    if (token_.kind != TokenKind::kEnd) return Unexpected("the end");
    TF2_RETURN_IF_ERROR(CheckTypes());
    return std::move(graph_);
  }

 private:
  // A type that the text gives to a node's output.
  struct Declared {
    ValueId id;
    Type type;
    Token token;
  };

  Status Advance() {
    TF2_ASSIGN_OR_RETURN(token_, lexer_.Next());
    return {};
  }

  bool IsSymbol(char c) const { return token_.kind == TokenKind::kSymbol && token_.text[0] == c; }
  bool IsWord(std::string_view word) const {
    return token_.kind == TokenKind::kWord && token_.text == word;
  }

  Error Unexpected(std::string_view wanted) const {
    if (token_.kind == TokenKind::kEnd)
      return lexer_.At(InvalidArgument("the text ends where {} should be", wanted), token_);
    return lexer_.At(InvalidArgument("{} instead of {}", token_.text, wanted), token_);
  }

  Status Symbol(char c) { return IsSymbol(c) ? Advance() : Status(Unexpected(std::string(1, c))); }
  Status Word(std::string_view word) { return IsWord(word) ? Advance() : Status(Unexpected(word)); }

  Result<std::string> Take(TokenKind kind, std::string_view wanted) {
    if (token_.kind != kind) return Unexpected(wanted);
    std::string text = std::move(token_.text);
    TF2_RETURN_IF_ERROR(Advance());
    return text;
  }

  template <typename T>
  Result<T> TakeNumber(std::string_view wanted) {
    const std::optional<T> value =
        token_.kind == TokenKind::kWord ? Number<T>(token_.text) : std::nullopt;
    if (!value) return Unexpected(wanted);
    TF2_RETURN_IF_ERROR(Advance());
    return *value;
  }

  // Numbers between `open` and `close`.
  template <typename T>
  Result<std::vector<T>> List(char open, char close) {
    std::vector<T> list;
    TF2_RETURN_IF_ERROR(Symbol(open));
    while (!IsSymbol(close)) {
      if (!list.empty()) TF2_RETURN_IF_ERROR(Symbol(','));
      TF2_ASSIGN_OR_RETURN(const T value, TakeNumber<T>("a number"));
      list.push_back(value);
    }
    TF2_RETURN_IF_ERROR(Advance());
    return list;
  }

  Result<Type> TakeType() {
    Type type;
    if (IsWord("i64")) {
      type.dtype = DType::kInt64;
    } else if (!IsWord("f32")) {
      return Unexpected("f32 or i64");
    }
    const Token start = token_;
    TF2_RETURN_IF_ERROR(Advance());
    TF2_ASSIGN_OR_RETURN(type.shape, List<std::int64_t>('[', ']'));
    if (Status s = CheckShape(type.shape, type.dtype); !s.ok())
      return lexer_.At(std::move(s.error()), start);
    return type;
  }

  // A value that the text defines here.
  Result<ValueId> Define(Type type) {
    const Token start = token_;
    TF2_ASSIGN_OR_RETURN(std::string name, Take(TokenKind::kValue, "a value like %name"));
    if (names_.contains(name))
      return lexer_.At(InvalidArgument("%{} is defined twice", name), start);
    Value v;
    v.name = name;
    v.dtype = type.dtype;
    v.shape = std::move(type.shape);
    graph_.values.push_back(std::move(v));
    const auto id = ValueId(static_cast<std::int32_t>(graph_.values.size() - 1));
    names_.emplace(std::move(name), id);
    return id;
  }

  Result<ValueId> Use() {
    if (token_.kind == TokenKind::kValue) {
      const auto it = names_.find(token_.text);
      if (it == names_.end())
        return lexer_.At(InvalidArgument("%{} is not defined before", token_.text), token_);
      TF2_RETURN_IF_ERROR(Advance());
      return it->second;
    }
    return Unexpected("a value like %name");
  }

  Status Statement() {
    if (token_.kind == TokenKind::kValue) return NodeStatement();
    if (IsWord("input")) return InputStatement();
    if (IsWord("const")) return ConstStatement();
    if (IsWord("output")) {
      TF2_RETURN_IF_ERROR(Advance());
      TF2_ASSIGN_OR_RETURN(const ValueId id, Use());
      graph_.outputs.push_back(id);
      return {};
    }
    if (IsWord("macs")) {
      TF2_RETURN_IF_ERROR(Advance());
      TF2_ASSIGN_OR_RETURN(graph_.macs, TakeNumber<std::int64_t>("a number"));
      return {};
    }
    return Unexpected("input, const, output, macs, a node or }");
  }

  // "%name : type" of an input or a constant.
  Result<ValueId> TypedValue() {
    TF2_RETURN_IF_ERROR(Advance());
    TF2_ASSIGN_OR_RETURN(const ValueId id, Define({}));
    TF2_RETURN_IF_ERROR(Symbol(':'));
    TF2_ASSIGN_OR_RETURN(Type type, TakeType());
    graph_.value(id).dtype = type.dtype;
    graph_.value(id).shape = std::move(type.shape);
    return id;
  }

  Status InputStatement() {
    TF2_ASSIGN_OR_RETURN(const ValueId id, TypedValue());
    graph_.inputs.push_back(id);
    return {};
  }

  Status ConstStatement() {
    TF2_ASSIGN_OR_RETURN(const ValueId id, TypedValue());
    TF2_RETURN_IF_ERROR(Symbol('='));
    Value& v = graph_.value(id);
    Tensor t;
    t.dtype = v.dtype;
    t.shape = v.shape;
    switch (v.dtype) {
      case DType::kFloat32: {
        TF2_ASSIGN_OR_RETURN(t.f32, Data<float>(ElementCount(t.shape)));
        break;
      }
      case DType::kInt64: {
        TF2_ASSIGN_OR_RETURN(t.i64, Data<std::int64_t>(ElementCount(t.shape)));
        break;
      }
    }
    v.constant = std::make_shared<const Tensor>(std::move(t));
    return {};
  }

  template <typename T>
  Result<std::vector<T>> Data(std::int64_t count) {
    const Token start = token_;
    std::vector<T> data;
    if (IsWord("base64")) {
      TF2_RETURN_IF_ERROR(Advance());
      TF2_ASSIGN_OR_RETURN(const std::string text, Take(TokenKind::kString, "base64 in quotes"));
      const auto bytes = FromBase64(text);
      if (!bytes || bytes->size() % sizeof(T) != 0)
        return lexer_.At(InvalidArgument("the base64 is damaged"), start);
      data.resize(bytes->size() / sizeof(T));
      if (!data.empty()) std::memcpy(data.data(), bytes->data(), bytes->size());
    } else if (IsWord("omitted")) {
      return lexer_.At(InvalidArgument("the constant was omitted when the graph was printed"),
                       start);
    } else {
      TF2_ASSIGN_OR_RETURN(data, List<T>('{', '}'));
    }
    if (static_cast<std::int64_t>(data.size()) != count) {
      return lexer_.At(InvalidArgument("{} elements instead of {}", data.size(), count), start);
    }
    return data;
  }

  Result<Attr> AttrValue(AttrType type) {
    switch (type) {
      case AttrType::kInt: {
        TF2_ASSIGN_OR_RETURN(const auto v, TakeNumber<std::int64_t>("an integer"));
        return Attr(v);
      }
      case AttrType::kFloat: {
        TF2_ASSIGN_OR_RETURN(const auto v, TakeNumber<float>("a number"));
        return Attr(v);
      }
      case AttrType::kString: {
        TF2_ASSIGN_OR_RETURN(std::string v, Take(TokenKind::kString, "a string in quotes"));
        return Attr(std::move(v));
      }
      case AttrType::kInts: {
        TF2_ASSIGN_OR_RETURN(auto v, List<std::int64_t>('[', ']'));
        return Attr(std::move(v));
      }
      case AttrType::kFloats: {
        TF2_ASSIGN_OR_RETURN(auto v, List<float>('[', ']'));
        return Attr(std::move(v));
      }
    }
    TF2_CHECK(false, "no such attribute type");
  }

  Status Attributes(Node& node) {
    const OpRow& row = RowOf(node.kind);
    TF2_RETURN_IF_ERROR(Advance());
    while (!IsSymbol('}')) {
      if (!node.attrs.empty()) TF2_RETURN_IF_ERROR(Symbol(','));
      const AttrSpec* spec = row.Find(token_.text);
      if (spec == nullptr || token_.kind != TokenKind::kWord)
        return Unexpected(fmt::format("an attribute of {}", row.name));
      TF2_RETURN_IF_ERROR(Advance());
      TF2_RETURN_IF_ERROR(Symbol('='));
      TF2_ASSIGN_OR_RETURN(Attr value, AttrValue(spec->type));
      node.attrs.insert_or_assign(std::string(spec->name), std::move(value));
    }
    return Advance();
  }

  Status Inputs(Node& node) {
    TF2_RETURN_IF_ERROR(Symbol('('));
    while (!IsSymbol(')')) {
      if (!node.inputs.empty()) TF2_RETURN_IF_ERROR(Symbol(','));
      if (IsWord("_")) {
        TF2_RETURN_IF_ERROR(Advance());
        node.inputs.push_back(kNoValue);
      } else {
        TF2_ASSIGN_OR_RETURN(const ValueId id, Use());
        node.inputs.push_back(id);
      }
    }
    return Advance();
  }

  Status NodeStatement() {
    const Token start = token_;
    Node node;
    TF2_ASSIGN_OR_RETURN(const ValueId out, Define({}));
    node.name = start.text;
    node.outputs = {out};
    TF2_RETURN_IF_ERROR(Symbol('='));
    const std::optional<OpKind> kind = OpByName(token_.text);
    if (!kind || token_.kind != TokenKind::kWord) return Unexpected("the name of an operator");
    node.kind = *kind;
    TF2_RETURN_IF_ERROR(Advance());
    TF2_RETURN_IF_ERROR(Inputs(node));
    if (IsWord("as")) {
      TF2_RETURN_IF_ERROR(Advance());
      TF2_ASSIGN_OR_RETURN(node.name, Take(TokenKind::kString, "the node's name in quotes"));
    }
    if (IsSymbol('{')) TF2_RETURN_IF_ERROR(Attributes(node));
    if (IsSymbol(':')) {
      TF2_RETURN_IF_ERROR(Advance());
      const Token at = token_;
      TF2_ASSIGN_OR_RETURN(Type type, TakeType());
      declared_.push_back({out, std::move(type), at});
    }
    if (Status s = CheckNode(graph_, node); !s.ok()) return lexer_.At(std::move(s.error()), start);
    graph_.nodes.push_back(std::move(node));
    return {};
  }

  Status CheckTypes() {
    if (Status s = InferShapes(graph_); !s.ok()) return lexer_.At(std::move(s.error()), Token());
    for (const Declared& d : declared_) {
      const Value& v = graph_.value(d.id);
      if (v.dtype == d.type.dtype && v.shape == d.type.shape) continue;
      return lexer_.At(
          InvalidArgument("%{} is {}{}, not {}{}", v.name, NameOf(v.dtype), ToString(v.shape),
                          NameOf(d.type.dtype), ToString(d.type.shape)),
          d.token);
    }
    return {};
  }

  Lexer lexer_;
  Token token_;
  Graph graph_;
  std::map<std::string, ValueId, std::less<>> names_;
  std::vector<Declared> declared_;
};

}  // namespace

Result<Graph> ParseText(std::string_view text, const std::string& source) {
  return Parser(text, source).Parse();
}

}  // namespace tf2::ir
