// What is known of the trained ONNX models of the shared data, measured: accuracies on MNIST, faces
// on photographs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/files.h"
#include "dataset/dataset.h"
#include "floatexec/executor.h"
#include "import/onnx/onnx_importer.h"
#include "passes/pipeline.h"

namespace tf2::conformance {
namespace {

const std::string kShared = std::string(TF2_SOURCE_DIR) + "/../shared/data/";

Result<ir::Graph> Model(const std::string& file) {
  TF2_ASSIGN_OR_RETURN(ir::Graph graph, import::onnx::ImportOnnx(kShared + "models/" + file));
  TF2_RETURN_IF_ERROR(passes::RunPipeline(graph));
  return graph;
}

bool Skipped(const std::string& file) { return !FileExists(kShared + "models/" + file); }

// FINN's network ends in the index of the largest output.
TEST(Evidence, FinnTfcOnMnist) {
  const std::string file = "onnx_finn_tfc/model.onnx";
  if (Skipped(file)) GTEST_SKIP() << kShared << "models/" << file << " is not here";
  const auto graph = Model(file);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  dataset::DatasetOptions options;
  options.input = {1, 28, 28};
  options.preprocessing.mean = {0};
  options.preprocessing.std = {1};
  auto data = dataset::OpenDataset(kShared + "mnist/t10k-images-idx3-ubyte.gz", options);
  ASSERT_TRUE(data.ok()) << data.error().ToString();
  const floatexec::Executor executor(*graph);
  int right = 0;
  for (std::int64_t i = 0; i < (*data)->size(); ++i) {
    auto sample = (*data)->Get(i);
    ASSERT_TRUE(sample.ok()) << sample.error().ToString();
    const std::vector<ir::Tensor> x = {ir::Tensor::Float({1, 1, 28, 28}, std::move(sample->x))};
    const auto y = executor.Run(x);
    ASSERT_TRUE(y.ok()) << y.error().ToString();
    right += y->at(0).i64.at(0) == *sample->label ? 1 : 0;
  }
  std::printf("FINN TFC: %d of %lld\n", right, static_cast<long long>((*data)->size()));
  EXPECT_NEAR(right, 9296, 3);
}

// The group photographs as inputs of `graph`; `mean` and `std` of every channel.
Result<std::vector<ir::Tensor>> Faces(const ir::Graph& graph, ChannelOrder order, float mean,
                                      float std) {
  const ir::Shape shape = graph.value(graph.inputs[0]).shape;
  dataset::DatasetOptions options;
  options.input = {shape[1], shape[2], shape[3]};
  options.preprocessing.order = order;
  options.preprocessing.resize = static_cast<std::int32_t>(shape[3]);
  options.preprocessing.mean = {mean};
  options.preprocessing.std = {std};
  TF2_ASSIGN_OR_RETURN(const auto data, dataset::OpenDataset(kShared + "faces", options));
  std::vector<ir::Tensor> faces;
  for (std::int64_t i = 0; i < data->size(); ++i) {
    TF2_ASSIGN_OR_RETURN(dataset::Sample sample, data->Get(i));
    faces.push_back(ir::Tensor::Float(shape, std::move(sample.x)));
  }
  return faces;
}

// Output `name` of a run.
const ir::Tensor& Named(const ir::Graph& graph, const std::vector<ir::Tensor>& outputs,
                        const std::string& name) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (graph.value(graph.outputs[i]).name == name) return outputs[i];
  }
  ADD_FAILURE() << "no output " << name;
  return outputs[0];
}

// Class times object: 0.80 to 0.89 is known.
TEST(Evidence, YunetFindsFaces) {
  const std::string file = "onnx_yunet/yunet_n_320_320.onnx";
  if (Skipped(file)) GTEST_SKIP() << kShared << "models/" << file << " is not here";
  const auto graph = Model(file);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  const auto faces = Faces(*graph, ChannelOrder::kBgr, 0, 1);
  ASSERT_TRUE(faces.ok()) << faces.error().ToString();
  for (const ir::Tensor& face : *faces) {
    const auto y = floatexec::Executor(*graph).Run({&face, 1});
    ASSERT_TRUE(y.ok()) << y.error().ToString();
    float best = 0;
    for (const char* stride : {"8", "16", "32"}) {
      const ir::Tensor& cls = Named(*graph, *y, std::string("cls_") + stride);
      const ir::Tensor& obj = Named(*graph, *y, std::string("obj_") + stride);
      for (std::size_t i = 0; i < cls.f32.size(); ++i)
        best = std::max(best, cls.f32[i] * obj.f32[i]);
    }
    std::printf("YuNet n: best %.3f\n", best);
    EXPECT_GT(best, 0.80F);
    EXPECT_LT(best, 0.90F);
  }
}

// Its best scores are 0.998 and more.
TEST(Evidence, UltrafaceFindsFaces) {
  const std::string file = "onnx_ultraface/version-RFB-320_without_postprocessing.onnx";
  if (Skipped(file)) GTEST_SKIP() << kShared << "models/" << file << " is not here";
  const auto graph = Model(file);
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  const auto faces = Faces(*graph, ChannelOrder::kRgb, 127, 128);
  ASSERT_TRUE(faces.ok()) << faces.error().ToString();
  for (const ir::Tensor& face : *faces) {
    const auto y = floatexec::Executor(*graph).Run({&face, 1});
    ASSERT_TRUE(y.ok()) << y.error().ToString();
    const ir::Tensor& scores = Named(*graph, *y, "scores");
    float best = 0;
    for (std::size_t i = 1; i < scores.f32.size(); i += 2) best = std::max(best, scores.f32[i]);
    std::printf("UltraFace: best %.4f\n", best);
    EXPECT_GT(best, 0.99F);
  }
}

}  // namespace
}  // namespace tf2::conformance
