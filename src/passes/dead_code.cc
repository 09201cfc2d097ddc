#include "passes/dead_code.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

// Removes the values that are not `used`; ids follow.
void CompactValues(Graph& graph, const std::vector<bool>& used) {
  std::vector<ValueId> moved(graph.values.size(), ir::kNoValue);
  std::vector<ir::Value> kept;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (!used[i]) continue;
    moved[i] = ValueId(static_cast<std::int32_t>(kept.size()));
    kept.push_back(std::move(graph.values[i]));
  }
  graph.values = std::move(kept);
  const auto move = [&moved](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != ir::kNoValue) id = moved[Index(id)];
    }
  };
  for (Node& node : graph.nodes) {
    move(node.inputs);
    move(node.outputs);
  }
  move(graph.inputs);
  move(graph.outputs);
}

}  // namespace

Result<int> RemoveDeadCode(Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  for (ValueId id : graph.inputs) used[Index(id)] = true;
  for (ValueId id : graph.outputs) used[Index(id)] = true;
  std::vector<Node> live;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    Node& node = graph.nodes[i];
    const auto is_used = [&used](ValueId id) { return used[Index(id)]; };
    if (std::none_of(node.outputs.begin(), node.outputs.end(), is_used)) continue;
    for (ValueId id : node.outputs) used[Index(id)] = true;
    for (ValueId id : node.inputs) {
      if (id != ir::kNoValue) used[Index(id)] = true;
    }
    live.push_back(std::move(node));
  }
  std::reverse(live.begin(), live.end());
  const int removed = static_cast<int>(graph.nodes.size() - live.size());
  graph.nodes = std::move(live);
  if (std::find(used.begin(), used.end(), false) != used.end()) CompactValues(graph, used);
  return removed;
}

}  // namespace tf2::passes
