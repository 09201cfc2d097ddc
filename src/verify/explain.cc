#include "verify/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
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

constexpr const char* kNormalise =
    "train with batch normalisation, which folds into the convolution before it";

// What to change in the model so that the engine runs such an operator.
std::string RewriteForEngine(const qnet::Op& op) {
  if (const auto* table = std::get_if<qnet::Table>(&op.params))
    return fmt::format("train with ReLU in place of {}", table->function);
  if (std::holds_alternative<qnet::Conv>(op.params)) return "train with ReLU in its place";
  if (std::holds_alternative<qnet::Binary>(op.params)) {
    return "constant factors and terms fold into the convolution before it; of two maps the engine "
           "makes the sum only";
  }
  if (std::holds_alternative<qnet::Lrn>(op.params)) return kNormalise;
  if (std::holds_alternative<qnet::Move>(op.params))
    return "reorder the weights of the layers around it instead of the features";
  if (std::holds_alternative<qnet::Dilate>(op.params))
    return "nothing on the engine enlarges a map: end its network before it";
  return "";
}

// What to change in the model so that a node of this kind needs no floats.
std::string RewriteForIntegers(const ir::Node& node) {
  switch (node.kind) {
    case ir::OpKind::kGroupNorm:
    case ir::OpKind::kLayerNorm:
    case ir::OpKind::kMvn:
    case ir::OpKind::kL2Normalize:
      return kNormalise;
    case ir::OpKind::kSoftmax:
    case ir::OpKind::kLogSoftmax:
      return "as the last layer it is a head; attention by sigmoid has a table";
    case ir::OpKind::kConvTranspose3d:
      return "enlarge by nearest neighbour and convolve, or work on maps";
    case ir::OpKind::kDiv:
      return "multiply by a sigmoid or a constant instead";
    default:
      return "";
  }
}

// The operators of the network that do what one layer of the draft does: itself and its helpers,
// such as "up/dilate" before "up". `layers`: the names of all.
std::vector<std::size_t> OpsOfLayer(const qnet::QNet& net, const std::set<std::string>& layers,
                                    const std::string& layer) {
  std::vector<std::size_t> ops;
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    const std::string& name = net.ops[i].name;
    if (name == layer || (name.starts_with(layer + "/") && !layers.contains(name)))
      ops.push_back(i);
  }
  return ops;
}

// Why this layer is not on the engine, where `explanation.engine` says that the network is not.
void ExplainCpuLayer(const Explanation& explanation, const std::vector<std::size_t>& ops,
                     ExplainedNode& row) {
  row.why = "the engine has it, but runs whole networks only, and not this one";
  row.help = "";
  for (const std::size_t i : ops) {
    const qnet::Op& op = explanation.net.ops[i];
    const Status status = sched::CheckOnEngine(op);
    if (status.ok()) continue;
    row.why = status.error().message;
    row.help = RewriteForEngine(op);
    return;
  }
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
// else that of what reads it. None for what has become a constant.
std::vector<std::optional<std::size_t>> MatchNodes(const ir::Graph& imported,
                                                   const ir::Graph& fused) {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < fused.nodes.size(); ++i) {
    by_name.try_emplace(fused.nodes[i].name, i);
    by_name.try_emplace(fused.value(fused.nodes[i].outputs[0]).name, i);
  }
  std::set<std::string> constants;
  for (const ir::Value& value : fused.values) {
    if (value.constant != nullptr) constants.insert(value.name);
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
    if (!readers.empty() && !constants.contains(imported.value(node.outputs[0]).name))
      match[i] = match[readers[0]];
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
    explanation.engine =
        Error{status.error().code, status.error().message, status.error().location, ""}.ToString();

  std::set<std::string> layers;
  for (const quantize::Placement& placement : draft.placements) layers.insert(placement.layer);
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
      if (placement.place == quantize::Place::kHost && !row.why.empty() && row.help.empty())
        row.help = RewriteForIntegers(does);
      const bool itself = does.name == node.name ||
                          fused.value(does.outputs[0]).name == imported.value(node.outputs[0]).name;
      switch (placement.place) {
        case quantize::Place::kLayer: {
          const std::vector<std::size_t> ops = OpsOfLayer(explanation.net, layers, placement.layer);
          row.place = explanation.engine.empty() ? "engine" : "cpu";
          if (!explanation.engine.empty()) ExplainCpuLayer(explanation, ops, row);
          if (itself && does.kind == node.kind) {
            for (const std::size_t op : ops) row.cycles += cycles[op];
          }
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
      if (!itself && !row.why.empty()) row.why = fmt::format("part of {}: {}", does.name, row.why);
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
