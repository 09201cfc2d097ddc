// What does not fit or is not there is refused by layer, need and what the configuration has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/defaults.h"
#include "program/execute.h"
#include "program/serialize.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "sched/compile.h"

namespace tf2::sched {
namespace {

using qnet::TensorId;
using ::testing::HasSubstr;

qnet::Tensor Map(const char* name, std::int32_t c, std::int32_t h, std::int32_t w,
                 std::int8_t q = 4) {
  return {name,
          qnet::ElemType::kInt8,
          {c, h, w},
          std::vector<std::int8_t>(static_cast<std::size_t>(c), q)};
}

// x [16, 8, 8] -> 3x3 conv "a" -> "tail" (by `op`) -> out.
qnet::QNet TwoLayers(qnet::OpParams op, qnet::Tensor out,
                     std::vector<TensorId> inputs = {TensorId{1}}) {
  qnet::QNet net;
  net.name = "two";
  net.inputs = {TensorId{0}};
  net.tensors = {Map("x", 16, 8, 8), Map("a_out", 16, 8, 8), std::move(out)};
  qnet::Conv conv;
  conv.window = {3, 3, 1, 1, 1, 1, 1, 1};
  conv.terms = {std::vector<std::int8_t>(16 * 16 * 9, 64)};
  conv.beta.assign(16, 0);
  conv.scale.assign(16, {1 << 14, 24});
  net.ops.push_back({"a", {TensorId{0}}, TensorId{1}, conv});
  net.ops.push_back({"tail", std::move(inputs), TensorId{2}, std::move(op)});
  net.outputs.push_back({TensorId{2}, "out", qnet::Head::kNone, {net.tensors[2].elements()}});
  const Status status = qnet::Verify(net);
  TF2_CHECK(status.ok(), "{}", status.error().ToString());
  return net;
}

qnet::QNet WithPool() {
  return TwoLayers(qnet::MaxPool{{2, 2, 2, 2, 0, 0, 1, 1}}, Map("y", 16, 4, 4));
}

std::string Refusal(const qnet::QNet& net, const std::function<void(arch::Arch&)>& change) {
  arch::Arch a;
  a.name = "small";
  change(a);
  Options plain;
  plain.folding = Folding::kNever;  // folding does without padding
  const auto p = Compile(net, a, plain);
  return p.ok() ? "accepted" : p.error().ToString();
}

TEST(Refuse, MemoriesByLayerNeedAndWhatThereIs) {
  const qnet::QNet net = WithPool();
  EXPECT_EQ(Refusal(net, [](arch::Arch&) {}), "accepted");
  EXPECT_EQ(Refusal(net, [](arch::Arch& a) { a.weight_words = 35; }),
            "a: the network needs 36 weight words, 36 of them for this layer and 36 up to it; "
            "configuration small has 35");
  EXPECT_EQ(Refusal(net, [](arch::Arch& a) { a.feature_words = 255; }),
            "a: the network needs 256 feature words (256 live at this layer), configuration small "
            "has 255");
  EXPECT_EQ(Refusal(net, [](arch::Arch& a) { a.acc_bits = 20; }),
            "a: the sums of its codes need 22 accumulator bits, configuration small has 20");
  EXPECT_EQ(Refusal(net, [](arch::Arch& a) { a.count_bits = 2; }),
            "a: the layer needs 3 bits of a loop counter, configuration small has 2");
  EXPECT_EQ(Refusal(net, [](arch::Arch& a) { a.coord_bits = 4; }),
            "a: the layer needs 5 bits of a coordinate, configuration small has 4");
  const qnet::QNet deep = qnet::RandomNet(141);
  EXPECT_THAT(Refusal(deep, [](arch::Arch& a) { a.program_fields = 64; }),
              HasSubstr("program fields ("));
  EXPECT_THAT(Refusal(deep, [](arch::Arch& a) { a.param_entries = 16; }),
              HasSubstr("parameter entries"));
}

TEST(Refuse, UnitsByLayer) {
  const qnet::QNet net = WithPool();
  EXPECT_EQ(Refusal(net, [](arch::Arch& a) { a.has_max_pool = false; }),
            "tail: the layer needs HasMaxPool, which configuration small leaves out");
  EXPECT_EQ(Refusal(net, [](arch::Arch& a) { a.has_padding = false; }),
            "a: the layer needs HasPadding, which configuration small leaves out");
  const qnet::QNet sum = TwoLayers(qnet::Add{}, Map("y", 16, 8, 8), {TensorId{0}, TensorId{1}});
  EXPECT_EQ(Refusal(sum, [](arch::Arch& a) { a.has_residual = false; }),
            "tail: the layer needs HasResidual, which configuration small leaves out");
  // Without repeat the identity takes a word a tile.
  EXPECT_EQ(Refusal(sum, [](arch::Arch& a) { a.has_repeat = false; }), "accepted");
  qnet::QNet wide = sum;
  wide.tensors[2].type = qnet::ElemType::kInt16;
  EXPECT_EQ(Refusal(wide, [](arch::Arch& a) { a.has_wide = false; }),
            "tail: the layer needs HasWide, which configuration small leaves out");
  qnet::AvgPool pool;
  pool.window = {3, 3, 1, 1, 1, 1, 1, 1};
  pool.divisor_h = pool.divisor_w = {2, 3, 3, 3, 3, 3, 3, 2};
  pool.divisors = {4, 6, 9};
  pool.scale.assign(3, std::vector<numerics::Scale>(16, {1 << 14, 17}));
  EXPECT_EQ(
      Refusal(TwoLayers(pool, Map("y", 16, 8, 8)), [](arch::Arch& a) { a.has_regions = false; }),
      "tail#0: the layer needs HasRegions, which configuration small leaves out");
}

TEST(Refuse, WhatTheEngineHasNoFormFor) {
  qnet::QNet mac = WithPool();
  std::get<qnet::Conv>(mac.ops[0].params).kind = qnet::WeightKind::kMac;
  EXPECT_EQ(
      Refusal(mac, [](arch::Arch&) {}),
      "a: int8 weights: the engine's lanes take 4-bit weights\n  hint: quantize with --bits 4");
  const qnet::QNet reshape = TwoLayers(qnet::Reshape{}, Map("y", 8, 16, 8));
  EXPECT_THAT(Refusal(reshape, [](arch::Arch&) {}),
              HasSubstr("tail: reshaping 16 x 8 x 8 to 8 x 16 x 8 moves values"));
  qnet::QNet far = TwoLayers(qnet::Add{}, Map("y", 16, 8, 8, 24), {TensorId{0}, TensorId{1}});
  EXPECT_THAT(Refusal(far, [](arch::Arch&) {}),
              HasSubstr("tail: the exponents of the two inputs lie more than 14 apart"));
  qnet::QNet two_terms = WithPool();
  auto& conv = std::get<qnet::Conv>(two_terms.ops[0].params);
  conv.terms.push_back(conv.terms[0]);
  Options plain;
  plain.folding = Folding::kNever;
  EXPECT_THAT(Compile(two_terms, arch::Arch{}, plain).error().ToString(),
              HasSubstr("a: two-term weights of a 3 x 3 kernel over 2 input planes"));
}

TEST(Refuse, SeveralInputs) {
  qnet::QNet net = WithPool();
  net.tensors.push_back(Map("z", 2, 3, 3));
  net.inputs.push_back(TensorId{static_cast<std::int32_t>(net.tensors.size()) - 1});
  ASSERT_TRUE(qnet::Verify(net).ok()) << qnet::Verify(net).error().ToString();
  EXPECT_EQ(Refusal(net, [](arch::Arch&) {}),
            "the network has 2 inputs, the engine takes one\n  hint: run the artifact on the cpu "
            "backend");
}

TEST(Refuse, NothingToRun) {
  qnet::QNet net;
  net.name = "empty";
  net.inputs = {TensorId{0}};
  net.tensors = {Map("x", 2, 3, 3), Map("y", 18, 1, 1)};
  net.ops.push_back({"flatten", {TensorId{0}}, TensorId{1}, qnet::Reshape{}});
  net.outputs.push_back({TensorId{1}, "out", qnet::Head::kNone, {18}});
  ASSERT_TRUE(qnet::Verify(net).ok());
  EXPECT_THAT(Refusal(net, [](arch::Arch&) {}), HasSubstr("no operator for the engine to run"));
}

TEST(Refuse, FoldingThatTheNetworkDoesNotAllow) {
  const qnet::QNet sum = TwoLayers(qnet::Add{}, Map("y", 16, 8, 8), {TensorId{0}, TensorId{1}});
  Options always;
  always.folding = Folding::kAlways;
  EXPECT_THAT(Compile(sum, arch::Arch{}, always).error().ToString(), HasSubstr("cannot be folded"));
}

TEST(Refuse, FoldingOfWhatIsNotPaddedWithZero) {
  qnet::QNet net = WithPool();
  auto& conv = std::get<qnet::Conv>(net.ops[0].params);
  conv.pad_value = qnet::kLowPadding;
  Options options;
  options.folding = Folding::kAlways;
  EXPECT_THAT(Compile(net, arch::Arch{}, options).error().ToString(), HasSubstr("padded with 0"));
  const auto plain = Compile(net, arch::Arch{});
  ASSERT_TRUE(plain.ok()) << plain.error().ToString();
  EXPECT_FALSE(plain->input.folded);
  const auto input = qnet::RandomInput(net, 3);
  EXPECT_EQ(*program::ExecuteFrame(*plain, arch::Arch{}, input), *qnet::Interpret(net, input));
  // Without padding its value does not matter.
  conv.window = {};
  conv.terms[0].resize(16 * 16);
  ASSERT_TRUE(qnet::Verify(net).ok());
  const auto folded = Compile(net, arch::Arch{}, options);
  ASSERT_TRUE(folded.ok()) << folded.error().ToString();
  EXPECT_TRUE(folded->input.folded);
  EXPECT_EQ(*program::ExecuteFrame(*folded, arch::Arch{}, input), *qnet::Interpret(net, input));
}

TEST(Refuse, DevicesByWhatTheyHave) {
  const std::string devices = std::string(TF2_SOURCE_DIR) + "/data/devices";
  const auto up5k = arch::FindDevice(devices, "ice40-up5k");
  const auto hx8k = arch::FindDevice(devices, "ice40-hx8k");
  ASSERT_TRUE(up5k.ok() && hx8k.ok());
  const qnet::QNet net = WithPool();
  for (const auto* device : {&*up5k, &*hx8k}) {
    const auto c = CompileForDevice(net, *device);
    ASSERT_TRUE(c.ok()) << c.error().ToString();
    EXPECT_TRUE(arch::Check(c->arch).ok());
    EXPECT_FALSE(c->arch.has_residual);
    EXPECT_TRUE(c->arch.has_max_pool);
    EXPECT_EQ(c->arch.count_bits, 3);
    const auto input = qnet::RandomInput(net, 3);
    EXPECT_EQ(*program::ExecuteFrame(c->program, c->arch, input), *qnet::Interpret(net, input));
  }
  qnet::QNet big = net;
  big.tensors[0] = Map("x", 16, 96, 96);
  big.tensors[1] = Map("a_out", 16, 96, 96);
  big.tensors[2] = Map("y", 16, 48, 48);
  big.outputs[0].shape = {16 * 48 * 48};
  EXPECT_THAT(CompileForDevice(big, *hx8k).error().ToString(),
              HasSubstr("configuration ice40-hx8k-8x8x1 has 512"));
  EXPECT_THAT(CompileForDevice(big, *up5k).error().ToString(),
              HasSubstr("configuration ice40-up5k-8x8x1 has 16384"));
}

TEST(TwoTerms, RunWhereALoopIsIdle) {
  qnet::RandomNetOptions options;
  options.two_terms = true;
  options.mac = true;
  options.general_reshape = true;
  int ran = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const qnet::QNet net = qnet::RandomNet(seed, options);
    const auto c = CompileSized(net);
    if (!c.ok()) {
      EXPECT_EQ(c.error().code, ErrorCode::kUnsupported) << c.error().ToString();
      EXPECT_FALSE(c.error().location.empty());
      continue;
    }
    ++ran;
    const auto input = qnet::RandomInput(net, seed);
    const auto got = program::ExecuteFrame(c->program, c->arch, input);
    ASSERT_TRUE(got.ok()) << got.error().ToString();
    EXPECT_EQ(*got, *qnet::Interpret(net, input)) << "seed " << seed << "\n" << qnet::ToText(net);
    const auto back = program::Deserialize(program::Serialize(c->program));
    ASSERT_TRUE(back.ok()) << back.error().ToString();
    EXPECT_EQ(*back, c->program);
  }
  EXPECT_GT(ran, 100);
}

}  // namespace
}  // namespace tf2::sched
