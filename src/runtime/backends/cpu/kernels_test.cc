// Every kernel, on every instruction set that this machine has or that is emulated, against the
// interpreter.
#include "runtime/backends/cpu/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <map>
#include <optional>
#include <thread>

#include "base/interrupt.h"
#include "qnet/artifact.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "qnet/test_net.h"
#include "runtime/backends/cpu/emulated.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/cpu/network.h"
#include "runtime/backends/cpu/scratch.h"
#include "runtime/backends/cpu/test_nets.h"
#include "runtime/backends/cpu/winograd.h"

namespace tf2::runtime::cpu {
namespace {

using testing::NetBuilder;
using testing::RandomFrames;
using testing::RandomLrn;
using testing::RandomOps;

// The kernels of this name; null where this machine cannot run them.
const KernelSet* FindKernels(const std::string& name) {
  if (name == "portable_plain") return PlainPortableKernels();
  if (name == "avxvnni_emulated") return EmulatedAvxVnniKernels();
  if (name == "avx512vnni_emulated") return EmulatedAvx512VnniKernels();
  if (name == "amx_emulated") return EmulatedAmxKernels();
  for (const IsaInfo& isa : AllIsas()) {
    if (isa.name == name && isa.available) return isa.kernels;
  }
  return nullptr;
}

// Every tensor of the network by the interpreter, which is asked once for all sets of kernels: a
// test runs on one after the other.
std::vector<qnet::Bytes> Interpreted(const qnet::QNet& net, std::span<const std::int8_t> input) {
  static std::string test;
  static std::map<std::string, std::vector<qnet::Bytes>> known;
  const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string now = name.substr(0, name.find('/'));
  if (std::exchange(test, now) != now) known.clear();
  std::string key(input.begin(), input.end());
  const auto bytes = qnet::SerializeArtifact({net, {}});
  if (bytes.ok()) key.append(bytes->begin(), bytes->end());
  if (const auto found = known.find(key); bytes.ok() && found != known.end()) return found->second;
  auto tensors = qnet::InterpretAll(net, input);
  EXPECT_TRUE(tensors.ok());
  if (bytes.ok()) known.emplace(std::move(key), *tensors);
  return *std::move(tensors);
}

// Each test runs once for each set of kernels; those the machine lacks are skipped visibly.
class Kernels : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    kernels_ = FindKernels(GetParam());
    if (kernels_ == nullptr) GTEST_SKIP() << "this machine cannot run the kernels " << GetParam();
    ASSERT_TRUE(std::string(GetParam()).starts_with(kernels_->isa));
  }

  // Every tensor of the network against the interpreter's.
  void ExpectSame(qnet::QNet net, std::span<const std::int8_t> input, ThreadPool* pool = nullptr) {
    const auto shared = std::make_shared<const qnet::QNet>(std::move(net));
    const std::vector<qnet::Bytes> expected = Interpreted(*shared, input);
    const auto network = Network::Prepare(shared, *kernels_, Network::Together::kAll);
    ASSERT_TRUE(network.ok()) << network.error().ToString();
    Network::Arena arena = network->MakeArena(3);
    const TraceSink sink = [&](qnet::TensorId id, std::span<const std::uint8_t> bytes) {
      const qnet::Bytes& want = expected[qnet::Index(id)];
      ASSERT_EQ(bytes.size(), want.size()) << shared->tensor(id).name;
      for (std::size_t i = 0; i < want.size(); ++i) {
        ASSERT_EQ(bytes[i], want[i]) << shared->tensor(id).name << " byte " << i;
      }
    };
    ASSERT_TRUE(network->Run(input, arena, pool, &sink).ok());
    const std::vector<std::int8_t> other(input.rbegin(), input.rend());
    const std::vector<qnet::Bytes> expected_of_other = Interpreted(*shared, other);
    Frame outputs, others;
    for (const qnet::Output& output : shared->outputs) {
      outputs.push_back(expected[qnet::Index(output.tensor)]);
      others.push_back(expected_of_other[qnet::Index(output.tensor)]);
    }
    // The threads going from stage to stage, frame after frame.
    for (int round = 0; round < 2 && pool != nullptr; ++round) {
      EXPECT_EQ(*network->Run(other, arena, pool, nullptr), others);
      EXPECT_EQ(*network->Run(input, arena, pool, nullptr), outputs);
    }
    // In the middle of several frames, too.
    const std::vector<std::span<const std::int8_t>> inputs = {other, input, other};
    const auto frames = network->RunTogether(inputs, arena);
    ASSERT_TRUE(frames.ok());
    EXPECT_EQ((*frames)[0], others);
    EXPECT_EQ((*frames)[1], outputs);
    EXPECT_EQ((*frames)[2], others);
  }

  void ExpectSameOnExtremes(const qnet::QNet& net) {
    for (const int value : {-128, 127, 0}) {
      const std::vector<std::int8_t> input(static_cast<std::size_t>(qnet::InputElements(net)),
                                           static_cast<std::int8_t>(value));
      ExpectSame(net, input);
    }
    ExpectSame(net, RandomFrames(net, 1, 17));
  }

  // From now on, whatever can be is computed in squares; false where the kernels have none.
  bool UseSquares() {
    if (kernels_->square_tiles == 0) {
      EXPECT_STREQ(kernels_->isa, "amx");
      return false;
    }
    squares_ = *kernels_;
    squares_.group_cost = 1e9;
    kernels_ = &squares_;
    return true;
  }

  // ExpectSame with squares, where the kernels have them.
  void ExpectSameInSquares(const qnet::QNet& net, std::span<const std::int8_t> input,
                           ThreadPool* pool = nullptr) {
    const KernelSet* const direct = kernels_;
    if (UseSquares()) ExpectSame(net, input, pool);
    kernels_ = direct;
  }

  const KernelSet* kernels_ = nullptr;

 private:
  KernelSet squares_ = {};
};

#ifdef __SANITIZE_THREAD__
// Emulation changes what instructions are, not what threads do.
const auto kSets = ::testing::Values("portable", "avx2", "avxvnni", "avx512vnni", "amx");
#else
const auto kSets =
    ::testing::Values("portable", "portable_plain", "avx2", "avxvnni", "avx512vnni", "amx",
                      "avxvnni_emulated", "avx512vnni_emulated", "amx_emulated");
#endif
INSTANTIATE_TEST_SUITE_P(Isas, Kernels, kSets,
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(Kernels, EveryOperatorEqualsTheInterpreter) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto net = (qnet::testing::EveryOperator(seed));
    ExpectSame(net, RandomFrames(net, 1, seed));
  }
}

TEST_P(Kernels, RandomOperatorsEqualTheInterpreter) {
  ThreadPool pool(3);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    if (seed == 200 && !UseSquares()) break;
    SCOPED_TRACE(seed);
    const auto net = (RandomOps(seed));
    ExpectSame(net, RandomFrames(net, 1, seed), seed % 2 == 0 ? nullptr : &pool);
    if (HasFatalFailure()) break;
  }
}

TEST_P(Kernels, RandomNetworksEqualTheInterpreter) {
  ThreadPool pool(2);
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    if (seed == 100 && !UseSquares()) break;
    SCOPED_TRACE(seed);
    qnet::RandomNetOptions options;
    options.mac = options.two_terms = options.general_reshape = true;
    options.cpu_only = seed % 2 == 1;
    const auto net = (qnet::RandomNet(seed, options));
    ExpectSame(net, qnet::RandomInput(net, seed), seed % 3 == 0 ? nullptr : &pool);
    if (HasFatalFailure()) break;
  }
}

// Two inputs through one operator, every shape that broadcasts.
TEST_P(Kernels, ElementwiseOperators) {
  Rng rng(12);
  ThreadPool pool(2);
  const auto tensor = [&](std::string name, std::vector<std::int32_t> dims, int low, int high) {
    qnet::Tensor t{std::move(name), qnet::ElemType::kInt8, std::move(dims), {}};
    for (std::int32_t c = 0; c < t.c(); ++c)
      t.q.push_back(static_cast<std::int8_t>(rng.Between(low, high)));
    return t;
  };
  for (const std::int32_t c : {1, 5, 16, 64, 100}) {
    const std::vector<std::int32_t> whole = {c, 4, 5};
    for (const auto& other : std::vector<std::vector<std::int32_t>>{
             whole, {c, 1, 1}, {1, 4, 5}, {1, 1, 1}, {c, 1, 5}, {c, 4, 1}}) {
      for (const auto kind :
           {qnet::BinaryKind::kAdd, qnet::BinaryKind::kSub, qnet::BinaryKind::kMul,
            qnet::BinaryKind::kMax, qnet::BinaryKind::kMin}) {
        const bool turned = rng.Chance(0.5);
        const int spread = rng.Chance(0.1) ? 24 : 3;  // or beyond 32 bits
        qnet::QNet net;
        net.tensors = {tensor("a", turned ? other : whole, 4 - spread, 4),
                       tensor("b", turned ? whole : other, 4, 4 + spread / 2),
                       tensor("y", whole, rng.Chance(0.2) ? -12 : 3, 5)};
        net.inputs = {qnet::TensorId{0}, qnet::TensorId{1}};
        if (rng.Chance(0.3)) net.tensors[2].type = qnet::ElemType::kInt16;
        for (qnet::Tensor& t : net.tensors) {
          for (std::int8_t& q : t.q) q = std::max(q, std::int8_t{numerics::kMinQ});
        }
        const auto activation = rng.Chance(0.3) ? qnet::Activation::kRelu : qnet::Activation::kNone;
        net.ops.push_back({"op", net.inputs, qnet::TensorId{2}, qnet::Binary{kind, activation}});
        net.outputs = {{qnet::TensorId{2}, "y", qnet::Head::kNone, {c, 4, 5}}};
        ASSERT_TRUE(qnet::Verify(net).ok()) << qnet::Verify(net).error().ToString();
        SCOPED_TRACE(qnet::ToText(net));
        ExpectSame(net, qnet::RandomInput(net, rng.Next()), &pool);
        ExpectSameOnExtremes(net);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Of tensors that lie by themselves and of those inside others, behind values of both signs and of
// one.
TEST_P(Kernels, Tables) {
  Rng rng(13);
  ThreadPool pool(2);
  for (const std::int32_t c : {1, 7, 16, 48, 200}) {
    for (const bool wide : {false, true}) {
      for (const bool relu : {false, true}) {
        qnet::QNet net;
        const auto add = [&](std::string name, std::int32_t channels, std::int8_t q) {
          const auto size = static_cast<std::size_t>(channels);
          net.tensors.push_back({std::move(name),
                                 qnet::ElemType::kInt8,
                                 {channels, 6, 11},
                                 std::vector<std::int8_t>(size, q)});
          return qnet::TensorId{static_cast<std::int32_t>(net.tensors.size()) - 1};
        };
        const qnet::TensorId x = add("x", c, 4), bare = add("bare", c, 4), y = add("y", c, 3);
        const qnet::TensorId joined = add("joined", 2 * c, 3);
        qnet::Table table{"random", {}};
        for (int v = 0; v < 256; ++v) {
          table.values.push_back(static_cast<std::int16_t>(wide ? rng.Between(-32768, 32767)
                                                                : rng.Between(-128, 127)));
        }
        net.inputs = {x};
        const auto activation = relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
        net.ops.push_back({"bare", {x, x}, bare, qnet::Add{activation}});
        net.ops.push_back({"table", {bare}, y, table});
        net.ops.push_back({"joined", {y, y}, joined, qnet::Concat{}});
        if (wide) net.tensor(y).type = net.tensor(joined).type = qnet::ElemType::kInt16;
        net.outputs = {{joined, "joined", qnet::Head::kNone, {2 * c, 6, 11}}};
        ASSERT_TRUE(qnet::Verify(net).ok()) << qnet::Verify(net).error().ToString();
        ExpectSame(net, qnet::RandomInput(net, rng.Next()), &pool);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Channels that change places, pixels that become channels, zeros between pixels, reshapes between
// channels; large enough for two threads, in tensors by themselves and inside others.
TEST_P(Kernels, MovesAndDilations) {
  ThreadPool pool(2);
  struct Case {
    std::vector<std::int32_t> dims;
    qnet::OpParams params;
  };
  const std::vector<Case> cases = {
      {{16, 12, 40}, qnet::Move{{4, 4, 480}, {480, 1920, 1}, 0}},                // shuffle
      {{4, 24, 80}, qnet::Move{{4, 12, 2, 40, 2}, {1920, 40, 960, 1, 480}, 0}},  // depth to space
      {{16, 40, 12}, qnet::Move{{16, 40, 12}, {480, 1, 40}, 0}},                 // transposed
      {{640, 12, 1}, qnet::Reshape{}},
      {{16, 480, 1}, qnet::Reshape{}},
      {{16, 34, 118}, qnet::Dilate{3, 3}},
      {{16, 12, 79}, qnet::Dilate{1, 2}},
  };
  for (const Case& c : cases) {
    for (const qnet::Activation activation : {qnet::Activation::kNone, qnet::Activation::kRelu}) {
      qnet::QNet net;
      const auto add = [&](std::string name, std::vector<std::int32_t> dims) {
        const auto channels = static_cast<std::size_t>(dims[0]);
        net.tensors.push_back({std::move(name), qnet::ElemType::kInt8, std::move(dims),
                               std::vector<std::int8_t>(channels, 4)});
        return qnet::TensorId{static_cast<std::int32_t>(net.tensors.size()) - 1};
      };
      const qnet::TensorId x = add("x", {16, 12, 40}), bare = add("bare", {16, 12, 40});
      const qnet::TensorId y = add("y", c.dims);
      const qnet::TensorId joined = add("joined", {2 * c.dims[0], c.dims[1], c.dims[2]});
      net.inputs = {x};
      net.ops.push_back({"bare", {x, x}, bare, qnet::Add{activation}});
      net.ops.push_back({"tested", {bare}, y, c.params});
      net.ops.push_back({"joined", {y, y}, joined, qnet::Concat{}});
      net.outputs = {{joined, "joined", qnet::Head::kNone, {net.tensor(joined).elements()}}};
      ASSERT_TRUE(qnet::Verify(net).ok()) << qnet::Verify(net).error().ToString();
      ExpectSame(net, qnet::RandomInput(net, 7), &pool);
      if (HasFatalFailure()) return;
    }
  }
}

// Two-term weights reach +-128, int8 weights 127: every kernel's split into planes.
TEST_P(Kernels, LargestWeightsAndFeatures) {
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
      const auto net = (builder.Finish({builder.Conv(builder.input(), options)}));
      for (const int value : {-128, 127}) {
        const std::vector<std::int8_t> input(static_cast<std::size_t>(qnet::InputElements(net)),
                                             static_cast<std::int8_t>(value));
        ExpectSame(net, input);
        ExpectSameInSquares(net, input);
      }
    }
  }
}

// Depthwise convolutions of any window: of one row, of columns that the windows of adjacent pixels
// share or, far apart, do not, and with weights of 128.
TEST_P(Kernels, DepthwiseWindows) {
  ThreadPool pool(3);
  std::uint64_t seed = 0;
  const qnet::Window windows[] = {
      {3, 3, 1, 1, 1, 1, 1, 1}, {3, 3, 2, 2, 1, 1, 1, 1}, {5, 5, 1, 1, 2, 2, 1, 1},
      {5, 5, 2, 2, 2, 2, 1, 1}, {7, 7, 1, 1, 3, 3, 1, 1}, {1, 9, 1, 1, 0, 4, 1, 1},
      {1, 3, 1, 2, 0, 2, 1, 2}, {9, 1, 1, 1, 4, 0, 1, 1}, {2, 4, 1, 3, 0, 0, 1, 1},
      {3, 3, 1, 1, 4, 4, 4, 4}, {3, 3, 3, 3, 1, 1, 2, 3}, {1, 1, 1, 1, 0, 0, 1, 1}};
  for (const qnet::Window& window : windows) {
    for (const std::int32_t channels : {2, 16, 37, 130}) {
      SCOPED_TRACE(fmt::format("{} x {} window, {} channels", window.kh, window.kw, channels));
      NetBuilder builder(++seed, {channels, 9, channels < 100 ? 45 : 11});
      NetBuilder::ConvOptions options;
      options.window = window;
      options.oc = options.groups = channels;
      options.relu = seed % 2 == 0;
      options.extreme = seed % 3 == 0;
      options.terms = seed % 4 < 2 ? 2 : 1;
      if (options.terms == 1 && seed % 5 == 0) options.kind = qnet::WeightKind::kMac;
      const auto a = builder.Conv(builder.input(), options);
      options.wide = seed % 7 == 0;
      NetBuilder::ConvOptions same = options;
      same.window = {3, 3, 1, 1, 1, 1, 1, 1};
      const auto net = builder.Finish({builder.Conv(a, a, same)});
      ExpectSame(net, RandomFrames(net, 1, seed), seed % 2 == 0 ? nullptr : &pool);
      if (channels < 20) ExpectSameOnExtremes(net);
      if (HasFatalFailure()) return;
    }
  }
}

// Maps of one column, whose pixels lie below each other.
TEST_P(Kernels, DepthwiseColumns) {
  ThreadPool pool(2);
  std::uint64_t seed = 0;
  for (const qnet::Window& window : {qnet::Window{9, 1, 1, 1, 4, 0, 1, 1},
                                     {9, 3, 2, 1, 4, 1, 1, 1},
                                     {3, 5, 1, 1, 2, 2, 2, 1},
                                     {5, 3, 3, 1, 40, 3, 20, 3},
                                     {1, 3, 1, 1, 0, 1, 1, 1}}) {
    NetBuilder builder(++seed, {35, 70, 1});
    NetBuilder::ConvOptions options;
    options.window = window;
    options.oc = options.groups = 35;
    options.terms = 2;
    const auto a = builder.Conv(builder.input(), options);
    NetBuilder::ConvOptions same = options;
    same.window = {3, 3, 1, 1, 1, 1, 1, 1};
    const auto net = builder.Finish({builder.Conv(a, a, same)});
    ExpectSame(net, RandomFrames(net, 1, seed));
    ExpectSame(net, RandomFrames(net, 1, seed + 9), &pool);
  }
}

// No kernel needs more memory than was reserved.
TEST_P(Kernels, ReservedMemory) {
  for (const std::int32_t side : {5, 40}) {
    NetBuilder builder(1, {96, side, side});
    NetBuilder::ConvOptions options;
    options.window = {3, 3, 1, 1, 1, 1, 1, 1};
    options.oc = 96;
    const auto a = builder.Conv(builder.input(), options);
    options.groups = 96;
    options.window = {5, 5, 2, 2, 2, 2, 1, 1};
    const auto net = std::make_shared<const qnet::QNet>(builder.Finish({builder.Conv(a, options)}));
    for (const bool squares : {false, true}) {
      if (squares && !UseSquares()) continue;
      const auto network = Network::Prepare(net, *kernels_);
      ASSERT_TRUE(network.ok());
      EXPECT_GT(network->scratch_bytes(), 0);
      std::thread([&] {
        Network::Arena arena = network->MakeArena();
        ASSERT_TRUE(network->Run(RandomFrames(*net, 1, 1), arena, nullptr, nullptr).ok());
        EXPECT_EQ(ReservedScratch(), network->scratch_bytes());
      }).join();
    }
  }
}

// The largest features that the patches of squares become.
std::vector<std::int8_t> LargestPatches(const qnet::QNet& net) {
  const qnet::Tensor& tensor = net.tensor(net.inputs[0]);
  std::vector<std::int8_t> input;
  for (std::int32_t c = 0; c < tensor.c(); ++c) {
    for (std::int32_t y = 0; y < tensor.h(); ++y) {
      for (std::int32_t x = 0; x < tensor.w(); ++x)
        input.push_back((y / 2 + x / 2 + c) % 2 == 0 ? 127 : -128);
    }
  }
  return input;
}

// Convolutions of 3 x 3 in squares, of which some are not whole, of any channels.
TEST_P(Kernels, Squares) {
  if (!UseSquares()) return;
  ThreadPool pool(3);
  std::uint64_t seed = 0;
  for (const std::int32_t channels : {1, 16, 24, 40, 72}) {
    for (const std::int32_t side : {1, 2, 5, 8, 13, 30}) {
      SCOPED_TRACE(fmt::format("{} channels of {}", channels, side));
      NetBuilder builder(++seed, {channels, side, side + 3});
      Rng& rng = builder.rng();
      NetBuilder::ConvOptions options;
      options.window = {3, 3, 1, 1, 1, 1, 1, 1};
      options.oc = channels > 40 ? 3 : 2 * channels + 9;
      options.relu = rng.Chance(0.5);
      const auto a = builder.Conv(builder.input(), options);
      if (rng.Chance(0.3)) options.kind = qnet::WeightKind::kMac;
      if (options.kind == qnet::WeightKind::kSac && rng.Chance(0.3)) options.terms = 2;
      const auto b = builder.Conv(a, a, options);
      options.wide = rng.Chance(0.3);
      options.window.ph = options.window.pw = side > 2 && rng.Chance(0.3) ? 0 : 1;
      const auto net = builder.Finish({builder.Conv(b, options)});
      ExpectSame(net, RandomFrames(net, 1, seed), seed % 2 == 0 ? nullptr : &pool);
      ExpectSame(net, LargestPatches(net), &pool);
      if (side < 8) ExpectSameOnExtremes(net);
      if (HasFatalFailure()) return;
    }
  }
}

// Whose transformed inputs do not all fit the memory of a chunk, and far more channels.
TEST_P(Kernels, SquaresOfManyChannels) {
  if (!UseSquares()) return;
  ThreadPool pool(2);
  for (const auto& dims : {std::vector{240, 29, 26}, std::vector{1100, 17, 13}}) {
    NetBuilder builder(4, dims);
    NetBuilder::ConvOptions options;
    options.window = {3, 3, 1, 1, 1, 1, 1, 1};
    options.oc = 20;
    const auto a = builder.Conv(builder.input(), options);
    options.pad_value = -128;
    const auto net = builder.Finish({builder.Conv(builder.Concat({a, a}), options)});
    ExpectSame(net, RandomFrames(net, 1, 6), &pool);
    ExpectSame(net, LargestPatches(net));
  }
}

// As many channels of the largest weights and features as squares have room for, and more.
TEST_P(Kernels, SquaresOfTheLargestSums) {
  if (!UseSquares()) return;
  for (const std::int32_t channels : {115, 116}) {
    for (const int sign : {1, -1}) {
      NetBuilder builder(1, {channels, 6, 6});
      NetBuilder::ConvOptions options;
      options.window = {3, 3, 1, 1, 1, 1, 1, 1};
      options.oc = 17;
      options.kind = qnet::WeightKind::kMac;
      options.wide = true;
      qnet::QNet net = builder.Finish({builder.Conv(builder.input(), options)});
      auto& conv = std::get<qnet::Conv>(net.ops[0].params);
      std::ranges::fill(conv.terms[0], static_cast<std::int8_t>(127 * sign));
      std::ranges::fill(conv.scale, numerics::Scale{16384, 24});
      ASSERT_TRUE(qnet::Verify(net).ok());
      ASSERT_EQ(FitSquares(conv, channels, 128), channels == 115);
      ExpectSameOnExtremes(net);
    }
  }
}

// Fire modules: concatenations in place, a nested one, one whose input is read elsewhere too.
TEST_P(Kernels, ConcatenationsInPlace) {
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
  const auto net = (builder.Finish({last, inner}));
  ExpectSame(net, RandomFrames(net, 1, 5));
  ExpectSameInSquares(net, RandomFrames(net, 1, 6));
}

// Residuals whose results go where they were, through maps of every size: the last pixels of a map
// are in more than one of the tiles of some kernels.
TEST_P(Kernels, SumsInPlace) {
  ThreadPool pool(3);
  std::int32_t channels = 64;
  for (const std::int32_t side : {1, 3, 4, 5, 7, 9, 14}) {
    channels = channels == 64 ? 80 : channels == 80 ? 128 : 64;
    SCOPED_TRACE(fmt::format("{} channels of {}", channels, side));
    NetBuilder builder(static_cast<std::uint64_t>(side), {16, side, side + 2});
    NetBuilder::ConvOptions one;
    one.oc = channels;
    one.relu = true;
    NetBuilder::ConvOptions three = one;
    three.window = {3, 3, 1, 1, 1, 1, 1, 1};
    auto sum = builder.Conv(builder.input(), one);
    for (const auto& options : {one, three, one}) {
      sum = builder.Conv(builder.Conv(sum, three), sum, options);
    }
    NetBuilder::ConvOptions grouped = three;  // of tiles that are not whole
    grouped.groups = 4;
    sum = builder.Conv(builder.Conv(sum, three), sum, grouped);
    const auto x = builder.Conv(sum, one);
    const auto last = builder.Add(sum, x, false, true, false);
    const auto net = builder.Finish({last});
    const MemoryPlan plan = PlanMemory(net, OneByOne(net));
    ASSERT_TRUE(SamePlace(plan.views[qnet::Index(last)], plan.views[qnet::Index(sum)]));
    ExpectSame(net, RandomFrames(net, 1, 3));
    ExpectSame(net, RandomFrames(net, 1, 4), &pool);
    ExpectSameInSquares(net, RandomFrames(net, 1, 5), &pool);
  }
}

// Groups of few channels beside others that other threads write at the same time.
TEST_P(Kernels, GroupsBesideOtherSlices) {
  ThreadPool pool(2);
  NetBuilder builder(8, {3, 19, 17});
  NetBuilder::ConvOptions options;
  options.oc = 16;
  options.window = {3, 3, 1, 1, 1, 1, 1, 1};
  const auto a = builder.Conv(builder.input(), options);
  options.groups = 2;
  options.oc = 96;
  const auto b = builder.Conv(a, options);
  const auto net = builder.Finish({builder.Concat({a, b})});
  ExpectSame(net, RandomFrames(net, 1, 3), &pool);
}

// Stages that take several frames and stages that do not, in turn.
TEST_P(Kernels, SeveralFramesWhereItPays) {
  NetBuilder builder(2, {16, 12, 10});
  NetBuilder::ConvOptions three;
  three.oc = 32;
  three.relu = true;
  three.window = {3, 3, 1, 1, 1, 1, 1, 1};
  NetBuilder::ConvOptions strided = three;  // fewer features than weights
  strided.oc = 160;
  strided.window = {3, 3, 4, 4, 1, 1, 1, 1};
  NetBuilder::ConvOptions few;
  few.oc = 16;
  const auto a = builder.Conv(builder.Conv(builder.input(), three), three);
  const auto b = builder.Conv(builder.Conv(a, strided), few);
  const auto c = builder.MaxPool(b, {3, 3, 1, 1, 1, 1, 1, 1});
  const auto d = builder.Conv(c, strided);
  const auto net = std::make_shared<const qnet::QNet>(builder.Finish({d, a}));
  const auto network = Network::Prepare(net, *kernels_);
  ASSERT_TRUE(network.ok());
  for (const int count : {1, 2, 4}) {
    const auto data = RandomFrames(*net, count, static_cast<std::uint64_t>(count));
    const auto elements = data.size() / static_cast<std::size_t>(count);
    std::vector<std::span<const std::int8_t>> inputs;
    for (std::size_t i = 0; i < data.size(); i += elements) {
      inputs.push_back(std::span(data).subspan(i, elements));
    }
    Network::Arena arena = network->MakeArena(count);
    for (int round = 0; round < 2; ++round) {  // over what the first left there
      const auto frames = network->RunTogether(inputs, arena);
      ASSERT_TRUE(frames.ok());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto expected = qnet::Interpret(*net, inputs[i]);
        ASSERT_TRUE(expected.ok());
        EXPECT_EQ((*frames)[i], *expected) << "frame " << i << " of " << count;
      }
    }
  }
}

// Layers of one stage write slices of one concatenation, on several threads.
TEST_P(Kernels, BranchesOfAStageShareAConcatenation) {
  ThreadPool pool(3);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    NetBuilder builder(seed, {16, 20, 20});
    NetBuilder::ConvOptions one;
    one.oc = 48;
    one.relu = seed % 2 == 0;
    NetBuilder::ConvOptions three = one;
    three.oc = 32;
    three.window = {3, 3, 1, 1, 1, 1, 1, 1};
    const auto squeeze = builder.Conv(builder.input(), one);
    const auto a = builder.Conv(squeeze, one);
    const auto b = builder.Conv(squeeze, three);
    const auto c = builder.MaxPool(squeeze, {3, 3, 1, 1, 1, 1, 1, 1});
    const auto module = builder.Concat({a, b, c});
    const auto d = builder.Conv(module, three);
    const auto e = builder.Conv(module, one);
    const auto net = builder.Finish({builder.Concat({d, e}), builder.Conv(e, three)});
    ExpectSame(net, RandomFrames(net, 1, seed), &pool);
  }
}

// Where running early would keep too many results waiting, operators run in order.
TEST_P(Kernels, ManyWideBranchesDoNotRunAtOnce) {
  NetBuilder builder(3, {16, 16, 16});
  NetBuilder::ConvOptions wide;
  wide.oc = 256;
  NetBuilder::ConvOptions narrow;
  narrow.oc = 16;
  std::vector<qnet::TensorId> branches(6);
  for (qnet::TensorId& branch : branches)
    branch = builder.Conv(builder.Conv(builder.input(), wide), narrow);
  const qnet::QNet net = builder.Finish({builder.Concat(branches)});
  const MemoryPlan early = PlanMemory(net, AsEarlyAsPossible(net));
  const MemoryPlan in_order = PlanMemory(net, OneByOne(net));
  ASSERT_GT(early.arena_bytes, 2 * in_order.arena_bytes);
  const auto network = Network::Prepare(std::make_shared<const qnet::QNet>(net), *kernels_);
  EXPECT_EQ(network->plan().arena_bytes, in_order.arena_bytes);
  ThreadPool pool(2);
  ExpectSame(net, RandomFrames(net, 1, 4), &pool);
}

TEST_P(Kernels, ExtremeExponentsOfAdd) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    NetBuilder builder(seed, {64, 3, 3}, 28);
    NetBuilder::ConvOptions options;
    options.oc = 64;
    const auto b = builder.Conv(builder.input(), options);
    const auto net =
        (builder.Finish({builder.Add(builder.input(), b, seed % 2 == 0, seed % 3 == 0, true)}));
    ExpectSame(net, RandomFrames(net, 1, seed + 1));
  }
}
// Every count of output channels around a tile, few and odd input channels, with inputs of any sign
// and inputs that are never negative.
TEST_P(Kernels, ShapesOfConvolutions) {
  std::uint64_t seed = 0;
  for (const std::int32_t ic : {1, 2, 3, 4, 5, 16, 21}) {
    for (const std::int32_t oc : {1, 15, 16, 17, 32, 40, 64, 65, 192}) {
      SCOPED_TRACE(fmt::format("{} -> {} channels", ic, oc));
      NetBuilder builder(++seed, {ic, 9, 7});
      NetBuilder::ConvOptions options;
      options.oc = oc;
      options.relu = true;
      options.kind = seed % 2 == 0 ? qnet::WeightKind::kSac : qnet::WeightKind::kMac;
      options.window = {3, 3, 1, 1, 1, 1, 1, 1};
      const auto a = builder.Conv(builder.input(), options);
      options.relu = seed % 3 == 0;
      const auto b = builder.Conv(a, a, options);  // with a residual
      options.window = {2, 3, 4, 3, 0, 1, 1, 1};   // strides beyond the window
      const auto c = builder.Conv(a, options);
      options.window = {3, 2, 1, 2, 2, 1, 2, 3};  // dilation
      options.wide = true;
      const auto d = builder.Conv(a, options);
      ExpectSame(builder.Finish({b, c, d}), RandomFrames(builder.Finish({b, c, d}), 1, seed));
      if (HasFatalFailure()) return;
    }
  }
}

// Sums of 16 bits at their limits: all weights of one sign at their largest.
TEST_P(Kernels, LargestWeightsOnFeaturesThatAreNeverNegative) {
  for (const int terms : {1, 2}) {
    NetBuilder builder(5, {8, 5, 5});
    NetBuilder::ConvOptions options;
    options.oc = 40;
    options.relu = true;
    const auto a = builder.Conv(builder.input(), options);
    options.terms = terms;
    options.extreme = true;
    options.kind = terms == 1 ? qnet::WeightKind::kMac : qnet::WeightKind::kSac;
    options.window = {3, 3, 1, 1, 1, 1, 1, 1};
    ExpectSameOnExtremes(builder.Finish({builder.Conv(a, options)}));
    if (HasFatalFailure()) return;
  }
}

// Deep sums: several blocks of entries.
TEST_P(Kernels, ManyInputChannels) {
  NetBuilder builder(6, {300, 5, 5});
  NetBuilder::ConvOptions options;
  options.oc = 50;
  options.window = {3, 3, 1, 1, 1, 1, 1, 1};
  options.kind = qnet::WeightKind::kMac;
  const auto a = builder.Conv(builder.input(), options);
  const auto net = builder.Finish({a});
  ExpectSame(net, RandomFrames(net, 1, 2));
}

// Windows wider and narrower than the channels, blocks of channels whole and not, of any sign and
// never negative.
TEST_P(Kernels, NormalisationAcrossChannels) {
  Rng rng(1);
  for (const std::int32_t channels : {1, 3, 17, 64, 65, 192, 257, 520}) {
    for (const std::int32_t size : {1, 2, 5, 32}) {
      SCOPED_TRACE(fmt::format("{} of {} channels", size, channels));
      const std::int32_t h = channels == 64 ? 40 : 3;  // many sums of squares
      NetBuilder builder(static_cast<std::uint64_t>(channels + size), {channels, h, 2});
      NetBuilder::ConvOptions options;
      options.oc = channels;
      options.relu = size % 2 == 0;
      const auto x = builder.Conv(builder.input(), options);
      qnet::QNet net = builder.Finish({x});
      net.outputs.clear();
      for (qnet::Lrn lrn : {qnet::testing::TestLrn(qnet::LrnRegion::kAcross, size),
                            RandomLrn(rng, size), RandomLrn(rng, size)}) {
        qnet::Tensor y = net.tensor(x);
        y.name = fmt::format("y{}", net.outputs.size());
        net.tensors.push_back(y);
        const auto id = qnet::TensorId(static_cast<std::int32_t>(net.tensors.size()) - 1);
        net.ops.push_back({y.name, {x}, id, std::move(lrn)});
        net.outputs.push_back({id, y.name, qnet::Head::kNone, {channels, h, 2}});
      }
      ExpectSame(net, RandomFrames(net, 1, 4));
      if (HasFatalFailure()) return;
    }
  }
}

// A network of one 1 x 1 convolution whose sums are what `beta` is set to, on inputs of `input`.
// The residual's t is s - `down`; none without.
struct SumsNet {
  // Channels of one panel of 2 and of 4 whole tiles, and of panels that differ.
  static constexpr std::int32_t kChannels[] = {32, 64, 80};

  SumsNet(int s, std::optional<int> down, std::int32_t channels) {
    NetBuilder builder(9, {channels, 2, 2}, 0);
    NetBuilder::ConvOptions options;
    options.oc = channels;
    const auto x = builder.input();
    net = builder.Finish({down ? builder.Conv(x, x, options) : builder.Conv(x, options)});
    for (std::size_t c = 0; c < conv().scale.size(); ++c) {
      conv().scale[c].s = static_cast<std::uint8_t>(s);
      if (!down) continue;
      conv().t[c] = static_cast<std::uint8_t>(s - *down);
      net.tensors[0].q[c] = 4;
      net.tensors[1].q[c] = static_cast<std::int8_t>(4 - *down);
    }
    std::ranges::fill(conv().terms[0], std::int8_t{0});
  }
  qnet::Conv& conv() { return std::get<qnet::Conv>(net.ops[0].params); }
  std::vector<std::int8_t> Input(std::int8_t value) const {
    return std::vector<std::int8_t>(4 * net.tensors[0].q.size(), value);
  }

  qnet::QNet net;
};

// A scale and a sum such that sum * alpha + add is `above` more than a multiple of 2^s, 64 or more
// of them that do not saturate, of either sign; `add` holds half of it.
struct NearHalf {
  std::int16_t alpha = 0;
  std::int32_t sum = 0;
};
NearHalf FindNearHalf(int s, std::int64_t add, int above, Rng& rng) {
  const std::int64_t unit = std::int64_t{1} << s;
  if (above == 0) {
    constexpr int kAlpha = 1 << 14;
    const std::int64_t y = rng.Chance(0.5) ? rng.Between(64, 126) : rng.Between(-128, -64);
    return {kAlpha, static_cast<std::int32_t>((y * unit - add) / kAlpha)};
  }
  for (int tries = 0; tries < 100000; ++tries) {
    const auto alpha = static_cast<std::uint64_t>(rng.Between(8192, 16383) * 2 + 1);
    std::uint64_t inverse = alpha;
    for (int i = 0; i < 5; ++i) inverse *= 2 - alpha * inverse;
    const auto rest = static_cast<std::int64_t>(
        (static_cast<std::uint64_t>(above - add) * inverse) & static_cast<std::uint64_t>(unit - 1));
    const std::int64_t sum = rest < unit / 2 ? rest : rest - unit;
    const std::int64_t y = (sum * static_cast<std::int64_t>(alpha) + add) >> s;
    if (y >= -128 && y < 127 && (y >= 64 || y < -64)) {
      return {static_cast<std::int16_t>(alpha), static_cast<std::int32_t>(sum)};
    }
  }
  ADD_FAILURE() << "no sum is so near to a half with a shift of " << s;
  return {};
}

// Sums just below a half, by less than float tells from it, on it and just above; residuals of as
// small and as large a unit as arithmetic in float takes, and beyond.
TEST_P(Kernels, SumsBesideHalves) {
  constexpr std::int8_t kInput = 5;
  constexpr int kShift = 23;
  Rng rng(3);
  std::vector<std::optional<int>> downs = {std::nullopt};
  for (const int down : {-10, -8, -7, -4, -1, 0, 3, 8, 14, 15, 16, 19}) downs.emplace_back(down);
  for (const auto& down : downs) {
    for (const int above : {-1, 0, 1}) {
      for (const std::int32_t channels : SumsNet::kChannels) {
        SCOPED_TRACE(fmt::format("{} channels, residual {} down, {} above", channels,
                                 down.value_or(99), above));
        SumsNet sums(kShift, down, channels);
        const std::int64_t add = (std::int64_t{1} << (kShift - 1)) +
                                 (down ? std::int64_t{kInput} << (kShift - *down) : 0);
        for (std::size_t c = 0; c < sums.conv().scale.size(); ++c) {
          const NearHalf found = FindNearHalf(kShift, add, above, rng);
          sums.conv().scale[c].alpha = found.alpha;
          sums.conv().beta[c] = found.sum;
        }
        ExpectSame(sums.net, sums.Input(kInput));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Sums that are no floats, results around the bounds and around what 32 bits hold.
TEST_P(Kernels, LargeSums) {
  Rng rng(4);
  std::size_t turn = 0;
  for (const int s : {1, 8, 15, 16, 17, 23, 24, 30, 31, 32}) {
    for (const auto down : std::vector<std::optional<int>>{std::nullopt, -7, -8, -14, -15, 0, 15}) {
      if (down && (s - *down < 0 || s - *down > 30)) continue;
      for (const std::int64_t size : {1 << 23, 1 << 24, 1 << 25, 1 << 30}) {
        const std::int32_t channels = SumsNet::kChannels[++turn % std::size(SumsNet::kChannels)];
        SCOPED_TRACE(fmt::format("{} channels, shift {}, residual {} down, sums of {}", channels, s,
                                 down.value_or(99), size));
        SumsNet sums(s, down, channels);
        // The alpha whose results saturate from 2^24 on is 130 * 2^(s - 24).
        const std::int64_t edge = s > 24 ? std::int64_t{130} << (s - 24) : 1;
        for (std::size_t c = 0; c < sums.conv().scale.size(); ++c) {
          const std::int64_t alpha =
              rng.Chance(0.7) ? edge + rng.Between(-3, 3) : rng.Between(0, 32767);
          sums.conv().scale[c].alpha =
              static_cast<std::int16_t>(std::clamp<std::int64_t>(alpha, 0, 32767));
          const std::int64_t beta = size + rng.Between(-3, 3);
          sums.conv().beta[c] = static_cast<std::int32_t>(rng.Chance(0.5) ? beta : -beta);
        }
        for (const std::int8_t input : {-128, 0, 127}) ExpectSame(sums.net, sums.Input(input));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Odd sums beyond 2^24, which float rounds, that are the least with their results: too small a
// factor for those to saturate.
TEST_P(Kernels, SumsThatAreNoFloats) {
  constexpr int kShift = 31;
  Rng rng(6);
  for (const std::int32_t channels : SumsNet::kChannels) {
    SumsNet sums(kShift, std::nullopt, channels);
    for (std::size_t c = 0; c < sums.conv().scale.size(); ++c) {
      std::int64_t alpha = 0, sum = 0;
      do {  // 101 to 129 times 2^(s - 24)
        alpha = rng.Between(12930, 16500);
        const std::int64_t from = rng.Between(105, 126) * (std::int64_t{1} << kShift);
        sum = (from - (std::int64_t{1} << (kShift - 1)) + alpha - 1) / alpha;
      } while (sum % 2 == 0 || sum <= 1 << 24);
      sums.conv().scale[c].alpha = static_cast<std::int16_t>(alpha);
      sums.conv().beta[c] = static_cast<std::int32_t>(sum);
    }
    ExpectSame(sums.net, sums.Input(0));
  }
}

// Whatever the caller's mode of rounding is, results are the same and it stays; but the portable
// kernels round to nearest as the caller does.
TEST_P(Kernels, ModesOfRounding) {
  std::vector<qnet::QNet> nets;
  for (const std::int32_t channels : {64, 80}) {
    NetBuilder builder(5, {32, 5, 5});
    NetBuilder::ConvOptions options;
    options.oc = channels;
    const auto a = builder.Conv(builder.input(), options);
    const auto b = builder.Conv(a, a, options);
    nets.push_back(builder.Finish({builder.AvgPool(b, {5, 5, 1, 1, 0, 0, 1, 1}, false, true)}));
  }
  for (const int mode : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    if (mode != FE_TONEAREST && !kernels_->fast_requantization) continue;
    ASSERT_EQ(std::fesetround(mode), 0);
    for (const qnet::QNet& net : nets) ExpectSame(net, RandomFrames(net, 1, 2));
    const int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(after, mode);
  }
}

TEST_P(Kernels, FullyConnectedInFourBits) {
  NetBuilder builder(7, {11, 10, 10});
  NetBuilder::ConvOptions options;
  options.oc = 960;
  options.window = {10, 10, 1, 1, 0, 0, 1, 1};
  options.relu = true;
  const auto a = builder.Conv(builder.input(), options);
  options.window = {};
  options.oc = 1100;
  options.relu = false;
  const auto net = builder.Finish({builder.Conv(a, options)});
  ThreadPool pool(2);
  ExpectSame(net, RandomFrames(net, 1, 2), &pool);
}

TEST_P(Kernels, StopsBetweenStagesWhenInterrupted) {
  const auto net = std::make_shared<const qnet::QNet>(qnet::testing::EveryOperator(2));
  const auto network = Network::Prepare(net, *kernels_);
  ASSERT_TRUE(network.ok());
  Network::Arena arena = network->MakeArena();
  const auto input = RandomFrames(*net, 1, 1);
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    RequestInterrupt();
    const auto stopped = network->Run(input, arena, &pool, nullptr);
    ClearInterrupt();
    ASSERT_FALSE(stopped.ok());
    EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(*network->Run(input, arena, &pool, nullptr), *qnet::Interpret(*net, input));
  }
}

// Convolutions that threads cut into rows, into rows of columns and into columns of rows.
TEST_P(Kernels, RowsAndColumnsOfPieces) {
  ThreadPool pool(3);
  const std::vector<std::vector<std::int32_t>> inputs = {{16, 31, 29}, {96, 13, 13}, {160, 31, 29}};
  for (const std::vector<std::int32_t>& dims : inputs) {
    NetBuilder builder(3, dims);
    NetBuilder::ConvOptions options;
    options.oc = 208;
    options.window = {3, 3, 1, 1, 1, 1, 1, 1};
    const auto net = builder.Finish({builder.Conv(builder.input(), options)});
    ExpectSame(net, RandomFrames(net, 1, 5), &pool);
  }
}

// The largest features, signed and not, by the largest codes; an odd number of entries.
TEST_P(Kernels, FullyConnectedInFourBitsOfExtremes) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    NetBuilder builder(seed, {1027, 1, 1}, 0);
    const auto positive = builder.Add(builder.input(), builder.input(), false, true, false);
    const NetBuilder::ConvOptions options{.window = {}, .oc = 1025, .extreme = true};
    ExpectSameOnExtremes(
        builder.Finish({builder.Conv(positive, options), builder.Conv(builder.input(), options)}));
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu
