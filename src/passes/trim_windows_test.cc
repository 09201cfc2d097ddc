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
  // The first two rows and the last two columns meet nothing.
  EXPECT_EQ(After(4, 4, "dilations = [4, 4], pads = [8, 0, 0, 8]", 1),
            "%y = conv(%x, %w.1) {dilations = [1, 1], pads = [0, 0, 0, 0]}\noutput %y\n");
  After(1, 1, "dilations = [2, 2], pads = [4, 4, 4, 4], strides = [3, 3]", 1);
}

// Any geometry, of groups, with a bias and a residual; what is dropped is not counted.
TEST(TrimWindows, AnyGeometry) {
  std::mt19937 engine(3);
  const auto upto = [&](unsigned n) { return static_cast<int>(engine() % (n + 1)); };
  int trimmed = 0;
  for (int round = 0; round < 300; ++round) {
    const int h = 1 + upto(7), w = 1 + upto(7), kh = 1 + upto(3), kw = 1 + upto(3);
    const int sh = 1 + upto(2), sw = 1 + upto(2), dh = 1 + upto(8), dw = 1 + upto(8);
    const int pads[4] = {upto(12), upto(12), upto(12), upto(12)};
    const int oh = (h + pads[0] + pads[2] - (kh - 1) * dh - 1),
              ow = w + pads[1] + pads[3] - (kw - 1) * dw - 1;
    if (oh < 0 || ow < 0) continue;
    std::string weights;
    for (int i = 0; i < 4 * kh * kw; ++i)
      weights += fmt::format("{}{}", i == 0 ? "" : ", ", 1 + upto(9));
    ir::Graph graph = Parsed(fmt::format(
        "input %x : f32[1, 2, {}, {}]\ninput %r : f32[1, 4, {}, {}]\n"
        "const %w : f32[4, 1, {}, {}] = {{{}}}\nconst %b : f32[4] = {{1, 2, 3, 4}}\n"
        "%y = conv(%x, %w, %b, %r) {{groups = 2, strides = [{}, {}], dilations = [{}, {}], "
        "pads = [{}, {}, {}, {}]}}\noutput %y",
        h, w, oh / sh + 1, ow / sw + 1, kh, kw, weights, sh, sw, dh, dw, pads[0], pads[1], pads[2],
        pads[3]));
    ir::Graph after = graph;
    after.macs = CountMacs(after);
    const Result<int> changes = TrimWindows(after);
    ASSERT_TRUE(changes.ok());
    EXPECT_EQ(after.macs, CountMacs(after));
    trimmed += *changes;
    ASSERT_TRUE(InferShapes(after).ok());
    ASSERT_TRUE(Verify(after).ok());
    ExpectSameResults(graph, after);
  }
  EXPECT_GT(trimmed, 50);
}

TEST(TrimWindows, KeepsWhatIsNoZero) {
  const std::string beyond = "dilations = [6, 8], pads = [6, 8, 6, 8]";
  After(5, 6, beyond + ", pad_value = 1", 0);
  After(5, 6, "dilations = [2, 2], pads = [2, 2, 2, 2]", 0);
}

}  // namespace
}  // namespace tf2::passes
