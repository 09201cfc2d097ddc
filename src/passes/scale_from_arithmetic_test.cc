#include "passes/scale_from_arithmetic.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

std::string After(const std::string& node, int changes = 1) {
  return BodyAfter(ScaleFromArithmetic,
                   Parsed("input %x : f32[1, 2, 2, 2]\n"
                          "const %c : f32[2, 1, 1] = {0.5, -3}\n"
                          "const %s : f32[] = {7}\n"
                          "const %z : f32[] = {0}\n"
                          "const %w : f32[2] = {0.5, -3}\n%y = " +
                          node + "\noutput %y"),
                   changes);
}

TEST(ScaleFromArithmetic, TakesConstantsPerChannel) {
  EXPECT_EQ(After("mul(%x, %c)"), "%y = scale(%x, %y.factor)\noutput %y\n");
  EXPECT_EQ(After("mul(%s, %x)"), "%y = scale(%x, %y.factor)\noutput %y\n");
  EXPECT_EQ(After("add(%c, %x)"), "%y = scale(%x, _, %y.bias)\noutput %y\n");
  EXPECT_EQ(After("sub(%x, %c)"), "%y = scale(%x, _, %y.bias)\noutput %y\n");
  EXPECT_EQ(After("sub(%c, %x)"), "%y = scale(%x, %y.factor, %y.bias)\noutput %y\n");
  EXPECT_EQ(After("div(%x, %s)"), "%y = scale(%x, %y.factor)\noutput %y\n");
}

TEST(ScaleFromArithmetic, LeavesOthers) {
  EXPECT_EQ(After("add(%x, %w)", 0), "%y = add(%x, %w)\noutput %y\n");  // along the width
  EXPECT_EQ(After("add(%x, %x)", 0), "%y = add(%x, %x)\noutput %y\n");
  EXPECT_EQ(After("add(%x, %c) {relu = 1}", 0), "%y = add(%x, %c) {relu = 1}\noutput %y\n");
  ir::Graph zero =
      Parsed("input %x : f32[1, 2]\nconst %z : f32[] = {0}\n%y = div(%x, %z)\noutput %y");
  EXPECT_EQ(*ScaleFromArithmetic(zero), 0);
  ir::Graph wider =
      Parsed("input %x : f32[1, 1]\nconst %z : f32[2] = {1, 2}\n%y = add(%x, %z)\noutput %y");
  EXPECT_EQ(*ScaleFromArithmetic(wider), 0);
}

}  // namespace
}  // namespace tf2::passes
