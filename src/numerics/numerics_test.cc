#include "numerics/numerics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <vector>

namespace tf2::numerics {
namespace {

// floor(n / d) of exact integers, d > 0.
std::int64_t FloorDiv(std::int64_t n, std::int64_t d) {
  return n >= 0 ? n / d : -((-n + d - 1) / d);
}

TEST(Saturation, ClampsAndKeeps) {
  for (int v = -70000; v <= 70000; ++v) {
    EXPECT_EQ(Sat8(v), std::max(-128, std::min(127, v)));
    EXPECT_EQ(Sat16(v), std::max(-32768, std::min(32767, v)));
  }
  EXPECT_EQ(Sat8(std::numeric_limits<std::int64_t>::min()), -128);
  EXPECT_EQ(Sat16(std::numeric_limits<std::int64_t>::max()), 32767);
}

TEST(RoundShift, IsFloorOfHalfAdded) {
  for (int s = 1; s <= 12; ++s) {
    for (std::int64_t v = -9000; v <= 9000; ++v) {
      const std::int64_t d = std::int64_t{1} << s;
      ASSERT_EQ(RoundShift(v, s), FloorDiv(v + d / 2, d)) << v << " >> " << s;
    }
  }
}

TEST(Requantize, ExtremesStayInside64Bits) {
  constexpr auto kAccMin = std::numeric_limits<std::int32_t>::min();
  constexpr auto kAccMax = std::numeric_limits<std::int32_t>::max();
  for (const std::int32_t acc : {kAccMin, -1, 0, 1, kAccMax}) {
    for (const std::int32_t alpha : {0, 1, 16384, 32767}) {
      for (const int s : {1, 14, 40, 47}) {
        for (const std::int32_t res : {-128, 0, 127}) {
          for (const int t : {0, 1, 39, 40}) {
            const long double exact = static_cast<long double>(acc) * alpha +
                                      std::ldexp(static_cast<long double>(res), t);
            const auto want = static_cast<std::int64_t>(std::floor(std::ldexp(exact, -s) + 0.5L));
            ASSERT_EQ(Requantize(acc, alpha, s, res, t), want)
                << acc << ' ' << alpha << ' ' << s << ' ' << res << ' ' << t;
          }
        }
      }
    }
  }
}

TEST(QuantizeToInt, RoundsHalfUpAndSaturates) {
  for (int q = kMinQ; q <= kMaxQ; ++q) {
    for (int n = -2 * 140; n <= 2 * 140; ++n) {  // halves
      const double x = std::ldexp(n, -1 - q);
      ASSERT_EQ(QuantizeToInt8(x, q), Sat8(FloorDiv(n + 1, 2))) << n << " q " << q;
      ASSERT_EQ(QuantizeToInt16(x, q), Sat16(FloorDiv(n + 1, 2))) << n << " q " << q;
    }
  }
  EXPECT_EQ(QuantizeToInt8(0.49999999999999994, 0), 0);
  EXPECT_EQ(QuantizeToInt8(-0.5, 0), 0);
  EXPECT_EQ(QuantizeToInt8(std::numeric_limits<double>::quiet_NaN(), 3), 0);
  EXPECT_EQ(QuantizeToInt8(std::numeric_limits<double>::infinity(), -16), 127);
  EXPECT_EQ(QuantizeToInt8(-std::numeric_limits<double>::max(), 24), -128);
  EXPECT_EQ(QuantizeToInt16(1e300, 24), 32767);
  EXPECT_EQ(QuantizeToInt16(-32768.5, 0), -32768);
}

TEST(AddExact, EveryPairOfInt8AtSomeExponents) {
  for (const auto& [qa, qb, qo] :
       std::vector<std::array<int, 3>>{{3, 5, 4}, {0, 0, 0}, {7, 2, 1}, {-3, 4, 6}}) {
    const int qmax = std::max({qa, qb, qo});
    for (int a = -128; a <= 127; ++a) {
      for (int b = -128; b <= 127; ++b) {
        // In units of 2^-qmax, doubled so that the half is an integer.
        const std::int64_t exact =
            2 * ((std::int64_t{a} << (qmax - qa)) + (std::int64_t{b} << (qmax - qb)));
        const std::int64_t unit = std::int64_t{2} << (qmax - qo);
        ASSERT_EQ(AddExact(a, qa, b, qb, qo), FloorDiv(exact + unit / 2, unit)) << a << ' ' << b;
      }
    }
  }
}

TEST(AddExact, ExtremeExponents) {
  EXPECT_EQ(AddExact(1, kMaxQ, 0, kMaxQ, kMinQ), 0);
  EXPECT_EQ(AddExact(-1, kMaxQ, 0, kMaxQ, kMinQ), 0);
  EXPECT_EQ(AddExact(-128, kMinQ, 1, kMaxQ, kMinQ), -128);
  EXPECT_EQ(AddExact(127, kMinQ, -1, kMaxQ, kMaxQ), (std::int64_t{127} << 40) - 1);
  EXPECT_EQ(AddExact(-32768, kMinQ, -32768, kMinQ, kMaxQ), -(std::int64_t{65536} << 40));
  EXPECT_EQ(AddExact(std::numeric_limits<std::int32_t>::max(), kMinQ, 0, 0, kMaxQ),
            std::numeric_limits<std::int64_t>::max());
  // A half from two quarters of different exponents: 1/4 + 1/4 rounds up to 1.
  EXPECT_EQ(AddExact(1, 2, 2, 3, 0), 1);
  EXPECT_EQ(AddExact(-1, 2, -2, 3, 0), 0);
}

// The contract stated as a search: the largest s <= max_s whose nearest alpha is at most 32767.
std::optional<Scale> ScaleByDefinition(double factor, int max_s) {
  for (int s = std::min(max_s, kMaxShift); s >= 1; --s) {
    const long double alpha = std::floor(std::ldexp(static_cast<long double>(factor), s) + 0.5L);
    if (alpha <= kMaxAlpha)
      return Scale{static_cast<std::int16_t>(alpha), static_cast<std::uint8_t>(s)};
  }
  return std::nullopt;
}

TEST(MakeScale, EqualsTheDefinition) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> mantissa(1.0, 2.0);
  for (int i = 0; i < 200000; ++i) {
    const int exponent = static_cast<int>(random() % 80) - 60;
    const double factor = std::ldexp(mantissa(random), exponent);
    const int max_s = 1 + static_cast<int>(random() % 47);
    ASSERT_EQ(MakeScale(factor, max_s), ScaleByDefinition(factor, max_s))
        << factor << " max_s " << max_s;
  }
}

TEST(MakeScale, EveryAlphaIsReached) {
  for (int alpha = 16384; alpha <= 32767; ++alpha) {
    for (const int s : {1, 14, 31, 47}) {
      const Scale want{static_cast<std::int16_t>(alpha), static_cast<std::uint8_t>(s)};
      ASSERT_EQ(MakeScale(std::ldexp(alpha, -s)), want);
      // The half rounds up; just below it does not. 32767.5 is 16384 at the next s.
      const double half = std::ldexp(alpha + 0.5, -s);
      ASSERT_EQ(MakeScale(std::nextafter(half, 0.0)), want);
      if (alpha < 32767) {
        ASSERT_EQ(MakeScale(half)->alpha, alpha + 1);
      } else if (s > 1) {
        ASSERT_EQ(MakeScale(half), (Scale{16384, static_cast<std::uint8_t>(s - 1)}));
      } else {
        ASSERT_EQ(MakeScale(half), std::nullopt);
      }
    }
  }
}

TEST(MakeScale, LimitsOfS) {
  EXPECT_EQ(MakeScale(1.0), (Scale{16384, 14}));
  EXPECT_EQ(MakeScale(0.0), (Scale{0, 1}));
  EXPECT_EQ(MakeScale(0.0, 0), std::nullopt);
  EXPECT_EQ(MakeScale(16383.0), (Scale{32766, 1}));
  EXPECT_EQ(MakeScale(16384.0), std::nullopt);
  EXPECT_EQ(MakeScale(std::numeric_limits<double>::infinity()), std::nullopt);
  EXPECT_EQ(MakeScale(1.0, 3), (Scale{8, 3}));
  EXPECT_EQ(MakeScale(1e-300), (Scale{0, 47}));
  EXPECT_EQ(MakeScale(std::ldexp(1.0, -40)), (Scale{128, 47}));
  // 32767.6 would need s = 10; the next s down holds it with half the resolution.
  EXPECT_EQ(MakeScale(std::ldexp(32767.6, -10), 10), (Scale{16384, 9}));
}

TEST(Sac, EveryNibble) {
  std::set<int> values;
  for (int nibble = 0; nibble < 256; ++nibble) {
    const auto value = SacValue(static_cast<std::uint8_t>(nibble));
    if (nibble >= kReservedNibble) {
      EXPECT_FALSE(value.has_value()) << nibble;
      continue;
    }
    ASSERT_TRUE(value.has_value());
    values.insert(*value);
    EXPECT_EQ(SacNibble(*value), nibble);
    const int k = nibble & 7;
    EXPECT_EQ(*value, k == 7 ? 0 : (nibble & 8) != 0 ? -(1 << k) : 1 << k);
  }
  EXPECT_EQ(values.size(), 15u);
  for (int value = -300; value <= 300; ++value)
    EXPECT_EQ(SacNibble(value).has_value(), values.contains(value)) << value;
}

TEST(Sac, NearestIsNearest) {
  const std::vector<int> codes = {0, 1, 2, 4, 8, 16, 32, 64};
  for (int n = -100 * 64; n <= 100 * 64; ++n) {
    const double w = n / 64.0;
    double best = 1e9;
    int want = 0;
    for (const int code : codes) {  // ascending and <=: ties go to the larger magnitude
      const double distance = std::fabs(std::fabs(w) - code);
      if (distance <= best) {
        best = distance;
        want = w < 0 ? -code : code;
      }
    }
    ASSERT_EQ(NearestSac(w), want) << w;
  }
  EXPECT_EQ(NearestSac(1e30), 64);
  EXPECT_EQ(NearestSac(-1e30), -64);
  EXPECT_EQ(NearestSac(std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(Int8Code, RoundsAwayFromZeroAndClamps) {
  for (int n = -1200; n <= 1200; ++n) {
    const double w = n / 8.0;
    const int rounded = static_cast<int>(w < 0 ? -std::floor(-w + 0.5) : std::floor(w + 0.5));
    ASSERT_EQ(NearestInt8(w), std::max(-127, std::min(127, rounded))) << w;
  }
  EXPECT_EQ(NearestInt8(std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(AccumulatorFits, AtTheBound) {
  for (const int bits : {16, 20, 24, 32}) {
    const std::int64_t bound = std::int64_t{1} << (bits - 1);
    EXPECT_TRUE(AccumulatorFits(10, bound - 1281, bits));
    EXPECT_FALSE(AccumulatorFits(10, bound - 1280, bits));
    EXPECT_TRUE(AccumulatorFits(10, -(bound - 1281), bits));
    EXPECT_FALSE(AccumulatorFits(10, -(bound - 1280), bits));
  }
  EXPECT_FALSE(AccumulatorFits(0, std::numeric_limits<std::int64_t>::min(), 32));
  EXPECT_FALSE(AccumulatorFits(std::numeric_limits<std::int64_t>::max(), 0, 32));
}

TEST(MulExact, IsTheProductRoundedHalvesUp) {
  for (int e = -10; e <= 4; ++e) {
    for (int a = -128; a < 128; a += 3) {
      for (int b = -128; b < 128; ++b) {
        const double exact = std::ldexp(double{1} * a * b, e);
        ASSERT_EQ(MulExact(a, 3, b, -2, e + 1), static_cast<std::int64_t>(std::floor(exact + 0.5)));
      }
    }
  }
  EXPECT_EQ(MulExact(1, -16, 1, -16, 24), std::int64_t{1} << 56);
  EXPECT_EQ(MulExact(-32768, -16, 32767, -16, 24), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(MulExact(-127, 24, 127, 24, -16), 0);
}

TEST(Lrn, SlotsAreInOrderAndExactAtTheirEntries) {
  std::uint32_t last = 0;
  for (std::uint32_t sum = 0; sum < 300000; ++sum) {
    const LrnSlot slot = LrnSlotOf(sum);
    ASSERT_TRUE(slot.index == last || slot.index == last + 1) << sum;
    last = slot.index;
    ASSERT_EQ(LrnSumAt(slot.index) + slot.rest, sum);
    ASSERT_LT(slot.rest, 1U << slot.bits);
    ASSERT_EQ(LrnSumAt(slot.index + 1) - LrnSumAt(slot.index), 1U << slot.bits);
  }
  EXPECT_EQ(LrnSlotOf(0x7fffffff).index, 64U * 24 + 127);
}

TEST(Lrn, InterpolatesAndRoundsOnce) {
  std::vector<std::int32_t> factors(300, 0);
  factors[128] = 1000;  // S = 128
  factors[129] = 600;   // S = 130
  EXPECT_EQ(LrnScaled(10, 128, factors, 4), 625);
  EXPECT_EQ(LrnScaled(10, 129, factors, 4), 500);
  EXPECT_EQ(LrnScaled(-10, 129, factors, 6), -125);
  EXPECT_EQ(LrnScaled(1, 129, factors, 6), 13) << "12.5";
  EXPECT_EQ(LrnScaled(-1, 129, factors, 6), -12) << "-12.5";
}

}  // namespace
}  // namespace tf2::numerics
