#include "verify/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "cost/cost.h"
#include "ir/op_table.h"
#include "quantize/lower.h"
#include "sched/engine_support.h"

namespace tf2::verify {
namespace {

// Of normal numbers.
quantize::Calibration NominalCalibration(const ir::Graph& graph) {
  quantize::Calibration calibration;
  calibration.samples = 1;
  calibration.values.resize(graph.values.size());
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    const ir::Value& value = graph.values[v];
    if (value.constant != nullptr || value.shape.size() < 2) continue;
    const auto channels = static_cast<std::size_t>(value.shape[1]);
    quantize::ValueStats& stats = calibration.values[v];
    stats.abs_max.assign(channels, 4.0F);
    stats.mean.assign(channels, 0.0);
    stats.mean_square.assign(channels, 1.0);
  }
  return calibration;
}

// The largest weight of a row is 64 steps.
Result<quantize::RoundedLayer> RoundNominally(const quantize::LayerProblem& problem) {
  quantize::RoundedLayer layer;
  std::vector<std::int8_t>& codes = layer.terms.emplace_back(problem.folded.size());
  layer.bias = problem.bias;
  for (std::size_t o = 0; o < problem.oc; ++o) {
    double largest = 0;
    for (std::size_t i = 0; i < problem.row; ++i)
      largest = std::max(largest, std::fabs(problem.folded[o * problem.row + i]));
    const double scale = largest > 0 ? std::max(largest / 64, quantize::LeastScale(problem.bias[o]))
                                     : quantize::ScaleOfEmptyRow(problem.bias[o]);
    layer.scale.push_back(scale);
    for (std::size_t i = 0; i < problem.row && largest > 0; ++i) {
      const std::size_t at = o * problem.row + i;
      codes[at] = numerics::NearestSac(problem.folded[at] / scale);
    }
  }
  return layer;
}

// Cycles of each operator on the engine; or why there are none.
Status PredictCycles(Explanation& explanation, const CompileEngine& compile,
                     std::vector<std::int64_t>& cycles) {
  TF2_RETURN_IF_ERROR(sched::CheckOnEngine(explanation.net));
  for (const qnet::Op& op : explanation.net.ops) {
    if (Status status = sched::CheckOnEngine(op); !status.ok())
      return std::move(status.error()).At(op.name);
  }
  TF2_ASSIGN_OR_RETURN(const sched::Compiled compiled, compile(explanation.net));
  TF2_ASSIGN_OR_RETURN(const cost::FrameCost cost,
                       cost::PredictFrame(compiled.program, compiled.arch));
  for (std::size_t i = 0; i < cost.layers.size(); ++i) {
    const std::int32_t op = compiled.program.layers[i].op;
    if (op >= 0) cycles[static_cast<std::size_t>(op)] += cost.layers[i].cycles;
  }
  explanation.frame_cycles = cost.frame_cycles;
  return {};
}

std::int64_t BytesOf(const ir::Graph& graph, const ir::Node& node) {
  std::int64_t elements = ir::ElementCount(graph.value(node.outputs[0]).shape);
  for (const ir::ValueId id : node.inputs) {
    if (id != ir::kNoValue) elements += ir::ElementCount(graph.value(id).shape);
  }
  return 4 * elements;
}

// For each node of `imported` the node of `fused` that does its work: of its name or its result's,
// else that of what reads it.
std::vector<std::optional<std::size_t>> MatchNodes(const ir::Graph& imported,
                                                   const ir::Graph& fused) {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < fused.nodes.size(); ++i) {
    by_name.try_emplace(fused.nodes[i].name, i);
    by_name.try_emplace(fused.value(fused.nodes[i].outputs[0]).name, i);
  }
  std::vector<std::optional<std::size_t>> match(imported.nodes.size());
  for (std::size_t i = imported.nodes.size(); i-- > 0;) {
    const ir::Node& node = imported.nodes[i];
    for (const std::string& name : {node.name, imported.value(node.outputs[0]).name}) {
      const auto it = by_name.find(name);
      if (!match[i] && it != by_name.end()) match[i] = it->second;
    }
    if (match[i]) continue;
    const std::vector<std::size_t> readers = imported.Readers(node.outputs[0]);
    if (!readers.empty()) match[i] = match[readers[0]];
  }
  return match;
}

}  // namespace

Result<Explanation> Explain(const ir::Graph& imported, const ir::Graph& fused,
                            const CompileEngine& compile) {
  TF2_ASSIGN_OR_RETURN(const quantize::Draft draft, quantize::LowerStructure(fused));
  Explanation explanation;
  TF2_ASSIGN_OR_RETURN(explanation.net, quantize::QuantizeWith(fused, NominalCalibration(fused), {},
                                                               RoundNominally));
  explanation.demands = quantize::OneQDemands(explanation.net);
  std::vector<std::int64_t> cycles(explanation.net.ops.size(), 0);
  if (const Status status = PredictCycles(explanation, compile, cycles); !status.ok())
    explanation.engine = status.error().ToString();
  std::map<std::string, std::size_t> op_by_name;
  for (std::size_t i = 0; i < explanation.net.ops.size(); ++i)
    op_by_name[explanation.net.ops[i].name] = i;

  const auto match = MatchNodes(imported, fused);
  for (std::size_t i = 0; i < imported.nodes.size(); ++i) {
    const ir::Node& node = imported.nodes[i];
    ExplainedNode row;
    row.name = node.name;
    row.op = ir::NameOf(node.kind);
    row.place = "unused";
    row.macs = ir::MacsOf(imported, node);
    row.bytes = BytesOf(imported, node);
    if (match[i]) {
      const ir::Node& does = fused.nodes[*match[i]];
      const quantize::Placement& placement = draft.placements[*match[i]];
      row.layer = placement.layer;
      row.why = placement.reason;
      row.help = placement.hint;
      const bool itself = does.name == node.name ||
                          fused.value(does.outputs[0]).name == imported.value(node.outputs[0]).name;
      switch (placement.place) {
        case quantize::Place::kLayer: {
          const std::size_t op = op_by_name.at(placement.layer);
          row.place = explanation.engine.empty() ? "engine" : "cpu";
          if (const Status status = sched::CheckOnEngine(explanation.net.ops[op]); !status.ok()) {
            row.why = status.error().message;
            row.help = status.error().hint;
          }
          if (itself && does.kind == node.kind) row.cycles = cycles[op];
          break;
        }
        case quantize::Place::kFolded:
          row.place = "folded";
          break;
        case quantize::Place::kHost:
          row.place = "host";
          break;
        case quantize::Place::kHead:
          row.place = "head";
          break;
        case quantize::Place::kUnused:
          break;
      }
      // Fused by a pass: only the weighted node keeps its row.
      if (placement.place == quantize::Place::kLayer && row.macs == 0 && does.kind != node.kind) {
        row.place = "folded";
      }
    } else if (!imported.Readers(node.outputs[0]).empty()) {
      row.place = "folded";
      row.why = "a constant, or shape arithmetic";
    }
    explanation.nodes.push_back(std::move(row));
  }
  return explanation;
}

}  // namespace tf2::verify
