#include "ir/einsum.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

namespace tf2::ir {
namespace {

// The labels of one operand: letters, and the axes of an ellipsis as 0, 1, ... counted from the
// last.
struct Term {
  std::string before, after;
  bool has_ellipsis = false;
};

Result<Term> ParseTerm(std::string_view text) {
  Term term;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (text.substr(i, 3) == "...") {
      if (term.has_ellipsis) return InvalidArgument("equation term '{}' has two ellipses", text);
      term.has_ellipsis = true;
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      (term.has_ellipsis ? term.after : term.before) += c;
    } else {
      return InvalidArgument("equation term '{}' has the character '{}'", text, c);
    }
  }
  return term;
}

std::vector<std::string_view> SplitTerms(std::string_view text) {
  std::vector<std::string_view> terms;
  for (std::size_t comma = text.find(','); comma != std::string_view::npos;
       comma = text.find(',')) {
    terms.push_back(text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  terms.push_back(text);
  return terms;
}

// Numbers the labels: first the letters in alphabetical order, then the axes of the ellipsis.
class Labels {
 public:
  std::size_t Letter(char c) {
    const auto [it, fresh] = letters_.emplace(c, sizes_.size());
    if (fresh) sizes_.push_back(1);
    return it->second;
  }
  // Axis `from_end` of the ellipsis, 0 is its last.
  std::size_t Ellipsis(std::size_t from_end) {
    while (ellipsis_.size() <= from_end) {
      ellipsis_.push_back(sizes_.size());
      sizes_.push_back(1);
    }
    return ellipsis_[from_end];
  }
  bool Knows(char c) const { return letters_.contains(c); }
  std::size_t EllipsisRank() const { return ellipsis_.size(); }
  const std::map<char, std::size_t>& letters() const { return letters_; }

  Status SetSize(std::size_t label, std::int64_t size) {
    if (size < 1) return InvalidArgument("a label has the size {}", size);
    if (sizes_[label] != size && sizes_[label] != 1 && size != 1)
      return InvalidArgument("a label has the sizes {} and {}", sizes_[label], size);
    sizes_[label] = std::max(sizes_[label], size);
    return {};
  }
  std::vector<std::int64_t> TakeSizes() { return std::move(sizes_); }

 private:
  std::map<char, std::size_t> letters_;
  std::vector<std::size_t> ellipsis_;
  std::vector<std::int64_t> sizes_;
};

std::vector<std::size_t> LabelsOf(const Term& term, std::size_t ellipsis, Labels& labels) {
  std::vector<std::size_t> out;
  for (char c : term.before) out.push_back(labels.Letter(c));
  for (std::size_t d = ellipsis; d-- > 0;) out.push_back(labels.Ellipsis(d));
  for (char c : term.after) out.push_back(labels.Letter(c));
  return out;
}

}  // namespace

Result<Einsum> Einsum::Parse(std::string_view equation, std::span<const Shape> shapes) {
  const std::size_t arrow = equation.find("->");
  const auto terms = SplitTerms(equation.substr(0, arrow));
  if (terms.size() != shapes.size()) {
    return InvalidArgument("equation '{}' has {} operands for {} inputs", equation, terms.size(),
                           shapes.size());
  }
  Labels labels;
  Einsum result;
  std::map<char, int> uses;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(const Term term, ParseTerm(terms[i]));
    const std::size_t letters = term.before.size() + term.after.size();
    if (shapes[i].size() < letters || (!term.has_ellipsis && shapes[i].size() != letters))
      return InvalidArgument("equation term '{}' does not fit {}", terms[i], ToString(shapes[i]));
    for (char c : term.before + term.after) ++uses[c];
    result.inputs.push_back(LabelsOf(term, shapes[i].size() - letters, labels));
    for (std::size_t d = 0; d < shapes[i].size(); ++d)
      TF2_RETURN_IF_ERROR(labels.SetSize(result.inputs.back()[d], shapes[i][d]));
  }
  if (arrow == std::string_view::npos) {
    for (std::size_t d = labels.EllipsisRank(); d-- > 0;)
      result.output.push_back(labels.Ellipsis(d));
    for (const auto& [letter, count] : uses) {
      if (count == 1) result.output.push_back(labels.Letter(letter));
    }
  } else {
    TF2_ASSIGN_OR_RETURN(const Term term, ParseTerm(equation.substr(arrow + 2)));
    for (char c : term.before + term.after) {
      if (!labels.Knows(c))
        return InvalidArgument("equation '{}' has the result '{}' that no operand has", equation,
                               c);
    }
    result.output = LabelsOf(term, term.has_ellipsis ? labels.EllipsisRank() : 0, labels);
    std::vector<std::size_t> sorted = result.output;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      return InvalidArgument("equation '{}' repeats a result", equation);
  }
  result.sizes = labels.TakeSizes();
  return result;
}

}  // namespace tf2::ir
