// Transposes behind the functions of single elements, until two meet: those that exporters of
// channels-last models write around every layer cancel then.
//
// before                                          after
//   %t = transpose(%x) {perm = [0, 2, 3, 1]}        %y = relu(%x)
//   %r = relu(%t)                                   output %y
//   %y = transpose(%r) {perm = [0, 3, 1, 2]}
//   output %y
//
// Exact. A transpose that only a function of single elements reads changes places with it; one with
// a constant too, where that is a number or becomes one number a channel. Of two in a row one with
// both permutations is made, which identity_removal drops where it moves nothing.
#ifndef TF2_PASSES_SINK_TRANSPOSES_H_
#define TF2_PASSES_SINK_TRANSPOSES_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of transposes that moved or were joined.
Result<int> SinkTransposes(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_SINK_TRANSPOSES_H_
