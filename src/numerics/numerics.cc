#include "numerics/numerics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/result.h"

namespace tf2::numerics {
namespace {

__extension__ using Int128 = __int128;

// floor(x * 2^q + 1/2) clamped to [lo, hi]; NaN gives 0. Exact: x * 2^q is, and so is the sum
// wherever it matters (below 2^52; beyond it the value saturates).
std::int64_t RoundClamped(double x, int q, std::int64_t lo, std::int64_t hi) {
  if (std::isnan(x)) return 0;
  const double scaled = std::ldexp(x, q);
  if (scaled >= static_cast<double>(hi)) return hi;
  if (scaled <= static_cast<double>(lo)) return lo;
  // floor(scaled + 1/2) without the rounding of the sum (0.49999999999999994 + 0.5 is 1 in double).
  const double below = std::floor(scaled);
  return static_cast<std::int64_t>(below) + (scaled - below >= 0.5 ? 1 : 0);
}

}  // namespace

std::int8_t QuantizeToInt8(double x, int q) {
  return static_cast<std::int8_t>(RoundClamped(x, q, -128, 127));
}

std::int16_t QuantizeToInt16(double x, int q) {
  return static_cast<std::int16_t>(RoundClamped(x, q, -32768, 32767));
}

std::int64_t AddExact(std::int32_t a, int qa, std::int32_t b, int qb, int qo) {
  TF2_CHECK(qa >= kMinQ && qa <= kMaxQ && qb >= kMinQ && qb <= kMaxQ && qo >= kMinQ && qo <= kMaxQ,
            "exponents {}, {}, {}", qa, qb, qo);
  const int ea = qo - qa;
  const int eb = qo - qb;
  // Everything in units of 2^-shift: both addends and the half are integers below 2^112.
  const int shift = std::max(1, -std::min(ea, eb));
  const Int128 one = 1;
  const Int128 sum =
      Int128{a} * (one << (ea + shift)) + Int128{b} * (one << (eb + shift)) + (one << (shift - 1));
  const Int128 rounded = sum >> shift;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  return rounded > kMax ? kMax : rounded < kMin ? kMin : static_cast<std::int64_t>(rounded);
}

std::int64_t MulExact(std::int32_t a, int qa, std::int32_t b, int qb, int qo) {
  constexpr std::int32_t kLimit = 1 << 15;
  TF2_CHECK(a >= -kLimit && a <= kLimit && b >= -kLimit && b <= kLimit, "factors {}, {}", a, b);
  const int exponent = qo - qa - qb;  // -64..56
  const Int128 product = Int128{a} * b;
  if (exponent >= 0) {
    const Int128 exact = product * (Int128{1} << exponent);
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    return exact > kMax ? kMax : exact < kMin ? kMin : static_cast<std::int64_t>(exact);
  }
  return static_cast<std::int64_t>((product + (Int128{1} << (-exponent - 1))) >> -exponent);
}

LrnSlot LrnSlotOf(std::uint32_t sum) {
  if (sum < 128) return {sum, 0, 0};
  const int bits = std::bit_width(sum) - 7;
  return {64U * static_cast<std::uint32_t>(bits) + (sum >> bits), bits, sum & ((1U << bits) - 1)};
}

std::uint64_t LrnSumAt(std::uint32_t index) {
  if (index < 128) return index;
  const std::uint32_t bits = index / 64 - 1;
  return (std::uint64_t{index % 64} + 64) << bits;
}

std::int64_t LrnScaled(std::int32_t v, std::uint32_t sum, std::span<const std::int32_t> factors,
                       int shift) {
  const LrnSlot slot = LrnSlotOf(sum);
  TF2_CHECK(slot.index + 1 < factors.size(), "sum of squares {}", sum);
  const std::int64_t low = factors[slot.index];
  const std::int64_t step = factors[slot.index + 1] - low;
  const std::int64_t factor = low * (std::int64_t{1} << slot.bits) + step * slot.rest;
  return RoundShift(v * factor, shift + slot.bits);
}

std::optional<Scale> MakeScale(double factor, int max_s) {
  TF2_CHECK(!(factor < 0), "factor {}", factor);
  if (!std::isfinite(factor) || max_s < 1) return std::nullopt;
  if (factor == 0) return Scale{0, 1};
  max_s = std::min(max_s, kMaxShift);
  int exponent = 0;  // factor = m * 2^exponent with m in [1/2, 1)
  std::frexp(factor, &exponent);
  int s = std::min(15 - exponent, max_s);
  // Half away from zero; factor * 2^s is below 2^15, so the product is exact and the rounding is
  // the only one.
  std::int64_t alpha = std::llround(std::ldexp(factor, s));
  if (alpha > kMaxAlpha) {  // 32768
    alpha = 16384;
    --s;
  }
  if (s < 1) return std::nullopt;
  return Scale{static_cast<std::int16_t>(alpha), static_cast<std::uint8_t>(s)};
}

std::optional<std::int8_t> SacValue(std::uint8_t nibble) {
  if (nibble >= kReservedNibble) return std::nullopt;
  if (nibble == kZeroNibble) return std::int8_t{0};
  const int magnitude = 1 << (nibble & 7);
  return static_cast<std::int8_t>((nibble & 8) != 0 ? -magnitude : magnitude);
}

std::optional<std::uint8_t> SacNibble(int value) {
  if (value == 0) return kZeroNibble;
  const auto magnitude = static_cast<unsigned>(value < 0 ? -value : value);
  if (!std::has_single_bit(magnitude) || magnitude > 1U << kMaxCodeExponent) return std::nullopt;
  return static_cast<std::uint8_t>(std::countr_zero(magnitude) | (value < 0 ? 8 : 0));
}

std::int8_t NearestSac(double w) {
  const double magnitude = std::fabs(w);
  if (!(magnitude >= 0.5)) return 0;
  // The midpoint above 2^k is 1.5 * 2^k.
  int k = 0;
  while (k < kMaxCodeExponent && magnitude >= 1.5 * (1 << k)) ++k;
  return static_cast<std::int8_t>(w < 0 ? -(1 << k) : 1 << k);
}

std::int8_t NearestInt8(double w) {
  if (std::isnan(w)) return 0;
  if (w >= 127) return 127;
  if (w <= -127) return -127;
  return static_cast<std::int8_t>(std::lround(w));
}

bool AccumulatorFits(std::int64_t sum_abs_code, std::int64_t beta, int acc_bits) {
  TF2_CHECK(acc_bits >= 2 && acc_bits <= 32, "acc_bits {}", acc_bits);
  constexpr std::int64_t kFar = std::int64_t{1} << 40;
  if (sum_abs_code < 0 || sum_abs_code > kFar || beta > kFar || beta < -kFar) return false;
  return sum_abs_code * 128 + (beta < 0 ? -beta : beta) < std::int64_t{1} << (acc_bits - 1);
}

}  // namespace tf2::numerics
