// Builds an ONNX model node by node: unique names, constants as raw little-endian data, the least
// operator set that the nodes need. Used by the exporters of this folder.
#ifndef TF2_EXPORT_ONNX_MODEL_WRITER_H_
#define TF2_EXPORT_ONNX_MODEL_WRITER_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::export_onnx {

using NodeAttr =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;
using NodeAttrs = std::map<std::string, NodeAttr>;

class ModelWriter {
 public:
  // The operator set of a model whose nodes ask for no later one.
  static constexpr std::int64_t kBaseOpset = 18;

  explicit ModelWriter(std::string_view graph_name);

  // `wanted`, or with a number appended where that is taken. The name is taken from now on.
  std::string Unique(std::string_view wanted);

  // Inputs and outputs of the graph; `name` is unique already. A dimension of -1 is called "N".
  void AddInput(const std::string& name, ir::DType type, const ir::Shape& shape);
  void AddOutput(const std::string& name, ir::DType type, const ir::Shape& shape);

  // Constants. They return the name, which is made unique.
  std::string Floats(std::string_view name, const ir::Shape& shape, std::span<const float> values);
  std::string Float(std::string_view name, float value) { return Floats(name, {}, {{value}}); }
  std::string Ints(std::string_view name, const ir::Shape& shape,
                   std::span<const std::int64_t> values);
  std::string Ints(std::string_view name, const std::vector<std::int64_t>& values) {
    return Ints(name, {static_cast<std::int64_t>(values.size())}, values);
  }
  std::string Int8s(std::string_view name, const ir::Shape& shape,
                    std::span<const std::int8_t> values);

  // Appends a node with one output called `output` (unique already); returns that name. An empty
  // input is one that is left out.
  std::string Node(std::string_view op_type, const std::vector<std::string>& inputs,
                   const std::string& output, const NodeAttrs& attrs = {});
  // The same for several outputs.
  void NodeOf(std::string_view op_type, const std::vector<std::string>& inputs,
              const std::vector<std::string>& outputs, const NodeAttrs& attrs = {});
  // One output: an intermediate value, whose name is made unique.
  std::string Part(std::string_view op_type, const std::vector<std::string>& inputs,
                   std::string_view output, const NodeAttrs& attrs = {}) {
    return Node(op_type, inputs, Unique(output), attrs);
  }

  // The model uses what operator set `version` brought.
  void RequireOpset(std::int64_t version);
  // Text that readers may show, as a key and a value.
  void AddMetadata(const std::string& key, const std::string& value);

  // The file. Errors: kResourceExhausted where it passes the 2 GiB of the format.
  Result<std::string> Finish();

 private:
  onnx_pb::Tensor* AddTensor(std::string_view name, std::int32_t type, const ir::Shape& shape);

  onnx_pb::Model model_;
  std::unordered_set<std::string> names_;
};

}  // namespace tf2::export_onnx

#endif  // TF2_EXPORT_ONNX_MODEL_WRITER_H_
