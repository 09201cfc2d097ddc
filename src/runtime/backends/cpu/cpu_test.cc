#include "runtime/backends/cpu/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/interrupt.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "qnet/test_net.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/cpu/test_nets.h"

namespace tf2::runtime {
namespace {

using cpu::testing::NetBuilder;
using cpu::testing::RandomFrames;
using cpu::testing::RandomOps;

std::unique_ptr<Device> Open(const std::string& isa, int threads) {
  const BackendFactory backend = CpuBackend();
  DeviceOptions options;
  options.isa = isa;
  options.threads = threads;
  auto device = OpenDevice("cpu", options, {&backend, 1});
  TF2_CHECK(device.ok(), "{}", device.error().ToString());
  return *std::move(device);
}

std::shared_ptr<const qnet::QNet> Share(qnet::QNet net) {
  return std::make_shared<const qnet::QNet>(std::move(net));
}

// The interpreter's outputs for one frame.
Frame Expected(const qnet::QNet& net, std::span<const std::int8_t> input) {
  auto outputs = qnet::Interpret(net, input);
  TF2_CHECK(outputs.ok(), "{}", outputs.error().ToString());
  return *std::move(outputs);
}

std::vector<Frame> RunFrames(Device& device, std::int64_t count, std::vector<std::int8_t> data) {
  auto frames = RunBatch(device, {count, std::move(data)});
  TF2_CHECK(frames.ok(), "{}", frames.error().ToString());
  return *std::move(frames);
}

// Every tensor that `device` materialises against the interpreter's.
void ExpectSameTensors(Device& device, const qnet::QNet& net, std::span<const std::int8_t> input) {
  const auto expected = qnet::InterpretAll(net, input);
  ASSERT_TRUE(expected.ok());
  std::vector<int> seen(net.tensors.size(), 0);
  const auto report =
      device.RunTraced(input, [&](qnet::TensorId id, std::span<const std::uint8_t> bytes) {
        ++seen[qnet::Index(id)];
        const qnet::Bytes& want = (*expected)[qnet::Index(id)];
        ASSERT_EQ(bytes.size(), want.size()) << net.tensor(id).name;
        for (std::size_t i = 0; i < want.size(); ++i) {
          ASSERT_EQ(bytes[i], want[i]) << net.tensor(id).name << " byte " << i;
        }
      });
  ASSERT_TRUE(report.ok()) << report.error().ToString();
  EXPECT_TRUE(report->skipped.empty());
  EXPECT_EQ(seen, std::vector<int>(net.tensors.size(), 1));
  ASSERT_EQ(report->outputs.size(), net.outputs.size());
  for (std::size_t i = 0; i < net.outputs.size(); ++i) {
    EXPECT_EQ(report->outputs[i], (*expected)[qnet::Index(net.outputs[i].tensor)]);
  }
}

// Each test runs once for each instruction set; those the machine lacks are skipped visibly.
class CpuIsa : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    for (const auto& isa : cpu::AllIsas()) {
      if (std::string(isa.name) == GetParam() && !isa.available) {
        GTEST_SKIP() << "this machine cannot run the " << isa.name << " kernels";
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Isas, CpuIsa,
                         ::testing::Values("portable", "avx2", "avxvnni", "avx512vnni"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(CpuIsa, IsTheOneThatRuns) { EXPECT_EQ(Open(GetParam(), 1)->isa(), GetParam()); }

TEST_P(CpuIsa, EnvironmentForcesIt) {
  ASSERT_EQ(setenv("TF2_CPU_ISA", GetParam(), 1), 0);
  const auto device = Open("", 1);
  unsetenv("TF2_CPU_ISA");
  EXPECT_EQ(device->isa(), GetParam());
}

TEST_P(CpuIsa, EveryOperatorEqualsTheInterpreter) {
  const auto device = Open(GetParam(), 2);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto net = Share(qnet::testing::EveryOperator(seed));
    ASSERT_TRUE(device->Load({net, {}}).ok());
    ExpectSameTensors(*device, *net, RandomFrames(*net, 1, seed));
  }
}

TEST_P(CpuIsa, RandomOperatorsEqualTheInterpreter) {
  const auto alone = Open(GetParam(), 1);
  const auto threaded = Open(GetParam(), 3);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Device& device = seed % 5 == 0 ? *threaded : *alone;
    const auto net = Share(RandomOps(seed));
    ASSERT_TRUE(device.Load({net, {}}).ok());
    ExpectSameTensors(device, *net, RandomFrames(*net, 1, seed));
    if (HasFatalFailure()) break;
  }
}

TEST_P(CpuIsa, RandomNetworksEqualTheInterpreter) {
  const auto device = Open(GetParam(), 1);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    qnet::RandomNetOptions options;
    options.mac = options.two_terms = options.general_reshape = true;
    options.cpu_only = seed % 2 == 1;
    const auto net = Share(qnet::RandomNet(seed, options));
    ASSERT_TRUE(device->Load({net, {}}).ok());
    ExpectSameTensors(*device, *net, qnet::RandomInput(*net, seed));
    if (HasFatalFailure()) break;
  }
}

TEST_P(CpuIsa, BatchesOfAnySizeInOrder) {
  const auto net = Share(qnet::testing::EveryOperator(7));
  const auto device = Open(GetParam(), 3);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  const auto elements = static_cast<std::size_t>(net->tensor(net->input).elements());
  std::vector<std::pair<Ticket, std::vector<std::int8_t>>> submitted;
  for (const int count : {1, 2, 3, 7, 4, 1}) {
    auto data = RandomFrames(*net, count, 100 + static_cast<std::uint64_t>(count));
    const auto ticket = device->Submit({count, data});
    ASSERT_TRUE(ticket.ok());
    submitted.emplace_back(*ticket, std::move(data));
  }
  std::swap(submitted[0], submitted[4]);  // waiting in another order
  for (const auto& [ticket, data] : submitted) {
    const auto frames = device->Wait(ticket);
    ASSERT_TRUE(frames.ok()) << frames.error().ToString();
    ASSERT_EQ(frames->size(), data.size() / elements);
    for (std::size_t i = 0; i < frames->size(); ++i) {
      EXPECT_EQ((*frames)[i], Expected(*net, std::span(data).subspan(i * elements, elements)));
    }
  }
}

// Two-term weights reach +-128, int8 weights 127: every kernel's split into planes.
TEST_P(CpuIsa, LargestWeightsAndFeatures) {
  const auto device = Open(GetParam(), 1);
  for (const int terms : {1, 2}) {
    for (const auto kind : {qnet::WeightKind::kSac, qnet::WeightKind::kMac}) {
      if (kind == qnet::WeightKind::kMac && terms == 2) continue;
      NetBuilder builder(3, {37, 6, 6});
      NetBuilder::ConvOptions options;
      options.window = {3, 3, 1, 1, 1, 1, 1, 1};
      options.oc = 50;
      options.kind = kind;
      options.terms = terms;
      options.extreme = true;
      options.wide = true;
      const auto net = Share(builder.Finish({builder.Conv(builder.input(), options)}));
      ASSERT_TRUE(device->Load({net, {}}).ok());
      for (const int value : {-128, 127}) {
        const std::vector<std::int8_t> input(
            static_cast<std::size_t>(net->tensor(net->input).elements()),
            static_cast<std::int8_t>(value));
        ExpectSameTensors(*device, *net, input);
      }
    }
  }
}

// Fire modules: concatenations in place, a nested one, one whose input is read elsewhere too.
TEST_P(CpuIsa, ConcatenationsInPlace) {
  NetBuilder builder(11, {16, 9, 9});
  NetBuilder::ConvOptions one;
  one.oc = 32;
  one.relu = true;
  NetBuilder::ConvOptions three = one;
  three.window = {3, 3, 1, 1, 1, 1, 1, 1};
  const auto a = builder.Conv(builder.input(), one);
  const auto b = builder.Conv(a, three);
  const auto inner = builder.Concat({a, b});
  const auto c = builder.Conv(inner, one);
  const auto outer = builder.Concat({c, inner, c});
  const auto last = builder.Conv(outer, three);
  const auto net = Share(builder.Finish({last, inner}));
  const auto device = Open(GetParam(), 2);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  ExpectSameTensors(*device, *net, RandomFrames(*net, 1, 5));
}

TEST_P(CpuIsa, ExtremeExponentsOfAdd) {
  const auto device = Open(GetParam(), 1);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    NetBuilder builder(seed, {64, 3, 3}, 28);
    NetBuilder::ConvOptions options;
    options.oc = 64;
    const auto b = builder.Conv(builder.input(), options);
    const auto net = Share(
        builder.Finish({builder.Add(builder.input(), b, seed % 2 == 0, seed % 3 == 0, true)}));
    ASSERT_TRUE(device->Load({net, {}}).ok());
    ExpectSameTensors(*device, *net, RandomFrames(*net, 1, seed + 1));
  }
}

TEST(CpuDevice, ReloadsAndReportsErrors) {
  const auto device = Open("portable", 1);
  EXPECT_EQ(device->name(), "cpu");
  const auto early = device->Submit({1, {0}});
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().message, "no network is loaded");
  EXPECT_FALSE(device->RunTraced({}, [](qnet::TensorId, std::span<const std::uint8_t>) {}).ok());

  const auto net = Share(qnet::testing::EveryOperator(1));
  ASSERT_TRUE(device->Load({net, {}}).ok());
  const auto wrong = device->Submit({2, std::vector<std::int8_t>(217)});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message,
            "a batch of 2 frames has 217 values; the network's input has 216 a frame");
  EXPECT_FALSE(device->Submit({0, {}}).ok());
  EXPECT_FALSE(device->RunTraced(std::vector<std::int8_t>(5), [](qnet::TensorId, auto) {}).ok());
  EXPECT_FALSE(device->Wait(Ticket{99}).ok());

  const auto other = Share(RandomOps(4));
  ASSERT_TRUE(device->Load({other, {}}).ok());
  const auto input = RandomFrames(*other, 1, 1);
  EXPECT_EQ(RunFrames(*device, 1, input)[0], Expected(*other, input));

  device->Close();
  device->Close();
  const auto late = device->Submit({1, input});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().message, "the device is closed");
  EXPECT_FALSE(device->Load({net, {}}).ok());
}

TEST(CpuDevice, RefusesUnknownInstructionSets) {
  const BackendFactory backend = CpuBackend();
  DeviceOptions options;
  options.isa = "mmx";
  const auto device = OpenDevice("cpu", options, {&backend, 1});
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.error().ToString(),
            "there are no 'mmx' kernels for the CPU\n  hint: the instruction sets are: portable, "
            "avx2, avxvnni, avx512vnni");
}

TEST(CpuDevice, InterruptionCancels) {
  const auto net = Share(qnet::testing::EveryOperator(2));
  const auto device = Open("", 2);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  RequestInterrupt();
  const auto frames = RunBatch(*device, {4, RandomFrames(*net, 4, 1)});
  ClearInterrupt();
  ASSERT_FALSE(frames.ok());
  EXPECT_EQ(frames.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace tf2::runtime
