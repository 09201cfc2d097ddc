#include "runtime/backends/cpu/layout.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace tf2::runtime::cpu {
namespace {

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Pictures of every width, in and out.
TEST(Layout, ScattersAndGathers) {
  Rng rng(1);
  for (const std::int32_t channels : {1, 3, 4}) {
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

}  // namespace
}  // namespace tf2::runtime::cpu
