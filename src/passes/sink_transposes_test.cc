#include "passes/sink_transposes.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

TEST(SinkTransposes, PassSingleElementsAndJoin) {
  ir::Graph g = Parsed(R"(input %x : f32[1, 2, 3, 4]
    const %c : f32[1] = {3}
    %t = transpose(%x) {perm = [0, 2, 3, 1]}
    %r = relu(%t)
    %s = div(%c, %r)
    %y = transpose(%s) {perm = [0, 3, 1, 2]}
    output %y)");
  const auto first = SinkTransposes(g);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, 3) << "past relu, past div, into the second transpose";
  ASSERT_TRUE(RemoveDeadCode(g).ok());
  EXPECT_EQ(Body(g),
            "%r.early = relu(%x) as \"r\"\n%s.early = div(%c, %r.early) as \"s\"\n"
            "%y = transpose(%s.early) {perm = [0, 1, 2, 3]}\noutput %y\n");
}

TEST(SinkTransposes, TakeVectorsWithThem) {
  const std::string text = R"(input %x : f32[1, 2, 3, 4]
    const %c : f32[2] = {3, 4}
    %t = transpose(%x) {perm = [0, 2, 3, 1]}
    %y = add(%t, %c)
    output %y)";
  const ir::Graph g = Parsed(text);
  EXPECT_EQ(BodyAfter(SinkTransposes, g, 1),
            "%y.early = add(%x, %c.1) as \"y\"\n"
            "%y = transpose(%y.early) as \"t\" {perm = [0, 2, 3, 1]}\noutput %y\n");
}

TEST(SinkTransposes, StayBeforeWhatKnowsAxes) {
  // Constants of two axes, one that makes the result larger, slopes of channels, and one a channel
  // that would be one a row.
  for (const char* reader :
       {"const %c : f32[4, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n%y = mul(%t, %c)",
        "const %c : f32[5, 1, 1, 1, 1] = {1, 2, 3, 4, 5}\n%y = mul(%t, %c)",
        "const %c : f32[2] = {1, 2}\n%y = prelu(%t, %c)",
        "const %c : f32[3, 1, 1] = {1, 2, 3}\n%y = sub(%t, %c)", "%y = softmax(%t) {axis = 3}"}) {
    const ir::Graph g = Parsed(std::string("input %x : f32[1, 2, 3, 4]\n"
                                           "%t = transpose(%x) {perm = [0, 2, 3, 1]}\n") +
                               reader + "\noutput %y");
    EXPECT_EQ(BodyAfter(SinkTransposes, g, 0), Body(g)) << reader;
  }
  const ir::Graph wider = Parsed(R"(input %x : f32[1, 2, 3, 1]
    const %c : f32[4, 1] = {1, 2, 3, 4}
    %t = transpose(%x) {perm = [0, 2, 3, 1]}
    %y = add(%t, %c)
    output %y)");
  BodyAfter(SinkTransposes, wider, 0, 0);
}

TEST(SinkTransposes, StayWhereOthersReadThem) {
  BodyAfter(SinkTransposes, Parsed(R"(input %x : f32[2, 3]
    %t = transpose(%x) {perm = [1, 0]}
    %y = relu(%t)
    output %y
    output %t)"),
            0, 0);
}

}  // namespace
}  // namespace tf2::passes
