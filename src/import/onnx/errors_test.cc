// What the ONNX importer refuses, and in which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "import/onnx/test_model.h"

namespace tf2::import::onnx {
namespace {

using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

std::string RefusalOfBytes(const std::string& bytes) {
  const auto graph =
      ImportOnnxFromMemory({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return graph.ok() ? "" : graph.error().ToString();
}

TEST(OnnxFile, SaysWhatItLooksLike) {
  EXPECT_EQ(RefusalOfBytes(""),
            "this is no ONNX model but an empty file\n"
            "  hint: give a file that was written by an ONNX exporter (model.onnx)");
  EXPECT_THAT(RefusalOfBytes("hello, world\n"), HasSubstr("this is no ONNX model but text"));
  EXPECT_THAT(RefusalOfBytes("layer { name: \"x\" }\n"), HasSubstr("but a Caffe prototxt"));
  EXPECT_THAT(RefusalOfBytes("version https://git-lfs.github.com/spec/v1\n"),
              HasSubstr("a Git LFS pointer (fetch the file with `git lfs pull`)"));
  EXPECT_THAT(RefusalOfBytes("<!DOCTYPE html>\n<html>"), HasSubstr("an HTML page"));
  EXPECT_THAT(RefusalOfBytes(std::string("PK\x03\x04\0\0", 6)), HasSubstr("a zip archive"));
}

TEST(OnnxFile, TruncatedOrWithAnAbsurdLength) {
  TestModel m = OneNode();
  m.Floats("w", {4, 4, 3, 3});
  m.Node("Conv", {"x", "w"}, {"y"});
  const std::string bytes = m.model.SerializeAsString();
  EXPECT_EQ(RefusalOfBytes(bytes.substr(0, bytes.size() / 2)),
            "this is no ONNX model, or it is damaged or cut off\n"
            "  hint: export it again; a download may have ended early");
  // The graph field with a length of 2 GiB - 1.
  EXPECT_THAT(RefusalOfBytes(std::string("\x08\x07\x3A\xFF\xFF\xFF\xFF\x07\x01", 9)),
              HasSubstr("damaged or cut off"));
}

TEST(OnnxFile, OperatorSet) {
  TestModel m = OneNode(99);
  m.Node("Relu", {"x"}, {"y"});
  EXPECT_EQ(m.Refusal(),
            "operator set 99 is newer than 24\n  hint: export the model with opset 17");
  m.model.clear_opset_import();
  EXPECT_EQ(m.Refusal(), "the model does not say which operator set it uses");
}

TEST(OnnxOperators, UnsupportedOnesAreListedTogether) {
  TestModel m = OneNode();
  m.Node("Relu", {"x"}, {"a"});
  m.Node("LSTM", {"a"}, {"b"}, {{"hidden_size", std::int64_t{5}}});
  m.Node("Unique", {"b"}, {"c"});
  m.Node("LSTM", {"c"}, {"y"}, {{"hidden_size", std::int64_t{5}}});
  EXPECT_EQ(m.Refusal(),
            "node 'b' (LSTM): operator LSTM is not supported (2 nodes); neither are Unique (1)\n"
            "  hint: recurrent layers cannot be imported");
  TestModel custom = OneNode();
  custom.Node("Relu", {"x"}, {"y"}).set_domain("com.acme");
  EXPECT_THAT(custom.Refusal(), HasSubstr("operator com.acme.Relu is not supported"));
}

TEST(OnnxOperators, SmallFloats) {
  TestModel weights = OneNode();
  auto* w = weights.model.mutable_graph()->add_initializer();
  w->set_name("w");
  w->set_data_type(onnx_pb::Tensor::FLOAT8E5M2);
  w->add_dims(1);
  w->set_raw_data("\x01");
  weights.Node("Mul", {"x", "w"}, {"y"});
  EXPECT_EQ(weights.Refusal(),
            "node 'y' (Mul): initialiser 'w': element type FLOAT8E5M2 is not supported\n"
            "  hint: import the float model; `tf2 quantize` makes small weights of it");
}

TEST(OnnxOperators, AttributesNobodyUnderstands) {
  TestModel m = OneNode();
  m.Node("Relu", {"x"}, {"y"}, {{"leak", 0.5F}});
  EXPECT_EQ(m.Refusal(),
            "node 'y' (Relu): attribute leak is not supported\n"
            "  hint: export the model without it, or with another opset");
  TestModel type = OneNode();
  type.Node("Flatten", {"x"}, {"y"}, {{"axis", 1.0F}});
  EXPECT_EQ(type.Refusal(), "node 'y' (Flatten): attribute axis is FLOAT, not INT");
}

TEST(OnnxOperators, WhatConvRefuses) {
  const auto refusal = [](const ir::Shape& x, const ir::Shape& w,
                          const std::map<std::string, TestAttr>& attrs) {
    TestModel m(13);
    m.Input("x", x).Output("y").Floats("w", w);
    m.Node("Conv", {"x", "w"}, {"y"}, attrs);
    return m.Refusal();
  };
  EXPECT_EQ(refusal({1, 3}, {4, 3}, {}),
            "node 'y' (Conv): its input is [1, 3]; one to three axes behind [n, c] are supported\n"
            "  hint: reshape the data to [n, c, h, w] in the model");
  EXPECT_EQ(
      refusal({1, 4, 8, 8}, {4, 3, 3, 3}, {}),
      "node 'y' (Conv): input [1, 4, 8, 8] has 4 channels, weights [4, 3, 3, 3] with 1 groups "
      "want 3");
  EXPECT_EQ(refusal({1, 3, 8, 8}, {4, 3, 3, 3}, {{"auto_pad", std::string("MAYBE")}}),
            "node 'y' (Conv): attribute auto_pad is 'MAYBE'");
  EXPECT_EQ(refusal({1, 3, 8, 8}, {4, 3, 3, 3}, {{"strides", Ints{0, 1}}}),
            "node 'y' (Conv): attribute strides is [0, 1]; 1 to 16777216 are supported");
  EXPECT_EQ(refusal({1, 3, 8, 8}, {4, 3, 3, 3}, {{"pads", Ints{0, 1}}}),
            "node 'y' (Conv): attribute pads has 2 numbers instead of 4");
  EXPECT_EQ(refusal({1, 3, 8, 8}, {4, 3, 3, 3}, {{"kernel_shape", Ints{5, 5}}}),
            "node 'y' (Conv): attribute kernel_shape is [5, 5] but the weights are [4, 3, 3, 3]");
}

TEST(OnnxOperators, OnlyInference) {
  TestModel bn = OneNode(14);
  for (const char* name : {"s", "b", "m", "v"}) bn.Floats(name, {4});
  bn.Node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"},
          {{"training_mode", std::int64_t{1}}});
  EXPECT_EQ(bn.Refusal(),
            "node 'y' (BatchNormalization): attribute training_mode is 1\n"
            "  hint: export the model for inference (model.eval() in PyTorch)");
}

TEST(OnnxOperators, WhatDependsOnData) {
  TestModel resize = OneNode();
  resize.Input("sizes", {4}, onnx_pb::Tensor::INT64);
  resize.Node("Resize", {"x", "", "", "sizes"}, {"y"});
  ImportOptions options;
  options.input_shapes["sizes"] = {4};
  EXPECT_EQ(resize.Refusal(options),
            "node 'y' (Resize): the sizes (input 3) depend on the data\n"
            "  hint: export the model with static shapes, or simplify it first");
  TestModel nonzero = OneNode();
  nonzero.Node("NonZero", {"x"}, {"y"});
  EXPECT_THAT(nonzero.Refusal(), HasSubstr("how many elements are not zero depends on the data"));
}

TEST(OnnxInputs, OpenAndAbsurdShapes) {
  const auto refusal = [](const ir::Shape& shape, const ImportOptions& options = {}) {
    TestModel m(13);
    m.Input("x", shape).Output("y");
    m.Node("Relu", {"x"}, {"y"});
    return m.Refusal(options);
  };
  EXPECT_EQ(refusal({-1, 3, -1, -1}),
            "input 'x': its shape [open, 3, open, open] is open\n"
            "  hint: give it: --input-shape x=1x3xNxN with numbers for N");
  EXPECT_EQ(refusal({1, 1 << 20, 1 << 20, 1 << 20}),
            "input 'x': shape [1, 1048576, 1048576, 1048576] has more than 2147483648 elements");
  ImportOptions rank;
  rank.input_shapes["x"] = {3, 4};
  EXPECT_EQ(refusal({1, 3, 4}, rank),
            "input 'x': the shape [3, 4] was given but the model has [1, 3, 4]");
  ImportOptions zero;
  zero.input_shapes["x"] = {1, 0, 4};
  EXPECT_EQ(refusal({1, 3, 4}, zero), "input 'x': shape [1, 0, 4] has the dimension 0");
  ImportOptions other;
  other.input_shapes["data"] = {1, 3, 4};
  EXPECT_EQ(refusal({1, 3, 4}, other),
            "the model has no input 'data' to give a shape\n  hint: its inputs are 'x'");
  TestModel bytes(13);
  bytes.Input("x", {1, 3}, onnx_pb::Tensor::STRING).Output("x");
  EXPECT_THAT(bytes.Refusal(), HasSubstr("input 'x': element type STRING is not supported"));
}

TEST(OnnxGraph, IllFormed) {
  TestModel cycle = OneNode();
  cycle.Node("Add", {"x", "b"}, {"a"});
  cycle.Node("Relu", {"a"}, {"b"});
  cycle.Node("Relu", {"b"}, {"y"});
  EXPECT_EQ(
      cycle.Refusal(),
      "the graph has a cycle through or before node 'a' (Add), node 'b' (Relu), node 'y' (Relu)");
  TestModel missing = OneNode();
  missing.Node("Add", {"x", "ghost"}, {"y"});
  EXPECT_EQ(missing.Refusal(), "node 'y' (Add): it reads 'ghost', which nothing writes");
  TestModel twice = OneNode();
  twice.Node("Relu", {"x"}, {"y"}).set_name("one");
  twice.Node("Relu", {"x"}, {"y"}).set_name("two");
  EXPECT_EQ(twice.Refusal(),
            "node 'two' (Relu): it writes 'y', which node 'one' (Relu) writes too");
  TestModel output(13);
  output.Input("x", {1, 2}).Output("z");
  output.Node("Relu", {"x"}, {"y"});
  EXPECT_EQ(output.Refusal(), "graph output 'z' is written by nothing");
  TestModel inputs(13);
  inputs.Input("x", {1, 2}).Input("x", {1, 2}).Output("x");
  EXPECT_EQ(inputs.Refusal(), "two inputs have the name 'x'");
}

TEST(OnnxWeights, DamagedOnes) {
  const auto refusal = [](const ir::Shape& dims, std::vector<float> values) {
    TestModel m(13);
    m.Input("x", {1, 2}).Output("y").Floats("w", {1}, {0});
    auto* w = m.model.mutable_graph()->mutable_initializer(0);
    w->clear_dims();
    w->clear_float_data();
    w->mutable_dims()->Add(dims.begin(), dims.end());
    w->mutable_float_data()->Add(values.begin(), values.end());
    m.Node("Add", {"x", "w"}, {"y"});
    return m.Refusal();
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(refusal({1, 2}, {1, kNan}),
            "node 'y' (Add): initialiser 'w': it has NaN at [0, 1]\n"
            "  hint: the training has diverged or the file is damaged");
  EXPECT_THAT(refusal({2}, {kInf, 0}), HasSubstr("it has infinity at [0]"));
  EXPECT_EQ(refusal({2}, {1, 2, 3}),
            "node 'y' (Add): initialiser 'w': its shape [2] needs 2 elements but it has 3");
  EXPECT_EQ(refusal({1LL << 40, 1LL << 40}, {1}),
            "node 'y' (Add): initialiser 'w': shape [1099511627776, 1099511627776] has more than "
            "2147483648 elements");
  EXPECT_THAT(refusal({-2}, {1}), HasSubstr("shape [-2] has the dimension -2"));
  EXPECT_NE(refusal({2, 0}, {}), "");
}

TEST(OnnxWeights, ConstantsOfLimitedSize) {
  TestModel m(13);
  m.Input("x", {1, 1}).Output("y").Ints("dims", {1024, 1024, 1024});
  m.Node("ConstantOfShape", {"dims"}, {"big"});
  m.Node("Add", {"x", "big"}, {"y"});
  ImportOptions options;
  options.max_constant_bytes = 1 << 20;
  EXPECT_EQ(m.Refusal(options),
            "node 'big' (ConstantOfShape): the constants of the model need more than 1 MiB");
}

}  // namespace
}  // namespace tf2::import::onnx
