#include "import/onnx/node_order.h"

#include <functional>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace tf2::import::onnx {
namespace {

using Producers = std::unordered_map<std::string_view, std::size_t>;
using Names = std::unordered_set<std::string_view>;

// Names that have a value before any node runs.
Names GivenValues(const onnx_pb::Graph& graph) {
  Names given;
  for (const auto& input : graph.input()) given.insert(input.name());
  for (const auto& tensor : graph.initializer()) given.insert(tensor.name());
  return given;
}

Result<Producers> FindProducers(const onnx_pb::Graph& graph, const Names& given) {
  Producers producers;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& output : graph.node(i).output()) {
      if (output.empty()) continue;
      if (given.contains(output)) {
        return InvalidArgument("it writes '{}', which is an input or initialiser of the graph",
                               output)
            .At(DescribeNode(graph, i));
      }
      const auto [it, fresh] = producers.emplace(output, i);
      if (!fresh) {
        return InvalidArgument("it writes '{}', which {} writes too", output,
                               DescribeNode(graph, it->second))
            .At(DescribeNode(graph, i));
      }
    }
  }
  return producers;
}

Error CycleError(const onnx_pb::Graph& graph, const std::vector<std::size_t>& missing) {
  std::string names;
  std::size_t listed = 0;
  for (std::size_t i = 0; i < missing.size() && listed < 5; ++i) {
    if (missing[i] == 0) continue;
    names += (names.empty() ? "" : ", ") + DescribeNode(graph, i);
    ++listed;
  }
  return InvalidArgument("the graph has a cycle through or before {}", names);
}

// What `node` reads: its inputs, and what its sub-graphs read from around it.
void ForEachReadOf(const onnx_pb::Node& node, const std::function<void(const std::string&)>& read) {
  for (const std::string& input : node.input()) {
    if (!input.empty()) read(input);
  }
  for (const auto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    const onnx_pb::Graph& graph = attribute.g();
    Names own = GivenValues(graph);
    for (const auto& inner : graph.node()) own.insert(inner.output().begin(), inner.output().end());
    ForEachRead(graph, [&](const std::string& name) {
      if (!own.contains(name)) read(name);
    });
    for (const auto& output : graph.output()) {
      if (!own.contains(output.name())) read(output.name());
    }
  }
}

}  // namespace

void ForEachRead(const onnx_pb::Graph& graph, const std::function<void(const std::string&)>& read) {
  for (const auto& node : graph.node()) ForEachReadOf(node, read);
}

std::string DescribeNode(const onnx_pb::Graph& graph, std::size_t index) {
  const auto& node = graph.node(static_cast<int>(index));
  if (!node.name().empty()) return fmt::format("node '{}' ({})", node.name(), node.op_type());
  return fmt::format("node {} ({})", index, node.op_type());
}

Result<std::vector<std::size_t>> OrderNodes(const onnx_pb::Graph& graph,
                                            const std::function<bool(const std::string&)>& outer) {
  const Names given = GivenValues(graph);
  TF2_ASSIGN_OR_RETURN(const Producers producers, FindProducers(graph, given));
  const auto count = static_cast<std::size_t>(graph.node_size());
  std::vector<std::size_t> missing(count, 0);  // inputs not yet written, by node
  std::vector<std::vector<std::size_t>> readers(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::string unknown;
    ForEachReadOf(graph.node(static_cast<int>(i)), [&](const std::string& input) {
      const auto it = producers.find(input);
      if (it != producers.end()) {
        readers[it->second].push_back(i);
        ++missing[i];
      } else if (!given.contains(input) && !outer(input)) {
        unknown = input;
      }
    });
    if (!unknown.empty()) {
      return InvalidArgument("it reads '{}', which nothing writes", unknown)
          .At(DescribeNode(graph, i));
    }
  }
  for (const auto& output : graph.output()) {
    if (!given.contains(output.name()) && !producers.contains(output.name()) &&
        !outer(output.name()))
      return InvalidArgument("graph output '{}' is written by nothing", output.name());
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < count; ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    for (std::size_t reader : readers[i]) {
      if (--missing[reader] == 0) ready.push(reader);
    }
  }
  if (order.size() != count) return CycleError(graph, missing);
  return order;
}

}  // namespace tf2::import::onnx
