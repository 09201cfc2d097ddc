// Published networks without weights: they import with random ones, and have the inputs, outputs,
// parameters and multiply-accumulates that their authors state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "import/caffe/test_net.h"

namespace tf2::import::caffe {
namespace {

struct Network {
  const char* prototxt;
  ir::Shape input;
  double gigamacs;  // as published (a region of Faster R-CNN counts once)
  double mega_parameters;
};

std::string Describe(const testing::TestParamInfo<Network>& info) {
  std::string name = info.param.prototxt;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class CaffeNetwork : public testing::TestWithParam<Network> {};

TEST_P(CaffeNetwork, ImportsWithRandomWeights) {
  const Network& expected = GetParam();
  const std::string path =
      std::string(TF2_SOURCE_DIR) + "/../shared/data/networks/" + expected.prototxt;
  if (!FileExists(path)) GTEST_SKIP() << path << " is not here";
  ImportOptions options;
  options.random_weights = 1;
  if (path.ends_with("train_val.prototxt")) options.input_shapes["data"] = expected.input;
  const auto graph = ImportCaffe(path, std::nullopt, options);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(graph->value(graph->inputs[0]).shape, expected.input);
  std::int64_t parameters = 0;
  for (const ir::Node& node : graph->nodes) {
    if (node.kind != ir::OpKind::kConv && node.kind != ir::OpKind::kGemm) continue;
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
      parameters += ir::ElementCount(graph->value(node.inputs[i]).shape);
  }
  EXPECT_NEAR(static_cast<double>(graph->macs) / 1e9, expected.gigamacs, 0.015 * expected.gigamacs);
  EXPECT_NEAR(static_cast<double>(parameters) / 1e6, expected.mega_parameters,
              0.015 * expected.mega_parameters);
}

const ir::Shape k224 = {1, 3, 224, 224};
const ir::Shape k227 = {1, 3, 227, 227};
const ir::Shape k231 = {1, 3, 231, 231};
const ir::Shape k299 = {1, 3, 299, 299};
const ir::Shape k300 = {1, 3, 300, 300};

INSTANTIATE_TEST_SUITE_P(
    SharedData, CaffeNetwork,
    testing::Values(Network{"resnet_he/ResNet-50-deploy.prototxt", k224, 3.858, 25.5},
                    Network{"resnet_he/ResNet-101-deploy.prototxt", k224, 7.57, 44.4},
                    Network{"resnet_he/ResNet-152-deploy.prototxt", k224, 11.28, 60.0},
                    Network{"soeaver/deploy_vgg16-pytorch.prototxt", k224, 15.47, 138.36},
                    Network{"squeezenet/squeezenet_v1.0_deploy.prototxt", k227, 0.86, 1.248},
                    Network{"squeezenet/squeezenet_v1.1_deploy.prototxt", k227, 0.3877, 1.235},
                    Network{"bvlc_alexnet/deploy.prototxt", k227, 0.7244, 60.97},
                    Network{"bvlc_reference_caffenet/deploy.prototxt", k227, 0.7244, 60.97},
                    Network{"bvlc_googlenet/deploy.prototxt", k224, 1.582, 6.99},
                    Network{"faster_rcnn_vgg16/faster_rcnn_vgg16_test.prototxt", k224, 15.934,
                            137.08},
                    Network{"soeaver/deploy_densenet121.prototxt", k224, 2.834, 7.89},
                    Network{"soeaver/deploy_inception-v2.prototxt", k231, 2.197, 11.17},
                    Network{"soeaver/deploy_inception-v3.prototxt", k299, 5.7, 23.8},
                    Network{"soeaver/deploy_inception-v4.prototxt", k299, 12.3, 42.6},
                    Network{"soeaver/deploy_resnet101-v2.prototxt", k224, 7.8, 44.5},
                    Network{"soeaver/deploy_resnet18-priv.prototxt", k224, 1.8, 11.7},
                    Network{"soeaver/deploy_resnext50-32x4d.prototxt", k224, 4.2, 25},
                    Network{"soeaver/deploy_vgg19bn-pytorch.prototxt", k224, 19.63, 143.7},
                    Network{"soeaver/deploy_xception.prototxt", k299, 8.4, 22.8},
                    Network{"squeezenext/1.0-SqNxt-23v5_train_val.prototxt", k227, 0.228, 0.915},
                    Network{"ssd_mobilenet/MobileNetSSD_voc_deploy.prototxt", k300, 1.15, 5.8},
                    Network{"ssd_vgg300/ssd300_vgg16_voc_deploy.prototxt", k300, 31.4, 26.3},
                    Network{"mobilenet/mobilenet_deploy.prototxt", k224, 0.569, 4.23},
                    Network{"mobilenet/mobilenet_v2_deploy.prototxt", k224, 0.4291, 3.472}),
    Describe);

TEST(CaffeRandomWeights, AreTheSameForTheSameSeedOnly) {
  const TestNet net(R"(layer { name: "c" type: "Convolution" bottom: "data" top: "c"
      convolution_param { num_output: 64 kernel_size: 3 } })");
  const auto weights = [&net](std::uint64_t seed) {
    ImportOptions options;
    options.random_weights = seed;
    const auto graph = ImportCaffeFromMemory(net.prototxt, {}, options);
    return graph.ok() ? ConstantOf(*graph, "c/weights").f32 : std::vector<float>();
  };
  const auto first = weights(1);
  ASSERT_EQ(first.size(), 64U * 36U);
  EXPECT_EQ(first, weights(1));
  EXPECT_NE(first, weights(2));
  double square = 0;
  for (const float w : first) square += static_cast<double>(w) * w;
  EXPECT_NEAR(std::sqrt(square / static_cast<double>(first.size())), 1.0 / 6, 0.005);
}

TEST(CaffeRandomWeights, BatchNormExpectsWhatAResidualSumHas) {
  std::string layers;
  std::string trunk = "data";
  for (int i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    layers += "layer { name: \"c" + n + "\" type: \"Convolution\" bottom: \"" + trunk +
              "\" top: \"c" + n +
              "\" convolution_param { num_output: 4 kernel_size: 1 bias_term: false } }\n" +
              "layer { name: \"e" + n + "\" type: \"Eltwise\" bottom: \"" + trunk +
              "\" bottom: \"c" + n + "\" top: \"e" + n + "\" }\n";
    trunk = "e" + n;
  }
  layers += "layer { name: \"b\" type: \"BatchNorm\" bottom: \"" + trunk + "\" top: \"b\" }";
  ImportOptions options;
  options.random_weights = 3;
  const auto graph = ImportCaffeFromMemory(TestNet(layers).prototxt, {}, options);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  for (const float v : ConstantOf(*graph, "b/variance").f32) EXPECT_NEAR(v, 51, 51 * 0.4);
}

}  // namespace
}  // namespace tf2::import::caffe
