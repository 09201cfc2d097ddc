// COCO's and VOC's annotations.
#include "dataset/truth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"

namespace tf2::dataset {
namespace {

constexpr const char* kCoco = R"({
  "images": [{"id": 7, "file_name": "a/b.jpg", "width": 40, "height": 30},
             {"id": 3, "file_name": "c.jpg", "width": 20, "height": 10}],
  "annotations": [{"image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4.5], "iscrowd": 1},
                  {"image_id": 7, "category_id": 1, "bbox": [0, 0, 40, 30], "ignore": 1}],
  "categories": [{"id": 1, "name": "face"}]})";

constexpr const char* kVoc = R"(<annotation><folder>VOC</folder><filename>x.jpg</filename>
  <size><width>500</width><height>375</height><depth>3</depth></size>
  <object><name>dog</name><difficult>0</difficult>
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>
  <object><name>cat</name><difficult>1</difficult>
    <bndbox><xmin>3</xmin><ymin>3</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></object>
</annotation>)";

TEST(Truth, OfCoco) {
  const auto truth = ParseCoco(kCoco);
  ASSERT_TRUE(truth.ok()) << truth.error().ToString();
  ASSERT_EQ(truth->pictures.size(), 2U);
  EXPECT_EQ(truth->pictures[0].file_name, "b.jpg");
  ASSERT_EQ(truth->boxes.size(), 2U);
  EXPECT_EQ(truth->boxes[0].image, 1);
  EXPECT_EQ(truth->boxes[0].box, (Box{1, 2, 4, 6.5}));
  EXPECT_TRUE(truth->boxes[0].crowd);
  EXPECT_TRUE(truth->boxes[1].ignore);
  EXPECT_EQ(truth->categories.at(1), "face");
}

TEST(Truth, LabelsNumberTheCategoriesOfCoco) {
  const std::string path = testing::TempDir() + "tf2_truth_test.annotations";
  std::string json = kCoco;
  json.replace(json.find("\"category_id\": 2"), 16, "\"category_id\": 1");
  ASSERT_TRUE(WriteFileAtomically(path, std::string_view(json)).ok());
  const auto truth = ReadTruth(path, {"background", "hand", "face"});
  ASSERT_TRUE(truth.ok()) << truth.error().ToString();
  EXPECT_EQ(truth->boxes[0].category, 2);
  EXPECT_EQ(truth->boxes[1].category, 2);
  EXPECT_THAT(truth->categories, testing::ElementsAre(testing::Pair(2, "face")));
  EXPECT_THAT(ReadTruth(path, {"background", "hand"}).error().ToString(),
              testing::HasSubstr("category 1 has no name among the labels"));
  std::filesystem::remove(path);
}

TEST(Truth, CocoThatIsNone) {
  const auto refusal = [](std::string_view json) { return ParseCoco(json).error().ToString(); };
  EXPECT_EQ(refusal("[1]"), "this is no JSON object");
  EXPECT_EQ(refusal("{"), "this is no JSON object");
  EXPECT_EQ(refusal("{}"),
            "it has no list \"images\"\n  hint: docs/howto/evaluate.md states the "
            "format");
  EXPECT_EQ(refusal(R"({"images": [{"id": 1, "width": 2}], "annotations": []})"),
            "images[0]: it has no number \"height\"");
  EXPECT_EQ(refusal(R"({"images": [{"id": 1, "width": 2, "height": 1e14, "file_name": "a"}]})"),
            "images[0]: its size is 2 x 100000000000000");
  EXPECT_EQ(refusal(R"({"images": [], "annotations": [{"image_id": 4}]})"),
            "annotations[0]: no image has the id 4");
  EXPECT_EQ(refusal(R"({"images": [{"id": 1, "width": 2, "height": 2, "file_name": "a"}],
                        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2]}]})"),
            "annotations[0]: bbox is not [x, y, width, height]");
}

TEST(Truth, OfAVocFolder) {
  const std::string folder = testing::TempDir() + "tf2_truth_test";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(WriteFileAtomically(folder + "/x.xml", std::string_view(kVoc)).ok());
  const auto sorted = ReadTruth(folder, {});
  ASSERT_TRUE(sorted.ok()) << sorted.error().ToString();
  ASSERT_EQ(sorted->boxes.size(), 2U);
  EXPECT_EQ(sorted->boxes[0].category, 2);  // cat, dog
  EXPECT_EQ(sorted->boxes[0].box, (Box{0, 1, 10, 20}));
  EXPECT_TRUE(sorted->boxes[1].ignore);
  const auto named = ReadTruth(folder, {"background", "dog", "cat"});
  ASSERT_TRUE(named.ok()) << named.error().ToString();
  EXPECT_EQ(named->boxes[0].category, 1);
  EXPECT_THAT(ReadTruth(folder, {"background", "dog"}).error().ToString(),
              testing::HasSubstr("no class is called \"cat\""));
  std::filesystem::remove_all(folder);
}

TEST(Truth, VocThatIsNone) {
  Truth truth;
  std::vector<std::string> names;
  EXPECT_EQ(ParseVoc("<html>", truth, names).error().ToString(), "this is no VOC annotation");
  EXPECT_EQ(ParseVoc("<annotation><filename>a</filename>", truth, names).error().ToString(),
            "<size> is missing");
}

}  // namespace
}  // namespace tf2::dataset
