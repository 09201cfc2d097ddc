// The loops of wide.h on vectors of 64 bytes, which the compiler cuts into those that the flags of
// the including file name. Nothing here may be a function that other files share: the linker would
// keep one instruction set's for all.
#include <cstring>

#include "interp/wide.h"

namespace tf2::interp {
namespace {

using Floats = float __attribute__((vector_size(64)));      // 16
using HalfFloats = float __attribute__((vector_size(32)));  // 8
using Doubles = double __attribute__((vector_size(64)));    // 8
using Integers = std::int64_t __attribute__((vector_size(64)));

constexpr std::int64_t kFloats = 16;
constexpr std::int64_t kDoubles = 8;

template <typename V, typename T>
[[gnu::always_inline]] inline void Load(const T* from, V& v) {
  std::memcpy(&v, from, sizeof(V));
}

// Up to 16 adjacent columns of a product.
struct Columns {
  const float* a;
  std::int64_t a_step;  // elements from row to row, as of b and out
  const float* b;
  std::int64_t b_step;
  float* out;
  std::int64_t out_step;
  std::int64_t k;
  std::size_t bytes;  // of a row of the results
  bool continues;     // the sums that `out` has
};

template <int R>
[[gnu::always_inline]] inline void MultiplyRows(const Columns& columns, std::int64_t row) {
  const float* const a = columns.a + row * columns.a_step;
  float* const out = columns.out + row * columns.out_step;
  Floats sum[R] = {};
  if (columns.continues) {
    for (int r = 0; r < R; ++r) std::memcpy(&sum[r], out + r * columns.out_step, columns.bytes);
  }
  for (std::int64_t i = 0; i < columns.k; ++i) {
    Floats w;
    Load(columns.b + i * columns.b_step, w);
    for (int r = 0; r < R; ++r) sum[r] += a[r * columns.a_step + i] * w;
  }
  for (int r = 0; r < R; ++r) std::memcpy(out + r * columns.out_step, &sum[r], columns.bytes);
}

void MultiplyColumns(const Columns& columns, std::int64_t rows) {
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) MultiplyRows<4>(columns, row);
  for (; row < rows; ++row) MultiplyRows<1>(columns, row);
}

void Multiply(const float* a, const float* b, std::int64_t rows, std::int64_t k, std::int64_t oc,
              float* out) {
  std::int64_t o = 0;
  for (; o + kFloats <= oc; o += kFloats)
    MultiplyColumns({a, k, b + o, oc, out + o, oc, k, sizeof(Floats), false}, rows);
  if (o == oc) return;
  // The last columns, completed with zeros, so many of `b`'s rows at a time.
  constexpr std::int64_t kDepth = 256;
  float padded[kDepth * kFloats] = {};
  const auto bytes = static_cast<std::size_t>(oc - o) * sizeof(float);
  std::int64_t first = 0;
  do {
    const std::int64_t depth = k - first < kDepth ? k - first : kDepth;
    for (std::int64_t i = 0; i < depth; ++i)
      std::memcpy(padded + i * kFloats, b + (first + i) * oc + o, bytes);
    MultiplyColumns({a + first, k, padded, kFloats, out + o, oc, depth, bytes, first > 0}, rows);
    first += depth;
  } while (first < k);
}

[[gnu::always_inline]] inline Doubles LoadDoubles(const float* from) {
  HalfFloats v;
  Load(from, v);
  return __builtin_convertvector(v, Doubles);
}

[[gnu::always_inline]] inline double Sum(const Doubles& v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// The sum of f(8 elements, how many of them count) over all n; f must be 0 where they do not.
template <typename F>
[[gnu::always_inline]] inline double SumOf(const float* x, std::int64_t n, F&& f) {
  Doubles even = {}, odd = {};
  std::int64_t i = 0;
  for (; i + 2 * kDoubles <= n; i += 2 * kDoubles) {
    even += f(LoadDoubles(x + i), kDoubles);
    odd += f(LoadDoubles(x + i + kDoubles), kDoubles);
  }
  for (bool first = true; i < n; i += kDoubles, first = false) {
    float rest[kDoubles] = {};
    const std::int64_t count = n - i < kDoubles ? n - i : kDoubles;
    std::memcpy(rest, x + i, static_cast<std::size_t>(count) * sizeof(float));
    (first ? even : odd) += f(LoadDoubles(rest), count);
  }
  return Sum(even + odd);
}

Moments MomentsOf(const float* x, std::int64_t n) {
  const auto count = static_cast<double>(n);
  Moments m = {0, 0};
  m.mean =
      SumOf(
          x, n, [](const Doubles& v, std::int64_t) __attribute__((always_inline)) { return v; }) /
      count;
  const double mean = m.mean;
  m.variance = SumOf(
                   x, n,
                   [mean](const Doubles& v, std::int64_t used) __attribute__((always_inline)) {
                     constexpr Integers kIndex = {0, 1, 2, 3, 4, 5, 6, 7};
                     const Doubles from_mean = v - mean;
                     return kIndex < used ? from_mean * from_mean : Doubles{};
                   }) /
               count;
  return m;
}

void Normalize(const float* x, std::int64_t n, const Moments& of, double factor, const float* gamma,
               const float* beta, std::int64_t step, float* y) {
  for (std::int64_t i = 0; i < n; i += kDoubles) {
    const std::int64_t count = n - i < kDoubles ? n - i : kDoubles;
    const auto bytes = static_cast<std::size_t>(count) * sizeof(float);
    const auto load = [=](const float* from, std::int64_t advance) __attribute__((always_inline)) {
      if (advance == 0) return Doubles{} + static_cast<double>(*from);
      if (count == kDoubles) return LoadDoubles(from + i);
      float rest[kDoubles] = {};
      std::memcpy(rest, from + i, bytes);
      return LoadDoubles(rest);
    };
    Doubles v = (load(x, 1) - of.mean) * factor;
    if (gamma != nullptr) v *= load(gamma, step);
    if (beta != nullptr) v += load(beta, step);
    const HalfFloats rounded = __builtin_convertvector(v, HalfFloats);
    std::memcpy(y + i, &rounded, bytes);
  }
}

// e^x of x <= 0 to within 2^-32 of the result; NaN stays NaN. x = n ln 2 + r, |r| <= ln 2 / 2; e^r
// by its Taylor series as far as r^9 / 9!.
[[gnu::always_inline]] inline Doubles Exp(Doubles x) {
  constexpr double kLog2E = 1.4426950408889634074;
  constexpr double kLn2High = 0x1.62e42feep-1;  // n times it is exact
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  constexpr double kRound = 0x1.8p52;
  constexpr double kLeast = -708;  // what is below is 0 in float, as e^kLeast is
  constexpr int kMantissa = 52;
  const Doubles clamped = x < kLeast ? Doubles{} + kLeast : x;
  const Doubles shifted = clamped * kLog2E + kRound;
  const Doubles n = shifted - kRound;
  const Doubles r = (clamped - n * kLn2High) - n * kLn2Low;
  Doubles p = r * (1.0 / 362880) + (1.0 / 40320);
  p = p * r + (1.0 / 5040);
  p = p * r + (1.0 / 720);
  p = p * r + (1.0 / 120);
  p = p * r + (1.0 / 24);
  p = p * r + (1.0 / 6);
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  Integers exponent, bits;
  std::memcpy(&exponent, &shifted, sizeof exponent);
  std::memcpy(&bits, &p, sizeof bits);
  bits += exponent << kMantissa;
  Doubles result;
  std::memcpy(&result, &bits, sizeof result);
  return x == x ? result : x;
}

// NaN where the first is.
float Largest(const float* x, std::int64_t n) {
  Floats tops = Floats{} + x[0];
  std::int64_t i = 0;
  for (; i + kFloats <= n; i += kFloats) {
    Floats v;
    Load(x + i, v);
    tops = tops < v ? v : tops;
  }
  float top = tops[0];
  for (int k = 1; k < kFloats; ++k) top = top < tops[k] ? tops[k] : top;
  for (; i < n; ++i) top = top < x[i] ? x[i] : top;
  return top;
}

void Softmax(const float* x, std::int64_t n, float* y) {
  const float top = Largest(x, n);
  const auto less_top = static_cast<double>(top);
  Doubles sum = {};
  std::int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles) {
    const HalfFloats e = __builtin_convertvector(Exp(LoadDoubles(x + i) - less_top), HalfFloats);
    std::memcpy(y + i, &e, sizeof e);
    sum += __builtin_convertvector(e, Doubles);
  }
  if (i < n) {
    float rest[kDoubles];
    for (float& v : rest) v = -__builtin_inff();
    const auto bytes = static_cast<std::size_t>(n - i) * sizeof(float);
    std::memcpy(rest, x + i, bytes);
    const HalfFloats e = __builtin_convertvector(Exp(LoadDoubles(rest) - less_top), HalfFloats);
    std::memcpy(y + i, &e, bytes);
    sum += __builtin_convertvector(e, Doubles);
  }
  const double factor = 1 / Sum(sum);
  for (i = 0; i + kDoubles <= n; i += kDoubles) {
    const HalfFloats v = __builtin_convertvector(LoadDoubles(y + i) * factor, HalfFloats);
    std::memcpy(y + i, &v, sizeof v);
  }
  for (; i < n; ++i) y[i] = static_cast<float>(y[i] * factor);
}

constexpr Wide kWide = {Multiply, MomentsOf, Normalize, Softmax};

}  // namespace
}  // namespace tf2::interp
