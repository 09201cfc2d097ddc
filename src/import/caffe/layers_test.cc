// What each Caffe layer becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/caffe/test_net.h"

namespace tf2::import::caffe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CaffeConvolution, ReadsEveryParameter) {
  TestNet net(R"(layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param {
      num_output: 6 group: 2 kernel_h: 3 kernel_w: 2 pad_h: 1 stride: 2 stride: 1 dilation: 2
      weight_filler { type: "xavier" } engine: CUDNN } })");
  net.Blob("c", {6, 2, 3, 2}).Blob("c", {6});
  EXPECT_EQ(net.Text(),
            "%c = conv(%data, %c/weights, %c/bias) {dilations = [2, 2], groups = 2, "
            "pads = [1, 0, 1, 0], strides = [2, 1]} : f32[1, 6, 2, 4]\n");
}

TEST(CaffeConvolution, WithoutBias) {
  TestNet net(R"(layer { name: "c" type: "Convolution" bottom: "data" top: "c"
      convolution_param { num_output: 2 kernel_size: 1 bias_term: false } })");
  net.Blob("c", {2, 4, 1, 1});
  EXPECT_THAT(net.Text(), testing::StartsWith("%c = conv(%data, %c/weights) "));
}

TEST(CaffeInnerProduct, FlattensAndTransposes) {
  TestNet net(R"(layer { name: "f" type: "InnerProduct" bottom: "data" top: "f"
                         inner_product_param { num_output: 2 } }
                 layer { name: "g" type: "InnerProduct" bottom: "f" top: "g"
                         inner_product_param { num_output: 3 transpose: true bias_term: false } })");
  net.Blob("f", {2, 144}).Blob("f", {2}).Blob("g", {2, 3});
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(NodeLines(*graph),
            "%f/flatten = flatten(%data) {axis = 1} : f32[1, 144]\n"
            "%f = gemm(%f/flatten, %f/weights, %f/bias) : f32[1, 2]\n"
            "%g = gemm(%f, %g/weights) : f32[1, 3]\n");
  EXPECT_EQ(ConstantOf(*graph, "g/weights"), ir::Tensor::Float({3, 2}, {0, 3, 1, 4, 2, 5}));
}

TEST(CaffeInnerProduct, AlongALaterAxis) {
  TestNet net(R"(layer { name: "f" type: "InnerProduct" bottom: "data" top: "f"
                         inner_product_param { num_output: 2 axis: -1 bias_term: false } })");
  net.Blob("f", {2, 6});
  EXPECT_EQ(net.Text(),
            "%f/flatten = flatten(%data) {axis = 3} : f32[24, 6]\n"
            "%f/gemm = gemm(%f/flatten, %f/weights) : f32[24, 2]\n"
            "%f = reshape(%f/gemm) {shape = [1, 4, 6, 2]} : f32[1, 4, 6, 2]\n");
}

TEST(CaffeBatchNorm, DividesByTheSumOfWeights) {
  TestNet net(R"(layer { name: "b" type: "BatchNorm" bottom: "data" top: "data"
                         batch_norm_param { eps: 0.25 use_global_stats: true } }
                 layer { name: "s" type: "Scale" bottom: "data" top: "data"
                         scale_param { bias_term: true } }
                 layer { name: "r" type: "ReLU" bottom: "data" top: "data" })");
  net.Blob("b", {4}).Blob("b", {4}, {2, 4, 6, 8}).Blob("b", {1}, {2});
  net.Blob("s", {4}).Blob("s", {4});
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(NodeLines(*graph),
            "%b = batch_norm(%data, %b/mean, %b/variance) {epsilon = 0.25} : f32[1, 4, 6, 6]\n"
            "%s = scale(%b, %s/factor, %s/bias) : f32[1, 4, 6, 6]\n"
            "%r = relu(%s) : f32[1, 4, 6, 6]\n");
  EXPECT_THAT(ConstantOf(*graph, "b/mean").f32, ElementsAre(0, 0.5F, 1, 1.5F));
  EXPECT_THAT(ConstantOf(*graph, "b/variance").f32, ElementsAre(1, 2, 3, 4));
}

TEST(CaffeBatchNorm, OfNoData) {
  TestNet net(R"(layer { name: "b" type: "BatchNorm" bottom: "data" top: "b" })");
  net.Blob("b", {4}).Blob("b", {4}).Blob("b", {1}, {0});
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_THAT(ConstantOf(*graph, "b/mean").f32, ElementsAre(0, 0, 0, 0));
}

TEST(CaffeScale, OfOneNumberAndOfTwoBottoms) {
  TestNet net(
      R"(layer { name: "s" type: "Scale" bottom: "data" top: "s" scale_param { num_axes: 0 } }
                 layer { name: "g" type: "Pooling" bottom: "s" top: "g"
                         pooling_param { pool: AVE global_pooling: true } }
                 layer { name: "f" type: "Flatten" bottom: "g" top: "f" }
                 layer { name: "m" type: "Scale" bottom: "s" bottom: "f" top: "m"
                         scale_param { axis: 0 } }
                 layer { name: "b" type: "Bias" bottom: "m" top: "b" })");
  net.Blob("s", {}, {3}).Blob("b", {4});
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(NodeLines(*graph),
            "%s = scale(%data, %s/factor) : f32[1, 4, 6, 6]\n"
            "%g = global_avg_pool(%s) : f32[1, 4, 1, 1]\n"
            "%f = flatten(%g) {axis = 1} : f32[1, 4]\n"
            "%m/align = reshape(%f) {shape = [1, 4, 1, 1]} : f32[1, 4, 1, 1]\n"
            "%m = mul(%s, %m/align) : f32[1, 4, 6, 6]\n"
            "%b = scale(%m, _, %b/bias) : f32[1, 4, 6, 6]\n");
  EXPECT_THAT(ConstantOf(*graph, "s/factor").f32, ElementsAre(3, 3, 3, 3));
}

TEST(CaffePooling, RoundsUpUnlessTold) {
  const auto text = [](const std::string& more) {
    return TestNet(
               "layer { name: \"p\" type: \"Pooling\" bottom: \"data\" top: \"p\" "
               "pooling_param { kernel_size: 3 stride: 2 " +
               more + " } }")
        .Text();
  };
  EXPECT_EQ(text(""),
            "%p = max_pool(%data) {ceil = 1, kernel = [3, 3], pads = [0, 0, 0, 0], "
            "strides = [2, 2]} : f32[1, 4, 3, 3]\n");
  EXPECT_THAT(text("round_mode: FLOOR"), HasSubstr("f32[1, 4, 2, 2]"));
  EXPECT_THAT(text("ceil_mode: false"), HasSubstr("f32[1, 4, 2, 2]"));
  EXPECT_EQ(text("pool: AVE pad: 1"),
            "%p = avg_pool(%data) {ceil = 1, divisor = \"caffe\", kernel = [3, 3], "
            "pads = [1, 1, 1, 1], strides = [2, 2]} : f32[1, 4, 4, 4]\n");
}

TEST(CaffeEltwise, SumsProductsAndCoefficients) {
  const auto text = [](const std::string& bottoms, const std::string& param) {
    return TestNet(
               "layer { name: \"r\" type: \"ReLU\" bottom: \"data\" top: \"r\" }\n"
               "layer { name: \"e\" type: \"Eltwise\" " +
               bottoms + " top: \"e\" eltwise_param { " + param + " } }")
        .Text();
  };
  const std::string relu = "%r = relu(%data) : f32[1, 4, 6, 6]\n";
  const std::string two = "bottom: \"data\" bottom: \"r\"";
  EXPECT_EQ(text(two, ""), relu + "%e = add(%data, %r) : f32[1, 4, 6, 6]\n");
  EXPECT_EQ(text(two, "coeff: 1 coeff: -1"), relu + "%e = sub(%data, %r) : f32[1, 4, 6, 6]\n");
  EXPECT_EQ(text(two, "coeff: 1 coeff: 0.5"),
            relu +
                "%e/scaled1 = scale(%r, %e/coeff1) : f32[1, 4, 6, 6]\n"
                "%e = add(%data, %e/scaled1) : f32[1, 4, 6, 6]\n");
  EXPECT_EQ(text(two + " bottom: \"r\"", "operation: PROD"),
            relu +
                "%e/part1 = mul(%data, %r) : f32[1, 4, 6, 6]\n"
                "%e = mul(%e/part1, %r) : f32[1, 4, 6, 6]\n");
}

TEST(CaffeMovement, ConcatFlattenReshapeDropoutSplit) {
  TestNet net(R"(layer { name: "s" type: "Split" bottom: "data" top: "a" top: "b" }
                 layer { name: "c" type: "Concat" bottom: "a" bottom: "b" top: "c" }
                 layer { name: "h" type: "Concat" bottom: "c" top: "h" concat_param { concat_dim: 2 } }
                 layer { name: "d" type: "Dropout" bottom: "h" top: "h" dropout_param { dropout_ratio: 0.5 } }
                 layer { name: "f" type: "Flatten" bottom: "h" top: "f" flatten_param { axis: 2 } }
                 layer { name: "r" type: "Reshape" bottom: "f" top: "r" reshape_param { shape { dim: 0 dim: 2 dim: -1 } } }
                 layer { name: "q" type: "Reshape" bottom: "r" top: "q" reshape_param { shape { dim: 12 dim: 12 } axis: -2 num_axes: 1 } }
                 layer { name: "p" type: "Softmax" bottom: "q" top: "p" softmax_param { axis: -1 } })");
  EXPECT_EQ(net.Text(),
            "%c = concat(%data, %data) {axis = 1} : f32[1, 8, 6, 6]\n"
            "%h = concat(%c) {axis = 2} : f32[1, 8, 6, 6]\n"
            "%d = identity(%h) : f32[1, 8, 6, 6]\n"
            "%f = reshape(%d) {shape = [1, 8, 36]} : f32[1, 8, 36]\n"
            "%r = reshape(%f) {shape = [1, 2, -1]} : f32[1, 2, 144]\n"
            "%q = reshape(%r) {shape = [1, 2, 12, 12]} : f32[1, 2, 12, 12]\n"
            "%p = softmax(%q) {axis = -1} : f32[1, 2, 12, 12]\n");
}

TEST(CaffePhases, OnlyTheTestNetworkRemains) {
  TestNet net(R"(
      layer { name: "train" type: "ReLU" bottom: "data" top: "x" include { phase: TRAIN } }
      layer { name: "test" type: "ReLU" bottom: "data" top: "x" include { phase: TEST } }
      layer { name: "noisy" type: "DropConnect" bottom: "x" top: "x" exclude { phase: TEST } }
      layer { name: "deep" type: "ReLU" bottom: "x" top: "x" include { min_level: 1 } }
      layer { name: "staged" type: "ReLU" bottom: "x" top: "x" include { stage: "deploy" } }
      layer { name: "plain" type: "ReLU" bottom: "x" top: "y" include { not_stage: "deploy" } })");
  EXPECT_EQ(net.Text(),
            "%x = relu(%data) as \"test\" : f32[1, 4, 6, 6]\n"
            "%y = relu(%x) as \"plain\" : f32[1, 4, 6, 6]\n");
  net.prototxt += "\nstate { stage: \"deploy\" }";
  EXPECT_EQ(
      net.Text(),
      "%x = relu(%data) as \"test\" : f32[1, 4, 6, 6]\n%staged = relu(%x) : f32[1, 4, 6, 6]\n");
}

TEST(CaffeTraining, DataAndLossLayers) {
  TestNet net("");
  net.prototxt = R"(
      layer { name: "d" type: "Data" top: "data" top: "label" transform_param { crop_size: 5 } }
      layer { name: "r" type: "ReLU" bottom: "data" top: "r" }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "r" bottom: "label" top: "loss" }
      layer { name: "accuracy" type: "Accuracy" bottom: "r" bottom: "label" top: "accuracy" })";
  EXPECT_EQ(net.Text(),
            "layer 'd' (Data): the shape of 'data' is not stated\n"
            "  hint: give it: --input-shape data=1x3x5x5");
  ImportOptions options;
  options.input_shapes["data"] = {1, 3, 5, 5};
  EXPECT_EQ(
      net.Text(options),
      "%r = relu(%data) : f32[1, 3, 5, 5]\n%loss = softmax(%r) {axis = 1} : f32[1, 3, 5, 5]\n");
  net.prototxt += "layer { name: \"prob\" type: \"Softmax\" bottom: \"r\" top: \"prob\" }";
  EXPECT_THAT(net.Text(options), testing::Not(HasSubstr("loss")));
}

TEST(CaffeOutputs, AreTheBlobsNobodyReads) {
  TestNet net(R"(layer { name: "a" type: "ReLU" bottom: "data" top: "a" }
                 layer { name: "b" type: "ReLU" bottom: "a" top: "b" }
                 layer { name: "c" type: "ReLU" bottom: "a" top: "c" }
                 layer { name: "d" type: "ReLU" bottom: "a" top: "d" }
                 layer { name: "s" type: "Silence" bottom: "c" })");
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  ASSERT_EQ(graph->outputs.size(), 2U);
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "b");
  EXPECT_EQ(graph->value(graph->outputs[1]).name, "d");
}

TEST(CaffeInputs, OfEveryKind) {
  const auto shape = [](const std::string& prototxt) {
    const auto graph = ImportCaffeFromMemory(
        prototxt + "layer { name: \"r\" type: \"ReLU\" bottom: \"x\" top: \"r\" }", {});
    return graph.ok() ? ir::ToString(graph->value(graph->inputs[0]).shape)
                      : graph.error().ToString();
  };
  EXPECT_EQ(shape("input: \"x\" input_dim: 10 input_dim: 3 input_dim: 4 input_dim: 5 "),
            "[1, 3, 4, 5]");
  EXPECT_EQ(shape("input: \"x\" input_shape { dim: 10 dim: 3 } "), "[1, 3]");
  EXPECT_EQ(
      shape("layer { name: \"i\" type: \"Input\" top: \"x\" input_param { shape { dim: 2 dim: 7 "
            "} } }"),
      "[1, 7]");
  EXPECT_EQ(
      shape("layer { name: \"i\" type: \"MemoryData\" top: \"x\" top: \"l\" memory_data_param { "
            "batch_size: 9 channels: 3 height: 4 width: 5 } }"),
      "[1, 3, 4, 5]");
}

TEST(CaffeGenerations, V1AndV0) {
  TestNet v1(
      R"(layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 weight_decay: 0
                         convolution_param { num_output: 2 kernel_size: 3 } }
                layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { kernel_size: 2 stride: 2 } }
                layers { name: "loss" type: SOFTMAX_LOSS bottom: "p" bottom: "label" })");
  auto* layer = v1.weights.add_layers();
  layer->set_name("c");
  auto* blob = layer->add_blobs();
  blob->set_num(2);
  blob->set_channels(4);
  blob->set_height(3);
  blob->set_width(3);
  for (int i = 0; i < 72; ++i) blob->add_data(1);
  blob = layer->add_blobs();
  blob->set_num(1);
  blob->set_channels(1);
  blob->set_height(1);
  blob->set_width(2);
  blob->add_double_data(0.5);
  blob->add_double_data(0.25);
  const auto graph = v1.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(
      NodeLines(*graph),
      "%c = conv(%data, %c/weights, %c/bias) {dilations = [1, 1], groups = 1, "
      "pads = [0, 0, 0, 0], strides = [1, 1]} : f32[1, 2, 4, 4]\n"
      "%p = max_pool(%c) {ceil = 1, kernel = [2, 2], pads = [0, 0, 0, 0], strides = [2, 2]} : "
      "f32[1, 2, 2, 2]\n"
      "%loss = softmax(%p) {axis = 1} : f32[1, 2, 2, 2]\n");
  EXPECT_EQ(ConstantOf(*graph, "c/bias"), ir::Tensor::Float({2}, {0.5F, 0.25F}));

  TestNet v0(R"(layers { layer { name: "i" type: "innerproduct" num_output: 2 biasterm: false }
                         bottom: "data" top: "i" }
                layers { layer { name: "r" type: "relu" } bottom: "i" top: "i" })");
  auto* inner = v0.weights.add_layers()->mutable_layer();
  inner->set_name("i");
  blob = inner->add_blobs();
  blob->set_num(1);
  blob->set_channels(1);
  blob->set_height(2);
  blob->set_width(144);
  for (int i = 0; i < 288; ++i) blob->add_data(1);
  EXPECT_EQ(v0.Text(),
            "%i/flatten = flatten(%data) {axis = 1} : f32[1, 144]\n"
            "%i = gemm(%i/flatten, %i/weights) : f32[1, 2]\n%r = relu(%i) : f32[1, 2]\n");
}

}  // namespace
}  // namespace tf2::import::caffe
