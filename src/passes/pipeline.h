// The passes over the float graph in their order (pipeline.cc gives the reasons), and the function
// that runs them. The graph that comes out computes what the one that went in computes, up to
// rounding.
#ifndef TF2_PASSES_PIPELINE_H_
#define TF2_PASSES_PIPELINE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// One pass: rewrites the graph and returns the number of changes it made, 0 when there was nothing
// to do. The graph it leaves is verified, with shapes inferred.
using PassFunction = Result<int> (*)(ir::Graph& graph);

struct Pass {
  std::string_view name;
  PassFunction run = nullptr;
  std::string_view purpose;  // one line, for --help and the report
};

// Every pass once, in the order of their first run.
std::span<const Pass> Passes();

// kInvalidArgument, with the names of all passes, for a name that none has.
Status CheckPassNames(const std::vector<std::string>& names_given);

struct PipelineOptions {
  std::vector<std::string>
      disabled;  // names of passes that are skipped; an unknown one is an error
};

// What one run of one pass did.
struct PassReport {
  std::string name;
  int changes = 0;
  double seconds = 0;
  std::size_t nodes_after = 0;
};

// Runs all passes until none changes anything, verifying the graph after each one that did. Keeps
// graph.macs. An error of the verifier names the pass and is kInternal. `report`, where given,
// receives one line per run of a pass.
Status RunPipeline(ir::Graph& graph, const PipelineOptions& options = {},
                   std::vector<PassReport>* report = nullptr);

// A table of the report: pass, changes, nodes, milliseconds.
std::string ToString(std::span<const PassReport> report);

}  // namespace tf2::passes

#endif  // TF2_PASSES_PIPELINE_H_
