#include "passes/fuse_residual_add.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

const std::string kConvs = R"(input %x : f32[1, 1, 2, 2]
    const %w : f32[1, 1, 1, 1] = {-1}
    const %b : f32[1] = {0.5}
)";

std::string AfterFusion(const std::string& nodes, int changes) {
  return BodyAfter(FuseResidualAdd, Parsed(kConvs + nodes + "\noutput %y"), changes, 0);
}

TEST(FuseResidualAdd, EitherOperand) {
  EXPECT_EQ(AfterFusion("%c = conv(%x, %w)\n%y = add(%c, %x) {relu = 1}", 1),
            "%y = conv(%x, %w, _, %x) as \"c\" {relu = 1}\noutput %y\n");
  EXPECT_EQ(AfterFusion("%c = conv(%x, %w, %b)\n%y = add(%x, %c)", 1),
            "%y = conv(%x, %w, %b, %x) as \"c\"\noutput %y\n");
}

TEST(FuseResidualAdd, TakesTheLaterConvolution) {
  for (const char* add : {"%y = add(%c, %d)", "%y = add(%d, %c)"}) {
    EXPECT_EQ(AfterFusion(std::string("%c = conv(%x, %w)\n%d = conv(%x, %w, %b)\n") + add, 1),
              "%c = conv(%x, %w)\n%y = conv(%x, %w, %b, %c) as \"d\"\noutput %y\n");
  }
}

TEST(FuseResidualAdd, WaitsForAnOperandBehindTheConvolution) {
  EXPECT_EQ(AfterFusion("%c = conv(%x, %w)\n%r = relu(%x)\n%y = add(%c, %r)", 1),
            "%r = relu(%x)\n%y = conv(%x, %w, _, %r) as \"c\"\noutput %y\n");
}

TEST(FuseResidualAdd, ChainsOfAdditions) {
  EXPECT_EQ(
      AfterFusion("%c = conv(%x, %w)\n%a = add(%c, %x)\n%d = conv(%a, %w)\n%y = add(%a, %d)", 2),
      "%a = conv(%x, %w, _, %x) as \"c\"\n%y = conv(%a, %w, _, %a) as \"d\"\noutput %y\n");
}

TEST(FuseResidualAdd, LeavesOthers) {
  for (const char* nodes :
       {"%c = conv(%x, %w)\n%y = add(%c, %c)", "%c = conv(%x, %w)\n%y = add(%c, %b)",
        "%c = conv(%x, %w) {relu = 1}\n%y = add(%c, %x)",
        "%c = conv(%x, %w, _, %x)\n%y = add(%c, %x)",
        "%c = conv(%x, %w)\n%a = add(%c, %x)\n%y = add(%c, %a)",
        "%c = conv(%x, %w)\n%y = add(%c, %x)\noutput %c"}) {
    EXPECT_EQ(AfterFusion(nodes, 0), Body(Parsed(std::string(kConvs) + nodes + "\noutput %y")));
  }
}

}  // namespace
}  // namespace tf2::passes
