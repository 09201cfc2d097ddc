// Helpers of the tests of shapes.
#ifndef TF2_IR_TEST_UTIL_H_
#define TF2_IR_TEST_UTIL_H_

#include <string>

#include "ir/text.h"

namespace tf2::ir {

// The shape of the first output of a graph with these lines, or the error.
inline std::string Infer(const std::string& lines) {
  const auto g = ParseText("graph \"g\" {\n" + lines + "\n}");
  return g.ok() ? ToString(g->value(g->outputs[0]).shape) : g.error().ToString();
}

// Of one node called y with an input x of `shape`.
inline std::string InferOne(const std::string& shape, const std::string& node,
                            const std::string& constants = "") {
  return Infer("input %x : f32" + shape + "\n" + constants + "\n%y = " + node + "\noutput %y");
}

}  // namespace tf2::ir

#endif  // TF2_IR_TEST_UTIL_H_
