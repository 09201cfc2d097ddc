// Steps that several passes share. A fused node takes over the output of the last node it replaces,
// so a value that survives the passes holds what it held before, under the same name, and graph
// outputs keep theirs. Private to src/passes.
#ifndef TF2_PASSES_REWRITE_H_
#define TF2_PASSES_REWRITE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace tf2::passes {

using Ints = std::vector<std::int64_t>;

// The node that reads `id`, where it is read exactly once and is no graph output.
std::optional<std::size_t> OnlyReader(const ir::Graph& graph, ir::ValueId id);

// Node `first` produces what `last` (behind it) produced, and `last` is gone. What `first` produced
// has no other reader.
void AbsorbInto(ir::Graph& graph, std::size_t first, std::size_t last);

// Drops node `index`, whose output equals its input 0: its readers read the input. Where the output
// is a graph output the producer of the input takes it over. False, and nothing changed, where that
// is impossible: a graph input or constant that is a graph output, or two graph outputs with one
// value.
bool Bypass(ir::Graph& graph, std::size_t index);

// Whether an operator gives the elements of its input, in order, another shape.
bool MovesNothing(ir::OpKind kind);

// The data of a constant float input, or null where it is absent or no constant.
const std::vector<float>* ConstantData(const ir::Graph& graph, const ir::Node& node,
                                       std::size_t input);

// Whether input i is absent or a constant.
bool AbsentOrConstant(const ir::Graph& graph, const ir::Node& node, std::size_t input);

bool AllFinite(const std::vector<float>& values);

// The matrix [k, o] as [o, k].
ir::Tensor Transposed(const ir::Tensor& b);

}  // namespace tf2::passes

#endif  // TF2_PASSES_REWRITE_H_
