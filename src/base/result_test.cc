#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace tf2 {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return WithHint(InvalidArgument("{} is odd", value), "give an even number");
  return value / 2;
}

Result<int> Quarter(int value) {
  TF2_ASSIGN_OR_RETURN(const int half, Half(value));
  TF2_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status CheckQuarter(int value) {
  TF2_RETURN_IF_ERROR(Quarter(value));
  return {};
}

TEST(ResultTest, PassesValuesAndErrors) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).error().message, "3 is odd");
  EXPECT_TRUE(CheckQuarter(8).ok());
  EXPECT_EQ(CheckQuarter(5).error().code, ErrorCode::kInvalidArgument);
}

TEST(ResultTest, LocationsNestOutwards) {
  const Error error = WithHint(DataLoss("short"), "again").At("layer 3").At("net.tf2");
  EXPECT_EQ(error.ToString(), "net.tf2: layer 3: short\n  hint: again");
  EXPECT_EQ(DataLoss("short").ToString(), "short");
}

TEST(ResultTest, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(4));
  const std::unique_ptr<int> value = *std::move(result);
  EXPECT_EQ(*value, 4);
}

TEST(CheckTest, AbortsWithTheMessage) {
  EXPECT_DEATH(TF2_CHECK(1 == 2, "because {}", 5), "internal error: .*1 == 2 because 5");
}

}  // namespace
}  // namespace tf2
