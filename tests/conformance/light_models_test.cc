// Published networks with constant weights and the outputs that ONNX gives for them.
#include <gtest/gtest.h>

#include "base/files.h"
#include "import/onnx/onnx_importer.h"
#include "import/onnx/tensor_reader.h"
#include "interp/interpreter.h"
#include "passes/pipeline.h"
#include "tests/conformance/case.h"

namespace tf2::conformance {
namespace {

const std::string kLightModels =
    std::string(TF2_SOURCE_DIR) + "/../shared/data/networks/onnx_light/";

// The input that ONNX's runner feeds: 0, 1, 2, ... divided by the number of elements.
ir::Tensor RampInput(const ir::Shape& shape) {
  const auto n = static_cast<std::size_t>(ir::ElementCount(shape));
  std::vector<float> data(n);
  for (std::size_t i = 0; i < n; ++i)
    data[i] = static_cast<float>(static_cast<double>(i) / static_cast<double>(n));
  return ir::Tensor::Float(shape, std::move(data));
}

struct LightModel {
  const char* name;
  bool large;  // runs only at TF2_TEST_LEVEL=all: the interpreter needs many seconds
};

class OnnxLightModel : public testing::TestWithParam<LightModel> {};

TEST_P(OnnxLightModel, ComputesItsOutput) {
  const std::string stem = kLightModels + "light_" + GetParam().name;
  if (!FileExists(stem + ".onnx")) GTEST_SKIP() << stem << ".onnx is not here";
  if (GetParam().large && !LevelAll()) GTEST_SKIP() << "large: ./test --all runs it";
  auto graph = import::onnx::ImportOnnx(stem + ".onnx");
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  const auto bytes = ReadFile(stem + "_output_0.pb");
  ASSERT_TRUE(bytes.ok());
  onnx_pb::Tensor proto;
  ASSERT_TRUE(proto.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
  const auto want = import::onnx::ReadTensor(proto, std::nullopt);
  ASSERT_TRUE(want.ok()) << want.error().ToString();
  const ir::Tensor input = RampInput(graph->value(graph->inputs[0]).shape);
  ASSERT_TRUE(passes::RunPipeline(*graph).ok());
  const auto got = interp::Run(*graph, {&input, 1});
  ASSERT_TRUE(got.ok()) << got.error().ToString();
  EXPECT_EQ(Compare(got->at(0), *want), "");
}

INSTANTIATE_TEST_SUITE_P(
    SharedData, OnnxLightModel,
    testing::Values(LightModel{"squeezenet", false}, LightModel{"bvlc_alexnet", false},
                    LightModel{"densenet121", false}, LightModel{"inception_v1", false},
                    LightModel{"inception_v2", false}, LightModel{"resnet50", false},
                    LightModel{"shufflenet", false}, LightModel{"vgg19", true},
                    LightModel{"zfnet512", false}),
    [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace tf2::conformance
