// What each ONNX operator becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/onnx/test_model.h"

namespace tf2::import::onnx {
namespace {

using testing::ElementsAre;
using Ints = std::vector<std::int64_t>;

TEST(OnnxConv, TakesEveryAttribute) {
  TestModel m = OneNode();
  m.Floats("w", {6, 2, 3, 2}).Floats("b", {6});
  m.Node("Conv", {"x", "w", "b"}, {"y"},
         {{"kernel_shape", Ints{3, 2}},
          {"strides", Ints{2, 1}},
          {"pads", Ints{1, 0, 2, 1}},
          {"dilations", Ints{1, 2}},
          {"group", std::int64_t{2}}});
  EXPECT_EQ(m.Text(),
            "%y = conv(%x, %w, %b) {dilations = [1, 2], groups = 2, pads = [1, 0, 2, 1], "
            "strides = [2, 1]} : f32[1, 6, 4, 5]\n");
}

TEST(OnnxConv, PadsAutomatically) {
  const auto text = [](const char* auto_pad) {
    TestModel m = OneNode();
    m.Floats("w", {4, 4, 3, 4});
    m.Node("Conv", {"x", "w"}, {"y"},
           {{"auto_pad", std::string(auto_pad)}, {"strides", Ints{2, 1}}});
    return m.Text();
  };
  EXPECT_EQ(text("SAME_UPPER"),
            "%y = conv(%x, %w) {dilations = [1, 1], groups = 1, pads = [0, 1, 1, 2], "
            "strides = [2, 1]} : f32[1, 4, 3, 6]\n");
  EXPECT_EQ(text("SAME_LOWER"),
            "%y = conv(%x, %w) {dilations = [1, 1], groups = 1, pads = [1, 2, 0, 1], "
            "strides = [2, 1]} : f32[1, 4, 3, 6]\n");
  EXPECT_EQ(text("VALID"),
            "%y = conv(%x, %w) {dilations = [1, 1], groups = 1, pads = [0, 0, 0, 0], "
            "strides = [2, 1]} : f32[1, 4, 2, 3]\n");
}

TEST(OnnxPool, MaxWithCeilAndUnreadIndices) {
  TestModel m = OneNode(12);
  m.Node("MaxPool", {"x"}, {"y", "indices"},
         {{"kernel_shape", Ints{3, 3}},
          {"strides", Ints{2, 2}},
          {"ceil_mode", std::int64_t{1}},
          {"storage_order", std::int64_t{0}}});
  EXPECT_EQ(
      m.Text(),
      "%y = max_pool(%x) {ceil = 1, dilations = [1, 1], kernel = [3, 3], pads = [0, 0, 0, 0], "
      "strides = [2, 2]} : f32[1, 4, 3, 3]\n");
}

TEST(OnnxPool, AverageCountsPaddingOrNot) {
  const auto text = [](std::int64_t include) {
    TestModel m = OneNode();
    m.Node(
        "AveragePool", {"x"}, {"y"},
        {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}, {"count_include_pad", include}});
    return m.Text();
  };
  EXPECT_EQ(
      text(0),
      "%y = avg_pool(%x) {ceil = 0, dilations = [1, 1], divisor = \"valid\", kernel = [3, 3], "
      "pads = [1, 1, 1, 1], strides = [1, 1]} : f32[1, 4, 6, 6]\n");
  EXPECT_THAT(text(1), testing::HasSubstr("divisor = \"caffe\""));
}

TEST(OnnxPool, Global) {
  TestModel m = OneNode();
  m.Node("GlobalAveragePool", {"x"}, {"a"});
  m.Node("GlobalMaxPool", {"a"}, {"y"});
  EXPECT_EQ(m.Text(),
            "%a = global_avg_pool(%x) : f32[1, 4, 1, 1]\n"
            "%y = global_max_pool(%a) : f32[1, 4, 1, 1]\n");
}

TEST(OnnxGemm, FoldsAlphaBetaAndTransposition) {
  TestModel m(13);
  m.Input("x", {1, 2}).Output("y").Floats("w", {2, 3}).Floats("b", {1, 3});
  m.Node("Gemm", {"x", "w", "b"}, {"y"}, {{"alpha", 2.0F}, {"beta", 0.5F}});
  const auto graph = m.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(NodeLines(*graph), "%y = gemm(%x, %y/weights, %y/bias) : f32[1, 3]\n");
  EXPECT_EQ(ConstantOf(*graph, "y/weights"), ir::Tensor::Float({3, 2}, {0, 6, 2, 8, 4, 10}));
  EXPECT_EQ(ConstantOf(*graph, "y/bias"), ir::Tensor::Float({3}, {0, 0.5F, 1}));
  EXPECT_EQ(graph->values.size(), 4U) << "the initialisers themselves are gone";
}

TEST(OnnxGemm, KeepsWeightsThatFit) {
  TestModel m(13);
  m.Input("x", {1, 2}).Output("y").Floats("w", {3, 2}).Floats("b", {});
  m.Node("Gemm", {"x", "w", "b"}, {"y"}, {{"transB", std::int64_t{1}}});
  const auto graph = m.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(NodeLines(*graph), "%y = gemm(%x, %w, %y/bias) : f32[1, 3]\n");
  EXPECT_EQ(ConstantOf(*graph, "y/bias"), ir::Tensor::Float({3}, {0, 0, 0}));
}

TEST(OnnxGemm, AddsABiasOfAnotherShape) {
  TestModel m(13);
  m.Input("x", {2, 2}).Output("y").Floats("w", {2, 3}).Floats("b", {2, 1});
  m.Node("Gemm", {"x", "w", "b"}, {"y"});
  ImportOptions options;
  options.input_shapes["x"] = {2, 2};
  EXPECT_EQ(m.Text(options),
            "%y/product = gemm(%x, %y/weights) : f32[2, 3]\n"
            "%y = add(%y/product, %b) : f32[2, 3]\n");
}

TEST(OnnxMatMul, ByAConstantOfTransposedAndReshapedWeights) {
  TestModel m(13);
  m.Input("x", {1, 6}).Output("y").Floats("w", {3, 2, 1}).Ints("shape", {3, 2});
  m.Node("Transpose", {"w"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
  m.Node("Reshape", {"t", "shape"}, {"r"});
  m.Node("Transpose", {"r"}, {"rt"});
  m.Node("Reshape", {"rt", "six"}, {"six_by_one"});
  m.Node("MatMul", {"x", "six_by_one"}, {"y"});
  m.Ints("six", {6, 1});
  const auto graph = m.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(NodeLines(*graph), "%y = matmul(%x, %six_by_one) : f32[1, 1]\n");
  EXPECT_THAT(ConstantOf(*graph, "six_by_one").f32, ElementsAre(0, 4, 3, 2, 1, 5));
}

TEST(OnnxBatchNormalization, OfEveryEra) {
  for (const std::int64_t opset : {1, 6, 7, 9, 14, 15}) {
    TestModel m = OneNode(opset);
    for (const char* name : {"s", "b", "m", "v"}) m.Floats(name, {4});
    auto& node = m.Node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"},
                        {{"epsilon", 0.25F}, {"momentum", 0.9F}});
    if (opset < 9) {
      auto* a = node.add_attribute();
      a->set_name("spatial");
      a->set_i(1);
    }
    EXPECT_EQ(m.Text(), "%y = batch_norm(%x, %m, %v, %s, %b) {epsilon = 0.25} : f32[1, 4, 6, 6]\n")
        << opset;
  }
}

TEST(OnnxSoftmax, OfOneAxisSinceOpset13) {
  TestModel m = OneNode(13);
  m.Node("Softmax", {"x"}, {"y"});
  EXPECT_EQ(m.Text(), "%y = softmax(%x) {axis = 3} : f32[1, 4, 6, 6]\n");
}

TEST(OnnxSoftmax, OfAllFollowingAxesBefore) {
  TestModel m = OneNode(12);
  m.Node("Softmax", {"x"}, {"y"});
  EXPECT_EQ(m.Text(),
            "%y/flatten = flatten(%x) {axis = 1} : f32[1, 144]\n"
            "%y/softmax = softmax(%y/flatten) {axis = 1} : f32[1, 144]\n"
            "%y = reshape(%y/softmax) {shape = [1, 4, 6, 6]} : f32[1, 4, 6, 6]\n");
  TestModel flat(9);
  flat.Input("x", {1, 10, 1, 1}).Output("y");
  flat.Node("Softmax", {"x"}, {"y"});
  EXPECT_EQ(flat.Text(), "%y = softmax(%x) {axis = 1} : f32[1, 10, 1, 1]\n");
}

TEST(OnnxArithmetic, BroadcastsAsItsEraDoes) {
  TestModel old = OneNode(6);
  old.Floats("c", {4});
  old.Node("Add", {"x", "c"}, {"y"}, {{"broadcast", std::int64_t{1}}, {"axis", std::int64_t{1}}});
  EXPECT_EQ(old.Text(), "%y = add(%x, %y/align) : f32[1, 4, 6, 6]\n");
  for (const char* op : {"Sub", "Mul", "Div"}) {
    TestModel now = OneNode(7);
    now.Floats("c", {4, 1, 1});
    now.Node(op, {"x", "c"}, {"y"});
    std::string name(op);
    name[0] = static_cast<char>(name[0] - 'A' + 'a');
    EXPECT_EQ(now.Text(), "%y = " + name + "(%x, %c) : f32[1, 4, 6, 6]\n");
  }
}

TEST(OnnxSum, OfSeveral) {
  TestModel m = OneNode();
  m.Node("Sum", {"x", "x", "x"}, {"y"});
  EXPECT_EQ(m.Text(),
            "%y/part1 = add(%x, %x) : f32[1, 4, 6, 6]\n"
            "%y = add(%y/part1, %x) : f32[1, 4, 6, 6]\n");
}

TEST(OnnxActivations, ReluClipIdentityDropout) {
  TestModel m = OneNode(12);
  m.Floats("zero", {}, {0});
  m.Node("Relu", {"x"}, {"a"});
  m.Node("Clip", {"a", "zero"}, {"b"});
  m.Node("Clip", {"b"}, {"c"});
  m.Node("Identity", {"c"}, {"d"});
  m.Node("Dropout", {"d"}, {"y", "mask"});
  EXPECT_EQ(m.Text(),
            "%a = relu(%x) : f32[1, 4, 6, 6]\n"
            "%b = relu(%a) : f32[1, 4, 6, 6]\n"
            "%c = identity(%b) : f32[1, 4, 6, 6]\n"
            "%d = identity(%c) : f32[1, 4, 6, 6]\n"
            "%y = identity(%d) : f32[1, 4, 6, 6]\n");
}

TEST(OnnxActivations, ClipsAndFunctions) {
  TestModel m = OneNode(10);
  m.Node("Clip", {"x"}, {"a"}, {{"min", 0.0F}, {"max", 6.0F}});
  m.Node("LeakyRelu", {"a"}, {"b"}, {{"alpha", 0.5F}});
  m.Node("Sigmoid", {"b"}, {"y"});
  EXPECT_EQ(m.Text(),
            "%a = clip(%x) {max = 6, min = 0} : f32[1, 4, 6, 6]\n"
            "%b = unary(%a) {alpha = 0.5, fn = \"leaky_relu\"} : f32[1, 4, 6, 6]\n"
            "%y = unary(%b) {fn = \"sigmoid\"} : f32[1, 4, 6, 6]\n");
}

TEST(OnnxConv, OfOneAxisBecomesTwo) {
  TestModel m(13);
  m.Input("x", {1, 2, 9}).Output("y").Floats("w", {4, 2, 3});
  m.Node("Conv", {"x", "w"}, {"y"}, {{"pads", Ints{1, 2}}, {"strides", Ints{2}}});
  EXPECT_EQ(m.Text(),
            "%y/data = unsqueeze(%x) {axes = [2]} : f32[1, 2, 1, 9]\n"
            "%y/lifted = conv(%y/data, %y/weights) {dilations = [1, 1], groups = 1, "
            "pads = [0, 1, 0, 2], strides = [1, 2]} : f32[1, 4, 1, 5]\n"
            "%y = squeeze(%y/lifted) {axes = [2]} : f32[1, 4, 5]\n");
}

TEST(OnnxSplit, SlicesWhatIsRead) {
  TestModel m = OneNode(13);
  m.Ints("sizes", {1, 2, 1});
  m.Node("Split", {"x", "sizes"}, {"a", "unread", "b"}, {{"axis", std::int64_t{1}}});
  m.Node("Add", {"a", "b"}, {"y"});
  EXPECT_EQ(m.Text(),
            "%a = slice(%x) {axes = [1], ends = [1], starts = [0]} : f32[1, 1, 6, 6]\n"
            "%b = slice(%x) as \"a/2\" {axes = [1], ends = [4], starts = [3]} : f32[1, 1, 6, 6]\n"
            "%y = add(%a, %b) : f32[1, 1, 6, 6]\n");
}

TEST(OnnxResize, SizesAreEvaluatedFromShapes) {
  TestModel m = OneNode(13);
  m.Floats("two", {4}, {1, 1, 2, 2});
  m.Node("Shape", {"x"}, {"s"});
  m.Node("Cast", {"s"}, {"f"}, {{"to", std::int64_t{1}}});
  m.Node("Mul", {"f", "two"}, {"g"});
  m.Node("Floor", {"g"}, {"h"});
  m.Node("Cast", {"h"}, {"sizes"}, {{"to", std::int64_t{7}}});
  m.Node("Resize", {"x", "", "", "sizes"}, {"y"}, {{"mode", std::string("linear")}});
  EXPECT_THAT(m.Text(), testing::HasSubstr("sizes = [1, 4, 12, 12]} : f32[1, 4, 12, 12]"));
}

TEST(OnnxPad, FromAttributesInputsAndAxes) {
  const std::string expected =
      "%y = pad(%x) {mode = \"constant\", pads = [0, 0, 1, 2, 0, 0, 3, 4], value = 0.5} : "
      "f32[1, 4, 10, 12]\n";
  TestModel attrs = OneNode(10);
  attrs.Node("Pad", {"x"}, {"y"}, {{"pads", Ints{0, 0, 1, 2, 0, 0, 3, 4}}, {"value", 0.5F}});
  EXPECT_EQ(attrs.Text(), expected);
  TestModel inputs = OneNode(13);
  inputs.Ints("p", {0, 0, 1, 2, 0, 0, 3, 4}).Floats("v", {}, {0.5F});
  inputs.Node("Pad", {"x", "p", "v"}, {"y"});
  EXPECT_EQ(inputs.Text(), expected);
  TestModel axes = OneNode(18);
  axes.Ints("p", {2, 1, 4, 3}).Floats("v", {}, {0.5F}).Ints("a", {-1, 2});
  axes.Node("Pad", {"x", "p", "v", "a"}, {"y"});
  EXPECT_EQ(axes.Text(), expected);
}

TEST(OnnxShapeArithmetic, IsEvaluated) {
  // x.view(x.size(0), -1) as PyTorch writes it.
  TestModel m = OneNode(11);
  m.Ints("zero", {0}).Ints("minus", {-1});
  m.Node("Shape", {"x"}, {"shape"});
  m.Node("Gather", {"shape", "zero"}, {"n"}, {{"axis", std::int64_t{0}}});
  m.Node("Squeeze", {"n"}, {"scalar"}, {{"axes", Ints{0}}});
  m.Node("Unsqueeze", {"scalar"}, {"again"}, {{"axes", Ints{0}}});
  m.Node("Concat", {"again", "minus"}, {"target"}, {{"axis", std::int64_t{0}}});
  m.Node("Reshape", {"x", "target"}, {"y"});
  EXPECT_THAT(m.Text(), testing::EndsWith(
                            "%y = reshape(%x) {allowzero = 0, shape = [1, -1]} : f32[1, 144]\n"));
}

TEST(OnnxShapeArithmetic, PaddingAsPyTorchComputesIt) {
  TestModel m = OneNode(11);
  m.Ints("rest", {4}).Ints("given", {1, 2, 3, 4}).Ints("pairs", {-1, 2}).Ints("minus", {-1});
  m.Ints("first", {-1}).Ints("last", {INT64_MIN + 1}).Ints("axis", {0}).Ints("step", {-1});
  m.Node("ConstantOfShape", {"rest"}, {"zeros"}, {{"value", [] {
                                                     onnx_pb::Tensor t;
                                                     t.set_data_type(onnx_pb::Tensor::INT64);
                                                     t.add_dims(1);
                                                     t.add_int64_data(0);
                                                     return t;
                                                   }()}});
  m.Node("Concat", {"given", "zeros"}, {"all"}, {{"axis", std::int64_t{0}}});
  m.Node("Reshape", {"all", "pairs"}, {"table"});
  m.Node("Slice", {"table", "first", "last", "axis", "step"}, {"turned"});
  m.Node("Transpose", {"turned"}, {"t"}, {{"perm", Ints{1, 0}}});
  m.Node("Reshape", {"t", "minus"}, {"flat"});
  m.Node("Cast", {"flat"}, {"pads"}, {{"to", std::int64_t{7}}});
  m.Node("Pad", {"x", "pads"}, {"y"});
  EXPECT_THAT(m.Text(), testing::HasSubstr("pads = [0, 0, 3, 1, 0, 0, 4, 2]"));
}

TEST(OnnxShapeArithmetic, RemaindersOfBothSigns) {
  // What windowed attention pads its maps by: (7 - h mod 7) mod 7.
  TestModel m = OneNode();
  m.Ints("numbers", {7, -7, 6, 6}).Ints("by", {4, 4, 4, -4}).Ints("zeros", {0, 0, 0, 0});
  m.Node("Mod", {"numbers", "by"}, {"after"});                              // 3 1 2 -2
  m.Node("Mod", {"numbers", "by"}, {"fmod"}, {{"fmod", std::int64_t{1}}});  // 3 -3 2 2
  m.Node("Add", {"after", "fmod"}, {"sum"});
  m.Node("Max", {"sum", "zeros"}, {"least"});
  m.Node("Concat", {"zeros", "least"}, {"pads"}, {{"axis", std::int64_t{0}}});
  m.Node("Pad", {"x", "pads"}, {"y"});
  EXPECT_THAT(m.Text(), testing::HasSubstr("pads = [0, 0, 0, 0, 6, 0, 4, 0]"));
}

TEST(OnnxBatchNormalization, OfWeightsByTheirOwnStatistics) {
  // As layers with standardised weights are exported.
  TestModel m = OneNode(14);
  m.Floats("w", {1, 2, 36});
  for (const char* name : {"s", "b", "m", "v"}) m.Floats(name, {2});
  m.Node("BatchNormalization", {"w", "s", "b", "m", "v"}, {"n"},
         {{"training_mode", std::int64_t{1}}});
  m.Ints("kernel", {2, 4, 3, 3});
  m.Node("Reshape", {"n", "kernel"}, {"k"});
  m.Node("Conv", {"x", "k"}, {"y"});
  EXPECT_THAT(m.Text(),
              testing::HasSubstr("%n = group_norm(%w, %s, %b) {epsilon = 1e-05, groups = 2}"));
}

TEST(OnnxShapeArithmetic, ShapeOfAPartAndSliceOfEveryEra) {
  TestModel m = OneNode(15);
  m.Node("Shape", {"x"}, {"hw"}, {{"start", std::int64_t{2}}});
  m.Node("Cast", {"hw"}, {"y"}, {{"to", std::int64_t{1}}});
  EXPECT_EQ(m.Text(),
            "%hw/shape = shape(%x) : i64[4]\n"
            "%hw = slice(%hw/shape) {ends = [4], starts = [2]} : i64[2]\n"
            "%y = cast(%hw) {to = \"f32\"} : f32[2]\n");
  TestModel old = OneNode(9);
  old.Node("Slice", {"x"}, {"y"},
           {{"starts", Ints{1}}, {"ends", Ints{INT64_MAX}}, {"axes", Ints{2}}});
  EXPECT_EQ(old.Text(),
            "%y = slice(%x) {axes = [2], ends = [9223372036854775807], starts = [1]} : "
            "f32[1, 4, 5, 6]\n");
}

TEST(OnnxConstant, FromEveryAttribute) {
  TestModel m(13);
  m.Input("x", {1, 3}).Output("y");
  m.Node("Constant", {}, {"a"}, {{"value_floats", std::vector<float>{1, 2, 3}}});
  m.Node("Constant", {}, {"b"}, {{"value_float", 4.0F}});
  m.Node("Constant", {}, {"c"}, {{"value_ints", Ints{3, 1}}});
  m.Node("Constant", {}, {"d"}, {{"value_int", std::int64_t{0}}});
  m.Node("Add", {"x", "a"}, {"e"});
  m.Node("Add", {"e", "b"}, {"f"});
  m.Node("Reshape", {"f", "c"}, {"g"});
  m.Node("Gather", {"g", "d"}, {"y"});
  EXPECT_EQ(m.Text(),
            "%e = add(%x, %a) : f32[1, 3]\n"
            "%f = add(%e, %b) : f32[1, 3]\n"
            "%g = reshape(%f) {allowzero = 0, shape = [3, 1]} : f32[3, 1]\n"
            "%y = gather(%g, %d) {axis = 0} : f32[1]\n");
}

TEST(OnnxConstant, ElementTypes) {
  const auto floats = [](std::int32_t type, const std::string& raw) {
    TestModel m(13);
    m.Input("x", {1, 2}).Output("y");
    auto* w = m.model.mutable_graph()->add_initializer();
    w->set_name("w");
    w->set_data_type(type);
    w->add_dims(2);
    w->set_raw_data(raw);
    m.Node("Add", {"x", "w"}, {"y"});
    const auto graph = m.Import();
    return graph.ok() ? ConstantOf(*graph, "w").f32 : std::vector<float>{};
  };
  EXPECT_THAT(floats(onnx_pb::Tensor::FLOAT16, std::string("\x00\xC0\x01\x00", 4)),
              ElementsAre(-2, 5.9604645e-8F));
  EXPECT_THAT(floats(onnx_pb::Tensor::BFLOAT16, std::string("\x80\x3F\x00\xC0", 4)),
              ElementsAre(1, -2));
  EXPECT_THAT(
      floats(onnx_pb::Tensor::DOUBLE, std::string("\0\0\0\0\0\0\xF0\x3F\0\0\0\0\0\0\0\xC0", 16)),
      ElementsAre(1, -2));
}

TEST(OnnxGraph, NodesNeedNotBeSorted) {
  TestModel m = OneNode();
  m.Node("Relu", {"b"}, {"y"});
  m.Node("Relu", {"x"}, {"a"});
  m.Node("Relu", {"a"}, {"b"});
  EXPECT_EQ(m.Text(),
            "%a = relu(%x) : f32[1, 4, 6, 6]\n%b = relu(%a) : f32[1, 4, 6, 6]\n"
            "%y = relu(%b) : f32[1, 4, 6, 6]\n");
}

TEST(OnnxGraph, NamesAreMadeUnique) {
  TestModel m = OneNode();
  m.Node("Relu", {"x"}, {"a"}).set_name("same");
  m.Node("Relu", {"a"}, {"y"}).set_name("same");
  EXPECT_EQ(m.Text(),
            "%a = relu(%x) as \"same\" : f32[1, 4, 6, 6]\n%y = relu(%a) as \"same.1\" : f32[1, 4, "
            "6, 6]\n");
}

TEST(OnnxInputs, TheBatchBecomesOneAndReshapesFollow) {
  TestModel m(13);
  m.Input("x", {8, 4, 2, 2}).Output("y").Ints("eight", {8, 16}).Ints("open", {8, -1});
  m.Node("Reshape", {"x", "eight"}, {"a"});
  m.Node("Reshape", {"a", "open"}, {"y"});
  EXPECT_EQ(m.Text(),
            "%a = reshape(%x) {allowzero = 0, shape = [1, 16]} : f32[1, 16]\n"
            "%y = reshape(%a) {allowzero = 0, shape = [1, -1]} : f32[1, 16]\n");
  ImportOptions options;
  options.input_shapes["x"] = {8, 4, 2, 2};
  EXPECT_THAT(m.Text(options), testing::HasSubstr("shape = [8, 16]"));
}

TEST(OnnxInputs, OpenDimensionsAreGiven) {
  TestModel m(13);
  m.Input("x", {-1, 3, -1, -1}).Output("y");
  m.Node("Relu", {"x"}, {"y"});
  ImportOptions options;
  options.input_shapes["x"] = {1, 3, 5, 7};
  EXPECT_EQ(m.Text(options), "%y = relu(%x) : f32[1, 3, 5, 7]\n");
}

}  // namespace
}  // namespace tf2::import::onnx
