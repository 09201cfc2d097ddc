// Small float graphs for the tests of this folder.
#ifndef TF2_QUANTIZE_TEST_GRAPHS_H_
#define TF2_QUANTIZE_TEST_GRAPHS_H_

#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "ir/graph.h"
#include "quantize/calibrate.h"

namespace tf2::quantize::testing {

// Builds a graph node by node; Done() infers shapes.
class GraphBuilder {
 public:
  explicit GraphBuilder(ir::Shape input, std::uint64_t seed = 1) : rng_(seed) {
    graph_.name = "test";
    graph_.inputs.push_back(graph_.AddValue("x", ir::DType::kFloat32, std::move(input)));
  }

  ir::ValueId input() const { return graph_.inputs[0]; }
  ir::ValueId AddInput(const std::string& name, ir::Shape shape) {
    graph_.inputs.push_back(graph_.AddValue(name, ir::DType::kFloat32, std::move(shape)));
    return graph_.inputs.back();
  }
  ir::Graph& graph() { return graph_; }

  // Normal numbers times `scale`.
  ir::ValueId Random(const std::string& name, ir::Shape shape, float scale) {
    std::vector<float> data(static_cast<std::size_t>(ir::ElementCount(shape)));
    for (float& v : data) v = rng_.Normal() * scale;
    return Constant(name, std::move(shape), std::move(data));
  }
  ir::ValueId Constant(const std::string& name, ir::Shape shape, std::vector<float> data) {
    return graph_.AddConstant(name, ir::Tensor::Float(std::move(shape), std::move(data)));
  }
  ir::ValueId Add(ir::OpKind kind, const std::string& name, std::vector<ir::ValueId> inputs,
                  std::map<std::string, ir::Attr> attrs = {}) {
    return graph_.AddNode(kind, name, std::move(inputs), std::move(attrs));
  }
  // k x k, "same" padding, bias, optional ReLU and residual.
  ir::ValueId Conv(const std::string& name, ir::ValueId x, std::int64_t ic, std::int64_t oc,
                   std::int64_t k, bool relu, ir::ValueId residual = ir::kNoValue) {
    const auto fan_in = static_cast<float>(ic * k * k);
    std::vector<ir::ValueId> inputs = {
        x, Random(name + ".w", {oc, ic, k, k}, 1.4F / std::sqrt(fan_in)),
        Random(name + ".b", {oc}, 0.1F)};
    if (residual != ir::kNoValue) inputs.push_back(residual);
    return Add(ir::OpKind::kConv, name, std::move(inputs),
               {{"pads", std::vector<std::int64_t>(4, k / 2)}, {"relu", std::int64_t{relu}}});
  }
  ir::Graph Done(std::vector<ir::ValueId> outputs) {
    graph_.outputs = std::move(outputs);
    TF2_CHECK(ir::InferShapes(graph_).ok(), "{}", ir::InferShapes(graph_).error().ToString());
    TF2_CHECK(ir::Verify(graph_).ok(), "{}", ir::Verify(graph_).error().ToString());
    return std::move(graph_);
  }

 private:
  Rng rng_;
  ir::Graph graph_;
};

// Sample `index` for `graph`, all inputs: normal numbers.
inline std::vector<float> RandomSample(const ir::Graph& graph, std::size_t index) {
  Rng rng(1000 + index);
  std::vector<float> x;
  for (const ir::ValueId id : graph.inputs) {
    for (std::int64_t i = 0; i < ir::ElementCount(graph.value(id).shape); ++i)
      x.push_back(rng.Normal());
  }
  return x;
}

inline Result<Calibration> CalibrateRandom(const ir::Graph& graph, std::size_t count,
                                           int threads = 1) {
  CalibrateOptions options;
  options.threads = threads;
  options.histograms = true;
  return Calibrate(
      graph, [&](std::size_t i) -> Result<std::vector<float>> { return RandomSample(graph, i); },
      count, options);
}

// Two convolutions with a residual, pools, a concat and a classifier behind a flatten, softmax: [1,
// 3, 8, 8] -> 5.
inline ir::Graph SmallNet() {
  GraphBuilder b({1, 3, 8, 8});
  const auto a = b.Conv("a", b.input(), 3, 8, 3, true);
  const auto c = b.Conv("c", a, 8, 8, 3, true, a);
  const auto max = b.Add(
      ir::OpKind::kMaxPool, "max", {c},
      {{"kernel", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}});
  const auto avg = b.Add(ir::OpKind::kAvgPool, "avg", {c},
                         {{"kernel", std::vector<std::int64_t>{3, 3}},
                          {"strides", std::vector<std::int64_t>{2, 2}},
                          {"pads", std::vector<std::int64_t>{1, 1, 1, 1}},
                          {"divisor", std::string("valid")}});
  const auto cat = b.Add(ir::OpKind::kConcat, "cat", {max, avg});
  const auto flat = b.Add(ir::OpKind::kFlatten, "flat", {cat});
  const auto fc = b.Add(ir::OpKind::kGemm, "fc",
                        {flat, b.Random("fc.w", {5, 256}, 0.1F), b.Random("fc.b", {5}, 0.1F)});
  return b.Done({b.Add(ir::OpKind::kSoftmax, "prob", {fc})});
}

// A picture x [3, 8, 8] and a map z [2, 4, 4], each through a convolution, concatenated, through
// another.
inline ir::Graph TwoInputs() {
  GraphBuilder b({1, 3, 8, 8});
  const ir::ValueId z = b.AddInput("z", {1, 2, 4, 4});
  const ir::ValueId left = b.Add(
      ir::OpKind::kMaxPool, "pool", {b.Conv("left", b.input(), 3, 8, 3, true)},
      {{"kernel", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}});
  const ir::ValueId right = b.Conv("right", z, 2, 8, 3, true);
  const ir::ValueId both =
      b.Add(ir::OpKind::kConcat, "both", {left, right}, {{"axis", std::int64_t{1}}});
  return b.Done({b.Conv("last", both, 16, 5, 3, false)});
}

}  // namespace tf2::quantize::testing

#endif  // TF2_QUANTIZE_TEST_GRAPHS_H_
