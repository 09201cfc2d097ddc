#include "passes/identity_removal.h"

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

TEST(IdentityRemoval, DropsWhatChangesNothing) {
  const ir::Graph g = Parsed(R"(input %x : f32[1, 2, 3, 3]
    %a = relu(%x)
    %b = identity(%a)
    %c = concat(%b)
    %d = pad(%c) {pads = [0, 0, 0, 0, 0, 0, 0, 0]}
    %e = max_pool(%d) {kernel = [1, 1]}
    %f = slice(%e) {starts = [0], ends = [99], axes = [2]}
    %h = cast(%f) {to = "f32"}
    %i = reshape(%h) {shape = [1, 2, 3, 3]}
    %j = relu(%i)
    output %j)");
  EXPECT_EQ(BodyAfter(RemoveIdentities, g, 7, 0), "%a = relu(%x)\n%j = relu(%a)\noutput %j\n");
}

TEST(IdentityRemoval, KeepsWhatOnlyLooksLikeOne) {
  const std::string lines = R"(input %x : f32[1, 2, 3, 3]
    %a = slice(%x) {starts = [-1], ends = [-99], axes = [2], steps = [-1]}
    %b = concat(%a, %a) {axis = 1}
    %c = max_pool(%b) {kernel = [3, 3], pads = [1, 1, 1, 1]}
    output %c)";
  const ir::Graph g = Parsed(lines);
  EXPECT_EQ(BodyAfter(RemoveIdentities, g, 0), Body(g));
}

TEST(IdentityRemoval, DropsAResizeOnlyWhereItsPositionsAreTheElements) {
  const auto resized = [](const std::string& attrs) {
    return Parsed(
        "input %x : f32[1, 1, 1, 3]\n%a = resize(%x) {sizes = [1, 1, 1, 3], mode = "
        "\"linear\"" +
        attrs + "}\n%y = relu(%a)\noutput %y");
  };
  BodyAfter(RemoveIdentities, resized(""), 1, 0);
  BodyAfter(RemoveIdentities, resized(", coordinates = \"align_corners\""), 1, 0);
  BodyAfter(RemoveIdentities, resized(", coordinates = \"tf_half_pixel_for_nn\""), 0, 0);
}

TEST(IdentityRemoval, KeepsTheNamesOfOutputs) {
  const ir::Graph g = Parsed(R"(input %x : f32[1, 2]
    %a = relu(%x)
    %b = relu(%a)
    %y = identity(%a)
    output %y
    output %b)");
  EXPECT_EQ(BodyAfter(RemoveIdentities, g, 1),
            "%y = relu(%x) as \"a\"\n%b = relu(%y)\noutput %y\noutput %b\n");
}

TEST(IdentityRemoval, KeepsAnIdentityBetweenInputAndOutput) {
  const ir::Graph g = Parsed("input %x : f32[1, 2]\n%y = identity(%x)\noutput %y\noutput %x");
  EXPECT_EQ(BodyAfter(RemoveIdentities, g, 0), Body(g));
}

TEST(IdentityRemoval, GivesFlatteningOneForm) {
  for (const char* node :
       {"reshape(%x) {shape = [1, -1]}", "squeeze(%x) {axes = [2, 3]}", "flatten(%x)"}) {
    const ir::Graph g =
        Parsed(std::string("input %x : f32[1, 8, 1, 1]\n%y = ") + node + "\noutput %y");
    const int changes = std::string(node) == "flatten(%x)" ? 0 : 1;
    EXPECT_EQ(BodyAfter(RemoveIdentities, g, changes), "%y = flatten(%x)\noutput %y\n");
  }
  const ir::Graph g = Parsed(R"(input %x : f32[2, 2, 3, 3]
    %a = reshape(%x) {shape = [2, 6, 3]}
    %b = unsqueeze(%a) {axes = [0]}
    %y = reshape(%b) {shape = [2, 18]}
    output %y)");
  EXPECT_EQ(BodyAfter(RemoveIdentities, g, 3), "%y = flatten(%x)\noutput %y\n");
}

}  // namespace
}  // namespace tf2::passes
