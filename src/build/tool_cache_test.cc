#include "build/tool_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "base/files.h"

namespace tf2::build {
namespace {

class ToolCache : public testing::Test {
 protected:
  void SetUp() override {
    auto scratch = ScratchDir::Create();
    ASSERT_TRUE(scratch.ok());
    scratch_ = std::make_unique<ScratchDir>(*std::move(scratch));
    ASSERT_EQ(setenv("TF2_CACHE", scratch_->path().c_str(), 1), 0);
  }
  void TearDown() override { unsetenv("TF2_CACHE"); }

  std::unique_ptr<ScratchDir> scratch_;
};

TEST_F(ToolCache, MakesAResultOnce) {
  int made = 0;
  auto make = [&made](const std::string& folder) -> Status {
    ++made;
    return WriteFileAtomically(folder + "/result", "42");
  };
  const auto first = CachedFolder({"test", {"a", "b"}}, make);
  ASSERT_TRUE(first.ok()) << first.error().ToString();
  const auto second = CachedFolder({"test", {"a", "b"}}, make);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(FileExists(*second + "/result"));
  const auto other = CachedFolder({"test", {"ab"}}, make);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(*other, *first);
}

TEST_F(ToolCache, LeavesNothingOfAFailure) {
  const CacheKey key = {"test", {"x"}};
  const auto failed = CachedFolder(key, [](const std::string& folder) -> Status {
    TF2_RETURN_IF_ERROR(WriteFileAtomically(folder + "/half", "4"));
    return Internal("the tool broke");
  });
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "the tool broke");
  const auto entries = ListDirectory(scratch_->path());
  ASSERT_TRUE(entries.ok());
  for (const std::string& name : *entries) EXPECT_TRUE(name.ends_with(".lock")) << name;
  const auto made = CachedFolder(key, [](const std::string&) { return Status(); });
  EXPECT_TRUE(made.ok());
}

TEST_F(ToolCache, SourceListNamesFilesFromTheParentOfItsFolder) {
  ASSERT_TRUE(MakeDirectories(scratch_->File("rtl")).ok());
  ASSERT_TRUE(WriteFileAtomically(scratch_->File("rtl/a.sv"), "module a; endmodule").ok());
  ASSERT_TRUE(WriteFileAtomically(scratch_->File("rtl/sources.f"), "# files\nrtl/a.sv\n").ok());
  const auto list = ReadSourceList(scratch_->File("rtl/sources.f"));
  ASSERT_TRUE(list.ok()) << list.error().ToString();
  ASSERT_EQ(list->paths.size(), 1u);
  EXPECT_EQ(list->contents[0], "module a; endmodule");
  ASSERT_TRUE(WriteFileAtomically(scratch_->File("rtl/sources.f"), "rtl/b.sv\n").ok());
  EXPECT_FALSE(ReadSourceList(scratch_->File("rtl/sources.f")).ok());
}

}  // namespace
}  // namespace tf2::build
