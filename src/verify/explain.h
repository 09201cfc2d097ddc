// Where each node of a model will run, why not elsewhere, what it costs and what would help, from
// the structure alone: statistics and weights are nominal, so no data are needed.
#ifndef TF2_VERIFY_EXPLAIN_H_
#define TF2_VERIFY_EXPLAIN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "quantize/draft.h"
#include "sched/compile.h"

namespace tf2::verify {

struct ExplainedNode {
  std::string name;
  std::string op;
  std::string place;  // "engine", "cpu", "host", "head", "folded", "unused"
  std::string layer;  // the operator of the integer network that does it
  std::string why;    // why not on a faster place; may be empty
  std::string help;   // the rewrite that would help; may be empty
  std::int64_t macs = 0;
  std::int64_t bytes = 0;   // of inputs, output and constants as floats
  std::int64_t cycles = 0;  // predicted, on the engine
};

struct Explanation {
  std::vector<ExplainedNode> nodes;           // of the imported graph
  std::vector<quantize::OneQDemand> demands;  // tensors of `net`
  qnet::QNet net;                             // with nominal numbers
  std::string engine;                         // why the engine does not run the network; or empty
  std::int64_t frame_cycles = 0;
};

// Compiles the network for the engine that is asked about.
using CompileEngine = std::function<Result<sched::Compiled>(const qnet::QNet& net)>;

// `fused` is `imported` after the passes. Errors: what cannot be quantised at all (an input without
// batch 1).
Result<Explanation> Explain(const ir::Graph& imported, const ir::Graph& fused,
                            const CompileEngine& compile);

}  // namespace tf2::verify

#endif  // TF2_VERIFY_EXPLAIN_H_
