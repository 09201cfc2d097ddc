#include "tests/conformance/case.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/files.h"
#include "floatexec/executor.h"
#include "import/onnx/onnx_importer.h"
#include "import/onnx/tensor_reader.h"
#include "interp/interpreter.h"
#include "passes/pipeline.h"

namespace tf2::conformance {
namespace {

template <typename Message>
Status ParseFile(const std::string& path, Message& message) {
  TF2_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes, ReadFile(path));
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return DataLoss("{} is no protobuf", path);
  return {};
}

// The run-time inputs of the graph: those that no initialiser gives.
std::vector<std::string> RuntimeInputs(const onnx_pb::Graph& graph) {
  std::set<std::string> given;
  for (const auto& t : graph.initializer()) given.insert(t.name());
  std::vector<std::string> names;
  for (const auto& i : graph.input()) {
    if (!given.contains(i.name())) names.push_back(i.name());
  }
  return names;
}

// The model with the inputs from `first_bound` on as initialisers.
onnx_pb::Model Bind(const Case& test, std::size_t first_bound) {
  onnx_pb::Model model = test.model;
  for (std::size_t i = first_bound; i < test.inputs.size(); ++i)
    *model.mutable_graph()->add_initializer() = test.inputs[i];
  return model;
}

Result<ir::Graph> Import(const Case& test, std::size_t first_bound) {
  const std::string bytes = Bind(test, first_bound).SerializeAsString();
  import::onnx::ImportOptions options;
  for (std::size_t i = 0; i < std::min(first_bound, test.inputs.size()); ++i) {
    const auto& dims = test.inputs[i].dims();
    options.input_shapes[test.inputs[i].name()] = {dims.begin(), dims.end()};
  }
  return import::onnx::ImportOnnxFromMemory(
      {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, options);
}

std::string CompareAll(const Result<std::vector<ir::Tensor>>& got,
                       const std::vector<ir::Tensor>& want) {
  if (!got.ok()) return got.error().ToString();
  if (got->size() != want.size())
    return fmt::format("{} outputs instead of {}", got->size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    std::string difference = Compare((*got)[i], want[i]);
    if (!difference.empty()) return fmt::format("output {}: {}", i, difference);
  }
  return "";
}

// The interpreter, then the fast executor.
std::string RunAndCompare(const ir::Graph& graph, const std::vector<ir::Tensor>& inputs,
                          const std::vector<ir::Tensor>& want) {
  std::string difference = CompareAll(interp::Run(graph, inputs), want);
  if (!difference.empty()) return difference;
  difference = CompareAll(floatexec::Executor(graph).Run(inputs), want);
  return difference.empty() ? "" : "floatexec: " + difference;
}

// The graph's inputs and the outputs that the case wants.
Result<std::vector<ir::Tensor>> ReadAll(const std::vector<onnx_pb::Tensor>& tensors,
                                        std::size_t count) {
  std::vector<ir::Tensor> all;
  for (std::size_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(ir::Tensor tensor, import::onnx::ReadTensor(tensors[i], std::nullopt));
    all.push_back(std::move(tensor));
  }
  return all;
}

}  // namespace

Result<Case> ReadCase(const std::string& folder, const std::string& name) {
  Case test;
  test.name = name;
  TF2_RETURN_IF_ERROR(ParseFile(folder + "/model.onnx", test.model));
  const std::vector<std::string> names = RuntimeInputs(test.model.graph());
  const std::string data = folder + "/test_data_set_0/";
  for (std::size_t i = 0; FileExists(fmt::format("{}input_{}.pb", data, i)); ++i) {
    onnx_pb::Tensor tensor;
    TF2_RETURN_IF_ERROR(ParseFile(fmt::format("{}input_{}.pb", data, i), tensor));
    if (i < names.size()) tensor.set_name(names[i]);
    test.inputs.push_back(std::move(tensor));
  }
  for (std::size_t i = 0; FileExists(fmt::format("{}output_{}.pb", data, i)); ++i)
    TF2_RETURN_IF_ERROR(
        ParseFile(fmt::format("{}output_{}.pb", data, i), test.outputs.emplace_back()));
  return test;
}

std::string Compare(const ir::Tensor& got, const ir::Tensor& want) {
  if (got.dtype != want.dtype) return "another element type";
  if (got.shape != want.shape)
    return fmt::format("shape {} instead of {}", ir::ToString(got.shape), ir::ToString(want.shape));
  if (got.i64 != want.i64) return "other integers";
  for (std::size_t i = 0; i < want.f32.size(); ++i) {
    const float bound = 1e-5F + 1e-3F * std::fabs(want.f32[i]);
    if (!(std::fabs(got.f32[i] - want.f32[i]) <= bound))
      return fmt::format("element {} is {} instead of {}", i, got.f32[i], want.f32[i]);
  }
  return "";
}

bool UsesOnly(const Case& test, const std::vector<std::string>& operators) {
  const auto& nodes = test.model.graph().node();
  return std::all_of(nodes.begin(), nodes.end(), [&](const onnx_pb::Node& n) {
    return std::find(operators.begin(), operators.end(), n.op_type()) != operators.end();
  });
}

Verdict Run(const Case& test) {
  std::size_t bound = test.inputs.size();
  auto graph = Import(test, bound);
  for (const std::size_t fewer : {std::size_t{1}, std::size_t{0}}) {
    if (graph.ok() || fewer >= test.inputs.size()) continue;
    auto again = Import(test, fewer);
    if (!again.ok()) continue;
    graph = std::move(again);
    bound = fewer;
  }
  if (!graph.ok()) return {Outcome::kRefused, graph.error().ToString()};
  const auto inputs = ReadAll(test.inputs, std::min(bound, test.inputs.size()));
  if (!inputs.ok()) return {Outcome::kRefused, inputs.error().ToString()};
  const auto outputs = ReadAll(test.outputs, test.outputs.size());
  if (!outputs.ok()) return {Outcome::kRefused, outputs.error().ToString()};
  std::string difference = RunAndCompare(*graph, *inputs, *outputs);
  if (!difference.empty()) return {Outcome::kFailed, difference};
  ir::Graph lowered = *graph;
  const Status passes = passes::RunPipeline(lowered);
  if (!passes.ok()) return {Outcome::kFailed, "passes: " + passes.error().ToString()};
  difference = RunAndCompare(lowered, *inputs, *outputs);
  if (!difference.empty()) return {Outcome::kFailed, "after the passes: " + difference};
  return {Outcome::kPassed, ""};
}

}  // namespace tf2::conformance
