#include "ir/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

#include "ir/base64.h"

namespace tf2::ir {
namespace {

using testing::HasSubstr;

constexpr const char* kGolden = R"(graph "a \"small\" net" {
  macs 8
  input %x : f32[1, 2, 2, 2]
  const %w : f32[2, 2, 1, 1] = {1, -0.1, 1e-45, 3.4028235e+38}
  const %m : f32[2] = {0.5, 0.33333334}
  const %big : f32[17] = base64 "AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8="
  const %axis : i64[] = {1}
  %conv1 = conv(%x, %w, _, %x) as "layer 1" {pads = [0, 0, 0, 0], relu = 1} : f32[1, 2, 2, 2]
  %"a b\x0a\\" = avg_pool(%conv1) {divisor = "caffe", kernel = [2, 2]} : f32[1, 2, 1, 1]
  %bn = batch_norm(%"a b\x0a\\", %m, %m) {epsilon = 1e-05} : f32[1, 2, 1, 1]
  output %bn
}
)";

TEST(Text, RoundTripsToTheSameBytes) {
  const auto g = ParseText(kGolden);
  ASSERT_TRUE(g.ok()) << g.error().ToString();
  EXPECT_EQ(ToText(*g), kGolden);
  EXPECT_TRUE(Verify(*g).ok());
  EXPECT_EQ(g->nodes[0].name, "layer 1");
  EXPECT_EQ(g->value(g->nodes[1].outputs[0]).name, "a b\n\\");
  EXPECT_EQ(g->macs, 8);
}

TEST(Text, EveryFloatSurvives) {
  Graph g;
  std::uint32_t bits = 1;
  for (int count : {5, 1000}) {
    std::vector<float> data;
    for (int i = 0; i < count; ++i) {
      bits = bits * 1664525 + 1013904223;
      float f = 0;
      std::memcpy(&f, &bits, sizeof f);
      data.push_back(f == f ? f : 0);
    }
    data.push_back(-0.0F);
    data.push_back(std::numeric_limits<float>::denorm_min());
    g.AddConstant("c", Tensor::Float({count + 2}, data));
  }
  const auto parsed = ParseText(ToText(g));
  ASSERT_TRUE(parsed.ok()) << parsed.error().ToString();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& a = g.values[i].constant->f32;
    const auto& b = parsed->values[i].constant->f32;
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
  }
}

TEST(Text, SummaryOmitsLargeConstants) {
  Graph g;
  g.AddConstant("c", Tensor::Int({17}, std::vector<std::int64_t>(17, 3)));
  const std::string text = ToText(g, ConstantText::kSummary);
  EXPECT_THAT(text, HasSubstr("const %c : i64[17] = omitted "));
  const auto parsed = ParseText(text);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().ToString(),
            "text:2:24: the constant was omitted when the graph was printed");
}

std::string ErrorOf(const std::string& text) {
  const auto g = ParseText(text, "net.txt");
  return g.ok() ? "parsed" : g.error().ToString();
}

TEST(Text, ErrorsAreLocated) {
  EXPECT_EQ(ErrorOf(""), "net.txt:1:1: the text ends where graph should be");
  EXPECT_EQ(ErrorOf("graph g"), "net.txt:1:7: g instead of the graph's name in quotes");
  EXPECT_EQ(ErrorOf("graph \"g\" {\n  input %x f32[1]"), "net.txt:2:12: f32 instead of :");
  EXPECT_EQ(ErrorOf("graph \"g\" {\n  input %x : f16[1]"),
            "net.txt:2:14: f16 instead of f32 or i64");
  EXPECT_EQ(ErrorOf("graph \"g\" {\n  input %x : f32[0]"),
            "net.txt:2:14: shape [0] has a dimension of 0");
  EXPECT_EQ(ErrorOf("graph \"g\" {\n  %y = relu(%x)"), "net.txt:2:13: %x is not defined before");
  EXPECT_EQ(ErrorOf("graph \"g\" {\n  %y = warp(%x)"),
            "net.txt:2:8: warp instead of the name of an operator");
  EXPECT_EQ(ErrorOf("graph \"g\" { input %x : f32[1] input %x : f32[1] }"),
            "net.txt:1:37: %x is defined twice");
  EXPECT_EQ(ErrorOf("graph \"g\" { input %x : f32[1] %y = relu(%x) {a = 1} }"),
            "net.txt:1:46: a instead of an attribute of relu");
  EXPECT_EQ(ErrorOf("graph \"g\" { input %x : f32[1] %y = relu(%x, %x) }"),
            "net.txt:1:31: y (relu): 2 inputs, 1 to 1 are legal");
  EXPECT_EQ(ErrorOf("graph \"g\" { input %x : f32[1]\n %y = relu(%x) : f32[2] }"),
            "net.txt:2:18: %y is f32[1], not f32[2]");
  EXPECT_EQ(ErrorOf("graph \"g\" { const %c : f32[3] = {1, 2} }"),
            "net.txt:1:33: 2 elements instead of 3");
  EXPECT_EQ(ErrorOf("graph \"g\" { const %c : f32[1] = base64 \"AAAA\" }"),
            "net.txt:1:33: the base64 is damaged");
  EXPECT_EQ(ErrorOf("graph \"g\" { const %c : f32[1] = {1e99} }"),
            "net.txt:1:34: 1e99 instead of a number");
  EXPECT_EQ(ErrorOf("graph \"g"), "net.txt:1:7: the string does not end on its line");
  EXPECT_EQ(ErrorOf("graph \"\\q\""), "net.txt:1:7: unknown escape in a string");
  EXPECT_EQ(ErrorOf("graph \"g\" { ; }"), "net.txt:1:13: unexpected byte 0x3b");
  EXPECT_EQ(ErrorOf("graph \"g\" { } x"), "net.txt:1:15: x instead of the end");
  EXPECT_EQ(ErrorOf("# nothing\ngraph \"g\" { # here\n} # end"), "parsed");
}

// Damaged text is refused or parsed, never worse.
TEST(Text, DamagedTextIsHarmless) {
  std::uint32_t state = 7;
  const auto random = [&state](std::size_t n) {
    state = state * 1664525 + 1013904223;
    return static_cast<std::size_t>(state >> 8) % n;
  };
  const std::string golden = kGolden;
  for (int i = 0; i < 3000; ++i) {
    std::string text = golden;
    for (std::size_t edits = 1 + random(4); edits > 0; --edits) {
      const std::size_t at = random(text.size());
      switch (random(3)) {
        case 0:
          text[at] = golden[random(golden.size())];
          break;
        case 1:
          text.erase(at, 1 + random(20));
          break;
        case 2:
          text.insert(at, golden.substr(random(golden.size()), random(20)));
          break;
      }
    }
    const auto g = ParseText(text);
    if (!g.ok()) continue;
    const auto again = ParseText(ToText(*g));
    ASSERT_TRUE(again.ok()) << again.error().ToString();
    EXPECT_EQ(ToText(*again), ToText(*g));
  }
}

TEST(Base64, KnownAnswersAndDamage) {
  const auto encode = [](std::string_view s) {
    return ToBase64({reinterpret_cast<const std::uint8_t*>(s.data()), s.size()});
  };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  for (const char* bad : {"Z", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9!", "Zm9="}) {
    EXPECT_FALSE(FromBase64(bad).has_value()) << bad;
  }
  EXPECT_EQ(FromBase64("Zm8="), (std::vector<std::uint8_t>{'f', 'o'}));
}

}  // namespace
}  // namespace tf2::ir
