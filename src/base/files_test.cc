#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/interrupt.h"

namespace tf2 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FilesTest : public ::testing::Test {
 protected:
  ScratchDir dir_ = *ScratchDir::Create();
};

TEST_F(FilesTest, WritesAndReads) {
  const std::string path = dir_.File("a.bin");
  ASSERT_TRUE(WriteFileAtomically(path, "first").ok());
  ASSERT_TRUE(WriteFileAtomically(path, "second").ok());
  EXPECT_EQ(*ReadTextFile(path), "second");
  EXPECT_EQ(ReadFile(path)->size(), 6u);
  EXPECT_THAT(*ListDirectory(dir_.path()), ElementsAre("a.bin"));
}

TEST_F(FilesTest, WritesAnEmptyFile) {
  const std::string path = dir_.File("empty");
  ASSERT_TRUE(WriteFileAtomically(path, "").ok());
  EXPECT_THAT(*ReadTextFile(path), IsEmpty());
  EXPECT_THAT(MappedFile::Open(path)->bytes(), IsEmpty());
}

TEST_F(FilesTest, KeepsPermissionsAndLinks) {
  const std::string path = dir_.File("a");
  ASSERT_TRUE(WriteFileAtomically(path, "x").ok());
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(::symlink("a", dir_.File("link").c_str()), 0);
  ASSERT_TRUE(WriteFileAtomically(dir_.File("link"), "y").ok());
  struct stat info = {};
  ASSERT_EQ(::lstat(dir_.File("link").c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(*ReadTextFile(path), "y");
}

TEST_F(FilesTest, NamesWhatIsWrong) {
  EXPECT_THAT(ReadFile("/none/x").error().ToString(), HasSubstr("/none/x: no such file or folder"));
  EXPECT_THAT(ReadFile(dir_.path()).error().ToString(), HasSubstr("this is a folder"));
  EXPECT_THAT(ReadFile("/dev/zero").error().ToString(), HasSubstr("not a regular file"));
  EXPECT_THAT(MappedFile::Open("/none/x").error().ToString(), HasSubstr("/none/x"));
  ASSERT_TRUE(WriteFileAtomically(dir_.File("a"), "12345").ok());
  EXPECT_EQ(ReadFile(dir_.File("a"), 4).error().code, ErrorCode::kResourceExhausted);
}

TEST_F(FilesTest, RefusesUnwritablePlaces) {
  const Status missing = WriteFileAtomically(dir_.File("no/x"), "1");
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().ToString(), HasSubstr("folder does not exist"));
  EXPECT_FALSE(CheckWritable(dir_.File("no/x")).ok());
  EXPECT_FALSE(CheckWritable("").ok());
  EXPECT_THAT(WriteFileAtomically(dir_.path(), "1").error().ToString(), HasSubstr("folder"));
  EXPECT_TRUE(CheckWritable(dir_.File("x")).ok());
  EXPECT_THAT(*ListDirectory(dir_.path()), IsEmpty());
}

TEST_F(FilesTest, FullDiskLeavesTheOldFile) {
  const Status full = WriteFileAtomically("/dev/full", "1");
  EXPECT_EQ(full.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(full.error().ToString(), HasSubstr("/dev/full: cannot write: the disk is full"));

  const std::string path = dir_.File("a");
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  rlimit old = {};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small = {1000, old.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Status limited = WriteFileAtomically(path, std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &old);
  ASSERT_FALSE(limited.ok());
  EXPECT_EQ(*ReadTextFile(path), "old");
  EXPECT_THAT(*ListDirectory(dir_.path()), ElementsAre("a"));
}

TEST_F(FilesTest, MappingSurvivesAMove) {
  ASSERT_TRUE(WriteFileAtomically(dir_.File("a"), "abc").ok());
  MappedFile moved;
  {
    MappedFile file = *MappedFile::Open(dir_.File("a"));
    moved = std::move(file);
  }
  EXPECT_THAT(moved.bytes(), ElementsAre('a', 'b', 'c'));
}

TEST_F(FilesTest, LockExcludesUntilReleased) {
  const std::string path = dir_.File("lock");
  std::optional<FileLock> first = *FileLock::Acquire(path);
  bool taken = false;
  std::thread other([&] { taken = FileLock::Acquire(path).ok(); });
  first.reset();
  other.join();
  EXPECT_TRUE(taken);

  first = *FileLock::Acquire(path);
  RequestInterrupt();
  const auto second = FileLock::Acquire(path);
  ClearInterrupt();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kCancelled);
}

TEST_F(FilesTest, MakesFoldersAndRemovesScratch) {
  std::string path;
  {
    const ScratchDir scratch = *ScratchDir::Create();
    path = scratch.path();
    ASSERT_TRUE(MakeDirectories(scratch.File("a/b")).ok());
    ASSERT_TRUE(MakeDirectories(scratch.File("a/b")).ok());
    ASSERT_TRUE(WriteFileAtomically(scratch.File("a/b/c"), "1").ok());
    EXPECT_FALSE(MakeDirectories(scratch.File("a/b/c")).ok());
    EXPECT_FALSE(ListDirectory(scratch.File("none")).ok());
  }
  EXPECT_FALSE(FileExists(path));
}

TEST(CacheDirectoryTest, ObeysTheEnvironment) {
  ::setenv("TF2_CACHE", "/x/y", 1);
  EXPECT_EQ(CacheDirectory(), "/x/y");
  ::unsetenv("TF2_CACHE");
  ::setenv("XDG_CACHE_HOME", "/z", 1);
  EXPECT_EQ(CacheDirectory(), "/z/tf2");
  ::unsetenv("XDG_CACHE_HOME");
}

}  // namespace
}  // namespace tf2
