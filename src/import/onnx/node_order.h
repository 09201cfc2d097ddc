// The order in which the nodes of an ONNX graph are imported.
#ifndef TF2_IMPORT_ONNX_NODE_ORDER_H_
#define TF2_IMPORT_ONNX_NODE_ORDER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::import::onnx {

// "node 'conv1' (Conv)", or "node 3 (Conv)" for a node without a name.
std::string DescribeNode(const onnx_pb::Graph& graph, std::size_t index);

// Indices of the nodes so that each comes after those whose outputs it reads; otherwise in the
// order of the file. Errors: a value that two nodes write, that a node writes over an input or
// initialiser, that nothing writes; a cycle (names its nodes); a graph output that nothing writes.
Result<std::vector<std::size_t>> OrderNodes(const onnx_pb::Graph& graph);

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_NODE_ORDER_H_
