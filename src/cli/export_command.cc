// tf2 export: a model or an artifact in a format of other tools.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "export/onnx/float_graph.h"
#include "export/onnx/quantized_net.h"

namespace tf2::cli {
namespace {

Result<std::string> OnnxOfArtifact(const Options& options) {
  if (options.fuse) {
    return WithHint(
        InvalidArgument("--fuse belongs to float models; {} is an artifact", options.model.path),
        "leave it out");
  }
  TF2_ASSIGN_OR_RETURN(const qnet::Artifact artifact, OpenArtifact(options.model.path));
  return export_onnx::ExportQNet(artifact.net, options.rounding == "half-even"
                                                   ? export_onnx::Rounding::kHalfEven
                                                   : export_onnx::Rounding::kHalfUp);
}

Result<std::string> OnnxOfModel(const Options& options) {
  if (options.rounding) {
    return WithHint(
        InvalidArgument("--rounding belongs to artifacts; {} is a float model", options.model.path),
        "leave it out");
  }
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph,
                       options.fuse ? ImportAndFuse(options.model) : ImportModel(options.model));
  return export_onnx::ExportGraph(graph);
}

Status ExportTo(const Options& options) {
  if (!options.onnx)
    return WithHint(InvalidArgument("export needs the format to write"), "give --onnx");
  TF2_RETURN_IF_ERROR(CheckWritable(options.output));
  TF2_ASSIGN_OR_RETURN(const std::string file, qnet::IsArtifactFile(options.model.path)
                                                   ? OnnxOfArtifact(options)
                                                   : OnnxOfModel(options));
  TF2_RETURN_IF_ERROR(WriteFileAtomically(options.output, file));
  if (options.json) {
    PrintJson({{"model", options.model.path},
               {"format", "onnx"},
               {"output", options.output},
               {"bytes", file.size()}});
  } else {
    std::printf("%s: %zu bytes of ONNX\n", options.output.c_str(), file.size());
  }
  return {};
}

}  // namespace

int Export(const Options& options) {
  const Status status = ExportTo(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
