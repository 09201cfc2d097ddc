// The readable text form of a float graph, for people, goldens and bug reports. Printing, parsing
// and printing again gives the same bytes.
//
//   graph "lenet" {
//     macs 2293000
//     input %data : f32[1, 1, 28, 28]
//     const %w : f32[20, 1, 5, 5] = base64 "AACAPwAAAEA..."
//     const %b : f32[2] = {0.5, -1}
//     %conv1 = conv(%data, %w, _) {pads = [1, 1, 1, 1], relu = 1} : f32[1, 20, 26, 26]
//     %"a b" = relu(%conv1) as "layer 2" : f32[1, 20, 26, 26]
//     output %"a b"
//   }
//
// `_` is an absent input. `as` gives the node's name where it is not that of its output. Attributes
// and element types are those of the operator table. The type after a node may be left out: it is
// inferred. `#` starts a comment.
#ifndef TF2_IR_TEXT_H_
#define TF2_IR_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::ir {

enum class ConstantText : std::uint8_t {
  kFull,     // every element; base64 of little-endian bytes from the 17th on
  kSummary,  // more than 16 elements as "omitted 0123456789abcdef", a hash of the bytes; does not
             // parse
};

// Constants come first, in the order of their values, then nodes. Values that nothing defines are
// left out.
std::string ToText(const Graph& graph, ConstantText constants = ConstantText::kFull);

// Parses what ToText prints and infers shapes. Errors are located as "source:line:column".
Result<Graph> ParseText(std::string_view text, const std::string& source = "text");

}  // namespace tf2::ir

#endif  // TF2_IR_TEXT_H_
