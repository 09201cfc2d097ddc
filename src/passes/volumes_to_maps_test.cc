#include "passes/volumes_to_maps.h"

#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "passes/test_util.h"

namespace tf2::passes {
namespace {

std::string Numbers(std::int64_t count) {
  std::mt19937 engine(3);
  std::string text;
  for (std::int64_t i = 0; i < count; ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", static_cast<int>(engine() % 17) - 8);
  }
  return text;
}

// A convolution of x [2, ic, 4, 6, 5] with weights [oc, ic / groups, kernel].
std::string Conv(std::int64_t ic, std::int64_t oc, std::int64_t groups, std::vector<int> kernel,
                 const std::string& attrs) {
  const std::int64_t weights = oc * ic / groups * kernel[0] * kernel[1] * kernel[2];
  return fmt::format(R"(input %x : f32[2, {}, 4, 6, 5]
    const %w : f32[{}, {}, {}, {}, {}] = {{{}}}
    const %b : f32[{}] = {{{}}}
    %y = conv3d(%x, %w, %b) {{groups = {}{}}}
    output %y)",
                     ic, oc, ic / groups, kernel[0], kernel[1], kernel[2], Numbers(weights), oc,
                     Numbers(oc), groups, attrs);
}

TEST(VolumesToMaps, ConvolutionsOfEveryGeometry) {
  const std::vector<std::string> cases = {
      Conv(2, 3, 1, {3, 3, 3}, ", pads = [1, 1, 1, 1, 1, 1]"),
      Conv(2, 3, 1, {3, 3, 3}, ""),
      Conv(2, 3, 1, {2, 3, 2}, ", strides = [2, 2, 2], pads = [0, 1, 0, 1, 1, 1]"),
      Conv(2, 3, 1, {3, 3, 3}, ", strides = [1, 2, 2], pads = [1, 1, 1, 1, 1, 1]"),
      Conv(2, 3, 1, {3, 2, 2}, ", strides = [2, 3, 1], pads = [2, 0, 1, 0, 0, 1]"),
      Conv(2, 3, 1, {2, 2, 2}, ", dilations = [2, 2, 3], pads = [1, 2, 0, 0, 1, 2]"),
      Conv(2, 3, 1, {1, 3, 3}, ", pads = [0, 1, 1, 0, 1, 1]"),
      Conv(2, 3, 1, {1, 1, 1}, ", strides = [2, 2, 2]"),
      Conv(2, 3, 1, {1, 1, 1}, ""),
      Conv(2, 3, 1, {1, 2, 2}, ", strides = [3, 2, 2], pads = [1, 0, 0, 1, 0, 0]"),
      Conv(2, 3, 1, {3, 1, 1}, ", strides = [2, 1, 1], pads = [1, 0, 0, 1, 0, 0]"),
      Conv(4, 4, 4, {3, 3, 3}, ", pads = [1, 1, 1, 1, 1, 1]"),
      Conv(4, 6, 2, {2, 3, 3}, ", strides = [1, 2, 1], pads = [0, 1, 1, 1, 1, 1]"),
      Conv(4, 4, 2, {1, 3, 3}, ", pads = [0, 1, 1, 0, 1, 1]"),
      Conv(4, 4, 2, {3, 1, 1}, ""),
  };
  for (const std::string& text : cases) {
    SCOPED_TRACE(text.substr(text.find("conv3d")));
    const std::string body = BodyAfter(VolumesToMaps, Parsed(text), 1);
    EXPECT_EQ(body.find("conv3d"), std::string::npos) << body;
  }
}

TEST(VolumesToMaps, PoolsOfEveryGeometry) {
  for (const char* pool :
       {"max_pool3d(%x) {kernel = [2, 2, 2], strides = [2, 2, 2]}",
        "max_pool3d(%x) {kernel = [1, 3, 3], strides = [1, 2, 2], pads = [0, 1, 1, 0, 1, 1]}",
        "max_pool3d(%x) {kernel = [3, 1, 1], pads = [1, 0, 0, 1, 0, 0]}",
        "max_pool3d(%x) {kernel = [2, 3, 2], strides = [3, 2, 2], ceil = 1}",
        "max_pool3d(%x) {kernel = [2, 2, 2], dilations = [2, 2, 2]}",
        "avg_pool3d(%x) {kernel = [2, 2, 2], strides = [2, 2, 2]}",
        "avg_pool3d(%x) {kernel = [3, 3, 3], pads = [1, 1, 1, 1, 1, 1]}",
        "avg_pool3d(%x) {kernel = [3, 3, 3], pads = [1, 1, 1, 1, 1, 1], divisor = \"kernel\"}",
        "avg_pool3d(%x) {kernel = [2, 4, 2], strides = [2, 3, 3], ceil = 1}"}) {
    SCOPED_TRACE(pool);
    const std::string body = BodyAfter(
        VolumesToMaps,
        Parsed(std::string("input %x : f32[2, 3, 4, 6, 5]\n%y = ") + pool + "\noutput %y"), 1);
    EXPECT_EQ(body.find("pool3d"), std::string::npos) << body;
  }
}

TEST(VolumesToMaps, FramesLieOneBelowTheOther) {
  EXPECT_EQ(
      BodyAfter(VolumesToMaps, Parsed(Conv(1, 2, 1, {2, 3, 3}, ", pads = [0, 1, 1, 0, 1, 1]")), 1),
      R"(%y/merged = reshape(%x) {shape = [2, 1, 4, 30]}
%y/padded = pad(%y/merged) {pads = [0, 0, 0, 0, 0, 0, 0, 5]}
%y/frames = slice(%y/padded) {axes = [2], ends = [3], starts = [0], steps = [1]}
%y/frames.1 = slice(%y/padded) {axes = [2], ends = [4], starts = [1], steps = [1]}
%y/side_by_side = concat(%y/frames, %y/frames.1) {axis = 1}
%y/tall = reshape(%y/side_by_side) {shape = [2, 2, 21, 5]}
%y/map = conv(%y/tall, %y/weights, %b) as "y" {dilations = [1, 1], groups = 1, pads = [1, 1, 1, 1], strides = [1, 1]}
%y/by_frame = reshape(%y/map) {shape = [2, 2, 3, 35]}
%y/rows = slice(%y/by_frame) {axes = [3], ends = [30], starts = [0], steps = [1]}
%y = reshape(%y/rows) as "y/volume" {shape = [2, 2, 3, 6, 5]}
output %y
)");
}

TEST(VolumesToMaps, WhatFollowsGetsToTheConvolution) {
  ir::Graph g = Parsed(R"(input %x : f32[1, 1, 3, 4, 5]
    const %w : f32[1, 1, 2, 3, 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9}
    const %m : f32[1] = {3}
    %c = conv3d(%x, %w) {pads = [1, 1, 1, 0, 1, 1]}
    %n = batch_norm(%c, %m, %m)
    %y = relu(%n)
    output %y)");
  const ir::Graph before = g;
  ASSERT_TRUE(RunPipeline(g).ok());
  ExpectSameResults(before, g);
  const std::string body = Body(g);
  EXPECT_EQ(body.find("batch_norm"), std::string::npos) << body;
  EXPECT_NE(body.find("relu = 1"), std::string::npos) << body;
}

TEST(VolumesToMaps, WhatTakesNothingTogetherStays) {
  BodyAfter(VolumesToMaps, Parsed(R"(input %x : f32[1, 2, 3, 3, 3]
    %y = max_pool3d(%x) {kernel = [1, 1, 1]}
    output %y)"),
            0);
}

TEST(VolumesToMaps, WeightsThatAreComputedStay) {
  BodyAfter(VolumesToMaps, Parsed(R"(input %x : f32[1, 2, 3, 3, 3]
    input %w : f32[2, 2, 2, 2, 2]
    %y = conv3d(%x, %w)
    output %y)"),
            0);
}

}  // namespace
}  // namespace tf2::passes
