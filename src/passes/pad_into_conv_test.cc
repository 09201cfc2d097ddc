#include "passes/pad_into_conv.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

std::string After(const std::string& pad, const std::string& reader, int changes,
                  const std::string& before = "relu(%x)") {
  return BodyAfter(PadIntoConv,
                   Parsed("input %x : f32[1, 1, 4, 4]\n"
                          "const %w : f32[1, 1, 3, 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9}\n"
                          "%a = " +
                          before + "\n%p = pad(%a) {" + pad + "}\n%y = " + reader + "\noutput %y"),
                   changes);
}

constexpr const char* kPad = "pads = [0, 0, 1, 2, 0, 0, 0, 1]";

TEST(PadIntoConv, Convolution) {
  EXPECT_EQ(After(kPad, "conv(%p, %w) {pads = [1, 1, 1, 1]}", 1, "identity(%x)"),
            "%a = identity(%x)\n%y = conv(%a, %w) {pads = [2, 3, 1, 2]}\noutput %y\n");
  for (const char* pad : {"pads = [0, 0, 1, 2, 0, 0, 0, 1], value = 1",
                          "pads = [0, 0, 1, 2, 0, 0, 0, 1], mode = \"edge\"",
                          "pads = [0, 0, 1, 2, 0, 0, 0, -1]", "pads = [1, 0, 1, 1, 0, 0, 0, 0]"}) {
    After(pad, "conv(%p, %w)", 0);
  }
}

TEST(PadIntoConv, MaximumOfWhatIsNotNegative) {
  const std::string pool = "max_pool(%p) {kernel = [3, 3]}";
  EXPECT_EQ(After(kPad, pool, 1),
            "%a = relu(%x)\n%y = max_pool(%a) {kernel = [3, 3], pads = [1, 2, 0, 1]}\noutput %y\n");
  After(kPad, pool, 0, "identity(%x)");
  After(kPad, pool, 1, "clip(%x) {max = 6, min = 0}");
  After(kPad, pool, 0, "clip(%x) {max = -1, min = 0}");
  After(kPad, "max_pool(%p) {kernel = [2, 2]}", 0);  // a window of padding only
  After(kPad, "max_pool(%p) {kernel = [3, 3], strides = [2, 2], ceil = 1}", 0);
}

TEST(PadIntoConv, AverageOfTheWholeKernel) {
  EXPECT_EQ(After(kPad, "avg_pool(%p) {kernel = [3, 3]}", 1, "identity(%x)"),
            "%a = identity(%x)\n%y = avg_pool(%a) {divisor = \"kernel\", kernel = [3, 3], pads = "
            "[1, 2, 0, 1]}\noutput %y\n");
  After(kPad, "avg_pool(%p) {kernel = [4, 4], pads = [1, 1, 1, 1], divisor = \"caffe\"}", 1);
  After(kPad, "avg_pool(%p) {kernel = [4, 4], pads = [1, 1, 1, 1], divisor = \"kernel\"}", 1);
  After(kPad, "avg_pool(%p) {kernel = [4, 4], pads = [1, 1, 1, 1], divisor = \"valid\"}", 0);
}

}  // namespace
}  // namespace tf2::passes
