#include "passes/recognise_activations.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

const std::string kInput = R"(input %x : f32[1, 2, 3, 3]
    const %three : f32[] = {3}
    const %six : f32[1] = {6}
)";

TEST(RecogniseActivations, Gates) {
  EXPECT_EQ(BodyAfter(RecogniseActivations,
                      Parsed(kInput + "%s = unary(%x) {fn = \"sigmoid\"}\n"
                                      "%y = mul(%s, %x)\noutput %y"),
                      1),
            "%y = unary(%x) {fn = \"silu\"}\noutput %y\n");
  EXPECT_EQ(BodyAfter(RecogniseActivations,
                      Parsed(kInput + "%p = unary(%x) {fn = \"softplus\"}\n"
                                      "%t = unary(%p) {fn = \"tanh\"}\n"
                                      "%y = mul(%x, %t)\noutput %y"),
                      1),
            "%y = unary(%x) {fn = \"mish\"}\noutput %y\n");
}

TEST(RecogniseActivations, HardSwishInEitherOrder) {
  const std::string clipped = kInput + "%a = add(%x, %three)\n%c = clip(%a) {max = 6, min = 0}\n";
  const std::string swish = "%y = unary(%x) {fn = \"hard_swish\"}\noutput %y\n";
  EXPECT_EQ(BodyAfter(RecogniseActivations,
                      Parsed(clipped + "%g = div(%c, %six)\n%y = mul(%x, %g)\noutput %y"), 2),
            swish);
  EXPECT_EQ(BodyAfter(RecogniseActivations,
                      Parsed(clipped + "%m = mul(%x, %c)\n%y = div(%m, %six)\noutput %y"), 1),
            swish);
}

TEST(RecogniseActivations, LeavesOthersAlone) {
  BodyAfter(RecogniseActivations,
            Parsed(kInput + "%s = unary(%x) {fn = \"sigmoid\"}\n%y = mul(%s, %x)\n"
                            "output %y\noutput %s"),
            0);
  BodyAfter(RecogniseActivations,
            Parsed(kInput + "%n = relu(%x)\n%s = unary(%n) {fn = \"sigmoid\"}\n"
                            "%y = mul(%s, %x)\noutput %y"),
            0);
}

}  // namespace
}  // namespace tf2::passes
