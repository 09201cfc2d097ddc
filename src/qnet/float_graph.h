// A float graph inside a QNet: what a host operator or the head computes on dequantised values. It
// is kept with its text form, which is what the artifact stores; both are immutable and shared by
// copies.
#ifndef TF2_QNET_FLOAT_GRAPH_H_
#define TF2_QNET_FLOAT_GRAPH_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "ir/graph.h"

namespace tf2::qnet {

class FloatGraph {
 public:
  FloatGraph() = default;  // empty: no inputs, no outputs; refused by qnet::Verify

  // `graph` must pass ir::Verify.
  static Result<FloatGraph> Make(const ir::Graph& graph);
  // What ir::ToText printed; verified. Errors carry `source` and the position.
  static Result<FloatGraph> Parse(std::string text, const std::string& source);

  const ir::Graph& graph() const { return contents().graph; }
  const std::string& text() const { return contents().text; }
  bool operator==(const FloatGraph& other) const { return text() == other.text(); }

  // One tensor for each input, in any shape of as many elements (the data are taken). Errors: an
  // operator that is undefined on the values it meets, by node. On the threads of `pool` where it
  // is not null.
  Result<std::vector<ir::Tensor>> Run(std::vector<std::vector<float>> inputs,
                                      ThreadPool* pool = nullptr) const;

 private:
  struct Contents {
    ir::Graph graph;
    std::string text;
  };
  const Contents& contents() const;

  std::shared_ptr<const Contents> contents_;
};

}  // namespace tf2::qnet

#endif  // TF2_QNET_FLOAT_GRAPH_H_
