#include "passes/dequantize_early.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

const std::string kQuantised = R"(input %x : f32[1, 2, 4, 4]
    const %s : f32[] = {0.5}
    const %each : f32[2] = {0.5, 0.25}
    %q = quantize_linear(%x, %s) {max = 255, min = 0}
)";

TEST(DequantizeEarly, BeforeMovementsAndOnce) {
  EXPECT_EQ(
      BodyAfter(DequantizeEarly,
                Parsed(kQuantised + "%f = flatten(%q)\n%a = dequantize_linear(%f, %s)\n"
                                    "%b = dequantize_linear(%f, %s)\n%y = add(%a, %b)\noutput %y"),
                2),
      "%q = quantize_linear(%x, %s) {max = 255, min = 0}\n"
      "%a/early = dequantize_linear(%q, %s) as \"a\"\n"
      "%a = flatten(%a/early) as \"f\"\n%y = add(%a, %a)\noutput %y\n");
}

TEST(DequantizeEarly, BeforeMaxPoolingOfIntegers) {
  EXPECT_EQ(BodyAfter(DequantizeEarly,
                      Parsed(kQuantised + "%f = cast(%q) {to = \"f32\"}\n"
                                          "%p = max_pool(%f) {kernel = [2, 2], strides = [2, 2]}\n"
                                          "%i = cast(%p) {to = \"i64\"}\n"
                                          "%y = dequantize_linear(%i, %s)\noutput %y"),
                      1),
            "%q = quantize_linear(%x, %s) {max = 255, min = 0}\n"
            "%y/early = dequantize_linear(%q, %s) as \"y\"\n"
            "%y = max_pool(%y/early) as \"p\" {kernel = [2, 2], strides = [2, 2]}\n"
            "output %y\n");
}

TEST(DequantizeEarly, LeavesScalesOfChannelsAndOtherOperators) {
  for (const char* rest :
       {"%t = transpose(%q) {perm = [0, 1, 3, 2]}\n%y = dequantize_linear(%t, %each)\noutput %y",
        "%y = dequantize_linear(%q, %s)\noutput %y",
        "%a = dequantize_linear(%q, %s)\n%b = dequantize_linear(%q, %s)\noutput %a\noutput %b"}) {
    const ir::Graph g = Parsed(kQuantised + rest);
    EXPECT_EQ(BodyAfter(DequantizeEarly, g, 0), Body(g));
  }
}

}  // namespace
}  // namespace tf2::passes
