#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "qnet/qnet.h"
#include "qnet/test_net.h"

namespace tf2::qnet {
namespace {

using ::testing::HasSubstr;

struct Violation {
  std::string message;  // part of the error
  std::function<void(QNet&)> break_it;
};

Conv& ConvAt(QNet& net, std::size_t op) { return std::get<Conv>(net.ops[op].params); }

Op& OpNamed(QNet& net, const std::string& name) {
  for (Op& op : net.ops) {
    if (op.name == name) return op;
  }
  throw std::runtime_error(name);
}
template <typename Params>
Params& Named(QNet& net, const std::string& name) {
  return std::get<Params>(OpNamed(net, name).params);
}
Conv& ConvNamed(QNet& net, const std::string& name) { return Named<Conv>(net, name); }

TEST(Verify, AcceptsTheWellFormed) {
  const Status status = Verify(testing::EveryOperator(1));
  EXPECT_TRUE(status.ok()) << status.error().ToString();
}

TEST(Verify, RefusesEveryViolationByName) {
  const std::vector<Violation> violations = {
      {"tensor %in: dimension 0", [](QNet& n) { n.tensors[0].dims[1] = 0; }},
      {"tensor %in: more than",
       [](QNet& n) {
         n.tensors[0].dims = {1 << 24, 1 << 24, 1 << 24};
       }},
      {"tensor %in: 2 exponents for 3 channels", [](QNet& n) { n.tensors[0].q.pop_back(); }},
      {"tensor %in: Q 25 is outside -16..24", [](QNet& n) { n.tensors[0].q[0] = 25; }},
      {"tensor %in: the name is not unique",
       [](QNet& n) { n.tensors[1].name = n.tensors[0].name; }},
      {"an input is not 8 bits wide", [](QNet& n) { n.tensors[0].type = ElemType::kInt16; }},
      {"an input is not a tensor", [](QNet& n) { n.inputs[0] = TensorId{-1}; }},
      {"the network has no inputs", [](QNet& n) { n.inputs.clear(); }},
      {"two inputs are the same tensor", [](QNet& n) { n.inputs.push_back(n.inputs[0]); }},
      {"operator \"a\": its output is not a new tensor",
       [](QNet& n) { n.inputs.push_back(n.ops[0].output); }},
      {"operator \"a\": the name is empty or not unique",
       [](QNet& n) { n.ops[1].name = n.ops[0].name; }},
      {"operator \"a\": reads a tensor that is not computed before it",
       [](QNet& n) { n.ops[0].inputs[0] = TensorId{3}; }},
      {"operator \"b\": its output is not a new tensor",
       [](QNet& n) { n.ops[1].output = TensorId{1}; }},
      {"a tensor is never computed",
       [](QNet& n) {
         n.tensors.push_back({"x", ElemType::kInt8, {1, 1, 1}, {0}});
       }},
      {"the network has no outputs", [](QNet& n) { n.outputs.clear(); }},
      {"conv \"a\": 2 groups for 3 -> 6 channels", [](QNet& n) { ConvAt(n, 0).groups = 2; }},
      {"conv \"a\": kernel, stride or dilation 0", [](QNet& n) { ConvAt(n, 0).window.sh = 0; }},
      {"conv \"a\": padding -1", [](QNet& n) { ConvAt(n, 0).window.pw = -1; }},
      {"conv \"a\": the padding's value -127 is neither 0 nor -128",
       [](QNet& n) { ConvAt(n, 0).pad_value = -127; }},
      {"conv \"a\": 5 beta and 6 scales for 6 channels",
       [](QNet& n) { ConvAt(n, 0).beta.pop_back(); }},
      {"conv \"a\": s 48 is outside 1..47", [](QNet& n) { ConvAt(n, 0).scale[2].s = 48; }},
      {"conv \"a\": alpha -1 is negative", [](QNet& n) { ConvAt(n, 0).scale[2].alpha = -1; }},
      {"conv \"a\": 161 codes instead of 6 x 27",
       [](QNet& n) { ConvAt(n, 0).terms[0].pop_back(); }},
      {"conv \"a\": channel 0 has the code 3", [](QNet& n) { ConvAt(n, 0).terms[0][0] = 3; }},
      {"conv \"a\": 3 weight terms",
       [](QNet& n) { ConvAt(n, 0).terms.resize(3, ConvAt(n, 0).terms[0]); }},
      {"conv \"b\": 2 weight terms",
       [](QNet& n) { ConvAt(n, 1).terms.resize(2, ConvAt(n, 1).terms[0]); }},
      {"conv \"b\": channel 0 has the code -128", [](QNet& n) { ConvAt(n, 1).terms[0][0] = -128; }},
      {"conv \"a\": the accumulator of channel 1 may overflow",
       [](QNet& n) { ConvAt(n, 0).beta[1] = 2147483647; }},
      {"conv \"b\": residual shift", [](QNet& n) { ++ConvAt(n, 1).t[0]; }},
      {"conv \"a\": has residual shifts but no residual",
       [](QNet& n) { ConvAt(n, 0).t.resize(6); }},
      {"conv \"b\": the residual %in has other dims",
       [](QNet& n) { n.ops[1].inputs[1] = n.inputs[0]; }},
      {"add \"sum\": 1 inputs", [](QNet& n) { n.ops[3].inputs.pop_back(); }},
      {"max_pool \"max\": changes the exponents",
       [](QNet& n) { ++n.tensor(n.ops[4].output).q[0]; }},
      {"max_pool \"max\": a window lies outside the input",
       [](QNet& n) { std::get<MaxPool>(n.ops[4].params).window.sh = 3; }},
      {"avg_pool \"avg\": the list of divisors",
       [](QNet& n) {
         std::get<AvgPool>(n.ops[5].params).divisors = {4, 9, 6};
       }},
      {"avg_pool \"avg\": 2 rows of scales",
       [](QNet& n) { std::get<AvgPool>(n.ops[5].params).scale.pop_back(); }},
      {"concat \"cat\": channels or exponents", [](QNet& n) { ++n.tensor(n.ops[6].output).q[11]; }},
      {"reshape \"flat\": element 20 changes its exponent",
       [](QNet& n) { ++n.tensor(n.ops[8].output).q[20]; }},
      {"conv \"clip\": the activation's parameters",
       [](QNet& n) { ConvNamed(n, "clip").clip_low.pop_back(); }},
      {"conv \"clip\": channel 2 is clipped to 91..90",
       [](QNet& n) { ConvNamed(n, "clip").clip_low[2] = 91; }},
      {"conv \"clip\": channel 2 is clipped to -3..128",
       [](QNet& n) { ConvNamed(n, "clip").clip_high[2] = 128; }},
      {"conv \"clip\": has a PReLU and a residual",
       [](QNet& n) { ConvNamed(n, "clip").activation = Activation::kPRelu; }},
      {"conv \"prelu\": alpha -32768 of channel 1 below 0",
       [](QNet& n) { ConvNamed(n, "prelu").alpha_negative[1] = -32768; }},
      {"table \"table\": 255 entries", [](QNet& n) { Named<Table>(n, "table").values.pop_back(); }},
      {"table \"table\": entry 128 is wider",
       [](QNet& n) { Named<Table>(n, "table").values[3] = 128; }},
      {"table \"table\": needs one exponent",
       [](QNet& n) { ++n.tensor(OpNamed(n, "table").output).q[2]; }},
      {"mul \"mul\": the dims of the inputs do not broadcast",
       [](QNet& n) { OpNamed(n, "mul").inputs[0] = n.inputs[0]; }},
      {"lrn \"across\": size 0 is outside", [](QNet& n) { Named<Lrn>(n, "across").size = 0; }},
      {"lrn \"across\": shift 33 is outside", [](QNet& n) { Named<Lrn>(n, "across").shift = 33; }},
      {"factors instead of", [](QNet& n) { Named<Lrn>(n, "within").factor.pop_back(); }},
      {"lrn \"within\": factor -1", [](QNet& n) { Named<Lrn>(n, "within").factor[0] = -1; }},
      {"move \"turned\": reads element 120 of 120",
       [](QNet& n) { Named<Move>(n, "turned").offset = 1; }},
      {"move \"turned\": moves 90 elements into 120",
       [](QNet& n) { Named<Move>(n, "turned").dims[0] = 3; }},
      {"move \"turned\": element 0 changes its exponent",
       [](QNet& n) { ++n.tensor(OpNamed(n, "turned").output).q[0]; }},
      {"move \"turned\": dimension 4 of stride -1099511627776",
       [](QNet& n) { Named<Move>(n, "turned").strides[0] = std::int64_t{-1} << 40; }},
      {"dilate \"dilated\": the output has other dims",
       [](QNet& n) { Named<Dilate>(n, "dilated").sh = 3; }},
      {"host \"host\": its graph's input x of shape [1, 6, 5, 4] is not the 216 values of %in",
       [](QNet& n) { OpNamed(n, "host").inputs[0] = n.inputs[0]; }},
      {"host \"host\": its graph has 0 inputs", [](QNet& n) { Named<Host>(n, "host").graph = {}; }},
      {"head: its graph has 1 inputs for 2 tensors",
       [](QNet& n) { n.head = testing::SoftmaxGraph(n.tensor(n.outputs[0].tensor)); }},
      {"head: \"prob\" has a head of its own too",
       [](QNet& n) {
         n.outputs.pop_back();
         n.head = testing::SoftmaxGraph(n.tensor(n.outputs[0].tensor));
       }},
      {"output \"prob\": its shape has 8 elements, its tensor 7",
       [](QNet& n) { n.outputs[0].shape = {8}; }},
      {"preprocessing: 2 means or deviations for 3 channels",
       [](QNet& n) { n.preprocessing.mean.pop_back(); }},
      {"preprocessing: a standard deviation is 0 or not finite",
       [](QNet& n) { n.preprocessing.std = {0}; }},
      {"preprocessing: the mean image",
       [](QNet& n) {
         n.preprocessing.mean_image = {1, 2};
       }},
  };
  for (const Violation& violation : violations) {
    QNet net = testing::EveryOperator(1);
    violation.break_it(net);
    const Status status = Verify(net);
    ASSERT_FALSE(status.ok()) << violation.message;
    EXPECT_THAT(status.error().ToString(), HasSubstr(violation.message));
  }
}

TEST(Verify, ATensorHasOneValueAroundIt) {
  // Two convolutions of one tensor.
  const auto net_of = [](std::int32_t pad, std::int8_t first, std::int8_t second) {
    Rng rng(1);
    QNet net;
    net.name = "pads";
    net.inputs = {testing::AddTensor(net, "x", {2, 4, 4}, rng)};
    for (const auto& [name, kernel, p, value] :
         {std::tuple{"a", 3, 1, first}, std::tuple{"b", 1 + 2 * pad, pad, second}}) {
      const TensorId y = testing::AddTensor(net, fmt::format("y_{}", name), {3, 4, 4}, rng);
      const Window window{kernel, kernel, 1, 1, p, p, 1, 1};
      Conv conv = testing::RandomConv(net, {net.inputs[0]}, y, window, 1, WeightKind::kSac, 1, rng);
      conv.pad_value = value;
      net.ops.push_back({name, {net.inputs[0]}, y, std::move(conv)});
      net.outputs.push_back({y, name, Head::kNone, {3, 4, 4}});
    }
    return net;
  };
  EXPECT_TRUE(Verify(net_of(1, 0, 0)).ok());
  EXPECT_TRUE(Verify(net_of(1, kLowPadding, kLowPadding)).ok());
  EXPECT_EQ(Verify(net_of(1, 0, kLowPadding)).error().ToString(),
            "conv \"b\": pads %x with -128, another convolution with 0");
  EXPECT_EQ(Verify(net_of(1, kLowPadding, 0)).error().ToString(),
            "conv \"b\": pads %x with 0, another convolution with -128");
  // A convolution that reads no padding has no say.
  EXPECT_TRUE(Verify(net_of(0, kLowPadding, 0)).ok());
}

TEST(Verify, SixteenBitsAreNotRead) {
  QNet net = testing::EveryOperator(1);
  net.tensor(net.ops[2].output).type = ElemType::kInt16;
  EXPECT_THAT(Verify(net).error().ToString(), HasSubstr("add \"sum\": reads the 16-bit tensor %c"));
}

}  // namespace
}  // namespace tf2::qnet
