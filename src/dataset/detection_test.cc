// Scores of detectors against cases counted by hand.
#include "dataset/detection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tf2::dataset {
namespace {

// A square of side 10 in picture `image`, `shift` to the right of the one at 0.
TrueBox Object(std::int64_t image, double shift = 0, int category = 1) {
  return {.image = image, .category = category, .box = {shift, 0, shift + 10, 10}};
}
FoundBox Found(std::int64_t image, double score, double shift = 0, int category = 1) {
  return {.image = image, .category = category, .score = score, .box = {shift, 0, shift + 10, 10}};
}

TEST(Iou, OfBoxes) {
  EXPECT_DOUBLE_EQ(Iou({0, 0, 10, 10}, {0, 0, 10, 10}), 1);
  EXPECT_DOUBLE_EQ(Iou({0, 0, 10, 10}, {5, 0, 15, 10}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(Iou({0, 0, 10, 10}, {10, 0, 20, 10}), 0);
  EXPECT_DOUBLE_EQ(Iou({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
  EXPECT_DOUBLE_EQ(Iou({4, 4, 2, 2}, {0, 0, 10, 10}), 0);
}

// Four objects; by score: right, wrong, right, a second time, right. Precision at the three hits:
// 1, 2/3, 3/5 at recall 1/4, 2/4, 3/4; the fourth is never found.
class VocCase : public testing::Test {
 protected:
  const std::vector<TrueBox> truth = {Object(0), Object(0, 100), Object(1), Object(2)};
  const std::vector<FoundBox> found = {Found(0, 0.5, 100), Found(0, 0.9), Found(1, 0.8, 50),
                                       Found(1, 0.7, 2), Found(0, 0.6, 1)};
};

TEST_F(VocCase, AllPoints) {
  // By score: 0.9 right, 0.8 wrong, 0.7 right, 0.6 the first object again, 0.5 right.
  EXPECT_NEAR(*VocAveragePrecision(truth, found, 1, 0.5, Interpolation::kAllPoints),
              0.25 * (1 + 2.0 / 3 + 0.6), 1e-12);
}

TEST_F(VocCase, ElevenPoints) {
  // Recall 0, 0.1, 0.2: 1; 0.3, 0.4, 0.5: 2/3; 0.6, 0.7: 0.6; beyond 0.75: 0.
  EXPECT_NEAR(*VocAveragePrecision(truth, found, 1, 0.5, Interpolation::k11Points),
              (3 + 3 * 2.0 / 3 + 2 * 0.6) / 11, 1e-12);
}

TEST_F(VocCase, DifficultObjectsCountNeitherWay) {
  std::vector<TrueBox> some = truth;
  some[1].ignore = true;  // found with score 0.5
  some[3].ignore = true;  // never found
  EXPECT_NEAR(*VocAveragePrecision(some, found, 1, 0.5, Interpolation::kAllPoints),
              0.5 * (1 + 2.0 / 3), 1e-12);
  EXPECT_EQ(VocAveragePrecision(some, found, 7, 0.5, Interpolation::kAllPoints), std::nullopt);
}

TEST_F(VocCase, MeanOverCategoriesWithObjects) {
  std::vector<TrueBox> both = truth;
  both.push_back(Object(0, 0, 2));
  std::vector<FoundBox> all = found;
  all.push_back(Found(0, 0.3, 0, 2));
  all.push_back(Found(0, 0.3, 0, 3));  // a category without objects
  EXPECT_NEAR(VocMeanAveragePrecision(both, all, 0.5, Interpolation::kAllPoints),
              (0.25 * (1 + 2.0 / 3 + 0.6) + 1) / 2, 1e-12);
  EXPECT_EQ(VocMeanAveragePrecision({}, all, 0.5, Interpolation::kAllPoints), 0);
}

TEST(CocoAp, HundredAndOnePoints) {
  // Two objects, the better detection wrong: precision 1/2 at recall 1/2; the second is not found.
  const std::vector<TrueBox> truth = {Object(0), Object(1)};
  const std::vector<FoundBox> found = {Found(0, 0.9, 50), Found(0, 0.8)};
  EXPECT_NEAR(*CocoAveragePrecision(truth, found, 1, 0.5), 51 * 0.5 / 101, 1e-12);
}

TEST(CocoAp, OverlapsFromHalfTo95Percent) {
  // Shifted by 1 of 10: IoU 9/11 = 0.818, right at 0.50 ... 0.80: seven of ten.
  const CocoScores scores = CocoEvaluate(std::vector{Object(0)}, std::vector{Found(0, 0.5, 1)});
  EXPECT_NEAR(scores.ap, 0.7, 1e-12);
  EXPECT_DOUBLE_EQ(scores.ap50, 1);
  EXPECT_DOUBLE_EQ(scores.ap75, 1);
}

TEST(CocoAp, ADetectionTakesAFreeObject) {
  // Both lie nearest to the first object; COCO gives the second one to the other detection, VOC
  // calls it a repetition.
  const std::vector<TrueBox> truth = {Object(0, 0), Object(0, 4)};
  const std::vector<FoundBox> found = {Found(0, 0.9, 0), Found(0, 0.8, 1.5)};
  EXPECT_NEAR(*CocoAveragePrecision(truth, found, 1, 0.5), 1, 1e-12);
  EXPECT_NEAR(*VocAveragePrecision(truth, found, 1, 0.5, Interpolation::kAllPoints), 0.5, 1e-12);
}

TEST(CocoAp, CrowdsAreFoundAnyNumberOfTimes) {
  TrueBox crowd = Object(0, 100);
  crowd.box.x1 = 200;
  crowd.crowd = true;
  const std::vector<TrueBox> truth = {Object(0), crowd};
  const std::vector<FoundBox> found = {Found(0, 0.9, 110), Found(0, 0.8, 150), Found(0, 0.7)};
  EXPECT_NEAR(*CocoAveragePrecision(truth, found, 1, 0.5), 1, 1e-12);
}

TEST(CocoAp, AtMostAHundredOfAPicture) {
  std::vector<FoundBox> found(100, Found(0, 0.9, 50));
  found.push_back(Found(0, 0.5));
  EXPECT_EQ(*CocoAveragePrecision(std::vector{Object(0)}, found, 1, 0.5), 0);
  found[0].image = 1;
  EXPECT_GT(*CocoAveragePrecision(std::vector{Object(0)}, found, 1, 0.5), 0);
}

TEST(Recall, AtFalsePositivesAndAtAScore) {
  const std::vector<TrueBox> truth = {Object(0), Object(0, 100), Object(1), Object(2)};
  const std::vector<FoundBox> found = {Found(0, 0.9), Found(1, 0.8, 50), Found(1, 0.7),
                                       Found(0, 0.6, 50), Found(0, 0.6, 100)};
  const auto curve = RecallCurve(truth, found, 4, 0.5);
  ASSERT_EQ(curve.size(), 4U);
  EXPECT_DOUBLE_EQ(curve[3].recall, 0.75);
  EXPECT_DOUBLE_EQ(curve[3].false_positives_per_image, 0.5);
  EXPECT_DOUBLE_EQ(RecallAtFalsePositives(curve, 0), 0.25);
  EXPECT_DOUBLE_EQ(RecallAtFalsePositives(curve, 0.25), 0.5);
  EXPECT_DOUBLE_EQ(RecallAtFalsePositives(curve, 1), 0.75);
  EXPECT_DOUBLE_EQ(RecallAtScore(curve, 0.75), 0.25);
  EXPECT_DOUBLE_EQ(RecallAtScore(curve, 0.95), 0);
  EXPECT_TRUE(RecallCurve(truth, {}, 4, 0.5).empty());
}

TEST(Suppression, KeepsTheBestOfEachPlace) {
  const auto kept = SuppressOverlaps(
      {Found(0, 0.5, 1), Found(0, 0.9, 0), Found(0, 0.4, 8), Found(1, 0.1, 1), Found(0, 0.2, 0, 2)},
      0.5);
  ASSERT_EQ(kept.size(), 4U);
  EXPECT_DOUBLE_EQ(kept[0].score, 0.9);
  EXPECT_DOUBLE_EQ(kept[1].score, 0.4);
}

}  // namespace
}  // namespace tf2::dataset
