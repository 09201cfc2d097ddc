// Constant folding: computes what depends on constants and static shapes only.
//
// before                                          after
//   const %two : i64[1] = {2}                       const %t : i64[2] = {2, 12}
//   %s = shape(%x)            # f32[2, 3, 4]         %y = reshape(%x) {shape = [2, 12]}
//   ...                                             output %y
//   %t = concat(%two, %u) {axis = 0}
//   %y = reshape(%x, %t)
//   output %y
//
// The interpreter computes the value, so folding cannot disagree with running. A node whose result
// would not be finite stays. The constant target of a reshape becomes its attribute. Must run
// before: shapes are inferred; dead code is gone, so that an error in what nobody needs is none.
#ifndef TF2_PASSES_CONSTANT_FOLDING_H_
#define TF2_PASSES_CONSTANT_FOLDING_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of nodes folded or reshapes simplified. Errors: those of the interpreter, as
// an index out of range.
Result<int> FoldConstants(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_CONSTANT_FOLDING_H_
