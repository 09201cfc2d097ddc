// detection_output, roi_pool and proposal: cases by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "interp/interpreter.h"

namespace tf2::interp {
namespace {

using ir::OpKind;
using ir::Shape;
using ir::Tensor;
using Attrs = std::map<std::string, ir::Attr>;
using testing::ElementsAre;
using testing::FloatNear;

// One node on run-time inputs.
Result<Tensor> RunOne(OpKind kind, const std::vector<Tensor>& inputs, Attrs attrs) {
  ir::Graph g;
  for (const Tensor& t : inputs) g.inputs.push_back(g.AddValue("x", t.dtype, t.shape));
  g.outputs = {g.AddNode(kind, "node", g.inputs, std::move(attrs))};
  TF2_RETURN_IF_ERROR(InferShapes(g));
  TF2_RETURN_IF_ERROR(Verify(g));
  TF2_ASSIGN_OR_RETURN(std::vector<Tensor> y, Run(g, inputs));
  return std::move(y[0]);
}

std::vector<float> Row(const Tensor& t, std::size_t row, std::size_t width) {
  const auto first = t.f32.begin() + static_cast<std::ptrdiff_t>(row * width);
  return {first, first + static_cast<std::ptrdiff_t>(width)};
}

// Three default boxes, the first two nearly the same, and scores of background and one class.
const Tensor kPriors = Tensor::Float(
    {1, 2, 12}, {0,    0,    0.5F, 0.5F, 0,    0,    0.5F, 0.4F, 0.5F, 0.5F, 1,    1,
                 0.1F, 0.1F, 0.2F, 0.2F, 0.1F, 0.1F, 0.2F, 0.2F, 0.1F, 0.1F, 0.2F, 0.2F});

TEST(DetectionOutput, DecodesSuppressesAndPads) {
  const Tensor scores = Tensor::Float({1, 6}, {0.1F, 0.9F, 0.2F, 0.8F, 0.4F, 0.6F});
  Tensor locations = Tensor::Float({1, 12}, std::vector<float>(12, 0));
  locations.f32[8] = 1;                    // a tenth of the width to the right
  locations.f32[11] = 5 * std::log(2.0F);  // twice as high
  const auto y = RunOne(OpKind::kDetectionOutput, {locations, scores, kPriors},
                        {{"classes", std::int64_t{2}},
                         {"code", std::string("center_size")},
                         {"nms_threshold", 0.5F},
                         {"score_threshold", 0.5F},
                         {"keep_top_k", std::int64_t{4}}});
  ASSERT_TRUE(y.ok()) << y.error().ToString();
  EXPECT_EQ(y->shape, (Shape{1, 1, 4, 7}));
  EXPECT_THAT(Row(*y, 0, 7), ElementsAre(0, 1, 0.9F, 0, 0, 0.5F, 0.5F));
  EXPECT_THAT(Row(*y, 1, 7),
              ElementsAre(0, 1, 0.6F, FloatNear(0.55F, 1e-6F), FloatNear(0.25F, 1e-6F),
                          FloatNear(1.05F, 1e-6F), FloatNear(1.25F, 1e-6F)));
  EXPECT_THAT(Row(*y, 2, 7), ElementsAre(-1, -1, -1, -1, -1, -1, -1));
}

TEST(DetectionOutput, KeepsTheBestOfAllClassesInTheirOrder) {
  const Tensor scores = Tensor::Float({1, 9}, {0, 0.7F, 0.1F, 0, 0.2F, 0.3F, 0, 0.6F, 0.8F});
  const Tensor locations = Tensor::Float({1, 12}, std::vector<float>(12, 0));
  const auto y = RunOne(OpKind::kDetectionOutput, {locations, scores, kPriors},
                        {{"classes", std::int64_t{3}}, {"keep_top_k", std::int64_t{2}}});
  ASSERT_TRUE(y.ok()) << y.error().ToString();
  EXPECT_THAT(Row(*y, 0, 7), ElementsAre(0, 1, 0.7F, 0, 0, 0.5F, 0.5F));
  EXPECT_THAT(Row(*y, 1, 7), ElementsAre(0, 2, 0.8F, 0.5F, 0.5F, 1, 1));
}

TEST(DetectionOutput, ShapesThatDoNotFit) {
  const Tensor scores = Tensor::Float({1, 5}, std::vector<float>(5, 0));
  const Tensor locations = Tensor::Float({1, 12}, std::vector<float>(12, 0));
  EXPECT_EQ(
      RunOne(OpKind::kDetectionOutput, {locations, scores, kPriors}, {{"classes", std::int64_t{2}}})
          .error()
          .ToString(),
      "node (detection_output): locations [1, 12] and scores [1, 5] do not fit 3 boxes and 2 "
      "classes");
}

TEST(RoiPool, MaximaOfBins) {
  std::vector<float> x(16);
  for (std::size_t i = 0; i < 16; ++i) x[i] = static_cast<float>(i);
  const Tensor regions = Tensor::Float({3, 5}, {0, 0, 0, 6, 6, 0, 2, 2, 4, 4, -1, 0, 0, 0, 0});
  const auto y = RunOne(OpKind::kRoiPool, {Tensor::Float({1, 1, 4, 4}, x), regions},
                        {{"height", std::int64_t{2}}, {"width", std::int64_t{2}}, {"scale", 0.5F}});
  ASSERT_TRUE(y.ok()) << y.error().ToString();
  EXPECT_EQ(y->shape, (Shape{3, 1, 2, 2}));
  // Rows and columns 0-3; 1-2; no region.
  EXPECT_THAT(y->f32, ElementsAre(5, 7, 13, 15, 5, 6, 9, 10, 0, 0, 0, 0));
}

// The nine anchors of the published network at position 0.
TEST(Proposal, AnchorsCutAtThePicture) {
  Tensor scores = Tensor::Float({1, 18, 1, 1}, std::vector<float>(18, 0));
  for (std::size_t i = 0; i < 9; ++i) scores.f32[9 + i] = 0.9F - 0.1F * static_cast<float>(i);
  const Tensor deltas = Tensor::Float({1, 36, 1, 1}, std::vector<float>(36, 0));
  const Tensor picture = Tensor::Float({1, 3}, {1000, 1000, 1});
  const auto y = RunOne(OpKind::kProposal, {scores, deltas, picture},
                        {{"post_nms", std::int64_t{4}}, {"nms_threshold", 1.0F}});
  ASSERT_TRUE(y.ok()) << y.error().ToString();
  EXPECT_EQ(y->shape, (Shape{4, 5}));
  // Published anchors: [-84 -40 99 55], [-176 -88 191 103], [-360 -184 375 199], [-56 -56 71 71];
  // the centre of a box of n pixels is taken half a pixel further right.
  EXPECT_THAT(Row(*y, 0, 5), ElementsAre(0, 0, 0, 100, 56));
  EXPECT_THAT(Row(*y, 1, 5), ElementsAre(0, 0, 0, 192, 104));
  EXPECT_THAT(Row(*y, 2, 5), ElementsAre(0, 0, 0, 376, 200));
  EXPECT_THAT(Row(*y, 3, 5), ElementsAre(0, 0, 0, 72, 72));
}

TEST(Proposal, SuppressesSmallAndOverlappingOnes) {
  Tensor scores = Tensor::Float({1, 2, 1, 2}, {0, 0, 0.5F, 0.7F});
  const Tensor deltas = Tensor::Float({1, 4, 1, 2}, std::vector<float>(8, 0));
  const Attrs attrs = {{"ratios", std::vector<float>{1}},
                       {"scales", std::vector<float>{1}},
                       {"stride", std::int64_t{4}},
                       {"post_nms", std::int64_t{2}},
                       {"nms_threshold", 0.5F}};
  const auto y =
      RunOne(OpKind::kProposal, {scores, deltas, Tensor::Float({1, 3}, {100, 100, 1})}, attrs);
  ASSERT_TRUE(y.ok()) << y.error().ToString();
  EXPECT_THAT(Row(*y, 0, 5), ElementsAre(0, 4, 0, 20, 16));
  EXPECT_THAT(Row(*y, 1, 5), ElementsAre(-1, 0, 0, 0, 0));
  const auto none =
      RunOne(OpKind::kProposal, {scores, deltas, Tensor::Float({1, 3}, {100, 100, 2})}, attrs);
  ASSERT_TRUE(none.ok()) << none.error().ToString();
  EXPECT_THAT(Row(*none, 0, 5), ElementsAre(-1, 0, 0, 0, 0));
}

}  // namespace
}  // namespace tf2::interp
