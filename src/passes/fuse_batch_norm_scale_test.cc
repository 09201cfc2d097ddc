#include "passes/fuse_batch_norm_scale.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

const std::string kConstants = R"(input %x : f32[1, 1, 3, 3]
    const %w : f32[2, 1, 2, 2] = {1, -2, 3, 4, 0.5, 0.25, -1, 2}
    const %b : f32[2] = {1, -1}
    const %mean : f32[2] = {0.5, -2}
    const %variance : f32[2] = {4, 0.1}
    const %gamma : f32[2] = {3, 0.7}
    const %beta : f32[2] = {0.1, 8}
)";

std::string After(const std::string& nodes, int changes) {
  return BodyAfter(FuseBatchNormScale, Parsed(kConstants + nodes + "\noutput %y"), changes);
}

TEST(FuseBatchNormScale, FoldsAnyChainAfterAConvolution) {
  const std::string expected = "%y = conv(%x, %w.1, %c.bias) as \"c\"\noutput %y\n";
  EXPECT_EQ(After("%c = conv(%x, %w)\n%y = batch_norm(%c, %mean, %variance, %gamma, %beta)", 1),
            expected);
  EXPECT_EQ(After("%c = conv(%x, %w, %b)\n%y = batch_norm(%c, %mean, %variance)", 1), expected);
  EXPECT_EQ(After("%c = conv(%x, %w, %b)\n%n = batch_norm(%c, %mean, %variance)\n%y = scale(%n, "
                  "%gamma, %beta)",
                  2),
            expected);
  EXPECT_EQ(After("%c = conv(%x, %w)\n%s = scale(%c, _, %beta)\n%n = batch_norm(%s, %mean, "
                  "%variance, _, %b)\n"
                  "%y = scale(%n, %gamma)",
                  3),
            expected);
}

TEST(FuseBatchNormScale, FoldsIntoGemm) {
  EXPECT_EQ(BodyAfter(FuseBatchNormScale, Parsed(R"(input %x : f32[3, 2]
    const %w : f32[2, 2] = {1, 2, 3, 4}
    const %f : f32[2] = {-2, 0.5}
    %g = gemm(%x, %w)
    %y = scale(%g, %f, %f)
    output %y)"),
                      1),
            "%y = gemm(%x, %w.1, %g.bias) as \"g\"\noutput %y\n");
}

TEST(FuseBatchNormScale, StopsAtOtherReaders) {
  EXPECT_EQ(After("%c = conv(%x, %w)\n%n = scale(%c, %gamma)\n%y = add(%c, %n)", 0),
            "%c = conv(%x, %w)\n%n = scale(%c, %gamma)\n%y = add(%c, %n)\noutput %y\n");
  EXPECT_EQ(After("%c = conv(%x, %w) {relu = 1}\n%y = scale(%c, %gamma)", 0),
            "%c = conv(%x, %w) {relu = 1}\n%y = scale(%c, %gamma)\noutput %y\n");
  EXPECT_EQ(After("%c = conv(%x, %w)\n%y = scale(%c, %gamma)\noutput %c", 0),
            "%c = conv(%x, %w)\n%y = scale(%c, %gamma)\noutput %c\noutput %y\n");
}

TEST(FuseBatchNormScale, MakesOneScaleOfWhatIsLeft) {
  EXPECT_EQ(
      After("%c = conv(%x, %w) {relu = 1}\n%n = batch_norm(%c, %mean, %variance)\n%y = scale(%n, "
            "%gamma, %beta)",
            1),
      "%c = conv(%x, %w) {relu = 1}\n%y = scale(%c, %n.factor, %n.bias) as \"n\"\noutput %y\n");
  EXPECT_EQ(After("%c = conv(%x, %w) {relu = 1}\n%y = batch_norm(%c, %mean, %variance)", 1),
            "%c = conv(%x, %w) {relu = 1}\n%y = scale(%c, %y.factor, %y.bias)\noutput %y\n");
}

TEST(FuseBatchNormScale, KeepsWhatWouldNotBeFinite) {
  ir::Graph g = Parsed(R"(input %x : f32[1, 1, 1, 1]
    const %w : f32[1, 1, 1, 1] = {1e30}
    const %f : f32[1] = {1e30}
    const %m : f32[1] = {0}
    const %v : f32[1] = {-1}
    %c = conv(%x, %w)
    %s = scale(%c, %f)
    %y = batch_norm(%s, %m, %v)
    output %y)");
  EXPECT_EQ(*FuseBatchNormScale(g), 0);
}

TEST(FuseBatchNormScale, IntoTransposedConvolutionsWithGroups) {
  BodyAfter(FuseBatchNormScale, Parsed(R"(input %x : f32[1, 4, 2, 2]
    const %w : f32[4, 3, 1, 2] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 3, 5, 7, 9, 2, 4, 6, 8, 1, 1, 2}
    const %f : f32[6] = {1, 2, -1, 0.5, 3, 4}
    const %s : f32[6] = {1, 2, 3, 4, 5, 6}
    %c = conv_transpose(%x, %w) {groups = 2, strides = [2, 2]}
    %y = scale(%c, %f, %s)
    output %y)"),
            1);
}

}  // namespace
}  // namespace tf2::passes
