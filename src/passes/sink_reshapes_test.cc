#include "passes/sink_reshapes.h"

#include <string>

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

TEST(SinkReshapes, PassWhatTreatsAChannelAlike) {
  const std::string body = BodyAfter(SinkReshapes, Parsed(R"(input %x : f32[1, 2, 1, 4]
    const %number : f32[1, 1, 1, 1] = {3}
    const %slope : f32[2, 1] = {0.5, 0.25}
    const %factor : f32[2] = {2, 3}
    %s = squeeze(%x) {axes = [2]}
    %r = unary(%s) {fn = "tanh"}
    %p = prelu(%r, %slope)
    %f = scale(%p, %factor)
    %y = relu(%f)
    output %y)"),
                                     4);
  EXPECT_EQ(body,
            "%r.early = unary(%x) as \"r\" {fn = \"tanh\"}\n"
            "%p.early = prelu(%r.early, %slope.1) as \"p\"\n"
            "%f.early = scale(%p.early, %factor) as \"f\"\n"
            "%y.early = relu(%f.early) as \"y\"\n"
            "%y = reshape(%y.early) as \"y.early\" {shape = [1, 2, 4]}\noutput %y\n");
}

TEST(SinkReshapes, PassWhatJoinsSeveral) {
  const std::string body = BodyAfter(SinkReshapes, Parsed(R"(input %x : f32[1, 2, 2, 3]
    input %z : f32[1, 2, 2, 3]
    %a = reshape(%x) {shape = [1, 2, 6]}
    %b = reshape(%z) {shape = [1, 2, 6]}
    %s = add(%a, %b)
    %y = concat(%s, %a) {axis = 1}
    output %y)"),
                                     2);
  EXPECT_EQ(body,
            "%s.early = add(%x, %z) as \"s\"\n"
            "%y.early = concat(%s.early, %x) as \"y\" {axis = 1}\n"
            "%y = reshape(%y.early) as \"y.early\" {shape = [1, 4, 6]}\noutput %y\n");
}

TEST(SinkReshapes, SlicesOfAConvolutionPassWhatJoinsIt) {
  const auto graph = [](const std::string& slice, const std::string& reader) {
    return Parsed(R"(input %x : f32[1, 3, 3, 4]
    const %w : f32[3, 1, 1, 1] = {1, 2, 3}
    const %f : f32[3] = {1, 10, 100}
    %c = conv(%x, %w) {groups = 3}
    %s = slice(%c) {)" +
                  slice + "}\n%y = " + reader + "\noutput %y");
  };
  EXPECT_EQ(
      BodyAfter(SinkReshapes, graph("axes = [3], ends = [3], starts = [1]", "scale(%s, %f)"), 1),
      "%c = conv(%x, %w) {groups = 3}\n%y.early = scale(%c, %f) as \"y\"\n"
      "%y = slice(%y.early) as \"y.early\" {axes = [3], ends = [3], starts = [1]}\n"
      "output %y\n");
  for (const auto& [slice, reader] : std::vector<std::pair<std::string, std::string>>{
           {"axes = [3], ends = [2], starts = [1]", "relu(%s)"},                       // few
           {"axes = [1], ends = [2], starts = [1]", "relu(%s)"},                       // channels
           {"axes = [1], ends = [-4], starts = [-1], steps = [-1]", "scale(%s, %f)"},  // turned
           {"axes = [3], ends = [3], starts = [1]", "unary(%s) {fn = \"sigmoid\"}"}}) {
    BodyAfter(SinkReshapes, graph(slice, reader), 0);
  }
  // Of no convolution.
  BodyAfter(SinkReshapes, Parsed(R"(input %x : f32[1, 3, 3, 4]
    %s = slice(%x) {axes = [3], ends = [3], starts = [1]}
    %y = relu(%s)
    output %y)"),
            0);
}

TEST(SinkReshapes, StayBeforeWhatKnowsTheAxes) {
  for (const char* reader : {"%y = add(%s, %column)", "%y = softmax(%s) {axis = 2}",
                             "%y = concat(%s, %s) {axis = 2}", "%y = mul(%s, %t)"}) {
    BodyAfter(SinkReshapes, Parsed(std::string(R"(input %x : f32[1, 2, 1, 4]
    input %z : f32[1, 2, 4, 1]
    const %column : f32[4] = {1, 2, 3, 4}
    %s = reshape(%x) {shape = [1, 2, 4]}
    %t = reshape(%z) {shape = [1, 2, 4]}
    )") + reader + "\noutput %y"),
              0);
  }
  // Channels that the reshape mixes.
  BodyAfter(SinkReshapes, Parsed(R"(input %x : f32[1, 4, 1, 2]
    %s = reshape(%x) {shape = [1, 2, 4]}
    %y = relu(%s)
    output %y)"),
            0);
}

TEST(SinkReshapes, LayersOverSignalsMeet) {
  ir::Graph g = Parsed(R"(input %x : f32[1, 2, 8]
    const %w : f32[2, 2, 1, 3] = {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}
    %a = unsqueeze(%x) {axes = [2]}
    %b = conv(%a, %w) {pads = [0, 1, 0, 1]}
    %c = squeeze(%b) {axes = [2]}
    %d = relu(%c)
    %e = unsqueeze(%d) {axes = [2]}
    %f = conv(%e, %w) {pads = [0, 1, 0, 1]}
    %g = squeeze(%f) {axes = [2]}
    %y = add(%g, %x)
    output %y)");
  const ir::Graph before = g;
  ASSERT_TRUE(RunPipeline(g).ok());
  ExpectSameResults(before, g);
  const std::string body = Body(g);
  EXPECT_EQ(body.find("squeeze(%b"), std::string::npos) << body;
  EXPECT_NE(body.find("relu = 1"), std::string::npos) << body;
}

}  // namespace
}  // namespace tf2::passes
