// Stable topological sorting: Kahn's algorithm that always takes the ready node that came first.
#include <algorithm>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "ir/op_table.h"

namespace tf2::ir {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

std::vector<std::size_t> Producers(const Graph& graph) {
  std::vector<std::size_t> producers(graph.values.size(), kNone);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId out : graph.nodes[i].outputs) producers[Index(out)] = i;
  }
  return producers;
}

// A cycle among the nodes that are not `done`: follows, from any of them, inputs that are not done
// until a node repeats.
Error CycleError(const Graph& graph, const std::vector<std::size_t>& producers,
                 const std::vector<bool>& done) {
  std::vector<std::size_t> path;
  std::vector<bool> seen(graph.nodes.size(), false);
  std::size_t at =
      static_cast<std::size_t>(std::find(done.begin(), done.end(), false) - done.begin());
  while (!seen[at]) {
    seen[at] = true;
    path.push_back(at);
    for (ValueId in : graph.nodes[at].inputs) {
      if (in == kNoValue || producers[Index(in)] == kNone || done[producers[Index(in)]]) continue;
      at = producers[Index(in)];
      break;
    }
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), at));
  std::reverse(path.begin(), path.end());
  constexpr std::size_t kShown = 8;
  std::string names;
  for (std::size_t i = 0; i < std::min(path.size(), kShown); ++i) {
    names += graph.nodes[path[i]].name + " -> ";
  }
  names += path.size() > kShown ? "..." : graph.nodes[path[0]].name;
  return WithHint(InvalidArgument("the graph has a cycle: {}", names).At(graph.nodes[path[0]].name),
                  "a network must be feed-forward; unroll a recurrent one before exporting it");
}

}  // namespace

Status SortTopologically(Graph& graph) {
  const std::size_t n = graph.nodes.size();
  const std::vector<std::size_t> producers = Producers(graph);
  std::vector<std::vector<std::size_t>> successors(n);
  std::vector<std::size_t> waiting(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (ValueId in : graph.nodes[i].inputs) {
      if (in == kNoValue || producers[Index(in)] == kNone) continue;
      successors[producers[Index(in)]].push_back(i);
      ++waiting[i];
    }
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < n; ++i) {
    if (waiting[i] == 0) ready.push(i);
  }
  std::vector<std::size_t> order;
  std::vector<bool> done(n, false);
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    done[i] = true;
    for (std::size_t s : successors[i]) {
      if (--waiting[s] == 0) ready.push(s);
    }
  }
  if (order.size() != n) return CycleError(graph, producers, done);
  std::vector<Node> sorted;
  sorted.reserve(n);
  for (std::size_t i : order) sorted.push_back(std::move(graph.nodes[i]));
  graph.nodes = std::move(sorted);
  return {};
}

}  // namespace tf2::ir
