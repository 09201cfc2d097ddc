#include "verify/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tf2::verify {
namespace {

// Samples {0}, {1}, ... without labels.
class Numbers : public dataset::Dataset {
 public:
  std::int64_t size() const override { return 40; }
  Result<dataset::Sample> Get(std::int64_t i) const override {
    return dataset::Sample{{static_cast<float>(i)}, std::nullopt, "numbers"};
  }
  std::string Description() const override { return "numbers"; }
};

// Scores of `classes` classes: the best is the sample modulo `classes`.
Scorer Modulo(int classes) {
  return [classes](std::span<const std::vector<float>> inputs) {
    std::vector<std::vector<float>> all;
    for (const std::vector<float>& x : inputs) {
      std::vector<float>& scores =
          all.emplace_back(std::vector<float>(static_cast<std::size_t>(classes), 0.0F));
      scores[static_cast<std::size_t>(x[0]) % scores.size()] = 1;
    }
    return Result(std::move(all));
  };
}

TEST(Evaluate, AgreementIsTheFractionOfEqualBestClasses) {
  const Scorer reference = [](std::span<const std::vector<float>> inputs) {
    return Result(std::vector<std::vector<float>>(inputs.size(), {0, 1, 0, 0}));
  };
  const auto result = Evaluate(Numbers(), Modulo(4), &reference, {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->samples, 40);
  EXPECT_EQ(result->agreement, 0.25);
  EXPECT_NEAR(*result->divergence, 0.75 * std::log(1e20), 1e-9);
  EXPECT_EQ(result->no_agreement, "");
}

TEST(Evaluate, OneValueHasNoBestClassToAgreeOn) {
  const Scorer reference = Modulo(1);
  const auto result = Evaluate(Numbers(), Modulo(1), &reference, {});
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->agreement);
  EXPECT_EQ(result->no_agreement,
            "it compares the best of several scores, and the first output has 1 value(s)");
}

TEST(Evaluate, OutputsOfDifferentSizesAreNotCompared) {
  const Scorer reference = Modulo(5);
  const auto result = Evaluate(Numbers(), Modulo(4), &reference, {});
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->agreement);
  EXPECT_EQ(result->no_agreement, "the first output has 4 values, the float model's 5");
}

TEST(Evaluate, WithoutAReferenceThereIsNothingToSayOfIt) {
  const auto result = Evaluate(Numbers(), Modulo(1), nullptr, {});
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->agreement);
  EXPECT_EQ(result->no_agreement, "");
}

}  // namespace
}  // namespace tf2::verify
