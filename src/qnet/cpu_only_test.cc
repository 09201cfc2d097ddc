// The operators that only CPU backends run, against real arithmetic, and on random networks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "qnet/artifact.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "qnet/test_net.h"

namespace tf2::qnet {
namespace {

using ::testing::ElementsAre;

// A network of one operator on an input [c, h, w] with the exponents `q`.
struct OneOp {
  QNet net;
  std::vector<std::int8_t> input;
  Bytes y;

  OneOp(OpParams params, std::vector<std::int32_t> in, std::vector<std::int8_t> q,
        std::vector<std::int32_t> out, std::vector<std::int8_t> q_out, std::uint64_t seed = 1) {
    net.name = "one";
    net.tensors = {{"x", ElemType::kInt8, std::move(in), std::move(q)},
                   {"y", ElemType::kInt8, std::move(out), std::move(q_out)}};
    net.inputs = {TensorId{0}};
    net.ops = {{"op", {TensorId{0}}, TensorId{1}, std::move(params)}};
    if (std::holds_alternative<Binary>(net.ops[0].params)) net.ops[0].inputs.push_back(TensorId{0});
    net.outputs = {{TensorId{1}, "y", Head::kNone, {net.tensors[1].elements()}}};
    input = RandomInput(net, seed);
    Run();
  }
  void Run() {
    const Status status = Verify(net);
    TF2_CHECK(status.ok(), "{}", status.error().ToString());
    y = (*Interpret(net, input))[0];
  }
  std::int8_t at(std::size_t i) const { return static_cast<std::int8_t>(y[i]); }
};

TEST(Table, MapsEveryValue) {
  Table table{"square root", {}};
  for (int v = -128; v < 128; ++v) {
    const double x = std::max(v, 0) / 16.0;
    table.values.push_back(numerics::QuantizeToInt8(std::sqrt(x), 5));
  }
  const OneOp run(table, {2, 8, 8}, {4, 4}, {2, 8, 8}, {5, 5});
  for (std::size_t i = 0; i < run.input.size(); ++i) {
    EXPECT_NEAR(run.at(i) / 32.0, std::min(std::sqrt(std::max<int>(run.input[i], 0) / 16.0), 3.97),
                0.02);
  }
}

TEST(Binary, IsTheExactResultRounded) {
  for (const auto kind :
       {BinaryKind::kAdd, BinaryKind::kSub, BinaryKind::kMul, BinaryKind::kMax, BinaryKind::kMin}) {
    const std::vector<std::int8_t> q = {3, 5, 1};
    const std::vector<std::int8_t> q_out = {2, 4, 1};
    OneOp run(Binary{kind, Activation::kNone}, {3, 4, 4}, q, {3, 4, 4}, q_out);
    // A second operand: one value a channel, the elements at the first position.
    Move move{{3, 1, 1}, {16, 0, 0}, 0};
    run.net.tensors.insert(run.net.tensors.begin() + 1, {"m", ElemType::kInt8, {3, 1, 1}, q});
    run.net.ops[0].output = run.net.outputs[0].tensor = TensorId{2};
    run.net.ops[0].inputs = {TensorId{0}, TensorId{1}};
    run.net.ops.insert(run.net.ops.begin(), {"move", {TensorId{0}}, TensorId{1}, move});
    run.Run();
    for (std::size_t i = 0; i < run.input.size(); ++i) {
      const std::size_t c = i / 16;
      const double a = std::ldexp(run.input[i], -q[c]);
      const double b = std::ldexp(run.input[c * 16], -q[c]);
      const double exact = kind == BinaryKind::kAdd   ? a + b
                           : kind == BinaryKind::kSub ? a - b
                           : kind == BinaryKind::kMul ? a * b
                           : kind == BinaryKind::kMax ? std::max(a, b)
                                                      : std::min(a, b);
      ASSERT_EQ(run.at(i), numerics::QuantizeToInt8(exact, q_out[c])) << i;
    }
  }
}

TEST(Lrn, IsWithinHalfAStepOfTheRealFactor) {
  for (const LrnRegion region : {LrnRegion::kAcross, LrnRegion::kWithin}) {
    for (const int size : {1, 2, 3, 5}) {
      const std::vector<std::int8_t> q(7, 4);
      const OneOp run(testing::TestLrn(region, size), {7, 6, 5}, q, {7, 6, 5}, q);
      for (int c = 0; c < 7; ++c) {
        for (int h = 0; h < 6; ++h) {
          for (int w = 0; w < 5; ++w) {
            double sum = 0;
            const auto x = [&](int ci, int hi, int wi) {
              return run.input[static_cast<std::size_t>((ci * 6 + hi) * 5 + wi)] / 16.0;
            };
            for (int i = -(size - 1) / 2; i <= size / 2; ++i) {
              for (int j = -(size - 1) / 2; j <= size / 2; ++j) {
                if (region == LrnRegion::kAcross && i == 0 && c + j >= 0 && c + j < 7)
                  sum += std::pow(x(c + j, h, w), 2);
                if (region == LrnRegion::kWithin && h + i >= 0 && h + i < 6 && w + j >= 0 &&
                    w + j < 5)
                  sum += std::pow(x(c, h + i, w + j), 2);
              }
            }
            const double exact = x(c, h, w) * std::pow(1 + sum, -0.75);
            ASSERT_NEAR(run.at(static_cast<std::size_t>((c * 6 + h) * 5 + w)) / 16.0, exact,
                        0.502 / 16);
          }
        }
      }
    }
  }
}

TEST(Move, CropsFlipsRepeatsAndTransposes) {
  OneOp run(Move{{1, 2, 3}, {0, 3, -1}, 2}, {1, 2, 3}, {0}, {1, 2, 3}, {0});
  run.input = {1, 2, 3, 4, 5, 6};
  run.Run();
  EXPECT_THAT(run.y, ElementsAre(3, 2, 1, 6, 5, 4));
  run.net.ops[0].params = Move{{3, 2}, {1, 3}, 0};
  run.Run();
  EXPECT_THAT(run.y, ElementsAre(1, 4, 2, 5, 3, 6));
  run.net.ops[0].params = Move{{3, 2}, {1, 0}, 3};
  run.Run();
  EXPECT_THAT(run.y, ElementsAre(4, 4, 5, 5, 6, 6));
}

TEST(Dilate, PutsZerosBetween) {
  OneOp run(Dilate{2, 3}, {1, 2, 2}, {0}, {1, 3, 4}, {0});
  run.input = {1, 2, 3, 4};
  run.Run();
  EXPECT_THAT(run.y, ElementsAre(1, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 4));
}

TEST(Host, DequantisesRunsAndQuantises) {
  const Tensor x{"x", ElemType::kInt8, {3, 1, 1}, {2, 3, 4}};
  OneOp run(Host{testing::SoftmaxGraph(x)}, x.dims, x.q, x.dims, {7, 6, 5});
  run.input = {4, -8, 16};  // 1, -1, 1
  run.Run();
  const double e = std::exp(2);
  EXPECT_THAT(run.y, ElementsAre(std::round(128 * e / (2 * e + 1)), std::round(64 / (2 * e + 1)),
                                 std::round(32 * e / (2 * e + 1))));
}

TEST(HeadGraph, GivesTheModelsOutputs) {
  OneOp run(Move{{3, 1, 1}, {1, 0, 0}, 0}, {3, 1, 1}, {2, 2, 2}, {3, 1, 1}, {2, 2, 2});
  ASSERT_EQ(ModelOutputs(run.net).size(), 1u);
  EXPECT_EQ(ModelOutputs(run.net)[0].name, "y");
  run.net.head = testing::SoftmaxGraph(run.net.tensors[1]);
  run.input = {4, 4, 4};
  run.Run();
  const auto outputs = ModelOutputs(run.net);
  EXPECT_THAT(outputs[0].shape, ElementsAre(3, 1, 1));
  const auto values = ApplyHeads(run.net, std::vector<Bytes>{run.y});
  ASSERT_TRUE(values.ok());
  EXPECT_THAT((*values)[0], ElementsAre(1.0F / 3, 1.0F / 3, 1.0F / 3));
}

TEST(CpuOnly, RandomNetworksRunAndSurviveTheArtifact) {
  RandomNetOptions options;
  options.cpu_only = options.mac = options.two_terms = true;
  std::vector<int> seen(std::variant_size_v<OpParams>, 0);
  int heads = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const QNet net = RandomNet(seed, options);
    for (const Op& op : net.ops) ++seen[op.params.index()];
    heads += net.head ? 1 : 0;
    const auto outputs = Interpret(net, RandomInput(net, seed));
    ASSERT_TRUE(outputs.ok()) << outputs.error().ToString();
    ASSERT_TRUE(ApplyHeads(net, *outputs).ok());
    ASSERT_FALSE(ToText(net).empty());
    const auto bytes = SerializeArtifact({net, {}});
    ASSERT_TRUE(bytes.ok()) << bytes.error().ToString();
    const auto back = ParseArtifact(*bytes);
    ASSERT_TRUE(back.ok()) << back.error().ToString();
    ASSERT_EQ(back->net, net);
  }
  for (std::size_t kind = 0; kind < seen.size(); ++kind) EXPECT_GT(seen[kind], 20) << kind;
  EXPECT_GT(heads, 30);
}

}  // namespace
}  // namespace tf2::qnet
