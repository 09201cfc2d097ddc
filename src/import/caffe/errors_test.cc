// What the Caffe importer refuses, and in which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "import/caffe/test_net.h"

namespace tf2::import::caffe {
namespace {

using testing::HasSubstr;

std::string Layer(const std::string& name, const std::string& type, const std::string& more = "") {
  return "layer { name: \"" + name + "\" type: \"" + type + "\" bottom: \"data\" top: \"" + name +
         "\" " + more + " }\n";
}

std::string Refusal(const std::string& layers) { return TestNet(layers).Text(); }

TEST(CaffePrototxt, WhatItIsNot) {
  const auto refusal = [](std::string_view text) {
    return ImportCaffeFromMemory(text, {}).error().ToString();
  };
  EXPECT_EQ(refusal(""),
            "this is no prototxt but an empty file\n"
            "  hint: give the network's prototxt, and its caffemodel with --weights");
  EXPECT_THAT(refusal(std::string_view("\x0A\x05LeNet\x12\0", 9)),
              HasSubstr("this is no prototxt but binary data"));
  EXPECT_EQ(refusal("layer {\n  name: \"a\"\n  type: }"),
            "line 3, column 9: Expected string, got: }");
  EXPECT_EQ(refusal("name: \"empty\"\n"),
            "this prototxt has no layers\n"
            "  hint: a solver or a mean file has none either; give the network's deploy.prototxt");
  EXPECT_THAT(refusal("layer { name: \"a\" } layers { name: \"b\" }"),
              HasSubstr("both `layer` and `layers`"));
}

TEST(CaffePrototxt, NestedWithoutEnd) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "x { ";
  EXPECT_FALSE(ImportCaffeFromMemory(deep, {}).ok());
  std::string known = "layer { ";
  for (int i = 0; i < 100000; ++i) known += "unknown { ";
  EXPECT_FALSE(ImportCaffeFromMemory(known, {}).ok());
}

TEST(CaffeLayers, UnsupportedOnesAreListedTogether) {
  EXPECT_EQ(Refusal(Layer("n", "LSTM") + Layer("p", "Filter") + Layer("m", "LSTM")),
            "layer 'n' (LSTM): layer type LSTM is not supported; neither are Filter\n"
            "  hint: recurrent layers cannot be imported: cut the network before it");
  EXPECT_EQ(Refusal(Layer("n", "Warp")),
            "layer 'n' (Warp): layer type Warp is not supported\n"
            "  hint: replace it or cut the network before it; docs/howto/import-caffe.md lists the "
            "layers");
}

TEST(CaffeLayers, ParametersThatAreRefused) {
  EXPECT_EQ(Refusal(Layer("b", "BatchNorm", "batch_norm_param { use_global_stats: false }")),
            "layer 'b' (BatchNorm): use_global_stats is false\n"
            "  hint: the statistics of the batch are not known at inference: set it to true");
  EXPECT_THAT(Refusal(Layer("p", "Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }")),
              HasSubstr("layer 'p' (Pooling): pool is STOCHASTIC"));
  EXPECT_EQ(Refusal(Layer("p", "Pooling", "pooling_param { kernel_size: 2 pad: 2 }")),
            "layer 'p' (Pooling): the padding is as large as the kernel");
  EXPECT_EQ(Refusal(Layer("p", "Pooling", "pooling_param { kernel_size: 2 stride: 0 }")),
            "layer 'p' (Pooling): the stride is 0");
  EXPECT_EQ(Refusal(Layer("c", "Convolution", "convolution_param { num_output: 4 }")),
            "layer 'c' (Convolution): kernel_size is missing or 0");
  EXPECT_EQ(Refusal(Layer("c", "Convolution",
                          "convolution_param { num_output: 5 kernel_size: 1 group: 2 }")),
            "layer 'c' (Convolution): 4 input and 5 output channels do not divide into 2 groups");
  EXPECT_EQ(Refusal(Layer("s", "Scale", "scale_param { axis: 2 num_axes: 3 }")),
            "layer 's' (Scale): axis 2 and num_axes 3 do not fit its bottom [1, 4, 6, 6]");
  EXPECT_EQ(Refusal(Layer("r", "Reshape", "reshape_param { shape { dim: 7 } }")),
            "layer 'r' (Reshape): [1, 4, 6, 6] does not reshape to [7]");
}

TEST(CaffeLayers, MoreParametersThatAreRefused) {
  EXPECT_EQ(Refusal(Layer("n", "LRN", "lrn_param { local_size: 4 }")),
            "layer 'n' (LRN): local_size is 4, an odd number is needed");
  EXPECT_EQ(Refusal(Layer("s", "Slice", "top: \"t\" slice_param { slice_point: 4 }")),
            "layer 's' (Slice): top 1 would be empty");
  EXPECT_EQ(
      Refusal(Layer("s", "Slice", "top: \"t\" slice_param { slice_point: 1 slice_point: 2 }")),
      "layer 's' (Slice): 2 slice points for 2 tops");
  EXPECT_EQ(Refusal(Layer("c", "Crop", "bottom: \"data\" crop_param { offset: 1 }")),
            "layer 'c' (Crop): offset 1 and size 6 exceed axis 2 of [1, 4, 6, 6]");
  EXPECT_EQ(
      Refusal(Layer("p", "Permute", "permute_param { order: 0 order: 0 }")),
      "layer 'p' (Permute): order has 0, which its bottom of 4 axes does not have or which is "
      "there twice");
  EXPECT_EQ(Refusal(Layer("p", "Python", "python_param { module: \"m\" layer: \"L\" }")),
            "layer 'p' (Python): it runs the Python class L of module m\n"
            "  hint: of the layers in Python only rpn.proposal_layer's ProposalLayer is known: cut "
            "the network before it");
  EXPECT_EQ(Refusal(Layer("u", "Upsample", "bottom: \"data\"")),
            "layer 'u' (Upsample): it puts maxima back to where a Pooling layer took them\n"
            "  hint: only an Upsample that repeats elements can be imported");
  EXPECT_EQ(Refusal(Layer("l", "Log", "log_param { base: 1 }")),
            "layer 'l' (Log): base is 1; it must be positive and not 1, or -1 for e");
  EXPECT_EQ(Refusal(Layer("b", "PriorBox",
                          "bottom: \"data\" prior_box_param { min_size: 3 max_size: 2 }")),
            "layer 'b' (PriorBox): max_size 2 is not above min_size 3");
}

TEST(CaffeWeights, MissingOrOfAnotherShape) {
  const std::string conv =
      Layer("c", "Convolution", "convolution_param { num_output: 2 kernel_size: 3 }");
  EXPECT_EQ(Refusal(conv),
            "layer 'c' (Convolution): it needs weights, and no caffemodel was given\n"
            "  hint: give the caffemodel with --weights, or try the structure alone with "
            "--random-weights SEED");
  EXPECT_EQ(
      TestNet(conv).Blob("other", {1}).Text(),
      "layer 'c' (Convolution): the caffemodel has no weights for it\n"
      "  hint: prototxt and caffemodel must be of the same network: layers are matched by name");
  EXPECT_EQ(TestNet(conv).Blob("c", {2, 4, 3, 3}).Text(),
            "layer 'c' (Convolution): the caffemodel has only 1 of its blobs, blob 1 is missing");
  EXPECT_EQ(TestNet(conv).Blob("c", {2, 4, 5, 5}).Text(),
            "layer 'c' (Convolution): blob 0 of the caffemodel is [2, 4, 5, 5], the layer needs "
            "[2, 4, 3, 3]");
  EXPECT_EQ(
      TestNet(conv).Blob("c", {2, 4, 3, 3}, {1, 2}).Text(),
      "layer 'c' (Convolution): blob 0 of the caffemodel is [2, 4, 3, 3] but holds 2 numbers");
  std::vector<float> values(72, 1);
  values[40] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(TestNet(conv).Blob("c", {2, 4, 3, 3}, values).Text(),
            "layer 'c' (Convolution): blob 0 of the caffemodel has NaN at [1, 0, 1, 1]\n"
            "  hint: the training has diverged or the file is damaged");
}

TEST(CaffeWeights, SumOfWeightsThatOverflows) {
  TestNet net(Layer("b", "BatchNorm"));
  net.Blob("b", {4}).Blob("b", {4}).Blob("b", {1}, {1e-45F});
  EXPECT_THAT(net.Text(), HasSubstr("b/mean"));
}

TEST(CaffeWeights, FilesThatAreNone) {
  const auto refusal = [](const std::string& bytes) {
    return ImportCaffeFromMemory(
               TestNet(Layer("r", "ReLU")).prototxt,
               {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})
        .error()
        .ToString();
  };
  EXPECT_EQ(refusal("layer { name: \"x\" }"), "this is no caffemodel but a Caffe prototxt");
  EXPECT_THAT(refusal(std::string("\x89HDF\r\n\x1a\n\0\0\0\0", 12)),
              HasSubstr("hint: save the weights as a binary caffemodel: Caffe's net.save"));
  EXPECT_EQ(refusal(std::string("\xA2\x06\xFF\xFF\xFF\xFF\x07\x01", 8)),
            "this is no caffemodel, or it is damaged or cut off\n"
            "  hint: a download may have ended early");
  EXPECT_EQ(refusal(std::string("\x0A\x02\x01\x02", 4)), "this is no caffemodel: it has no layers");
}

TEST(CaffeNetwork, IllFormed) {
  EXPECT_EQ(Refusal("layer { name: \"r\" type: \"ReLU\" bottom: \"ghost\" top: \"r\" }"),
            "layer 'r' (ReLU): it reads 'ghost', which no layer before it writes");
  EXPECT_EQ(Refusal(Layer("r", "ReLU") + Layer("r", "ReLU")),
            "layer 'r' (ReLU): it writes 'r', which another layer has written");
  EXPECT_EQ(Refusal(Layer("e", "Eltwise")),
            "layer 'e' (Eltwise): it has 1 bottoms, 2 to 1024 are legal");
  TestNet same(Layer("c", "Convolution") + Layer("c", "Convolution"));
  same.Blob("c", {1});
  EXPECT_THAT(same.Text(), HasSubstr("layer 'c' (Convolution): another layer has the same name"));
}

TEST(CaffeInputs, Refused) {
  const auto refusal = [](const std::string& prototxt, const ImportOptions& options = {}) {
    return ImportCaffeFromMemory(
               prototxt + " layer { name: \"r\" type: \"ReLU\" bottom: \"x\" top: \"r\" }", {},
               options)
        .error()
        .ToString();
  };
  EXPECT_EQ(refusal("input: \"x\""),
            "input 'x': the shape of 'x' is not stated\n"
            "  hint: give it: --input-shape x=1x3x224x224");
  EXPECT_EQ(refusal("input: \"x\" input_dim: 1 input_dim: 3"),
            "the network has 1 inputs but 2 input_dim; each has four");
  EXPECT_EQ(refusal("input: \"x\" input_shape { dim: 1 dim: 0 }"),
            "input 'x': its shape [1, 0] has a dimension of 0");
  EXPECT_EQ(refusal("input: \"x\" input_shape { dim: 1 dim: 1000000 dim: 1000000 }"),
            "input 'x': its shape [1, 1000000, 1000000] is too large");
  ImportOptions options;
  options.input_shapes["y"] = {1, 3};
  EXPECT_EQ(refusal("input: \"x\" input_shape { dim: 1 dim: 3 }", options),
            "the network has no input 'y' to give a shape\n  hint: its inputs are x");
}

}  // namespace
}  // namespace tf2::import::caffe
