// Dead code: drops what no output of the graph needs.
//
// before                                after
//   %a = relu(%x)                         %a = relu(%x)
//   %b = relu(%x)                         output %a
//   output %a
//
// Also drops values that nothing defines or reads, such as weights that were replaced, and
// renumbers the others: a ValueId from before the pass means nothing after it. Inputs of the graph
// stay. Must run before: nothing. It runs first, so that no pass works on, or fails over, what is
// not needed, and last.
#ifndef TF2_PASSES_DEAD_CODE_H_
#define TF2_PASSES_DEAD_CODE_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of nodes dropped. Values that were dropped do not count.
Result<int> RemoveDeadCode(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_DEAD_CODE_H_
