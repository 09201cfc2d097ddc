// Small ONNX models for tests: written node by node, imported from memory.
#ifndef TF2_IMPORT_ONNX_TEST_MODEL_H_
#define TF2_IMPORT_ONNX_TEST_MODEL_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "import/onnx/onnx_importer.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::import::onnx {

using TestAttr = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                              std::vector<float>, onnx_pb::Tensor>;

struct TestModel {
  onnx_pb::Model model;

  explicit TestModel(std::int64_t opset = 13);
  // A float input; a dimension of -1 is called "open".
  TestModel& Input(const std::string& name, const ir::Shape& shape,
                   std::int32_t type = onnx_pb::Tensor::FLOAT);
  // An initialiser; without values 0, 1, 2, ...
  TestModel& Floats(const std::string& name, const ir::Shape& shape,
                    std::vector<float> values = {});
  TestModel& Ints(const std::string& name, const std::vector<std::int64_t>& values);
  // A node called as its first output.
  onnx_pb::Node& Node(const std::string& op, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs,
                      const std::map<std::string, TestAttr>& attrs = {});
  TestModel& Output(const std::string& name);

  Result<ir::Graph> Import(const ImportOptions& options = {}) const;
  // The node lines of the graph's text form; the error where it is refused.
  std::string Text(const ImportOptions& options = {}) const;
  // The error of the import; empty where it succeeds.
  std::string Refusal(const ImportOptions& options = {}) const;
};

// A model of one node with input x: [1, 4, 6, 6], further inputs as given before, output y.
TestModel OneNode(std::int64_t opset = 13);

// The lines of ToText that begin with `%`, without indentation.
std::string NodeLines(const ir::Graph& graph);

// The constant called `name`.
const ir::Tensor& ConstantOf(const ir::Graph& graph, const std::string& name);

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_TEST_MODEL_H_
