#include "dataset/detector_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tf2::dataset {
namespace {

TEST(DetectorOutputs, Rows) {
  const std::vector<OutputForm> outputs = {{"detection_out", {1, 1, 3, 7}}};
  const auto form = DetectorFormOf(outputs);
  ASSERT_TRUE(form.ok()) << form.error().ToString();
  const std::vector<std::vector<float>> values = {
      {0, 2, 0.5F, 0, 0, 1, 1, 0, 1, 0.75F, 0.25F, 0, 1, 1, -1, -1, -1, -1, -1, -1, -1}};
  const auto found = DecodeDetections(*form, values, 9, {});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0].category, 1);
  EXPECT_EQ((*found)[0].image, 9);
  EXPECT_EQ((*found)[0].box, (Box{0.25, 0, 1, 1}));
  EXPECT_EQ((*found)[1].category, 2);
}

TEST(DetectorOutputs, ScoresAndCorners) {
  const std::vector<OutputForm> outputs = {{"boxes", {1, 3, 4}}, {"scores", {1, 3, 2}}};
  const auto form = DetectorFormOf(outputs);
  ASSERT_TRUE(form.ok()) << form.error().ToString();
  const std::vector<std::vector<float>> values = {{0, 0, 1, 1, 0, 0, 1, 0.9F, 0.5F, 0.5F, 1, 1},
                                                  {0.2F, 0.8F, 0.1F, 0.9F, 0.995F, 0.005F}};
  const auto found = DecodeDetections(*form, values, 0, {});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);  // the first is suppressed, the third too unlikely
  EXPECT_FLOAT_EQ(static_cast<float>((*found)[0].score), 0.9F);
}

TEST(DetectorOutputs, OffsetsFromDefaultBoxes) {
  const DetectorForm form = {false, 1, 0, 1, 2};
  DetectorOptions options;
  options.priors = {0.5F, 0.5F, 0.2F, 0.4F};
  const std::vector<std::vector<float>> values = {{1, -1, 0, 0}, {0, 1}};
  const auto found = DecodeDetections(form, values, 0, options);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);
  const Box& b = (*found)[0].box;
  EXPECT_NEAR(b.x0, 0.52 - 0.1, 1e-6);
  EXPECT_NEAR(b.y0, 0.46 - 0.2, 1e-6);
  EXPECT_NEAR(b.x1, 0.52 + 0.1, 1e-6);
  EXPECT_NEAR(b.y1, 0.46 + 0.2, 1e-6);
  options.priors.resize(8);
  EXPECT_EQ(DecodeDetections(form, values, 0, options).error().ToString(),
            "--priors has 2 boxes, the network 1");
}

TEST(DetectorOutputs, OfNoDetector) {
  EXPECT_EQ(DetectorFormOf(std::vector<OutputForm>{{"prob", {1, 1000}}}).error().ToString(),
            "the outputs are not those of a detector: prob [1, 1000]\n  hint: one output of rows "
            "of 7, or scores [n, classes] and boxes [n, 4]; docs/howto/evaluate.md");
}

}  // namespace
}  // namespace tf2::dataset
