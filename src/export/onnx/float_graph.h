// The float graph as an ONNX model: what an importer read, or what the passes made of it, in a file
// that other tools run. The model computes what src/interp computes, up to the order of summations.
#ifndef TF2_EXPORT_ONNX_FLOAT_GRAPH_H_
#define TF2_EXPORT_ONNX_FLOAT_GRAPH_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "export/onnx/model_writer.h"
#include "ir/graph.h"

namespace tf2::export_onnx {

// The bytes of an ONNX file of `graph` (verified, shapes inferred): operator set 18, or the first
// one that has all that is needed; static shapes; weights inside. Values keep their names. Errors:
// kUnsupported for an operator that ONNX cannot express, named with its node; kResourceExhausted
// past 2 GiB.
Result<std::string> ExportGraph(const ir::Graph& graph);

// Appends the nodes and constants of `graph` to `writer`; graph.inputs[i] is the value that the
// model calls `inputs[i]`. Returns the names of the values of graph.outputs. Names of the graph's
// values are made unique, so that several graphs can share one model.
Result<std::vector<std::string>> EmitGraph(ModelWriter& writer, const ir::Graph& graph,
                                           const std::vector<std::string>& inputs);

}  // namespace tf2::export_onnx

#endif  // TF2_EXPORT_ONNX_FLOAT_GRAPH_H_
