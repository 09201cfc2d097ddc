// The order in which the nodes of an ONNX graph are imported.
#ifndef TF2_IMPORT_ONNX_NODE_ORDER_H_
#define TF2_IMPORT_ONNX_NODE_ORDER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::import::onnx {

// "node 'conv1' (Conv)", or "node 3 (Conv)" for a node without a name.
std::string DescribeNode(const onnx_pb::Graph& graph, std::size_t index);

// Indices of the nodes so that each comes after those whose outputs it reads; otherwise in the
// order of the file. `outer` says whether a name has a value outside the graph: one that nodes
// around a sub-graph give. Errors: a value that two nodes write, that a node writes over an input
// or initialiser, that nothing writes; a cycle (names its nodes); a graph output that nothing
// writes.
Result<std::vector<std::size_t>> OrderNodes(const onnx_pb::Graph& graph,
                                            const std::function<bool(const std::string&)>& outer);

// Calls `read` with every name that the nodes of `graph` read, those of sub-graphs included.
void ForEachRead(const onnx_pb::Graph& graph, const std::function<void(const std::string&)>& read);

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_NODE_ORDER_H_
