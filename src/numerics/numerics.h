// Every rounding, saturation, requantisation and weight code of the integer contract, defined once
// (docs/semantics.md). All backends, the lowering and the oracles call these or are proven equal to
// them.
#ifndef TF2_NUMERICS_NUMERICS_H_
#define TF2_NUMERICS_NUMERICS_H_

#include <cstdint>
#include <optional>
#include <span>

namespace tf2::numerics {

// Exponents: a feature v has the real value v * 2^-Q.
inline constexpr int kMinQ = -16;
inline constexpr int kMaxQ = 24;
inline constexpr int kMaxShift = 47;          // s
inline constexpr int kMaxResidualShift = 40;  // t
inline constexpr int kMaxAlpha = 32767;
inline constexpr int kMaxCodeExponent = 6;  // SAC weights are 0 or +-2^k, k = 0..6
inline constexpr std::uint8_t kZeroNibble = 0x7;
inline constexpr std::uint8_t kReservedNibble = 0xF;

constexpr std::int8_t Sat8(std::int64_t v) {
  return static_cast<std::int8_t>(v < -128 ? -128 : v > 127 ? 127 : v);
}
constexpr std::int16_t Sat16(std::int64_t v) {
  return static_cast<std::int16_t>(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
}

// floor(v / 2^s + 1/2), s >= 1: round half up by an arithmetic shift.
constexpr std::int64_t RoundShift(std::int64_t v, int s) {
  return (v + (std::int64_t{1} << (s - 1))) >> s;
}

// The one rounding of a weighted layer before saturation: (acc * alpha + (res << t) + 2^(s-1)) >>
// s. alpha 0..32767, s 1..47, t 0..40; never overflows 64 bits.
constexpr std::int64_t Requantize(std::int32_t acc, std::int32_t alpha, int s, std::int32_t res,
                                  int t) {
  return RoundShift(std::int64_t{acc} * alpha + std::int64_t{res} * (std::int64_t{1} << t), s);
}

// floor(x * 2^q + 1/2) in double, saturated to 8 (or 16) bits; NaN gives 0. Used for inputs and for
// constants.
std::int8_t QuantizeToInt8(double x, int q);
std::int16_t QuantizeToInt16(double x, int q);

// sat(floor((a * 2^-qa + b * 2^-qb) * 2^qo + 1/2)) before saturation, exact for every q in range.
std::int64_t AddExact(std::int32_t a, int qa, std::int32_t b, int qb, int qo);

// floor(a * 2^-qa * b * 2^-qb * 2^qo + 1/2), before saturation to 8 or 16 bits; |a|, |b| < 2^15.
// Beyond 64 bits the nearest end of their range.
std::int64_t MulExact(std::int32_t a, int qa, std::int32_t b, int qb, int qo);

// Local response normalisation: where the sum of squares S = 0 .. 2^31-1 lies in the table of its
// factor. An entry for each S below 128, then 64 for each octave; between two entries the factor is
// linear, `rest` / 2^bits of the way.
struct LrnSlot {
  std::uint32_t index = 0;
  int bits = 0;
  std::uint32_t rest = 0;
};
LrnSlot LrnSlotOf(std::uint32_t sum);
// The S at which entry `index` of the table is exact.
std::uint64_t LrnSumAt(std::uint32_t index);
// v times the factor of S, rounded once: (v * (F[i] * 2^bits + (F[i+1] - F[i]) * rest) +
// 2^(shift+bits-1)) >> (shift + bits). Entries are 0 .. 2^24, shift 1..32; `factors` must reach one
// entry beyond that of S.
std::int64_t LrnScaled(std::int32_t v, std::uint32_t sum, std::span<const std::int32_t> factors,
                       int shift);
inline constexpr std::int32_t kMaxLrnFactor = 1 << 24;
inline constexpr int kMaxLrnShift = 32;

// A real factor as alpha / 2^s.
struct Scale {
  std::int16_t alpha = 0;  // 0..32767
  std::uint8_t s = 1;      // 1..47
  bool operator==(const Scale&) const = default;
};

// Nearest alpha / 2^s to `factor` >= 0 with alpha normalised to 2^14..2^15-1 (a rounding up to
// 32768 renormalises) and s <= max_s: where that needs s > max_s, alpha is smaller; where it needs
// s < 1, nullopt (factor too large). With a residual, t = s + q_out - q_res must be <= 40: pass
// max_s = min(47, 40 - q_out + q_res).
std::optional<Scale> MakeScale(double factor, int max_s = kMaxShift);

// SAC weight nibbles: bit 3 sign, bits 2..0 shift; 0x7 zero; 0xF reserved.
// The integer value of a nibble (nullopt for 0xF), and the nibble of a value in {0, +-1, +-2, ...,
// +-64} (nullopt else).
std::optional<std::int8_t> SacValue(std::uint8_t nibble);
std::optional<std::uint8_t> SacNibble(int value);

// The value in {0, +-2^k} nearest to w (ties towards the larger magnitude; |w| < 1/2 gives 0, |w| >
// 64 gives +-64).
std::int8_t NearestSac(double w);
// round half away from zero, clamped to -127..127.
std::int8_t NearestInt8(double w);

// Largest |acc| + margin check of a row: sum |code| * 128 + |beta| < 2^(acc_bits - 1).
bool AccumulatorFits(std::int64_t sum_abs_code, std::int64_t beta, int acc_bits);

}  // namespace tf2::numerics

#endif  // TF2_NUMERICS_NUMERICS_H_
