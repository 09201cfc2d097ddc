#include "passes/fuse_relu.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

const std::string kConv = R"(input %x : f32[1, 1, 2, 2]
    const %w : f32[1, 1, 1, 1] = {-1}
    %c = conv(%x, %w)
)";

TEST(FuseRelu, IntoConvolutionGemmAndAddition) {
  EXPECT_EQ(BodyAfter(FuseRelu, Parsed(kConv + "%r = relu(%c)\noutput %r"), 1, 0),
            "%r = conv(%x, %w) as \"c\" {relu = 1}\noutput %r\n");
  EXPECT_EQ(
      BodyAfter(FuseRelu,
                Parsed("input %x : f32[1, 2]\n%a = add(%x, %x)\n%r = relu(%a)\noutput %r"), 1, 0),
      "%r = add(%x, %x) as \"a\" {relu = 1}\noutput %r\n");
  EXPECT_EQ(BodyAfter(FuseRelu,
                      Parsed("input %x : f32[1, 2]\nconst %w : f32[1, 2] = {1, -1}\n"
                             "%a = gemm(%x, %w)\n%r = relu(%a)\noutput %r"),
                      1, 0),
            "%r = gemm(%x, %w) as \"a\" {relu = 1}\noutput %r\n");
}

TEST(FuseRelu, DropsASecondRelu) {
  EXPECT_EQ(BodyAfter(FuseRelu, Parsed(kConv + "%r = relu(%c)\n%s = relu(%r)\noutput %s"), 2, 0),
            "%s = conv(%x, %w) as \"c\" {relu = 1}\noutput %s\n");
}

TEST(FuseRelu, LeavesSharedValues) {
  const ir::Graph g = Parsed(kConv + "%r = relu(%c)\n%a = sub(%r, %c)\noutput %a");
  EXPECT_EQ(BodyAfter(FuseRelu, g, 0), Body(g));
}

TEST(FuseRelu, DropsThoseBesideAClip) {
  EXPECT_EQ(BodyAfter(FuseRelu,
                      Parsed(kConv + "%r = relu(%c)\n%s = clip(%r) {max = 6, min = 0}\n"
                                     "%y = relu(%s)\noutput %y"),
                      2, 0),
            "%c = conv(%x, %w)\n%y = clip(%c) as \"s\" {max = 6, min = 0}\noutput %y\n");
  BodyAfter(FuseRelu,
            Parsed("input %x : f32[1, 2]\n%r = relu(%x)\n%y = clip(%r) {max = 6, min = -1}\n"
                   "output %y"),
            0, 0);
  // Bounds that cross give max.
  BodyAfter(FuseRelu,
            Parsed("input %x : f32[1, 2]\n%c = clip(%x) {max = -1, min = 0}\n%y = relu(%c)\n"
                   "output %y"),
            0, 0);
}

}  // namespace
}  // namespace tf2::passes
