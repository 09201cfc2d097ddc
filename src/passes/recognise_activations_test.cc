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

TEST(RecogniseActivations, GeluHoweverItIsWritten) {
  const std::string start = kInput +
                            "const %half : f32[] = {0.5}\nconst %one : f32[1] = {1}\n"
                            "const %two : f32[] = {2}\nconst %root : f32[] = {1.41421354}\n"
                            "const %reciprocal : f32[] = {0.707106769}\n";
  const std::string divided = "%u = div(%x, %root)\n", times = "%u = mul(%x, %reciprocal)\n";
  const std::string gate = "%e = unary(%u) {fn = \"erf\"}\n%a = add(%e, %one)\n";
  const std::string after = "%y = unary(%x) {fn = \"gelu\"}\noutput %y\n";
  for (const std::string& text :
       {divided + gate + "%m = mul(%x, %a)\n%y = mul(%m, %half)\noutput %y",
        divided + gate + "%m = mul(%a, %x)\n%y = div(%m, %two)\noutput %y",
        times + gate + "%h = mul(%half, %x)\n%y = mul(%h, %a)\noutput %y",
        times + gate + "%h = div(%x, %two)\n%y = mul(%a, %h)\noutput %y",
        times + gate + "%h = mul(%a, %half)\n%y = mul(%x, %h)\noutput %y"}) {
    EXPECT_EQ(BodyAfter(RecogniseActivations, Parsed(start + text), 1), after) << text;
  }
  // Not of one x, another factor, and a part that others read.
  for (const std::string& text :
       {"%r = relu(%x)\n" + divided + gate + "%m = mul(%r, %a)\n%y = mul(%m, %half)\noutput %y",
        divided + gate + "%m = mul(%x, %a)\n%y = mul(%m, %two)\noutput %y",
        divided + gate + "%m = mul(%x, %a)\n%y = mul(%m, %half)\noutput %y\noutput %a"}) {
    BodyAfter(RecogniseActivations, Parsed(start + text), 0);
  }
}

TEST(RecogniseActivations, GeluByTanh) {
  const std::string start = kInput +
                            "const %half : f32[] = {0.5}\nconst %one : f32[1] = {1}\n"
                            "const %k : f32[] = {0.044715}\nconst %s : f32[] = {0.797884583}\n";
  const std::string rest =
      "%p = mul(%c, %k)\n%i = add(%x, %p)\n%u = mul(%i, %s)\n"
      "%t = unary(%u) {fn = \"tanh\"}\n%a = add(%t, %one)\n"
      "%h = mul(%x, %half)\n%y = mul(%h, %a)\noutput %y";
  for (const char* cube :
       {"%c = binary(%x, %three) {fn = \"pow\"}\n", "%q = mul(%x, %x)\n%c = mul(%q, %x)\n"}) {
    EXPECT_EQ(BodyAfter(RecogniseActivations, Parsed(start + cube + rest), 1),
              "%y = unary(%x) {fn = \"gelu_tanh\"}\noutput %y\n");
  }
  BodyAfter(RecogniseActivations, Parsed(start + "%c = binary(%x, %one) {fn = \"pow\"}\n" + rest),
            0);
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
