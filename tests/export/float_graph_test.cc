// Every operator through an ONNX file and back: the graph that is read computes the same.
#include "export/onnx/float_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "onnxproto/onnx.pb.h"
#include "tests/export/round_trip.h"

namespace tf2 {
namespace {

struct Case {
  std::string name;
  std::string statements;  // of the text form
};

std::ostream& operator<<(std::ostream& os, const Case& c) { return os << c.name; }

class RoundTrip : public testing::TestWithParam<Case> {};

TEST_P(RoundTrip, ComputesTheSame) {
  const ir::Graph graph = passes::Parsed(GetParam().statements);
  std::string missing;
  const ir::Graph back = ThroughOnnx(graph, &missing);
  if (!missing.empty()) GTEST_SKIP() << missing;
  ASSERT_EQ(back.outputs.size(), graph.outputs.size());
  passes::ExpectSameResults(graph, back);
}

std::string Image(const std::string& nodes, const std::string& outputs = "y") {
  std::string text = "input %x : f32[1, 4, 6, 7]\n" + nodes;
  return text + "\noutput %" + outputs;
}

const char* const kWeights =
    "const %w : f32[2, 2, 1, 2] = {1, -2, 0.5, 3, 0.25, -1, 2, 1}\nconst %b : f32[2] = {0.5, -1}\n";

INSTANTIATE_TEST_SUITE_P(
    Operators, RoundTrip,
    testing::Values(
        Case{"conv", Image(std::string(kWeights) +
                           "%y = conv(%x, %w, %b) {groups = 2, strides = [2, 1], pads = [1, 0, 0, "
                           "1], dilations = [1, 2]}")},
        Case{"conv_fused",
             Image(std::string(kWeights) +
                   "%r = conv(%x, %w, _) {groups = 2}\n%y = conv(%x, %w, %b, %r) {groups = 2, relu "
                   "= 1}")},
        Case{"gemm",
             Image("const %w : f32[2, 4] = {1, 2, 3, 4, -1, 0, 1, -2}\nconst %b : f32[2] = {1, 2}\n"
                   "%p = global_avg_pool(%x)\n%f = flatten(%p)\n%y = gemm(%f, %w, %b) {relu = 1}")},
        Case{"matmul", Image("const %w : f32[7, 2] = {1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7}\n"
                             "%y = matmul(%x, %w)")},
        Case{"batch_norm",
             Image("const %m : f32[4] = {1, 2, 3, 4}\nconst %v : f32[4] = {1, 0.5, 3, 4}\n"
                   "const %g : f32[4] = {1, -1, 2, 0.5}\n"
                   "%n = batch_norm(%x, %m, %v) {epsilon = 0.001}\n"
                   "%y = batch_norm(%n, %m, %v, %g, %m)")},
        Case{"scale", Image("const %f : f32[4] = {1, 2, -3, 4}\n%a = scale(%x, %f)\n"
                            "%b = scale(%a, _, %f)\n%y = scale(%b, %f, %f)")},
        Case{"arithmetic",
             Image("const %c : f32[4, 1, 1] = {1, 2, -3, 4}\n%a = add(%x, %c) {relu = 1}\n"
                   "%s = sub(%a, %x)\n%m = mul(%s, %a)\n%d = div(%m, %c)\n%y = relu(%d)")},
        Case{"max_pool", Image("%y = max_pool(%x) {kernel = [3, 2], strides = [2, 2], pads = [1, "
                               "0, 0, 1], ceil = 1}")},
        Case{"max_pool_dilated", Image("%y = max_pool(%x) {kernel = [2, 2], dilations = [2, 3]}")},
        Case{"avg_pool_valid",
             Image("%y = avg_pool(%x) {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], "
                   "ceil = 1, divisor = \"valid\"}")},
        Case{"avg_pool_kernel",
             Image("%y = avg_pool(%x) {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], "
                   "ceil = 1, divisor = \"kernel\"}")},
        Case{"avg_pool_caffe",
             Image("%y = avg_pool(%x) {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], "
                   "ceil = 1, divisor = \"caffe\"}")},
        Case{"global_pools",
             Image("%a = global_max_pool(%x)\n%b = global_avg_pool(%x)\n%y = concat(%a, %b)")},
        Case{"pads", Image("%a = pad(%x) {pads = [0, 0, 1, 2, 0, 0, 2, 1], mode = \"reflect\"}\n"
                           "%b = pad(%a) {pads = [0, 0, 1, 0, 0, 0, 0, 1], mode = \"edge\"}\n"
                           "%y = pad(%b) {pads = [0, 1, 1, 0, 0, 0, 0, 1], value = 0.5}")},
        Case{"shapes",
             Image("%a = reshape(%x) {shape = [2, -1, 7]}\n%b = unsqueeze(%a) {axes = [0, 3]}\n"
                   "%c = squeeze(%b)\n%d = flatten(%c) {axis = 2}\n%y = identity(%d)")},
        Case{"slice",
             Image("%a = slice(%x) {starts = [1, -1], ends = [9, -9], axes = [2, 3], steps "
                   "= [2, -2]}\n%y = slice(%a) {starts = [0, 1], ends = [1, 3]}")},
        Case{"softmax", Image("%a = softmax(%x)\n%y = softmax(%a) {axis = -1}")},
        Case{
            "shape_arithmetic",
            Image("const %i : i64[2] = {2, -1}\n%s = shape(%x)\n%g = gather(%s, %i)\n%f = cast(%g) "
                  "{to = \"f32\"}\n%r = reshape(%x) {shape = [4, 6, 7]}\n"
                  "%q = reshape(%f) {shape = [2, 1, 1]}\n%p = slice(%q) {starts = [0], ends = [1]}"
                  "\n%y = mul(%r, %p)")},
        Case{
            "conv_transpose",
            Image(
                "const %w : f32[4, 1, 2, 2] = {1, -2, 0.5, 3, 0.25, -1, 2, 1, 1, 2, 3, 4, -1, -2, "
                "-3, -4}\n%y = conv_transpose(%x, %w) {groups = 2, strides = [2, 3], pads = [1, 0, "
                "0, 1], output_padding = [1, 0]}")},
        Case{"volume",
             Image("const %w : f32[2, 1, 2, 3, 2] = {1, -2, 0.5, 3, 0.25, -1, 2, 1, 1, 2, 3, 4, "
                   "-1, -2, "
                   "-3, -4, 1, 1, 1, 2, 2, 2, 0.5, 1}\n%v = reshape(%x) {shape = [1, 1, 4, 6, 7]}\n"
                   "%c = conv3d(%v, %w) {strides = [1, 2, 1], pads = [0, 1, 0, 1, 0, 1]}\n"
                   "%m = max_pool3d(%c) {kernel = [2, 2, 2], ceil = 1}\n"
                   "%y = avg_pool3d(%m) {kernel = [2, 1, 3], pads = [0, 0, 1, 0, 0, 1], divisor = "
                   "\"caffe\"}")},
        Case{
            "activations",
            Image("%a = unary(%x) {fn = \"sigmoid\"}\n%b = unary(%a) {fn = \"leaky_relu\", alpha = "
                  "0.1}\n%c = unary(%b) {fn = \"elu\", alpha = 1}\n%d = unary(%c) {fn = \"silu\"}\n"
                  "%e = unary(%d) {fn = \"hard_swish\"}\n%f = unary(%e) {fn = \"hard_sigmoid\", "
                  "alpha "
                  "= 0.2, beta = 0.5}\n%g = unary(%f) {fn = \"tanh\"}\n%h = unary(%g) {fn = "
                  "\"mish\"}\n%i = unary(%h) {fn = \"softplus\"}\n%y = unary(%i) {fn = \"gelu\"}")},
        Case{
            "clip_prelu",
            Image("const %s : f32[4, 1, 1] = {0.1, 0.2, -0.3, 0.4}\n%a = clip(%x) {min = -1, max = "
                  "1.5}\n%b = clip(%a) {max = 1}\n%y = prelu(%b, %s)")},
        Case{"comparisons",
             Image(
                 "const %c : f32[4, 1, 1] = {1, 2, -3, 4}\n%g = binary(%x, %c) {fn = \"greater\"}\n"
                 "%l = binary(%x, %c) {fn = \"less_equal\"}\n%o = binary(%g, %l) {fn = \"xor\"}\n"
                 "%n = unary(%o) {fn = \"not\"}\n%w = where(%n, %x, %c)\n%m = binary(%w, %x) {fn = "
                 "\"max\"}\n%y = binary(%m, %c) {fn = \"mod\"}")},
        Case{
            "normalisations",
            Image("const %g : f32[4] = {1, 2, -3, 4}\n%a = lrn(%x) {size = 3, alpha = 0.1}\n%b = "
                  "group_norm(%a, %g, %g) {groups = 2}\n%c = mvn(%b) {axes = [2, 3]}\n%d = "
                  "l2_normalize(%c) {axes = [1], epsilon = 0.001}\n%e = layer_norm(%d) {axis = 2}\n"
                  "%y = lrn(%e) {size = 3, region = \"within\"}")},
        Case{
            "reductions",
            Image(
                "%a = reduce(%x) {fn = \"mean\", axes = [2]}\n%b = reduce(%a) {fn = "
                "\"log_sum_exp\", axes = [3], keep = 0}\n%i = arg_max(%x) {axis = 1, keep = 0}\n"
                "%f = cast(%i) {to = \"f32\"}\n%s = reduce(%f) {fn = \"sum\"}\n%t = top_k(%b) {k = "
                "2, axis = 1, result = \"values\"}\n%y = cum_sum(%t) {axis = 1}",
                "y\noutput %s")},
        Case{
            "moves",
            Image(
                "%a = transpose(%x) {perm = [0, 2, 3, 1]}\n%b = tile(%a) {repeats = [1, 2, 1, 2]}\n"
                "%c = depth_to_space(%b) {block = 2, mode = \"crd\"}\n%d = space_to_depth(%c) "
                "{block = 2}\n%e = reduce(%d) {fn = \"max\", axes = [3]}\n%y = expand(%e) {shape = "
                "[1, 12, 7, 3]}")},
        Case{"resize",
             Image("%a = resize(%x) {sizes = [1, 4, 12, 14]}\n%y = resize(%a) {sizes = [1, 4, 9, "
                   "5], mode = \"linear\", coordinates = \"align_corners\"}")},
        Case{"outputs_of_every_kind",
             Image("const %c : f32[2] = {1, 2}\n%y = relu(%x)", "x\noutput %y\noutput %y")}),
    [](const auto& tested) { return tested.param.name; });

TEST(ExportGraph, WritesTheSameBytesTwiceAndSaysWhatItNeeds) {
  const ir::Graph graph =
      passes::Parsed(Image("%y = avg_pool(%x) {kernel = [2, 2], dilations = [2, 2]}"));
  const auto file = export_onnx::ExportGraph(graph);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*file, *export_onnx::ExportGraph(graph));
  onnx_pb::Model model;
  ASSERT_TRUE(model.ParseFromString(*file));
  EXPECT_EQ(model.opset_import(0).version(), 19);  // dilations of AveragePool
  EXPECT_EQ(model.ir_version(), 9);
  EXPECT_EQ(model.graph().input(0).name(), "x");
  EXPECT_EQ(model.graph().output(0).name(), "y");
}

}  // namespace
}  // namespace tf2
