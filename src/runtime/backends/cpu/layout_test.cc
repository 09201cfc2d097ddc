#include "runtime/backends/cpu/layout.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "qnet/interpreter.h"
#include "qnet/move_map.h"

namespace tf2::runtime::cpu {
namespace {

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Pictures of every width, in and out.
TEST(Layout, ScattersAndGathers) {
  Rng rng(1);
  for (const std::int32_t channels : {1, 3, 4, 21}) {
    for (std::int32_t w = 1; w <= 70; ++w) {
      for (const int zero : {0, 128}) {
        const std::int32_t h = 3;
        qnet::Tensor tensor;
        tensor.dims = {channels, h, w};
        const auto value = static_cast<std::uint8_t>(zero);
        const View view{5, channels * (w + 2), channels};  // pixels between the rows
        std::vector<std::uint8_t> bytes(Index(tensor.elements()));
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.Next());
        std::vector<std::uint8_t> expected(Index(view.offset + h * view.row), 77);
        for (std::int64_t c = 0; c < channels; ++c) {
          for (std::int64_t y = 0; y < h; ++y) {
            for (std::int64_t x = 0; x < w; ++x) {
              expected[Index(view.offset + y * view.row + x * view.stride + c)] =
                  static_cast<std::uint8_t>(bytes[Index((c * h + y) * w + x)] + value);
            }
          }
        }
        std::vector<std::uint8_t> arena(expected.size(), 77);
        Scatter(tensor, bytes, {0, 1}, view, value, arena.data());
        Scatter(tensor, bytes, {1, h}, view, value, arena.data());
        ASSERT_EQ(arena, expected) << channels << " channels, width " << w;
        ASSERT_EQ(Gather(tensor, view, value, arena.data()), bytes);
      }
    }
  }
}

// Slices, with steps and turned, between places of every kind, against the interpreter.
TEST(Layout, CopiesThePixelsOfAMove) {
  qnet::QNet net;
  net.tensors.resize(2);
  net.tensors[0].name = "x";
  net.tensors[1].name = "y";
  struct Case {
    std::vector<std::int32_t> from, to;
    qnet::Move move;
  };
  const std::vector<Case> cases = {
      {{3, 6, 5}, {3, 4, 5}, {{3, 20}, {30, 1}, 5}},          // rows 1 to 4
      {{3, 6, 5}, {3, 3, 5}, {{3, 3, 5}, {30, 10, 1}, 5}},    // every second row
      {{3, 6, 5}, {3, 5, 6}, {{3, 5, 6}, {30, 1, 5}, 0}},     // height and width change places
      {{3, 6, 5}, {3, 6, 5}, {{3, 6, 5}, {30, -5, -1}, 29}},  // turned by 180 degrees
      {{2, 2, 3}, {2, 4, 6}, {{2, 2, 2, 3, 2}, {6, 3, 0, 1, 0}, 0}},  // nearest neighbours
      {{2, 4, 1}, {2, 2, 1}, {{4}, {2}, 0}},  // one stride across rows and channels
      {{300, 40, 3}, {300, 40, 2}, {{300, 40, 2}, {120, 3, 1}, 1}},
  };
  Rng rng(2);
  for (const Case& c : cases) {
    for (const auto type : {qnet::ElemType::kInt8, qnet::ElemType::kInt16}) {
      for (qnet::Tensor& tensor : net.tensors) tensor.type = type;
      net.tensors[0].dims = c.from;
      net.tensors[1].dims = c.to;
      const qnet::Tensor &x = net.tensors[0], &y = net.tensors[1];
      const auto sources = qnet::SourcePixels(c.move, x, y);
      ASSERT_TRUE(sources.has_value());
      const std::int64_t pixel = x.c() * qnet::BytesOf(type);
      for (const std::int64_t gap : {0, 7}) {  // bytes between pixels and rows
        const View from{3, x.w() * (pixel + gap) + gap, pixel + gap};
        const View to{from.offset + x.h() * from.row, y.w() * (pixel + gap), pixel + gap};
        std::vector<std::uint8_t> arena(Index(to.offset + y.h() * to.row));
        qnet::Bytes contents(Index(x.bytes()));
        for (std::uint8_t& byte : contents) byte = static_cast<std::uint8_t>(rng.Next());
        Scatter(x, contents, {0, x.h()}, from, 0, arena.data());
        PixelCopy copy = *CopyOf(x, from, y, to, *sources, 1 << 20);
        EXPECT_FALSE(CopyOf(x, from, y, to, *sources, std::ssize(copy.runs) - 1));
        const bool shifted = type == qnet::ElemType::kInt8 && gap == 0;
        if (shifted) copy.shift = 128;
        CopyPixels(copy, {0, std::ssize(copy.runs)}, arena.data());
        const qnet::Op op{"move", {qnet::TensorId{0}}, qnet::TensorId{1}, c.move};
        const qnet::Bytes* const inputs[] = {&contents};
        EXPECT_EQ(Gather(y, to, shifted ? 128 : 0, arena.data()), *qnet::RunOp(net, op, inputs));
        for (const PixelRun& run : copy.runs) EXPECT_LE(run.pixels * pixel, 4096);
      }
    }
  }
}

TEST(Layout, RunsGoOnAcrossRowsWithoutGaps) {
  qnet::Tensor tensor;
  tensor.dims = {4, 1000, 1};
  const View dense{0, 4, 4}, gaps{4000, 5, 4};
  EXPECT_EQ(CopyOf(tensor, dense, tensor, {4000, 4, 4}, 9)->runs.size(), 1U);
  EXPECT_FALSE(CopyOf(tensor, dense, tensor, gaps, 999));
  EXPECT_EQ(CopyOf(tensor, dense, tensor, gaps, 1000)->runs.size(), 1000U);
}

TEST(Layout, MovesThatMixChannelsAreNoCopiesOfPixels) {
  qnet::Tensor x, y;
  x.dims = y.dims = {4, 2, 3};
  // Channels change places; a channel from within another; elements across the channels' border.
  EXPECT_FALSE(qnet::SourcePixels({{2, 2, 6}, {6, 12, 1}, 0}, x, y));
  EXPECT_FALSE(qnet::SourcePixels({{4, 6}, {0, 1}, 0}, x, y));
  y.dims = {4, 1, 6};
  x.dims = {4, 1, 7};
  EXPECT_FALSE(qnet::SourcePixels({{24}, {1}, 0}, x, y));
  EXPECT_TRUE(qnet::SourcePixels({{4, 6}, {7, 1}, 1}, x, y));
  EXPECT_FALSE(qnet::SourcePixels({{4, 6}, {7, 1}, 2}, x, y));
  y.dims = {2, 1, 7};
  EXPECT_FALSE(qnet::SourcePixels({{14}, {1}, 0}, x, y));
}

}  // namespace
}  // namespace tf2::runtime::cpu
