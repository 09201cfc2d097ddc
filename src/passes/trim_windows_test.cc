#include "passes/trim_windows.h"

#include <fmt/format.h>

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

std::string After(int h, int w, const std::string& attributes, int changes) {
  return BodyAfter(TrimWindows,
                   Parsed(fmt::format("input %x : f32[1, 1, {}, {}]\n"
                                      "const %w : f32[1, 1, 3, 3] = {{1, 2, 3, 4, 5, 6, 7, 8, 9}}\n"
                                      "%y = conv(%x, %w) {{{}}}\noutput %y",
                                      h, w, attributes)),
                   changes);
}

TEST(TrimWindows, DilationsBeyondTheMap) {
  EXPECT_EQ(After(5, 6, "dilations = [6, 8], pads = [6, 8, 6, 8]", 1),
            "%y = conv(%x, %w.1) {dilations = [1, 1], pads = [0, 0, 0, 0]}\noutput %y\n");
  // One axis of two.
  EXPECT_EQ(After(5, 6, "dilations = [5, 5], pads = [5, 5, 5, 5]", 1),
            "%y = conv(%x, %w.1) {dilations = [1, 5], pads = [0, 5, 0, 5]}\noutput %y\n");
  After(6, 6, "dilations = [5, 5], pads = [5, 5, 5, 5]", 0);
}

TEST(TrimWindows, OneEnd) {
  // The first row and the last column meet nothing.
  EXPECT_EQ(After(4, 4, "dilations = [4, 4], pads = [8, 0, 0, 8]", 1),
            "%y = conv(%x, %w.1) {dilations = [1, 1], pads = [0, 0, 0, 0]}\noutput %y\n");
  After(1, 1, "dilations = [2, 2], pads = [4, 4, 4, 4], strides = [3, 3]", 1);
}

TEST(TrimWindows, KeepsWhatIsNoZero) {
  const std::string beyond = "dilations = [6, 8], pads = [6, 8, 6, 8]";
  After(5, 6, beyond + ", pad_value = 1", 0);
  After(5, 6, "dilations = [2, 2], pads = [2, 2, 2, 2]", 0);
}

}  // namespace
}  // namespace tf2::passes
