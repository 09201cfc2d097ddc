// Executes a float graph with plain loops, the longest of them vectorised (wide.h): the oracle that
// passes, fast float execution and quantisation are compared with. The order of every summation is
// fixed, so the same graph and inputs give the same bits on one machine, by any number of threads.
#ifndef TF2_INTERP_INTERPRETER_H_
#define TF2_INTERP_INTERPRETER_H_

#include <functional>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "ir/graph.h"

namespace tf2::interp {

// Called once for each graph input and then for each node's output as soon as it is computed;
// constants are not reported. The tensor lives until the callback returns. An error ends the run
// and is returned by it.
using ValueCallback = std::function<Status(ir::ValueId, const ir::Tensor&)>;

// Runs `graph` (verified, shapes inferred) on one tensor per graph input, in order; shapes and
// types must equal those of the graph. Returns one tensor per graph output. Errors: wrong inputs,
// an operator that is undefined on the values it meets (an index out of range). Pure: any number of
// threads may run one graph. The operators that take long use the threads of `pool` where it is not
// null; results do not depend on it.
Result<std::vector<ir::Tensor>> Run(const ir::Graph& graph, std::span<const ir::Tensor> inputs,
                                    ThreadPool* pool = nullptr);

// Whether `inputs` are one tensor per graph input of the right shape and type.
Status CheckInputs(const ir::Graph& graph, std::span<const ir::Tensor> inputs);

// Runs like Run and reports every value; a value is freed after its last reader.
Result<std::vector<ir::Tensor>> RunAll(const ir::Graph& graph, std::span<const ir::Tensor> inputs,
                                       const ValueCallback& on_value, ThreadPool* pool = nullptr);

// One node on the values of its inputs (null for an absent one; constants too are passed). The
// result has the shape that shape inference gave to the node's output.
Result<ir::Tensor> RunNode(const ir::Graph& graph, const ir::Node& node,
                           std::span<const ir::Tensor* const> inputs, ThreadPool* pool = nullptr);

}  // namespace tf2::interp

#endif  // TF2_INTERP_INTERPRETER_H_
