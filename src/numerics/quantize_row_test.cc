#include "numerics/quantize_row.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "base/rng.h"
#include "numerics/numerics.h"

namespace tf2::numerics {
namespace {

void ExpectSameAsOneByOne(const std::vector<float>& x, int q) {
  std::vector<std::int8_t> row(x.size());
  QuantizeRow(x, q, row.data());
  std::vector<std::int8_t> in_parts(x.size());  // too short for the widest registers
  constexpr std::size_t kPart = 31;
  for (std::size_t i = 0; i < x.size(); i += kPart) {
    QuantizeRow(std::span(x).subspan(i, std::min(kPart, x.size() - i)), q, in_parts.data() + i);
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(row[i], QuantizeToInt8(x[i], q)) << x[i] << " at exponent " << q;
    ASSERT_EQ(in_parts[i], row[i]) << x[i] << " at exponent " << q;
  }
}

// Every half integer and its neighbours, at every exponent.
TEST(QuantizeRow, RoundsHalvesUpLikeTheDefinition) {
  for (int q = kMinQ; q <= kMaxQ; ++q) {
    std::vector<float> x;
    for (int half = -300; half <= 300; ++half) {
      const float v = std::ldexp(static_cast<float>(half) / 2, -q);
      x.insert(x.end(), {v, std::nextafter(v, 1e30F), std::nextafter(v, -1e30F)});
    }
    ExpectSameAsOneByOne(x, q);
  }
}

TEST(QuantizeRow, TakesEveryFloat) {
  using Limits = std::numeric_limits<float>;
  Rng rng(1);
  std::vector<float> x = {0.0F,
                          -0.0F,
                          Limits::infinity(),
                          -Limits::infinity(),
                          Limits::max(),
                          -Limits::max(),
                          Limits::min(),
                          -Limits::min(),
                          Limits::denorm_min(),
                          -Limits::denorm_min(),
                          Limits::quiet_NaN()};
  for (int i = 0; i < 100000; ++i)
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(rng.Next())));
  for (const int q : {kMinQ, -3, 0, 5, kMaxQ}) {
    ExpectSameAsOneByOne(x, q);
    for (const float v : x) {
      if (HasFatalFailure()) return;
      ExpectSameAsOneByOne({v}, q);  // not in a register
    }
  }
}

}  // namespace
}  // namespace tf2::numerics
