#include "passes/fold_channel_groups.h"

#include <string>

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

TEST(FoldChannelGroups, SplitAttention) {
  const std::string body = BodyAfter(FoldChannelGroups, Parsed(R"(input %x : f32[2, 6, 2, 3]
    input %z : f32[2, 6, 1, 1]
    %b = reshape(%x) {shape = [2, 2, 3, 2, 3]}
    %d = reshape(%z) {shape = [2, 2, 3, 1, 1]}
    %c = mul(%b, %d)
    %y = reduce(%c) {axes = [1], fn = "sum", keep = 0}
    output %y)"),
                                     2);
  EXPECT_EQ(body,
            "%c/folded = mul(%x, %z) as \"c\"\n"
            "%y/group = slice(%c/folded) {axes = [1], ends = [3], starts = [0], steps = "
            "[1]}\n"
            "%y/group.1 = slice(%c/folded) {axes = [1], ends = [6], starts = [3], steps = "
            "[1]}\n"
            "%y = add(%y/group, %y/group.1)\noutput %y\n");
}

TEST(FoldChannelGroups, StackedBranches) {
  const std::string body = BodyAfter(FoldChannelGroups, Parsed(R"(input %x : f32[2, 3, 2, 3]
    input %z : f32[2, 3, 2, 3]
    %a = unsqueeze(%x) {axes = [1]}
    %b = unsqueeze(%z) {axes = [1]}
    %s = concat(%a, %b) {axis = 1}
    %t = sub(%s, %s)
    %y = reduce(%s) {axes = [-4], fn = "sum", keep = 1}
    output %y
    output %t)"),
                                     3);
  EXPECT_NE(body.find("%s/folded = concat(%x, %z) as \"s\" {axis = 1}\n"), std::string::npos)
      << body;
  EXPECT_NE(body.find("sub(%s/folded, %s/folded) as \"t\"\n"), std::string::npos) << body;
  EXPECT_EQ(body.find("reduce"), std::string::npos) << body;
}

// Operands that every position has of its own, in both orders, and constants.
TEST(FoldChannelGroups, OtherOperands) {
  for (const char* arithmetic :
       {"%y = sub(%k, %b)", "%y = div(%b, %k)", "%y = add(%b, %m)", "%y = mul(%one, %b)"}) {
    const std::string body = BodyAfter(FoldChannelGroups, Parsed(std::string(R"(
    input %x : f32[1, 4, 1, 3]
    input %m : f32[1, 2, 2, 1, 3]
    const %k : f32[1, 2, 2, 1, 1] = {1, 2, 3, 4}
    const %one : f32[1, 2, 2, 1, 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
    %b = reshape(%x) {shape = [1, 2, 2, 1, 3]}
    )") + arithmetic + "\noutput %y"),
                                       1);
    EXPECT_NE(body.find("as \"y\"\n"), std::string::npos) << body;
  }
}

TEST(FoldChannelGroups, LeavesWhatLooksAtGroups) {
  for (const char* reader : {"%y = mul(%b, %of_groups)", "%y = mul(%b, %number)",
                             "%y = reduce(%b) {axes = [2], fn = \"sum\", keep = 0}",
                             "%y = reduce(%b) {axes = [1], fn = \"max\", keep = 0}",
                             "%y = reduce(%b) {axes = [1, 2], fn = \"sum\", keep = 0}",
                             "%y = concat(%b, %b) {axis = 1}", "%y = concat(%b, %b) {axis = 2}"}) {
    BodyAfter(FoldChannelGroups, Parsed(std::string(R"(input %x : f32[1, 4, 1, 3]
    const %of_groups : f32[1, 2, 1, 1, 1] = {1, 2}
    const %number : f32[1] = {3}
    %b = reshape(%x) {shape = [1, 2, 2, 1, 3]}
    )") + reader + "\noutput %y"),
              0);
  }
  // Groups that are no reshape of maps; too many.
  BodyAfter(FoldChannelGroups, Parsed(R"(input %x : f32[1, 2, 2, 1, 3]
    %c = mul(%x, %x)
    %y = reduce(%c) {axes = [1], fn = "sum", keep = 0}
    output %y)"),
            0);
  BodyAfter(FoldChannelGroups, Parsed(R"(input %x : f32[1, 18, 1, 3]
    %b = reshape(%x) {shape = [1, 9, 2, 1, 3]}
    %y = reduce(%b) {axes = [1], fn = "sum", keep = 0}
    output %y)"),
            0);
}

}  // namespace
}  // namespace tf2::passes
