// What the operators become that ONNX Runtime quantises to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/onnx/test_model.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;
using Attrs = std::map<std::string, TestAttr>;

// x: uint8, w: int8 [4, 3], b: int32 [3]; scales and zeros of x (sx, zx), w and the result y.
TestModel Quantised(const ir::Shape& shape) {
  TestModel m(13);
  m.Input("x", shape, onnx_pb::Tensor::UINT8).Output("y");
  auto& import = *m.model.add_opset_import();
  import.set_domain("com.microsoft");
  import.set_version(1);
  const auto ints = [&m](const char* name, std::int32_t type, const Ints& dims,
                         const Ints& values) {
    auto& tensor = *m.model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::int64_t dim : dims) tensor.add_dims(dim);
    for (const std::int64_t v : values) tensor.add_int32_data(static_cast<std::int32_t>(v));
  };
  ints("zx", onnx_pb::Tensor::UINT8, {}, {128});
  ints("zy", onnx_pb::Tensor::UINT8, {}, {3});
  ints("zw", onnx_pb::Tensor::INT8, {}, {0});
  ints("w", onnx_pb::Tensor::INT8, {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  ints("b", onnx_pb::Tensor::INT32, {3}, {-4, 0, 4});
  return m.Floats("sx", {}, {0.5F}).Floats("sw", {}, {0.25F}).Floats("sy", {}, {2});
}

// The middle one of the three nodes of an operator between dequantize and quantize_linear.
std::string Unary(const std::string& op, const Attrs& attrs, const ir::Shape& shape) {
  TestModel m = Quantised(shape);
  m.Node("com.microsoft.QLinear" + op, {"x", "sx", "zx", "sy", "zy"}, {"y"}, attrs);
  std::string text = m.Text();
  if (!text.starts_with("%y/data = dequantize_linear(%x, %sx, %zx)")) return text;
  const std::size_t first = text.find('\n') + 1,
                    last = text.find("\n%y = quantize_linear(%y/float, %sy, %zy)");
  return last == std::string::npos ? text : text.substr(first, last - first);
}

TEST(OnnxQLinear, UnaryOperatorsRunBetweenFloats) {
  EXPECT_EQ(Unary("ReduceMean", {{"axes", Ints{1}}, {"keepdims", std::int64_t{0}}}, {1, 4}),
            "%y/float = reduce(%y/data) {axes = [1], fn = \"mean\", keep = 0} : f32[1]");
  EXPECT_EQ(Unary("Softmax", {{"axis", std::int64_t{1}}, {"opset", std::int64_t{13}}}, {1, 4, 3}),
            "%y/float = softmax(%y/data) {axis = 1} : f32[1, 4, 3]");
  EXPECT_EQ(Unary("AveragePool", {{"kernel_shape", Ints{2, 2}}}, {1, 4, 6, 6}),
            "%y/float = avg_pool(%y/data) {ceil = 0, dilations = [1, 1], divisor = \"valid\", "
            "kernel = [2, 2], "
            "pads = [0, 0, 0, 0], strides = [1, 1]} : f32[1, 4, 5, 5]");
}

TEST(OnnxQLinear, AveragePoolOfChannelsLastIsRefused) {
  EXPECT_THAT(
      Unary("AveragePool", {{"channels_last", std::int64_t{1}}, {"kernel_shape", Ints{2, 2}}},
            {1, 6, 6, 4}),
      testing::HasSubstr("attribute channels_last is 1"));
}

TEST(OnnxQLinear, GemmWithABiasOfTheProductsScale) {
  TestModel m = Quantised({1, 4});
  m.Node("com.microsoft.QGemm", {"x", "sx", "zx", "w", "sw", "zw", "b", "sy", "zy"}, {"y"});
  EXPECT_EQ(
      m.Text(),
      "%y/a = dequantize_linear(%x, %sx, %zx) {axis = 1} : f32[1, 4]\n"
      "%y/b = dequantize_linear(%w, %sw, %zw) {axis = 1} : f32[4, 3]\n"
      "%y/product_scale = mul(%sx, %sw) : f32[]\n"
      "%y/bias_scale = mul(%y/product_scale, %y/alpha) : f32[]\n"
      "%y/bias = dequantize_linear(%b, %y/bias_scale) {axis = -1} : f32[3]\n"
      "%y/float/transposed = transpose(%y/b) {perm = [1, 0]} : f32[3, 4]\n"
      "%y/float/product = gemm(%y/a, %y/float/transposed) : f32[1, 3]\n"
      "%y/float = add(%y/float/product, %y/bias) : f32[1, 3]\n"
      "%y = quantize_linear(%y/float, %sy, %zy) {axis = 1, max = 255, min = 0} : i64[1, 3]\n");
}

TEST(OnnxQLinear, GemmWithoutAScaleOfItsResultYieldsFloats) {
  TestModel m = Quantised({1, 4});
  m.Node("com.microsoft.QGemm", {"x", "sx", "zx", "w", "sw", "zw", "b"}, {"y"}, {{"alpha", 2.0F}});
  const auto graph = m.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_TRUE(NodeLines(*graph).ends_with("%y = add(%y/product, %y/bias) : f32[1, 3]\n"))
      << NodeLines(*graph);
  EXPECT_EQ(ConstantOf(*graph, "y/alpha"), ir::Tensor::Float({}, {2})) << "it scales the bias, too";
  EXPECT_EQ(ConstantOf(*graph, "y/weights_factor"), ir::Tensor::Float({}, {2}));
}

TEST(OnnxQLinear, WhereOfBroadcastOperands) {
  TestModel m = Quantised({1, 4, 1});
  m.Input("condition", {1, 4, 3}, onnx_pb::Tensor::BOOL);
  m.Node("com.microsoft.QLinearWhere", {"condition", "x", "sx", "zx", "w", "sw", "zw", "sy", "zy"},
         {"y"});
  EXPECT_EQ(
      m.Text(),
      "%y/x = dequantize_linear(%x, %sx, %zx) {axis = 1} : f32[1, 4, 1]\n"
      "%y/y = dequantize_linear(%w, %sw, %zw) {axis = 1} : f32[4, 3]\n"
      "%y/float = where(%condition, %y/x, %y/y) : f32[1, 4, 3]\n"
      "%y = quantize_linear(%y/float, %sy, %zy) {axis = 1, max = 255, min = 0} : i64[1, 4, 3]\n");
}

}  // namespace
}  // namespace tf2::import::onnx
