// tf2 import: a model file as graph text.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "ir/text.h"

namespace tf2::cli {
namespace {

Status ImportTo(const Options& options) {
  if (!options.output.empty()) TF2_RETURN_IF_ERROR(CheckWritable(options.output));
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph, ImportModel(options.model));
  const std::string text = ir::ToText(graph);
  if (options.output.empty() && !options.json) {
    std::fputs(text.c_str(), stdout);
    return {};
  }
  if (!options.output.empty()) TF2_RETURN_IF_ERROR(WriteFileAtomically(options.output, text));
  if (options.json) {
    PrintJson({{"model", options.model.path},
               {"name", graph.name},
               {"nodes", graph.nodes.size()},
               {"macs", graph.macs},
               {"output", options.output}});
  } else {
    std::printf("%s: %zu nodes, %s\n", options.model.path.c_str(), graph.nodes.size(),
                options.output.c_str());
  }
  return {};
}

}  // namespace

int Import(const Options& options) {
  const Status status = ImportTo(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
