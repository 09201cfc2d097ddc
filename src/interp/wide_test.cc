// What wide.h promises: the same bits of every instruction set, and the sums in the order it gives.
#include "interp/wide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"

namespace tf2::interp {
namespace {

using Values = std::vector<float>;

Values Drawn(std::int64_t n, float spread, Rng& rng) {
  Values values(static_cast<std::size_t>(n));
  for (float& v : values) v = rng.Uniform(-spread, spread);
  return values;
}

std::vector<std::uint32_t> BitsOf(const Values& values) {
  std::vector<std::uint32_t> bits;
  for (const float v : values) bits.push_back(std::bit_cast<std::uint32_t>(v));
  return bits;
}

struct Isa {
  const char* name;
  const Wide* wide;
  bool available;
};

std::vector<Isa> AllIsas() {
  std::vector<Isa> isas = {{"plain", PlainWide(), true}};
#if defined(__x86_64__)
  isas.push_back({"avx2", Avx2Wide(), __builtin_cpu_supports("avx2") != 0});
  isas.push_back({"avx512", Avx512Wide(), __builtin_cpu_supports("avx512f") != 0});
#endif
  return isas;
}

class WideLoopsOf : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (GetParam().wide == nullptr || !GetParam().available)
      GTEST_SKIP() << "this machine or program lacks " << GetParam().name;
  }
  const Wide& wide() const { return *GetParam().wide; }
  Rng rng_{1};
};

TEST_P(WideLoopsOf, MultiplyInOrder) {
  for (const std::int64_t rows : {1, 3, 4, 5, 33, 70}) {
    for (const std::int64_t k : {1, 7, 64, 256, 300}) {
      for (const std::int64_t oc : {1, 15, 16, 17, 49}) {
        const Values a = Drawn(rows * k, 1, rng_);
        const Values b = Drawn(k * oc, 1, rng_);
        Values expected;
        for (std::int64_t m = 0; m < rows; ++m) {
          for (std::int64_t o = 0; o < oc; ++o) {
            float sum = 0;
            for (std::int64_t i = 0; i < k; ++i) {
              const float product =
                  a[static_cast<std::size_t>(m * k + i)] * b[static_cast<std::size_t>(i * oc + o)];
              sum += product;
            }
            expected.push_back(sum);
          }
        }
        Values out(expected.size(), 77);
        wide().multiply(a.data(), b.data(), rows, k, oc, out.data());
        ASSERT_EQ(BitsOf(out), BitsOf(expected)) << rows << " x " << k << " x " << oc;
      }
    }
  }
}

double InSixteens(const Values& x, double mean) {
  std::vector<double> sums(16, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i)
    sums[i % 16] += mean == 0 ? x[i] : (x[i] - mean) * (x[i] - mean);
  for (std::size_t half = 8; half >= 1; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

TEST_P(WideLoopsOf, NormaliseAsTheLoopSays) {
  for (std::int64_t n = 1; n <= 70; ++n) {
    Values x = Drawn(n, 3, rng_);
    for (float& v : x) v += 5;
    const auto count = static_cast<double>(n);
    const Moments m = wide().moments(x.data(), n);
    ASSERT_EQ(m.mean, InSixteens(x, 0) / count);
    ASSERT_EQ(m.variance, InSixteens(x, m.mean) / count) << n;
    const Values gamma = Drawn(n, 1, rng_);
    const Values beta = Drawn(n, 1, rng_);
    for (const std::int64_t step : {0, 1}) {
      Values expected, plain;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t at = step == 0 ? 0 : i;
        const double product = (x[i] - m.mean) * 0.7 * gamma[at];
        expected.push_back(static_cast<float>(product + beta[at]));
        plain.push_back(static_cast<float>((x[i] - m.mean) * 0.7));
      }
      Values y(x.size() + 1, 77);
      wide().normalize(x.data(), n, m, 0.7, gamma.data(), beta.data(), step, y.data());
      ASSERT_EQ(y.back(), 77);
      y.pop_back();
      ASSERT_EQ(BitsOf(y), BitsOf(expected)) << n << " elements, step " << step;
      wide().normalize(x.data(), n, m, 0.7, nullptr, nullptr, step, y.data());
      ASSERT_EQ(BitsOf(y), BitsOf(plain)) << n << " elements";
    }
  }
}

TEST_P(WideLoopsOf, SoftmaxIsTheOneOfThePlainLoops) {
  for (std::int64_t n = 1; n <= 70; ++n) {
    for (const float spread : {0.1F, 5.0F, 90.0F, 2000.0F}) {
      const Values x = Drawn(n, spread, rng_);
      Values y(x.size()), plain(x.size());
      wide().softmax(x.data(), n, y.data());
      PlainWide()->softmax(x.data(), n, plain.data());
      ASSERT_EQ(BitsOf(y), BitsOf(plain)) << n << " elements";
      const double top = *std::max_element(x.begin(), x.end());
      double sum = 0;
      for (const float v : x) sum += std::exp(v - top);
      for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_NEAR(y[i], std::exp(x[i] - top) / sum, 2e-7 * std::exp(x[i] - top) / sum + 1e-37);
    }
  }
}

TEST_P(WideLoopsOf, SoftmaxOfWhatIsNoNumber) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const std::int64_t n : {3, 11, 20}) {
    Values x(static_cast<std::size_t>(n), 1.0F);
    x[1] = -kInfinity;
    Values y(x.size());
    wide().softmax(x.data(), n, y.data());
    EXPECT_EQ(y[1], 0.0F);
    EXPECT_FLOAT_EQ(y[0], 1.0F / static_cast<float>(n - 1));
    x[2] = kNan;
    wide().softmax(x.data(), n, y.data());
    for (const float v : y) EXPECT_TRUE(std::isnan(v));
    std::fill(x.begin(), x.end(), -kInfinity);
    wide().softmax(x.data(), n, y.data());
    for (const float v : y) EXPECT_TRUE(std::isnan(v));
  }
}

INSTANTIATE_TEST_SUITE_P(All, WideLoopsOf, testing::ValuesIn(AllIsas()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace tf2::interp
