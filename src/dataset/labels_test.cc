#include "dataset/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace tf2::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(LabelsTest, OneNameALine) {
  const auto labels = ParseLabels("cat\r\n\n great dog \nbird");
  EXPECT_THAT(labels->names, ElementsAre("cat", "great dog", "bird"));
  EXPECT_THAT(labels->ids, IsEmpty());
}

TEST(LabelsTest, IndexedInAnyOrder) {
  EXPECT_THAT(ParseLabels("1, dog\n0, cat, tabby\n")->names, ElementsAre("cat, tabby", "dog"));
  const auto labels = ParseLabels("1\tn00000002\tgreat_shark\n0\tn00000001\ttench\n");
  EXPECT_THAT(labels->names, ElementsAre("tench", "great_shark"));
  EXPECT_THAT(labels->ids, ElementsAre("n00000001", "n00000002"));
}

TEST(LabelsTest, Wnids) {
  const auto labels = ParseLabels("n01440764 tench, Tinca tinca\nn01443537 goldfish\n");
  EXPECT_THAT(labels->names, ElementsAre("tench, Tinca tinca", "goldfish"));
  EXPECT_THAT(labels->ids, ElementsAre("n01440764", "n01443537"));
}

TEST(LabelsTest, NumbersCanBeNames) {
  EXPECT_THAT(ParseLabels("0\n1\n2\n")->names, ElementsAre("0", "1", "2"));
}

TEST(LabelsTest, RefusesBadFiles) {
  EXPECT_FALSE(ParseLabels("").ok());
  EXPECT_FALSE(ParseLabels(" \n\n").ok());
  EXPECT_FALSE(ParseLabels(std::string_view("a\0b", 3)).ok());
  EXPECT_THAT(ParseLabels("0 a\n0 b\n").error().message,
              HasSubstr("line 2: index 0 is there twice"));
  EXPECT_THAT(ParseLabels("0 a\n7 b\n").error().message, HasSubstr("index 7 is too large"));
  EXPECT_THAT(ReadLabels("/none").error().ToString(), HasSubstr("/none"));
}

TEST(LabelsTest, ReadsImageNets) {
  const std::string path = std::string(TF2_SOURCE_DIR) + "/../shared/data/imagenet/labels.txt";
  if (!FileExists(path)) GTEST_SKIP() << "no " << path;
  const auto labels = ReadLabels(path);
  ASSERT_TRUE(labels.ok()) << labels.error().ToString();
  ASSERT_EQ(labels->names.size(), 1000u);
  EXPECT_EQ(labels->names[1], "goldfish");
  EXPECT_EQ(labels->ids[0], "n01440764");
}

}  // namespace
}  // namespace tf2::dataset
