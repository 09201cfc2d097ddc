#include "passes/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "passes/constant_folding.h"
#include "passes/dead_code.h"
#include "passes/dequantize_early.h"
#include "passes/fold_channel_groups.h"
#include "passes/fuse_batch_norm_scale.h"
#include "passes/fuse_relu.h"
#include "passes/fuse_residual_add.h"
#include "passes/identity_removal.h"
#include "passes/linear_to_conv.h"
#include "passes/matmul_to_gemm.h"
#include "passes/pad_into_conv.h"
#include "passes/recognise_activations.h"
#include "passes/relu_before_max_pool.h"
#include "passes/scale_from_arithmetic.h"
#include "passes/sink_reshapes.h"
#include "passes/sink_transposes.h"
#include "passes/trim_windows.h"
#include "passes/volumes_to_maps.h"

namespace tf2::passes {
namespace {

constexpr std::array kPasses = {
    // First, so that nothing fails over or spends time on what no output needs.
    Pass{"dead_code", RemoveDeadCode, "drop what no output needs"},
    // Shape arithmetic and transformed weights must be constants before any pattern below can be
    // seen.
    Pass{"constant_folding", FoldConstants, "compute what depends on constants and shapes only"},
    // Dropout and reshapes stand between the nodes that the fusions want side by side.
    Pass{"identity_removal", RemoveIdentities, "drop operators that change nothing"},
    // Before the passes that move what then stands behind it.
    Pass{"dequantize_early", DequantizeEarly,
         "dequantise integers before they move, once for all readers"},
    // Before the passes that know convolutions, and those over maps only.
    Pass{"volumes_to_maps", VolumesToMaps, "make layers over volumes layers over maps"},
    // Before the next pass, which moves the transposes that it makes behind the activation, and
    // before fuse_relu, which would make the addition no bias.
    Pass{"linear_to_conv", LinearToConv,
         "make products with constants along the last axis convolutions"},
    // They stand between nodes that the fusions want side by side; identity_removal drops, in the
    // next round, those that come to nothing.
    Pass{"sink_transposes", SinkTransposes, "move transposes past single elements and join them"},
    // Likewise.
    Pass{"sink_reshapes", SinkReshapes,
         "move reshapes that keep the channels past what treats a channel alike"},
    // Convolutions and arithmetic with one number a channel are fast over channels only.
    Pass{"fold_channel_groups", FoldChannelGroups,
         "make arithmetic on groups of channels arithmetic on channels"},
    // Before scale_from_arithmetic takes the additions and products apart.
    Pass{"recognise_activations", RecogniseActivations,
         "make products with gates the activations that they are"},
    // Before the fusions, which know gemm and not matmul.
    Pass{"matmul_to_gemm", MatMulToGemm, "make products with constants fully connected layers"},
    // Early, so that a convolution's final padding is known; a maximum needs fuse_relu of the round
    // before.
    Pass{"pad_into_conv", PadIntoConv, "make explicit zeros the padding of what reads them"},
    Pass{"trim_windows", TrimWindows, "drop what of a window never meets the input"},
    // Writes biases and normalisations as scales, which the next pass folds; before fuse_relu
    // claims the additions.
    Pass{"scale_from_arithmetic", ScaleFromArithmetic,
         "make arithmetic with a constant per channel a scale"},
    // Before relu and residual become part of a convolution: neither lets a factor pass.
    Pass{"fuse_batch_norm_scale", FuseBatchNormScale, "fold batch norms and scales into weights"},
    // When convolutions are bare again, and before the next pass looks for their relu.
    Pass{"relu_before_max_pool", MoveReluBeforeMaxPool, "swap max pooling and the relu behind it"},
    Pass{"fuse_relu", FuseRelu, "make relu an attribute of what it follows"},
    // After fuse_relu: a convolution with a relu of its own cannot add, one without can take the
    // addition with its relu.
    Pass{"fuse_residual_add", FuseResidualAdd,
         "make additions the residual input of a convolution"},
};

}  // namespace

Status CheckPassNames(const std::vector<std::string>& names_given) {
  for (const std::string& name : names_given) {
    if (std::any_of(kPasses.begin(), kPasses.end(), [&](const Pass& p) { return p.name == name; }))
      continue;
    std::string names;
    for (const Pass& p : kPasses) names += fmt::format("{}{}", names.empty() ? "" : ", ", p.name);
    return WithHint(InvalidArgument("there is no pass called {}", name), "passes: " + names);
  }
  return {};
}

namespace {

Status CheckAfter(ir::Graph& graph, std::string_view pass) {
  Status s = InferShapes(graph);
  if (s.ok()) s = Verify(graph);
  if (s.ok()) return {};
  s.error().code = ErrorCode::kInternal;
  return std::move(s.error()).At(fmt::format("after pass {}", pass));
}

// Runs one pass and appends to the report. Returns its changes.
Result<int> RunPass(const Pass& pass, ir::Graph& graph, std::vector<PassReport>* report) {
  const auto start = std::chrono::steady_clock::now();
  Result<int> changes = pass.run(graph);
  if (!changes) return std::move(changes.error()).At(fmt::format("pass {}", pass.name));
  if (*changes > 0) TF2_RETURN_IF_ERROR(CheckAfter(graph, pass.name));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (report != nullptr)
    report->push_back({std::string(pass.name), *changes, took.count(), graph.nodes.size()});
  return changes;
}

}  // namespace

std::span<const Pass> Passes() { return kPasses; }

Status RunPipeline(ir::Graph& graph, const PipelineOptions& options,
                   std::vector<PassReport>* report) {
  TF2_RETURN_IF_ERROR(CheckPassNames(options.disabled));
  TF2_RETURN_IF_ERROR(InferShapes(graph));
  TF2_RETURN_IF_ERROR(Verify(graph));
  const auto is_disabled = [&](std::string_view name) {
    return std::find(options.disabled.begin(), options.disabled.end(), name) !=
           options.disabled.end();
  };
  // Each round but the last drops or rewrites a node; real networks settle in two or three.
  const std::size_t max_rounds = 3 * graph.nodes.size() + 3;
  for (std::size_t round = 0; round < max_rounds; ++round) {
    int changes = 0;
    for (const Pass& pass : kPasses) {
      if (is_disabled(pass.name)) continue;
      TF2_ASSIGN_OR_RETURN(const int n, RunPass(pass, graph, report));
      changes += n;
    }
    if (changes == 0) return {};
  }
  return Internal("the passes did not settle in {} rounds", max_rounds);
}

std::string ToString(std::span<const PassReport> report) {
  std::string text = fmt::format("{:<24}{:>8}{:>8}{:>10}\n", "pass", "changes", "nodes", "ms");
  for (const PassReport& r : report) {
    fmt::format_to(std::back_inserter(text), "{:<24}{:>8}{:>8}{:>10.2f}\n", r.name, r.changes,
                   r.nodes_after, r.seconds * 1e3);
  }
  return text;
}

}  // namespace tf2::passes
