// Words of the text form with their places. Private to src/ir.
#ifndef TF2_IR_LEXER_H_
#define TF2_IR_LEXER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tf2::ir {

enum class TokenKind : std::uint8_t {
  kWord,    // letters, digits and _ . / - + : names of operators, numbers
  kString,  // between quotes, escapes resolved
  kValue,   // after %: a plain or a quoted name
  kSymbol,  // one of { } ( ) [ ] , = :
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::size_t line = 1;
  std::size_t column = 1;  // in bytes, from 1
};

// Splits a text that outlives it.
class Lexer {
 public:
  Lexer(std::string_view text, std::string source) : text_(text), source_(std::move(source)) {}

  // The next token; kEnd at the end. Errors: an unexpected byte, a string without its end, an
  // unknown escape.
  Result<Token> Next();
  // `error` located at a token.
  Error At(Error error, const Token& token) const;

 private:
  void SkipSpace();
  Result<std::string> Quoted(const Token& token);
  std::string Plain();

  std::string_view text_;
  std::string source_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t line_start_ = 0;
};

}  // namespace tf2::ir

#endif  // TF2_IR_LEXER_H_
