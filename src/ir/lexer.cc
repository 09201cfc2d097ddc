#include "ir/lexer.h"

#include <cctype>
#include <charconv>
#include <utility>

namespace tf2::ir {
namespace {

constexpr std::string_view kSymbols = "{}()[],=:";

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_./-+").find(c) != std::string_view::npos;
}

}  // namespace

Error Lexer::At(Error error, const Token& token) const {
  return std::move(error).At(fmt::format("{}:{}:{}", source_, token.line, token.column));
}

void Lexer::SkipSpace() {
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == '#') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      if (at_ == text_.size()) return;
    }
    if (text_[at_] == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    } else if (text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != '\r') {
      return;
    }
  }
}

std::string Lexer::Plain() {
  const std::size_t from = at_;
  while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
  return std::string(text_.substr(from, at_ - from));
}

Result<std::string> Lexer::Quoted(const Token& token) {
  std::string out;
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return out;
    }
    if (c != '\\') {
      out += c;
      continue;
    }
    const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (escaped == '"' || escaped == '\\') {
      out += escaped;
      ++at_;
      continue;
    }
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_ + 1, 3);
    if (digits.size() != 3 || digits[0] != 'x' ||
        std::from_chars(digits.data() + 1, digits.data() + 3, code, 16).ptr != digits.data() + 3) {
      return At(InvalidArgument("unknown escape in a string"), token);
    }
    out += static_cast<char>(code);
    at_ += 3;
  }
  return At(InvalidArgument("the string does not end on its line"), token);
}

Result<Token> Lexer::Next() {
  SkipSpace();
  Token token;
  token.line = line_;
  token.column = at_ - line_start_ + 1;
  if (at_ == text_.size()) return token;
  const char c = text_[at_];
  if (c == '"') {
    token.kind = TokenKind::kString;
    TF2_ASSIGN_OR_RETURN(token.text, Quoted(token));
  } else if (c == '%') {
    ++at_;
    token.kind = TokenKind::kValue;
    if (at_ < text_.size() && text_[at_] == '"') {
      TF2_ASSIGN_OR_RETURN(token.text, Quoted(token));
    } else {
      token.text = Plain();
    }
    if (token.text.empty()) return At(InvalidArgument("a value needs a name after %"), token);
  } else if (kSymbols.find(c) != std::string_view::npos) {
    token.kind = TokenKind::kSymbol;
    token.text = c;
    ++at_;
  } else if (IsWord(c)) {
    token.kind = TokenKind::kWord;
    token.text = Plain();
  } else {
    return At(InvalidArgument("unexpected byte 0x{:02x}", static_cast<unsigned char>(c)), token);
  }
  return token;
}

}  // namespace tf2::ir
