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

// Which inputs become initialisers.
using Bound = std::vector<bool>;

onnx_pb::Model Bind(const Case& test, const Bound& bound) {
  onnx_pb::Model model = test.model;
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    if (bound[i]) *model.mutable_graph()->add_initializer() = test.inputs[i];
  }
  return model;
}

Result<ir::Graph> Import(const Case& test, const Bound& bound) {
  const std::string bytes = Bind(test, bound).SerializeAsString();
  import::onnx::ImportOptions options;
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    const auto& dims = test.inputs[i].dims();
    if (!bound[i]) options.input_shapes[test.inputs[i].name()] = {dims.begin(), dims.end()};
  }
  return import::onnx::ImportOnnxFromMemory(
      {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, options);
}

bool IsInteger(const onnx_pb::Tensor& t) {
  const auto dtype = import::onnx::MapDataType(t.data_type());
  return dtype.ok() && *dtype == ir::DType::kInt64;
}

// What to bind, in the order in which it is tried: nothing; integers, which set shapes; vectors and
// scalars besides (sizes of a resize are floats); all but the first; all.
std::vector<Bound> Attempts(const Case& test) {
  const std::size_t n = test.inputs.size();
  std::vector<Bound> attempts(5, Bound(n, false));
  for (std::size_t i = 0; i < n; ++i) {
    attempts[1][i] = IsInteger(test.inputs[i]);
    attempts[2][i] = attempts[1][i] || (i > 0 && test.inputs[i].dims_size() <= 1);
    attempts[3][i] = i > 0;
    attempts[4][i] = true;
  }
  return attempts;
}

std::string CompareAll(const Result<std::vector<ir::Tensor>>& got,
                       const std::vector<ir::Tensor>& want, float relative) {
  if (!got.ok()) return got.error().ToString();
  if (got->size() != want.size())
    return fmt::format("{} outputs instead of {}", got->size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    std::string difference = Compare((*got)[i], want[i], relative);
    if (!difference.empty()) return fmt::format("output {}: {}", i, difference);
  }
  return "";
}

// The interpreter, then the fast executor.
std::string RunAndCompare(const ir::Graph& graph, const std::vector<ir::Tensor>& inputs,
                          const std::vector<ir::Tensor>& want, float relative) {
  std::string difference = CompareAll(interp::Run(graph, inputs), want, relative);
  if (!difference.empty()) return difference;
  difference = CompareAll(floatexec::Executor(graph).Run(inputs), want, relative);
  return difference.empty() ? "" : "floatexec: " + difference;
}

Result<std::vector<ir::Tensor>> ReadAll(const std::vector<onnx_pb::Tensor>& tensors,
                                        const Bound& left_out) {
  std::vector<ir::Tensor> all;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (left_out[i]) continue;
    TF2_ASSIGN_OR_RETURN(ir::Tensor tensor,
                         import::onnx::ReadTensor(tensors[i], std::nullopt, false));
    all.push_back(std::move(tensor));
  }
  return all;
}

bool Close(float got, float want, float relative) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want)) return got == want;
  return std::fabs(got - want) <= 1e-5F + relative * std::fabs(want);
}

// The files of bfloat16 values call them UINT16.
void FixType(const onnx_pb::ValueInfo& info, onnx_pb::Tensor& tensor) {
  if (info.type().tensor_type().elem_type() == onnx_pb::Tensor::BFLOAT16 &&
      tensor.data_type() == onnx_pb::Tensor::UINT16)
    tensor.set_data_type(onnx_pb::Tensor::BFLOAT16);
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
  const onnx_pb::Graph& graph = test.model.graph();
  for (int i = 0; i < std::min(graph.input_size(), static_cast<int>(test.inputs.size())); ++i)
    FixType(graph.input(i), test.inputs[static_cast<std::size_t>(i)]);
  for (int i = 0; i < std::min(graph.output_size(), static_cast<int>(test.outputs.size())); ++i)
    FixType(graph.output(i), test.outputs[static_cast<std::size_t>(i)]);
  return test;
}

std::string Compare(const ir::Tensor& got, const ir::Tensor& want, float relative) {
  if (got.dtype != want.dtype) return "another element type";
  if (got.shape != want.shape)
    return fmt::format("shape {} instead of {}", ir::ToString(got.shape), ir::ToString(want.shape));
  if (got.i64 != want.i64) return "other integers";
  for (std::size_t i = 0; i < want.f32.size(); ++i) {
    if (!Close(got.f32[i], want.f32[i], relative))
      return fmt::format("element {} is {} instead of {}", i, got.f32[i], want.f32[i]);
  }
  return "";
}

Verdict Run(const Case& test) {
  Bound bound;
  Result<ir::Graph> graph = Unsupported("not tried");
  for (const Bound& attempt : Attempts(test)) {
    auto imported = Import(test, attempt);
    // The first refusal is the one that a user would see.
    if (bound.empty() || imported.ok()) {
      graph = std::move(imported);
      bound = attempt;
    }
    if (graph.ok()) break;
  }
  if (!graph.ok()) return {Outcome::kRefused, graph.error().ToString()};
  const auto inputs = ReadAll(test.inputs, bound);
  if (!inputs.ok()) return {Outcome::kRefused, inputs.error().ToString()};
  const auto outputs = ReadAll(test.outputs, Bound(test.outputs.size(), false));
  if (!outputs.ok()) return {Outcome::kRefused, outputs.error().ToString()};
  // The files round bfloat16 towards zero, the cast to the nearest: they may be a step apart.
  const bool coarse = std::any_of(
      test.outputs.begin(), test.outputs.end(),
      [](const onnx_pb::Tensor& t) { return t.data_type() == onnx_pb::Tensor::BFLOAT16; });
  const float relative = coarse ? 0x1p-7F : 1e-3F;
  std::string difference = RunAndCompare(*graph, *inputs, *outputs, relative);
  if (!difference.empty()) return {Outcome::kFailed, difference};
  ir::Graph lowered = *graph;
  const Status passes = passes::RunPipeline(lowered);
  if (!passes.ok()) return {Outcome::kFailed, "passes: " + passes.error().ToString()};
  difference = RunAndCompare(lowered, *inputs, *outputs, relative);
  if (!difference.empty()) return {Outcome::kFailed, "after the passes: " + difference};
  return {Outcome::kPassed, ""};
}

}  // namespace tf2::conformance
