// The equation of an einsum node, resolved against the shapes of its inputs.
#ifndef TF2_IR_EINSUM_H_
#define TF2_IR_EINSUM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::ir {

// Labels are numbers; each axis of each input and of the output has one. The output sums over the
// labels that it lacks.
struct Einsum {
  std::vector<std::int64_t> sizes;               // by label
  std::vector<std::vector<std::size_t>> inputs;  // labels of the axes of each input
  std::vector<std::size_t> output;

  // Without `->` the output has, in alphabetical order, the labels that occur once, after those of
  // an ellipsis. Errors: an equation that is none, or that does not fit the shapes.
  static Result<Einsum> Parse(std::string_view equation, std::span<const Shape> shapes);
};

}  // namespace tf2::ir

#endif  // TF2_IR_EINSUM_H_
