#include "passes/relu_before_max_pool.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

const std::string kConv = R"(input %x : f32[1, 1, 4, 4]
    const %w : f32[1, 1, 1, 1] = {-1}
    %c = conv(%x, %w)
    %p = max_pool(%c) {kernel = [2, 2], pads = [1, 1, 1, 1], strides = [2, 2]}
)";

TEST(ReluBeforeMaxPool, Swaps) {
  EXPECT_EQ(
      BodyAfter(MoveReluBeforeMaxPool, Parsed(kConv + "%r = relu(%p)\n%y = relu(%r)\noutput %y"), 1,
                0),
      "%c = conv(%x, %w)\n%r.early = relu(%c) as \"r\"\n"
      "%r = max_pool(%r.early) as \"p\" {kernel = [2, 2], pads = [1, 1, 1, 1], strides = [2, 2]}\n"
      "%y = relu(%r)\noutput %y\n");
}

TEST(ReluBeforeMaxPool, LeavesSharedValues) {
  for (const char* rest :
       {"%r = relu(%p)\noutput %r\noutput %p", "%r = relu(%p)\noutput %r\noutput %c",
        "%r = relu(%p)\n%s = add(%p, %r)\noutput %s"}) {
    const ir::Graph g = Parsed(kConv + rest);
    EXPECT_EQ(BodyAfter(MoveReluBeforeMaxPool, g, 0), Body(g));
  }
}

}  // namespace
}  // namespace tf2::passes
