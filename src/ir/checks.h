// Checks of a single node that shape inference and the verifier share. Private to src/ir.
#ifndef TF2_IR_CHECKS_H_
#define TF2_IR_CHECKS_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::ir {

// Arity, required inputs, ids in range, attributes. Located at the node.
Status CheckNode(const Graph& graph, const Node& node);

// Dimensions within limits: 1..kMaxDimension each (0 too for integers) and kMaxElements together.
Status CheckShape(const Shape& shape, DType dtype);

}  // namespace tf2::ir

#endif  // TF2_IR_CHECKS_H_
