#include "runtime/backends/cpu/cpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/interrupt.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "qnet/test_net.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/cpu/network.h"
#include "runtime/backends/cpu/test_nets.h"

namespace tf2::runtime {
namespace {

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
  auto frames = device.Run({count, std::move(data)});
  TF2_CHECK(frames.ok(), "{}", frames.error().ToString());
  return *std::move(frames);
}

// Batches in the order in which they are waited for.
using Submitted = std::vector<std::pair<Ticket, std::vector<std::int8_t>>>;

// Whether each batch's frames are the interpreter's.
void ExpectFrames(Device& device, const qnet::QNet& net, const Submitted& submitted) {
  const auto elements = static_cast<std::size_t>(qnet::InputElements(net));
  for (const auto& [ticket, data] : submitted) {
    const auto frames = device.Wait(ticket);
    ASSERT_TRUE(frames.ok()) << frames.error().ToString();
    ASSERT_EQ(frames->size(), data.size() / elements);
    for (std::size_t i = 0; i < frames->size(); ++i) {
      EXPECT_EQ((*frames)[i], Expected(net, std::span(data).subspan(i * elements, elements)));
    }
  }
}

// Whether the device shows the interpreter's tensors, each once.
void ExpectSameTensors(Device& device, const qnet::QNet& net, std::span<const std::int8_t> input) {
  const auto expected = qnet::InterpretAll(net, input);
  ASSERT_TRUE(expected.ok());
  std::vector<int> seen(net.tensors.size(), 0);
  const auto report =
      device.RunTraced(input, [&](qnet::TensorId id, std::span<const std::uint8_t> bytes) {
        ++seen[qnet::Index(id)];
        EXPECT_TRUE(std::ranges::equal(bytes, (*expected)[qnet::Index(id)]));
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
        GTEST_SKIP() << "this machine cannot run the " << isa.name << " kernels: " << isa.obstacle;
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Isas, CpuIsa,
                         ::testing::Values("portable", "avx2", "avxvnni", "avx512vnni", "amx"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(CpuIsa, IsTheOneThatRuns) { EXPECT_EQ(Open(GetParam(), 1)->isa(), GetParam()); }

TEST_P(CpuIsa, EnvironmentForcesIt) {
  ASSERT_EQ(setenv("TF2_CPU_ISA", GetParam(), 1), 0);
  const auto device = Open("", 1);
  unsetenv("TF2_CPU_ISA");
  EXPECT_EQ(device->isa(), GetParam());
}

TEST_P(CpuIsa, ShowsEveryTensorOnce) {
  const auto net = Share(qnet::testing::EveryOperator(5));
  const auto device = Open(GetParam(), 2);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  ExpectSameTensors(*device, *net, RandomFrames(*net, 1, 3));
}

TEST_P(CpuIsa, BatchesOfAnySizeInOrder) {
  const auto net = Share(qnet::testing::EveryOperator(7));
  const auto device = Open(GetParam(), 3);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  Submitted submitted;
  for (const int count : {1, 2, 3, 7, 4, 1}) {
    auto data = RandomFrames(*net, count, 100 + static_cast<std::uint64_t>(count));
    const auto ticket = device->Submit({count, data});
    ASSERT_TRUE(ticket.ok());
    submitted.emplace_back(*ticket, std::move(data));
  }
  std::swap(submitted[0], submitted[4]);  // waiting in another order
  ExpectFrames(*device, *net, submitted);
}

// A network that is worth several frames a thread: claims of one to four, of one batch or two.
TEST_P(CpuIsa, SeveralFramesAThread) {
  cpu::testing::NetBuilder builder(1, {64, 8, 8});
  cpu::testing::NetBuilder::ConvOptions options;
  options.window = {8, 8, 1, 1, 0, 0, 1, 1};
  options.oc = 570;
  options.kind = qnet::WeightKind::kMac;
  const auto net = Share(builder.Finish({builder.Conv(builder.input(), options)}));
  const auto kernels = cpu::SelectKernels(GetParam());
  ASSERT_TRUE(kernels.ok());
  ASSERT_EQ(cpu::Network::Prepare(net, **kernels)->frames_together(), 4);
  const auto device = Open(GetParam(), 2);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  Submitted submitted;
  for (const int count : {3, 5, 1, 9}) {
    auto data = RandomFrames(*net, count, static_cast<std::uint64_t>(count));
    submitted.emplace_back(*device->Submit({count, data}), std::move(data));
  }
  ExpectFrames(*device, *net, submitted);
  RequestInterrupt();
  const auto cancelled = device->Run({8, RandomFrames(*net, 8, 1)});
  ClearInterrupt();
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

// layer_norm over the channels of every pixel, as a float graph.
qnet::FloatGraph PixelNormGraph(const qnet::Tensor& tensor) {
  ir::Graph graph;
  graph.name = "norm";
  const auto add = [&](ir::OpKind kind, const char* name, ir::ValueId x,
                       std::map<std::string, ir::Attr> attrs) {
    return graph.AddNode(kind, name, {x}, std::move(attrs));
  };
  const auto turn = [&](const char* name, ir::ValueId x, std::vector<std::int64_t> perm) {
    return add(ir::OpKind::kTranspose, name, x, {{"perm", std::move(perm)}});
  };
  graph.inputs = {
      graph.AddValue("x", ir::DType::kFloat32, {1, tensor.c(), tensor.h(), tensor.w()})};
  const ir::ValueId norm =
      add(ir::OpKind::kLayerNorm, "normal", turn("last", graph.inputs[0], {0, 2, 3, 1}),
          {{"axis", std::int64_t{-1}}, {"epsilon", 1e-5F}});
  graph.outputs = {turn("first", norm, {0, 3, 1, 2})};
  TF2_CHECK(ir::InferShapes(graph).ok());
  return *qnet::FloatGraph::Make(graph);
}

// Host operators, large enough for several threads, before, between and after others: softmax and
// layer_norm, alone in a stage and beside a convolution.
qnet::QNet HostOperators() {
  Rng rng(1);
  qnet::QNet net;
  net.name = "host operators";
  const std::vector<std::int32_t> dims = {24, 20, 30};
  const auto tensor = [&](const char* name) {
    return qnet::testing::AddTensor(net, name, dims, rng);
  };
  net.inputs = {tensor("in")};
  const auto softmax = [&](const char* name, qnet::TensorId x) {
    const qnet::TensorId y = tensor(name);
    net.ops.push_back({name, {x}, y, qnet::Host{qnet::testing::SoftmaxGraph(net.tensor(x))}});
    return y;
  };
  const auto norm = [&](const char* name, qnet::TensorId x) {
    const qnet::TensorId y = tensor(name);
    net.ops.push_back({name, {x}, y, qnet::Host{PixelNormGraph(net.tensor(x))}});
    return y;
  };
  const auto conv = [&](const char* name, qnet::TensorId x) {
    const qnet::TensorId y = tensor(name);
    net.ops.push_back({name,
                       {x},
                       y,
                       qnet::testing::RandomConv(net, {x}, y, {3, 3, 1, 1, 1, 1, 1, 1}, 1,
                                                 qnet::WeightKind::kSac, 1, rng)});
    return y;
  };
  const qnet::TensorId first = softmax("softmax first", net.inputs[0]);
  const qnet::TensorId second = norm("norm", softmax("softmax after softmax", first));
  const qnet::TensorId a = conv("beside", second);
  const qnet::TensorId b = softmax("beside conv", second);
  const qnet::TensorId sum = tensor("sum");
  net.ops.push_back({"sum", {a, b}, sum, qnet::Add{qnet::Activation::kNone}});
  const qnet::TensorId normal = norm("norm of sum", sum);
  const qnet::TensorId last = softmax("softmax last", conv("conv", normal));
  net.outputs = {{last, "last", qnet::Head::kNone, {24, 20, 30}},
                 {normal, "normal", qnet::Head::kNone, {24, 20, 30}}};
  TF2_CHECK(qnet::Verify(net).ok(), "{}", qnet::Verify(net).error().ToString());
  return net;
}

TEST_P(CpuIsa, HostOperatorsOnAnyNumberOfThreads) {
  const auto net = Share(HostOperators());
  for (const int threads : {1, 2, 3}) {
    const auto device = Open(GetParam(), threads);
    ASSERT_TRUE(device->Load({net, {}}).ok());
    ExpectSameTensors(*device, *net, RandomFrames(*net, 1, 1));
    Submitted submitted;
    for (const int count : {1, 1, 2, 7}) {
      auto data = RandomFrames(*net, count, static_cast<std::uint64_t>(count));
      submitted.emplace_back(*device->Submit({count, data}), std::move(data));
    }
    ExpectFrames(*device, *net, submitted);
    RequestInterrupt();
    const auto cancelled = device->Run({1, RandomFrames(*net, 1, 1)});
    ClearInterrupt();
    ASSERT_FALSE(cancelled.ok());
    EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
    const std::vector<std::int8_t> frame = RandomFrames(*net, 1, 2);
    EXPECT_EQ(RunFrames(*device, 1, frame)[0], Expected(*net, frame));
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

TEST(CpuDevice, ReloadsRightAfterABatchOfManyThreads) {
  const auto device = Open("", 3);
  const std::array nets = {Share(qnet::testing::EveryOperator(1)), Share(RandomOps(4))};
  for (int i = 0; i < 40; ++i) {
    const auto& net = nets[static_cast<std::size_t>(i % 2)];
    ASSERT_TRUE(device->Load({net, {}}).ok());
    const auto input = RandomFrames(*net, 7, static_cast<std::uint64_t>(i));
    EXPECT_EQ(RunFrames(*device, 7, input)[0],
              Expected(*net, std::span(input).first(input.size() / 7)));
  }
}

TEST(CpuDevice, TakesTheLastInstructionSetOfTheMachine) {
  const auto kernels = cpu::SelectKernels("");
  ASSERT_TRUE(kernels.ok());
  const cpu::KernelSet* last = nullptr;
  for (const cpu::IsaInfo& isa : cpu::AllIsas()) last = isa.available ? isa.kernels : last;
  EXPECT_EQ(*kernels, last);
}

TEST(CpuDevice, RefusesUnknownInstructionSets) {
  const BackendFactory backend = CpuBackend();
  DeviceOptions options;
  options.isa = "mmx";
  const auto device = OpenDevice("cpu", options, {&backend, 1});
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.error().ToString(),
            "there are no 'mmx' kernels for the CPU\n  hint: the instruction sets are: portable, "
            "avx2, avxvnni, avx512vnni, amx");
}

TEST(CpuDevice, InterruptionCancels) {
  const auto net = Share(qnet::testing::EveryOperator(2));
  const auto device = Open("", 2);
  ASSERT_TRUE(device->Load({net, {}}).ok());
  RequestInterrupt();
  const auto frames = device->Run({4, RandomFrames(*net, 4, 1)});
  ClearInterrupt();
  ASSERT_FALSE(frames.ok());
  EXPECT_EQ(frames.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace tf2::runtime
