// Every trained ONNX model of the shared data is imported and runs, and the passes and the fast
// executor keep its outputs.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "base/files.h"
#include "floatexec/executor.h"
#include "import/onnx/onnx_importer.h"
#include "interp/interpreter.h"
#include "passes/pipeline.h"
#include "tests/conformance/case.h"

namespace tf2::conformance {
namespace {

const std::string kModels = std::string(TF2_SOURCE_DIR) + "/../shared/data/models/";

struct ZooModel {
  const char* name;  // of the test
  const char* file;
  float low, high;  // of its inputs
  bool large;       // runs only at TF2_TEST_LEVEL=all: the interpreter needs many seconds
};

class OnnxZoo : public testing::TestWithParam<ZooModel> {};

// Numbers between low and high that look random and are always the same.
ir::Tensor Input(const ir::Shape& shape, float low, float high) {
  std::vector<float> data(static_cast<std::size_t>(ir::ElementCount(shape)));
  std::uint32_t state = 1;
  for (float& v : data) {
    state = state * 1664525U + 1013904223U;
    v = low + (high - low) * static_cast<float>(state >> 8U) / 0x1p24F;
  }
  return ir::Tensor::Float(shape, std::move(data));
}

// The root of the mean square of the differences, relative to the largest output: in quantised
// models a value on the edge of a step may fall to either side.
double Distance(const ir::Tensor& a, const ir::Tensor& b) {
  if (a.shape != b.shape || a.dtype != b.dtype || a.i64 != b.i64) return HUGE_VAL;
  double top = 1e-6;
  double sum = 0;
  for (std::size_t i = 0; i < a.f32.size(); ++i) {
    const double difference = static_cast<double>(a.f32[i]) - b.f32[i];
    top = std::max(top, std::fabs(static_cast<double>(a.f32[i])));
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(a.f32.size(), 1))) / top;
}

TEST_P(OnnxZoo, RunsAlikeBeforeAndAfterThePasses) {
  const ZooModel& m = GetParam();
  if (!FileExists(kModels + m.file)) GTEST_SKIP() << kModels << m.file << " is not here";
  if (m.large && !LevelAll()) GTEST_SKIP() << "large: ./test --all runs it";
  auto graph = import::onnx::ImportOnnx(kModels + m.file);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  std::vector<ir::Tensor> inputs;
  for (ir::ValueId id : graph->inputs)
    inputs.push_back(Input(graph->value(id).shape, m.low, m.high));
  const auto want = interp::Run(*graph, inputs);
  ASSERT_TRUE(want.ok()) << want.error().ToString();
  const Status passes = passes::RunPipeline(*graph);
  ASSERT_TRUE(passes.ok()) << passes.error().ToString();
  const auto got = interp::Run(*graph, inputs);
  ASSERT_TRUE(got.ok()) << got.error().ToString();
  const auto fast = floatexec::Executor(*graph).Run(inputs);
  ASSERT_TRUE(fast.ok()) << fast.error().ToString();
  ASSERT_EQ(got->size(), want->size());
  for (std::size_t i = 0; i < want->size(); ++i) {
    EXPECT_LT(Distance(want->at(i), got->at(i)), 1e-3) << "output " << i;
    EXPECT_LT(Distance(want->at(i), fast->at(i)), 1e-3) << "output " << i;
  }
  std::printf("%s: %zu nodes after the passes, %zu outputs\n", m.name, graph->nodes.size(),
              want->size());
}

INSTANTIATE_TEST_SUITE_P(
    SharedData, OnnxZoo,
    testing::Values(ZooModel{"mnist", "onnx_mnist/mnist.onnx", 0, 255, false},
                    ZooModel{"mobilenet",
                             "onnx_mobilenet_v1_025_derived/mobilenet_v1_0.25_224.onnx", -1, 1,
                             false},
                    ZooModel{"resnet20", "onnx_resnet20_cifar10/resnet20.onnx", -2, 2, false},
                    ZooModel{"ultraface",
                             "onnx_ultraface/version-RFB-320_without_postprocessing.onnx", -1, 1,
                             false},
                    ZooModel{"yunet_n", "onnx_yunet/yunet_n_320_320.onnx", 0, 255, false},
                    ZooModel{"yunet_s", "onnx_yunet/yunet_s_320_320.onnx", 0, 255, false},
                    ZooModel{"finn_tfc", "onnx_finn_tfc/model.onnx", 0, 255, false},
                    ZooModel{"tfc_1w1a", "onnx_qonnx_zoo/TFC_1W1A.onnx", 0, 1, false},
                    ZooModel{"tfc_1w2a", "onnx_qonnx_zoo/TFC_1W2A.onnx", 0, 1, false},
                    ZooModel{"jettagging", "onnx_qonnx_zoo/qkeras_jettagging.onnx", -1, 1, false},
                    ZooModel{"unsw_nb15", "onnx_qonnx_zoo/unsw_nb15-mlp-w2a2.onnx", 0, 1, false},
                    ZooModel{"espcn_resize", "onnx_espcn_qonnx/nn_resize_quant.onnx", 0, 1, true},
                    ZooModel{"espcn_subpixel", "onnx_espcn_qonnx/subpixel_quant.onnx", 0, 1, true},
                    ZooModel{"three_layer", "onnx_hls4ml/three_layer_keras.onnx", -1, 1, false},
                    ZooModel{"tiny_unet", "onnx_hls4ml/tiny_unet_ch_last.onnx", 0, 1, true},
                    ZooModel{"dtln_2", "onnx_dtln/model_2.onnx", -1, 1, false}),
    [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace tf2::conformance
