// The conditions of AMX, and its kernels on emulated instructions: that tiles are used, in which
// way, and left as they were found.
#include "runtime/backends/cpu/amx.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "qnet/interpreter.h"
#include "runtime/backends/cpu/emulated.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/cpu/network.h"
#include "runtime/backends/cpu/test_nets.h"

namespace tf2::runtime::cpu {
namespace {

using testing::NetBuilder;
using testing::RandomFrames;

constexpr std::uint32_t kTileAndInt8 = 3U << 24;
constexpr std::uint64_t kTilesSaved = 3U << 17;

TEST(AmxObstacle, NamesWhatIsMissing) {
  int requests = 0;
  int answer = 0;
  const auto request = [&] {
    ++requests;
    return answer;
  };
  EXPECT_EQ(AmxObstacle({kTileAndInt8, kTilesSaved | 7, request}), "");
  EXPECT_EQ(requests, 1);
  for (const std::uint32_t edx : {0U, 1U << 24, 1U << 25}) {
    EXPECT_EQ(AmxObstacle({edx, kTilesSaved, request}), "the processor lacks AMX-INT8");
  }
  for (const std::uint64_t xcr0 : {0U, 1U << 17, 1U << 18}) {
    EXPECT_EQ(AmxObstacle({kTileAndInt8, xcr0, request}),
              "the operating system does not save tile registers");
  }
  EXPECT_EQ(requests, 1) << "asked for tiles that are not there";
  answer = EPERM;
  EXPECT_EQ(AmxObstacle({kTileAndInt8, kTilesSaved, request}),
            "Linux refuses the use of tile registers: Operation not permitted");
}

TEST(AmxObstacle, IsNamedWhereTheKernelsAreForced) {
  const auto kernels = SelectKernels("amx");
  if (kernels.ok()) {
    EXPECT_EQ(AmxObstacle(), "");
  } else {
    EXPECT_TRUE(kernels.error().message.starts_with("this machine cannot run the amx kernels: "))
        << kernels.error().message;
  }
}

class EmulatedAmx : public ::testing::Test {
 protected:
  void SetUp() override {
    if (EmulatedAmxKernels() == nullptr) GTEST_SKIP() << "AVX-512 is not emulated here";
  }

  // Runs the network on random data and expects the interpreter's results; returns what this thread
  // has done with tiles.
  static TileUse Run(qnet::QNet net, ThreadPool* pool = nullptr) {
    const auto input = RandomFrames(net, 1, 1);
    const auto expected = qnet::Interpret(net, input);
    TF2_CHECK(expected.ok());
    const auto network =
        Network::Prepare(std::make_shared<const qnet::QNet>(std::move(net)), *EmulatedAmxKernels());
    TF2_CHECK(network.ok());
    Network::Arena arena = network->MakeArena();
    const TileUse before = EmulatedTileUse();
    const auto frame = network->Run(input, arena, pool, nullptr);
    TileUse use = EmulatedTileUse();
    TF2_CHECK(frame.ok());
    EXPECT_TRUE(*frame == *expected);
    use.dot_products -= before.dot_products;
    use.dense_loads -= before.dense_loads;
    use.strided_loads -= before.strided_loads;
    return use;
  }
};

NetBuilder::ConvOptions Square(std::int32_t k, std::int32_t oc) {
  NetBuilder::ConvOptions options;
  options.window = {k, k, 1, 1, k / 2, k / 2, 1, 1};
  options.oc = oc;
  options.kind = qnet::WeightKind::kMac;
  return options;
}

// 1 x 1 on 80 channels: a block of 64 in place, one of 16 gathered.
TEST_F(EmulatedAmx, LoadsFeaturesInPlaceWhereTheyAreAdjacent) {
  NetBuilder builder(1, {80, 8, 8});
  const TileUse use = Run(builder.Finish({builder.Conv(builder.input(), Square(1, 32))}));
  EXPECT_EQ(use.strided_loads, 4);
  EXPECT_EQ(use.dense_loads, 4);
  EXPECT_EQ(use.dot_products, 4 * 2 * 2);
}

// Rows of 8 pixels with a border: of 78 places in their order 64 are kept. The last 14 make a
// chunk, which is filled up.
TEST_F(EmulatedAmx, PassesOverBorders) {
  NetBuilder builder(1, {128, 8, 8});
  const TileUse use = Run(builder.Finish({builder.Conv(builder.input(), Square(3, 32))}));
  EXPECT_EQ(use.strided_loads, 4 * 18);
  EXPECT_EQ(use.dense_loads, 1 * 18);
  EXPECT_EQ(use.dot_products, 5 * 18 * 2);
}

// Rows of 4 pixels of which every second is read: 16 are never equally far apart.
TEST_F(EmulatedAmx, GathersFeaturesOfOtherPlaces) {
  NetBuilder builder(1, {80, 8, 8});
  NetBuilder::ConvOptions options = Square(3, 32);
  options.window.sh = options.window.sw = 2;
  const TileUse use = Run(builder.Finish({builder.Conv(builder.input(), options)}));
  EXPECT_EQ(use.strided_loads, 0);
  EXPECT_EQ(use.dense_loads, 3 * 80 * 3 / 64 + 1);
}

TEST_F(EmulatedAmx, ReleasesTheTilesOfEveryThread) {
  NetBuilder builder(2, {80, 30, 30});
  ThreadPool pool(3);
  EXPECT_FALSE(
      Run(builder.Finish({builder.Conv(builder.input(), Square(3, 130))}), &pool).configured);
  pool.ForRanges(pool.threads(), [](std::int64_t, std::int64_t, int) {
    EXPECT_FALSE(EmulatedTileUse().configured);
  });
}

TEST_F(EmulatedAmx, FillsATileWithOnePixel) {
  NetBuilder builder(3, {100, 1, 1});
  const TileUse use = Run(builder.Finish({builder.Conv(builder.input(), Square(1, 32))}));
  EXPECT_EQ(use.dot_products, 2 * 2);
}

// The last of 31 pixels are in a tile with one before them; the 33rd has its own.
TEST_F(EmulatedAmx, FillsTheLastTile) {
  for (const std::int32_t pixels : {31, 33}) {
    NetBuilder row(3, {64, 1, pixels});
    EXPECT_EQ(Run(row.Finish({row.Conv(row.input(), Square(1, 32))})).dot_products,
              (pixels + 15) / 16 * 2);
  }
}

// Sums that are requantised after, not between, products keep the tiles awake: a product for each
// 16 rows at least.
TEST_F(EmulatedAmx, KeepsTilesAwake) {
  NetBuilder row(4, {64, 1, 64});
  EXPECT_EQ(Run(row.Finish({row.Conv(row.input(), Square(1, 16))})).dot_products, 4 + 4);
}

// Pixels around tiles, pairs of tiles and chunks; output channels around tiles and panels; entries
// around blocks and batches.
TEST_F(EmulatedAmx, EverySizeOfTheBlocking) {
  std::uint64_t seed = 0;
  for (const std::int32_t w : {1, 2, 15, 16, 17, 18, 31, 32, 33, 34, 48, 49, 95, 96, 97, 98, 113}) {
    for (const std::int32_t oc : {7, 16, 17, 32, 40, 49, 64, 65, 90, 128}) {
      for (const std::int32_t ic : {1, 7, 61, 64, 65, 96, 130}) {
        SCOPED_TRACE(fmt::format("{} pixels, {} -> {} channels", w, ic, oc));
        NetBuilder builder(++seed, {ic, 1, w});
        NetBuilder::ConvOptions options = Square(1, oc);
        options.wide = seed % 5 == 0;
        Run(builder.Finish({builder.Conv(builder.input(), options)}));
        if (HasFailure()) return;
      }
    }
  }
  for (const std::int32_t ic : {1020, 4604, 4608, 4609, 4672, 9217}) {
    SCOPED_TRACE(fmt::format("{} channels", ic));
    NetBuilder builder(++seed, {ic, 3, 6});
    Run(builder.Finish({builder.Conv(builder.input(), Square(1, seed % 2 == 0 ? 60 : 64))}));
  }
}

// Groups, strides and dilation on few and on many channels.
TEST_F(EmulatedAmx, GroupsStridesAndDilation) {
  std::uint64_t seed = 100;
  for (const std::int32_t groups : {1, 2, 5}) {
    for (const std::int32_t ic : {3, 16, 64, 70}) {
      for (const std::int32_t stride : {1, 2, 3}) {
        SCOPED_TRACE(fmt::format("{} groups of {} channels, stride {}", groups, ic, stride));
        NetBuilder builder(++seed, {groups * ic, 11, 13});
        NetBuilder::ConvOptions options;
        options.groups = groups;
        options.oc = groups * 18;
        options.terms = 2;
        options.extreme = seed % 3 == 0;
        options.window = {3, 3, stride, stride, 1, 1, 1 + stride / 2, stride};
        Run(builder.Finish({builder.Conv(builder.input(), options)}));
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu
