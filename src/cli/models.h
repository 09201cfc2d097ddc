// Opening what the user names: float models of any format, artifacts, compiled programs,
// architectures.
#ifndef TF2_CLI_MODELS_H_
#define TF2_CLI_MODELS_H_

#include <string>

#include "arch/arch.h"
#include "base/result.h"
#include "cli/options.h"
#include "ir/graph.h"
#include "program/program.h"
#include "qnet/artifact.h"

namespace tf2::cli {

// The graph as imported: .onnx, .prototxt with --weights, or graph text (.tf2g). Errors name what
// the file looks like.
Result<ir::Graph> ImportModel(const ModelFlags& flags);

// ImportModel, then the passes.
Result<ir::Graph> ImportAndFuse(const ModelFlags& flags);

// Refuses --weights, --random-weights, --input-shape and --disable-pass where the model is an
// artifact and no --float MODEL uses them.
Status CheckNoModelFlags(const Options& options);

// An artifact; a float model given in its place is refused with what to do.
Result<qnet::Artifact> OpenArtifact(const std::string& path);

// A program and the configuration that it is for.
struct Compiled {
  program::Program program;
  arch::Arch arch;
};

// For the configuration of file `arch_file`, or (empty) for 8 x 8 x 1 sized to the network.
Result<Compiled> CompileFor(const qnet::Artifact& artifact, const std::string& arch_file);

// The program for `arch`: the one in the artifact where that runs on it, else compiled now.
Result<program::Program> ProgramFor(const qnet::Artifact& artifact, const arch::Arch& arch);

}  // namespace tf2::cli

#endif  // TF2_CLI_MODELS_H_
