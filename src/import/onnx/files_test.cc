// Whole files: real models, external data, the corpus of the fuzzer.
#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "import/onnx/test_model.h"

namespace tf2::import::onnx {
namespace {

using testing::HasSubstr;

std::string SharedData(const std::string& path) {
  return std::string(TF2_SOURCE_DIR) + "/../shared/data/" + path;
}

std::int64_t Parameters(const ir::Graph& graph) {
  std::int64_t count = 0;
  for (const ir::Value& v : graph.values) {
    if (v.constant != nullptr) count += static_cast<std::int64_t>(v.constant->f32.size());
  }
  return count;
}

struct RealModel {
  const char* path;
  ir::Shape input;
  ir::Shape output;
  std::int64_t parameters;
  std::int64_t macs;
};

class OnnxRealModel : public testing::TestWithParam<RealModel> {};

TEST_P(OnnxRealModel, HasItsShapesParametersAndMacs) {
  const std::string path = SharedData(GetParam().path);
  if (!FileExists(path)) GTEST_SKIP() << path << " is not here";
  const auto graph = ImportOnnx(path);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  ASSERT_EQ(graph->inputs.size(), 1U);
  ASSERT_EQ(graph->outputs.size(), 1U);
  EXPECT_EQ(graph->value(graph->inputs[0]).shape, GetParam().input);
  EXPECT_EQ(graph->value(graph->outputs[0]).shape, GetParam().output);
  EXPECT_EQ(Parameters(*graph), GetParam().parameters);
  EXPECT_EQ(graph->macs, GetParam().macs);
}

INSTANTIATE_TEST_SUITE_P(
    SharedData, OnnxRealModel,
    testing::Values(RealModel{"models/onnx_resnet20_cifar10/resnet20.onnx",
                              {1, 3, 32, 32},
                              {1, 10},
                              274042,
                              40813184},
                    RealModel{
                        "models/onnx_mnist/mnist.onnx", {1, 1, 28, 28}, {1, 10}, 5994, 786560},
                    RealModel{"networks/onnx_light/light_squeezenet.onnx",
                              {1, 3, 224, 224},
                              {1, 1000, 1, 1},
                              1235496,
                              349151936}));

TEST(OnnxFiles, MissingOrNoFile) {
  EXPECT_EQ(ImportOnnx("/nowhere/model.onnx").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ImportOnnx("/tmp").error().code, ErrorCode::kInvalidArgument);
}

class ExternalData : public testing::Test {
 protected:
  void SetUp() override {
    auto scratch = ScratchDir::Create();
    ASSERT_TRUE(scratch.ok());
    scratch_ = std::make_unique<ScratchDir>(*std::move(scratch));
    const float weights[] = {9, 9, 3, 4};
    std::filesystem::create_directory(scratch_->File("model"));
    for (const char* name : {"model/w.bin", "outside.bin"}) {
      std::ofstream(scratch_->File(name), std::ios::binary)
          .write(reinterpret_cast<const char*>(weights), sizeof weights);
    }
  }

  Result<ir::Graph> Import(const std::map<std::string, std::string>& entries) {
    TestModel m(13);
    m.Input("x", {1, 2}).Output("y").Floats("w", {2});
    auto* w = m.model.mutable_graph()->mutable_initializer(0);
    w->clear_float_data();
    w->set_data_location(onnx_pb::Tensor::EXTERNAL);
    for (const auto& [key, value] : entries) {
      auto* entry = w->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    m.Node("Add", {"x", "w"}, {"y"});
    const std::string path = scratch_->File("model/m.onnx");
    std::ofstream(path, std::ios::binary) << m.model.SerializeAsString();
    return ImportOnnx(path);
  }

  std::string Refusal(const std::map<std::string, std::string>& entries) {
    const auto graph = Import(entries);
    return graph.ok() ? "" : graph.error().ToString();
  }

  std::unique_ptr<ScratchDir> scratch_;
};

TEST_F(ExternalData, IsRead) {
  const auto graph = Import({{"location", "w.bin"}, {"offset", "8"}, {"length", "8"}});
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_THAT(ConstantOf(*graph, "w").f32, testing::ElementsAre(3, 4));
}

TEST_F(ExternalData, StaysInTheFolder) {
  EXPECT_THAT(Refusal({{"location", "../outside.bin"}}),
              HasSubstr("external data at '../outside.bin' is outside the model's folder"));
  EXPECT_THAT(Refusal({{"location", "/etc/passwd"}}), HasSubstr("is outside the model's folder"));
  std::filesystem::create_symlink(scratch_->File("outside.bin"), scratch_->File("model/link.bin"));
  EXPECT_THAT(Refusal({{"location", "link.bin"}}), HasSubstr("is outside the model's folder"));
}

TEST_F(ExternalData, MustBeComplete) {
  EXPECT_THAT(Refusal({{"location", "none.bin"}}), HasSubstr("is missing"));
  EXPECT_THAT(Refusal({{"location", "w.bin"}, {"offset", "12"}}), HasSubstr("ends before byte 20"));
  EXPECT_THAT(Refusal({{"location", "w.bin"}, {"length", "4"}}),
              HasSubstr("its shape needs 8 bytes but its external data has 4"));
  EXPECT_THAT(Refusal({{"location", "w.bin"}, {"offset", "eight"}}), HasSubstr("is no number"));
}

TEST(OnnxFiles, EveryFileOfTheCorpusIsImportedOrRefused) {
  const std::string folder = std::string(TF2_SOURCE_DIR) + "/tests/fuzz/onnx";
  const auto names = ListDirectory(folder);
  ASSERT_TRUE(names.ok()) << names.error().ToString();
  for (const std::string& name : *names) {
    ImportOptions options;
    options.max_constant_bytes = std::int64_t{64} << 20;
    const auto graph = ImportOnnx(fmt::format("{}/{}", folder, name), options);
    if (name.starts_with("seed_")) {
      EXPECT_TRUE(graph.ok()) << name << ": " << graph.error().ToString();
    }
    if (!graph.ok()) {
      EXPECT_FALSE(graph.error().message.empty()) << name;
    }
  }
}

}  // namespace
}  // namespace tf2::import::onnx
