// What each Caffe layer becomes: activations, normalisation, movement, detection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/caffe/test_net.h"

namespace tf2::import::caffe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string OneLayer(const std::string& type, const std::string& more = "") {
  return "layer { name: \"y\" type: \"" + type + "\" bottom: \"data\" top: \"y\" " + more + " }\n";
}
std::string TextOf(const std::string& type, const std::string& more = "") {
  return TestNet(OneLayer(type, more)).Text();
}

const std::string kShape = " : f32[1, 4, 6, 6]\n";

TEST(CaffeActivations, OfOneNode) {
  EXPECT_EQ(TextOf("ReLU", "relu_param { negative_slope: 0.125 }"),
            "%y = unary(%data) {alpha = 0.125, fn = \"leaky_relu\"}" + kShape);
  EXPECT_EQ(TextOf("ReLU6"), "%y = clip(%data) {max = 6, min = 0}" + kShape);
  EXPECT_EQ(TextOf("Clip", "clip_param { min: -1 max: 2 }"),
            "%y = clip(%data) {max = 2, min = -1}" + kShape);
  EXPECT_THAT(TextOf("ELU", "elu_param { alpha: 0.5 }"), HasSubstr("alpha = 0.5, fn = \"elu\""));
  EXPECT_THAT(TextOf("Sigmoid"), HasSubstr("fn = \"sigmoid\""));
  EXPECT_THAT(TextOf("TanH"), HasSubstr("fn = \"tanh\""));
  EXPECT_THAT(TextOf("AbsVal"), HasSubstr("fn = \"abs\""));
  EXPECT_THAT(TextOf("BNLL"), HasSubstr("fn = \"softplus\""));
  EXPECT_THAT(TextOf("Swish"), HasSubstr("fn = \"silu\""));
}

TEST(CaffeActivations, PReLUByChannelOrShared) {
  TestNet own(OneLayer("PReLU"));
  own.Blob("y", {4});
  EXPECT_EQ(own.Text(), "%y = prelu(%data, %y/slope)" + kShape);
  TestNet shared(OneLayer("PReLU", "prelu_param { channel_shared: true }"));
  shared.Blob("y", {1}, {0.5F});
  const auto graph = shared.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(ConstantOf(*graph, "y/slope"), ir::Tensor::Float({1, 1, 1}, {0.5F}));
}

TEST(CaffeActivations, PowerExpLogThreshold) {
  const auto power =
      TestNet(OneLayer("Power", "power_param { power: 3 scale: 2 shift: 1 }")).Import();
  ASSERT_TRUE(power.ok()) << power.error().ToString();
  EXPECT_EQ(NodeLines(*power), "%y/scaled = mul(%data, %y/scale)" + kShape +
                                   "%y/shifted = add(%y/scaled, %y/shift)" + kShape +
                                   "%y = binary(%y/shifted, %y/power) {fn = \"pow\"}" + kShape);
  EXPECT_EQ(TextOf("Power"), "%y = identity(%data)" + kShape);
  EXPECT_EQ(TextOf("Power", "power_param { power: 2 }"), "%y = mul(%data, %data)" + kShape);
  const auto exp = TestNet(OneLayer("Exp", "exp_param { base: 2 }")).Import();
  ASSERT_TRUE(exp.ok()) << exp.error().ToString();
  EXPECT_THAT(ConstantOf(*exp, "y/scale").f32, ElementsAre(testing::FloatEq(0.6931472F)));
  EXPECT_THAT(TextOf("Log"), HasSubstr("%y = unary(%data) {alpha = 0, fn = \"log\"}"));
  EXPECT_THAT(TextOf("Log", "log_param { base: 10 }"), HasSubstr("%y = mul(%y/log, %y/factor)"));
  EXPECT_EQ(TextOf("Threshold", "threshold_param { threshold: 3 }"),
            "%y/above = binary(%data, %y/threshold) {fn = \"greater\"} : i64[1, 4, 6, 6]\n"
            "%y = cast(%y/above) {to = \"f32\"}" +
                kShape);
}

TEST(CaffeNormalisation, LrnMvnNormalize) {
  EXPECT_EQ(TextOf("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.25 k: 2 }"),
            "%y = lrn(%data) {alpha = 0.5, beta = 0.25, bias = 2, region = \"across\", size = 3}" +
                kShape);
  EXPECT_THAT(TextOf("LRN", "lrn_param { norm_region: WITHIN_CHANNEL k: 2 }"),
              HasSubstr("bias = 1, region = \"within\", size = 5"));
  EXPECT_THAT(TextOf("MVN", "mvn_param { normalize_variance: false across_channels: true }"),
              HasSubstr("axes = [1, 2, 3], epsilon = 1e-09, variance = 0"));
  TestNet norm(OneLayer("Normalize", "norm_param { across_spatial: false channel_shared: false }"));
  norm.Blob("y", {4});
  EXPECT_EQ(norm.Text(), "%y/unit = l2_normalize(%data) {axes = [1], epsilon = 1e-10}" + kShape +
                             "%y = scale(%y/unit, %y/factor)" + kShape);
}

TEST(CaffeNormalisation, BnOfForks) {
  TestNet four(OneLayer("BN"));
  four.Blob("y", {1, 4, 1, 1}).Blob("y", {4}).Blob("y", {4}).Blob("y", {4});
  EXPECT_THAT(four.Text(), HasSubstr("batch_norm(%data, %y/mean, %y/variance, %y/gamma, %y/beta)"));
  TestNet two(OneLayer("BN"));
  two.Blob("y", {4}).Blob("y", {4});
  EXPECT_THAT(two.Text(), HasSubstr("%y = scale(%data, %y/gamma, %y/beta)"));
  TestNet five(OneLayer("BatchNorm", "batch_norm_param { scale_bias: true }"));
  five.Blob("y", {4}).Blob("y", {4}).Blob("y", {1}).Blob("y", {4}).Blob("y", {4});
  EXPECT_THAT(five.Text(), HasSubstr("batch_norm(%data, %y/mean, %y/variance, %y/gamma, %y/beta)"));
}

TEST(CaffeScale, AlongAnyAxes) {
  TestNet net(OneLayer("Scale", "scale_param { axis: 1 num_axes: 2 bias_term: true }"));
  net.Blob("y", {4, 6}).Blob("y", {4, 6});
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(NodeLines(*graph), "%y/product = mul(%data, %y/factor)" + kShape +
                                   "%y = add(%y/product, %y/bias)" + kShape);
  EXPECT_EQ(ConstantOf(*graph, "y/factor").shape, (ir::Shape{4, 6, 1}));
}

TEST(CaffeDeconvolution, GroupsAndBilinearFiller) {
  TestNet net(OneLayer("Deconvolution",
                       "convolution_param { num_output: 4 group: 4 kernel_size: 4 stride: 2 pad: 1 "
                       "bias_term: false weight_filler { type: \"bilinear\" } }"));
  net.Blob("other", {1});
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_THAT(NodeLines(*graph), HasSubstr("conv_transpose(%data, %y/weights)"));
  EXPECT_THAT(NodeLines(*graph), HasSubstr(": f32[1, 4, 12, 12]"));
  const ir::Tensor& w = ConstantOf(*graph, "y/weights");
  EXPECT_EQ(w.shape, (ir::Shape{4, 1, 4, 4}));
  EXPECT_THAT(std::vector<float>(w.f32.begin(), w.f32.begin() + 8),
              ElementsAre(0.0625F, 0.1875F, 0.1875F, 0.0625F, 0.1875F, 0.5625F, 0.5625F, 0.1875F));
}

TEST(CaffeConvolution, DepthwiseOfForks) {
  TestNet net(OneLayer("ConvolutionDepthwise",
                       "convolution_param { num_output: 4 kernel_size: 3 bias_term: false }"));
  net.Blob("y", {4, 1, 3, 3});
  EXPECT_THAT(net.Text(), HasSubstr("groups = 4"));
}

TEST(CaffeMovement, SliceCropPermuteShuffleTile) {
  EXPECT_EQ(
      TestNet(OneLayer("Slice", "top: \"z\" slice_param { slice_point: 1 }")).Text(),
      "%y = slice(%data) {axes = [1], ends = [1], starts = [0]} : f32[1, 1, 6, 6]\n"
      "%z = slice(%data) as \"y.1\" {axes = [1], ends = [4], starts = [1]} : f32[1, 3, 6, 6]\n");
  EXPECT_THAT(TextOf("Permute", "permute_param { order: 0 order: 2 }"),
              HasSubstr("transpose(%data) {perm = [0, 2, 1, 3]} : f32[1, 6, 4, 6]"));
  EXPECT_EQ(TextOf("ShuffleChannel", "shuffle_channel_param { group: 2 }"),
            "%y/groups = reshape(%data) {shape = [1, 2, 2, 6, 6]} : f32[1, 2, 2, 6, 6]\n"
            "%y/turned = transpose(%y/groups) {perm = [0, 2, 1, 3, 4]} : f32[1, 2, 2, 6, 6]\n"
            "%y = reshape(%y/turned) {shape = [1, 4, 6, 6]} : f32[1, 4, 6, 6]\n");
  EXPECT_THAT(TextOf("Tile", "tile_param { axis: 2 tiles: 3 }"),
              HasSubstr("repeats = [1, 1, 3, 1]} : f32[1, 4, 18, 6]"));
  EXPECT_THAT(TextOf("Interp", "interp_param { zoom_factor: 2 pad_beg: -1 }"),
              HasSubstr("sizes = [1, 4, 9, 9]"));
  EXPECT_THAT(TextOf("Upsample", "upsample_param { scale: 3 }"),
              HasSubstr("sizes = [1, 4, 18, 18]"));
  EXPECT_THAT(TextOf("SPP", "spp_param { pyramid_height: 2 }"), HasSubstr(": f32[1, 20]"));
}

TEST(CaffeMovement, PaddingOfV0) {
  EXPECT_EQ(TestNet("layers { layer { name: \"y\" type: \"padding\" pad: 2 } bottom: \"data\" "
                    "top: \"y\" }")
                .Text(),
            "%y = pad(%data) {pads = [0, 0, 2, 2, 0, 0, 2, 2]} : "
            "f32[1, 4, 10, 10]\n");
}

TEST(CaffeElementwise, MaxArgMaxReductionAxpy) {
  EXPECT_EQ(TextOf("Eltwise", "bottom: \"data\" eltwise_param { operation: MAX }"),
            "%y = binary(%data, %data) {fn = \"max\"}" + kShape);
  EXPECT_THAT(TextOf("ArgMax", "argmax_param { out_max_val: true top_k: 2 }"),
              HasSubstr("%y = concat(%y/indices/rows, %y/values/rows) {axis = 1} : f32[1, 2, 2]"));
  EXPECT_THAT(TextOf("ArgMax", "argmax_param { axis: 1 }"), HasSubstr(": f32[1, 1, 6, 6]"));
  EXPECT_THAT(TextOf("Reduction", "reduction_param { operation: SUMSQ axis: 2 }"),
              HasSubstr("fn = \"sum_square\", keep = 0} : f32[1, 4]"));
  TestNet axpy(R"(layer { name: "g" type: "Pooling" bottom: "data" top: "g"
                          pooling_param { pool: AVE global_pooling: true } }
                  layer { name: "y" type: "Axpy" bottom: "g" bottom: "data" bottom: "data" top: "y" })");
  EXPECT_THAT(axpy.Text(), HasSubstr("%y = add(%y/product, %data)"));
}

TEST(CaffeDetection, PriorBoxesAreConstant) {
  TestNet net(
      R"(layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { kernel_size: 3 stride: 3 } }
                 layer { name: "b" type: "PriorBox" bottom: "p" bottom: "data" top: "b"
                         prior_box_param { min_size: 2 max_size: 8 aspect_ratio: 4 variance: 0.5 } }
                 layer { name: "r" type: "Concat" bottom: "b" bottom: "b" top: "r" concat_param { axis: 2 } })");
  const auto graph = net.Import();
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  const ir::Tensor& boxes = ConstantOf(*graph, "b");
  EXPECT_EQ(boxes.shape, (ir::Shape{1, 2, 4 * 4 * 4}));
  // Centre 1.5: the squares of 2 and 4, then 4 x 1 and 1 x 4, of 6 pixels.
  const std::vector<float> first(boxes.f32.begin(), boxes.f32.begin() + 16);
  const std::vector<float> expected = {0.5F,  0.5F, 2.5F, 2.5F, -0.5F, -0.5F, 3.5F, 3.5F,
                                       -0.5F, 1,    3.5F, 2,    1,     -0.5F, 2,    3.5F};
  for (std::size_t i = 0; i < 16; ++i) EXPECT_NEAR(first[i], expected[i] / 6, 1e-6F) << i;
  EXPECT_EQ(boxes.f32[64], 0.5F);
}

TEST(CaffeDetection, ProposalAndPooling) {
  TestNet net(R"(layer { name: "in" type: "Input" top: "s" top: "d" top: "i"
                         input_param { shape { dim: 1 dim: 18 dim: 6 dim: 6 } shape { dim: 1 dim: 36 dim: 6 dim: 6 } shape { dim: 1 dim: 3 } } }
                 layer { name: "p" type: "Python" bottom: "s" bottom: "d" bottom: "i" top: "r"
                         python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 8" } }
                 layer { name: "q" type: "ROIPooling" bottom: "data" bottom: "r" top: "q"
                         roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.125 } })");
  EXPECT_THAT(net.Text(), HasSubstr("stride = 8} : f32[300, 5]"));
  EXPECT_THAT(net.Text(),
              HasSubstr("%q = roi_pool(%data, %r) {height = 2, scale = 0.125, width = 3} "
                        ": f32[300, 4, 2, 3]"));
}

TEST(CaffeInputs, OfDataLayersThatStateTheirSize) {
  const auto shape = [](const std::string& layer) {
    const auto graph = ImportCaffeFromMemory(
        layer + "layer { name: \"r\" type: \"ReLU\" bottom: \"x\" top: \"r\" }", {});
    return graph.ok() ? ir::ToString(graph->value(graph->inputs[0]).shape)
                      : graph.error().ToString();
  };
  EXPECT_EQ(
      shape("layer { name: \"i\" type: \"ImageData\" top: \"x\" top: \"l\" image_data_param { "
            "batch_size: 9 new_height: 4 new_width: 5 } }"),
      "[1, 3, 4, 5]");
  EXPECT_EQ(shape("layer { name: \"i\" type: \"DummyData\" top: \"x\" dummy_data_param { "
                  "num: 2 channels: 3 height: 4 width: 5 } }"),
            "[1, 3, 4, 5]");
}

}  // namespace
}  // namespace tf2::import::caffe
