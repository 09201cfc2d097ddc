// Whole files: real networks, the corpus of the fuzzer.
#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "import/caffe/test_net.h"

namespace tf2::import::caffe {
namespace {

std::string SharedData(const std::string& path) {
  return std::string(TF2_SOURCE_DIR) + "/../shared/data/models/" + path;
}

std::int64_t Parameters(const ir::Graph& graph) {
  std::int64_t count = 0;
  for (const ir::Value& v : graph.values) {
    if (v.constant != nullptr) count += static_cast<std::int64_t>(v.constant->f32.size());
  }
  return count;
}

struct RealNetwork {
  const char* prototxt;
  const char* caffemodel;
  ir::Shape input;
  ir::Shape output;
  std::int64_t parameters;
  std::int64_t macs;
};

class CaffeRealNetwork : public testing::TestWithParam<RealNetwork> {};

TEST_P(CaffeRealNetwork, HasItsShapesParametersAndMacs) {
  const std::string prototxt = SharedData(GetParam().prototxt);
  if (!FileExists(prototxt)) GTEST_SKIP() << prototxt << " is not here";
  ImportOptions options;
  const bool train_test = prototxt.ends_with("train_test.prototxt");
  if (train_test) options.input_shapes["Data1"] = {1, 3, 32, 32};
  const auto graph = ImportCaffe(prototxt, SharedData(GetParam().caffemodel), options);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  ASSERT_EQ(graph->inputs.size(), 1U);
  ASSERT_EQ(graph->outputs.size(), 1U);
  EXPECT_EQ(graph->value(graph->inputs[0]).shape, GetParam().input);
  EXPECT_EQ(graph->value(graph->outputs[0]).shape, GetParam().output);
  EXPECT_EQ(Parameters(*graph), GetParam().parameters);
  EXPECT_EQ(graph->macs, GetParam().macs);
}

const ir::Shape kCifar = {1, 3, 32, 32};
constexpr const char* kResNet = "caffe_resnet20_cifar10/ResNet_20.caffemodel";

INSTANTIATE_TEST_SUITE_P(
    SharedData, CaffeRealNetwork,
    testing::Values(
        RealNetwork{"caffe_lenet/lenet.prototxt",
                    "caffe_lenet/lenet_iter_10000.caffemodel",
                    {1, 1, 28, 28},
                    {1, 10},
                    431080,
                    2293000},
        RealNetwork{
            "caffe_resnet20_cifar10/deploy.prototxt", kResNet, kCifar, {1, 10}, 274826, 40813184},
        RealNetwork{"caffe_resnet20_cifar10/res20_cifar_train_test.prototxt",
                    kResNet,
                    kCifar,
                    {1, 10},
                    274826,
                    40813184},
        RealNetwork{"caffe_squeezenet_v1.1/deploy.prototxt",
                    "caffe_squeezenet_v1.1/squeezenet_v1.1.caffemodel",
                    {1, 3, 227, 227},
                    {1, 1000, 1, 1},
                    1235496,
                    387747520},
        RealNetwork{"caffe_cifar10_quick/cifar10_quick.prototxt",
                    "caffe_cifar10_quick/cifar10_quick_iter_5000.caffemodel",
                    kCifar,
                    {1, 10},
                    145578,
                    12354176}));

TEST(CaffeFiles, MissingOrSwapped) {
  EXPECT_EQ(ImportCaffe("/nowhere/net.prototxt", std::nullopt).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ImportCaffe("/tmp", std::nullopt).error().code, ErrorCode::kInvalidArgument);
  const std::string weights = SharedData(kResNet);
  if (!FileExists(weights)) GTEST_SKIP() << weights << " is not here";
  const auto swapped = ImportCaffe(weights, std::nullopt);
  EXPECT_THAT(swapped.error().ToString(),
              testing::HasSubstr("this is no prototxt but binary data"));
}

TEST(CaffeFiles, EveryFileOfTheCorpusIsImportedOrRefused) {
  const std::string folder = std::string(TF2_SOURCE_DIR) + "/tests/fuzz/caffe";
  const auto names = ListDirectory(folder);
  ASSERT_TRUE(names.ok()) << names.error().ToString();
  for (const std::string& name : *names) {
    const auto bytes = ReadFile(fmt::format("{}/{}", folder, name));
    ASSERT_TRUE(bytes.ok());
    const auto zero = std::find(bytes->begin(), bytes->end(), 0);
    const std::string prototxt(bytes->begin(), zero);
    const std::vector<std::uint8_t> weights(zero == bytes->end() ? zero : zero + 1, bytes->end());
    ImportOptions options;
    options.max_constant_bytes = std::int64_t{64} << 20;
    const auto graph = ImportCaffeFromMemory(prototxt, weights, options);
    if (name.starts_with("seed_")) {
      EXPECT_TRUE(graph.ok()) << name << ": " << graph.error().ToString();
    }
    if (!graph.ok()) {
      EXPECT_FALSE(graph.error().message.empty()) << name;
    }
  }
}

}  // namespace
}  // namespace tf2::import::caffe
