// The float network's values over all calibration pictures, computed as they are asked for and
// freed after their last reader. Internal to src/quantize.
#ifndef TF2_QUANTIZE_FLOAT_FRONTIER_H_
#define TF2_QUANTIZE_FLOAT_FRONTIER_H_

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "floatexec/executor.h"
#include "ir/graph.h"
#include "quantize/frontier.h"

namespace tf2::quantize {

class FloatFrontier {
 public:
  // `wanted`: the values that will be asked for, as often as they will be. All outlive this.
  FloatFrontier(const ir::Graph& graph, FrontierMemory& memory, std::size_t count, int threads,
                const std::vector<ir::ValueId>& wanted);

  // One of the graph's inputs, to be filled in by the caller before anything else is asked for.
  Result<Frontier*> Input(ir::ValueId id);
  // Runs what is needed of the graph up to `id`. The result lives until Done(id).
  Result<const Frontier*> Get(ir::ValueId id);
  // One of the times that `id` was wanted is over.
  void Done(ir::ValueId id);

 private:
  Status RunNode(std::size_t node);

  const ir::Graph& graph_;
  FrontierMemory& memory_;
  const std::size_t count_;
  const int threads_;
  floatexec::Executor executor_;
  std::vector<Frontier> values_;  // by ValueId
  std::vector<int> uses_;         // by ValueId: readers and wishes to come
  std::vector<bool> needed_;      // by node
  std::size_t next_node_ = 0;
};

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_FLOAT_FRONTIER_H_
