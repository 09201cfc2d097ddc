// docs/operators.md lists what the operator table and the importer have. TF2_UPDATE_DOCS=1 writes
// the lists anew.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "import/onnx/node_import.h"
#include "ir/functions.h"
#include "ir/op_table.h"

namespace tf2::conformance {
namespace {

const std::string kFile = std::string(TF2_SOURCE_DIR) + "/docs/operators.md";

std::string Quoted(const std::vector<std::string>& values) {
  return fmt::format("{}", fmt::join(values, "\\|"));
}

std::string AttrText(const ir::AttrSpec& a) {
  std::string text = fmt::format("{}", a.name);
  // The functions have lists of their own.
  if (!a.allowed.empty() && a.name != "fn") text += fmt::format(" ({})", Quoted(a.allowed));
  return a.required ? text + " required" : text;
}

std::string FloatOperators() {
  std::string text = "| operator | inputs | attributes |\n| --- | --- | --- |\n";
  for (const ir::OpRow& row : ir::OpTable()) {
    const std::string inputs = row.min_inputs == row.max_inputs
                                   ? fmt::format("{}", row.min_inputs)
                                   : fmt::format("{}–{}", row.min_inputs, row.max_inputs);
    std::string attrs;
    for (const ir::AttrSpec& a : row.attrs) attrs += (attrs.empty() ? "" : ", ") + AttrText(a);
    text += fmt::format("| {} | {} | {} |\n", row.name, inputs, attrs);
  }
  return text;
}

template <typename Names>
std::string List(const Names& names) {
  return fmt::format("{}\n", fmt::join(names, ", "));
}

// The document with the text between `<!-- NAME -->` and `<!-- end -->` replaced.
std::string Replaced(const std::string& document, const std::string& name,
                     const std::string& text) {
  const std::string mark = "<!-- " + name + " -->\n";
  const std::size_t begin = document.find(mark);
  const std::size_t end = document.find("<!-- end -->", begin);
  EXPECT_NE(end, std::string::npos) << name;
  if (begin == std::string::npos || end == std::string::npos) return document;
  return document.substr(0, begin + mark.size()) + text + document.substr(end);
}

TEST(OperatorsDocument, ListsWhatThereIs) {
  std::ifstream in(kFile);
  ASSERT_TRUE(in) << kFile;
  const std::string document{std::istreambuf_iterator<char>(in), {}};
  std::string want = Replaced(document, "float operators", FloatOperators());
  want = Replaced(want, "unary", List(ir::UnaryFnNames()));
  want = Replaced(want, "binary", List(ir::BinaryFnNames()));
  want = Replaced(want, "reduce", List(ir::ReduceFnNames()));
  want = Replaced(want, "onnx", List(import::onnx::OperatorNames()));
  if (std::getenv("TF2_UPDATE_DOCS") != nullptr) std::ofstream(kFile) << want;
  EXPECT_TRUE(document == want) << kFile << " is out of date: run this test with TF2_UPDATE_DOCS=1";
}

}  // namespace
}  // namespace tf2::conformance
