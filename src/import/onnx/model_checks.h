// What is checked and read of an ONNX model before its nodes are imported.
#ifndef TF2_IMPORT_ONNX_MODEL_CHECKS_H_
#define TF2_IMPORT_ONNX_MODEL_CHECKS_H_

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "base/result.h"
#include "ir/graph.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::import::onnx {

// The newest operator set whose meaning the importer knows.
inline constexpr std::int64_t kNewestOpset = 24;

// The model in `bytes`. Errors (kDataLoss): says what the bytes look like where they are no ONNX
// model.
Result<onnx_pb::Model> ParseModel(std::span<const std::uint8_t> bytes);

// The operator set of the default domain.
Result<std::int64_t> OpsetOf(const onnx_pb::Model& model);

// Every operator of the graph has an importer or is one of the model's own `functions`; one error
// for all that are neither.
Status CheckOperators(const onnx_pb::Graph& graph, const std::set<std::string>& functions);

// The shape of a graph input: `given` where not null, else that of the file with batch 1. Sets
// `batch` to the batch of the file where it was replaced. Errors: open dimensions, no shape,
// another rank.
Result<ir::Shape> InputShape(const onnx_pb::ValueInfo& info, const ir::Shape* given,
                             std::int64_t& batch);

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_MODEL_CHECKS_H_
