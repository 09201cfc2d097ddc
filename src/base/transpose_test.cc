#include "base/transpose.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace tf2 {
namespace {

// Matrices of every shape round the blocks, with gaps between their rows, at odd addresses.
template <typename T>
void CheckAllShapes() {
  Rng rng(1);
  for (std::int64_t rows = 1; rows <= 35; ++rows) {
    for (const std::int64_t columns : {1, 3, 4, 7, 8, 15, 16, 17, 33, 48}) {
      const std::int64_t size = sizeof(T);
      const std::int64_t from_step = columns * size + 3;
      const std::int64_t to_step = rows * size + (rows == 1 ? columns % 2 * 5 : 5);
      std::vector<std::uint8_t> from(static_cast<std::size_t>(1 + rows * from_step));
      for (std::uint8_t& byte : from) byte = static_cast<std::uint8_t>(rng.Next());
      std::vector<std::uint8_t> to(static_cast<std::size_t>(1 + columns * to_step), 77);
      std::vector<std::uint8_t> expected = to;
      const T add = 129;
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t c = 0; c < columns; ++c) {
          T v;
          std::memcpy(&v, from.data() + 1 + r * from_step + c * size, sizeof v);
          v = static_cast<T>(v + add);
          std::memcpy(expected.data() + 1 + c * to_step + r * size, &v, sizeof v);
        }
      }
      Transpose<T>(from.data() + 1, from_step, rows, columns, add, to.data() + 1, to_step);
      ASSERT_EQ(to, expected) << rows << " rows, " << columns << " columns";
    }
  }
}

TEST(Transpose, OfBytes) { CheckAllShapes<std::uint8_t>(); }
TEST(Transpose, OfHalfWords) { CheckAllShapes<std::uint16_t>(); }
TEST(Transpose, OfWords) { CheckAllShapes<std::uint32_t>(); }

}  // namespace
}  // namespace tf2
