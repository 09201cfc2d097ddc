#include "base/subprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "base/files.h"
#include "base/interrupt.h"

namespace tf2 {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(SubprocessTest, CapturesBothStreamsAndTheStatus) {
  const auto result = RunCommand({"sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "out\nerr\n");
}

TEST(SubprocessTest, ArgumentsReachTheToolUnchanged) {
  const auto result = RunCommand({"printf", "%s|", "a b", "$HOME", "*", ""});
  EXPECT_EQ(result->output, "a b|$HOME|*||");
}

TEST(SubprocessTest, SetsFolderEnvironmentAndLog) {
  const ScratchDir dir = *ScratchDir::Create();
  CommandOptions options;
  options.working_dir = dir.path();
  options.env = {{"TF2_TEST_VALUE", "7"}};
  options.log_file = dir.File("log");
  const auto result = RunCommand({"sh", "-c", "pwd; echo $TF2_TEST_VALUE"}, options);
  EXPECT_EQ(result->output, dir.path() + "\n7\n");
  EXPECT_EQ(*ReadTextFile(dir.File("log")), result->output);
  options.working_dir = dir.File("none");
  EXPECT_EQ(RunCommand({"true"}, options).error().code, ErrorCode::kNotFound);
}

TEST(SubprocessTest, KeepsTheEndOfLongOutput) {
  CommandOptions options;
  options.max_output = 10;
  const auto result = RunCommand({"sh", "-c", "seq 1 50000"}, options);
  EXPECT_EQ(result->output.size(), 10u);
  EXPECT_THAT(result->output, EndsWith("50000\n"));
}

TEST(SubprocessTest, MissingToolNamesItsPackage) {
  const auto missing = RunCommand({"tf2-no-such-tool"});
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("'tf2-no-such-tool' is not installed"));
  CommandOptions options;
  options.package = "some-package";
  EXPECT_EQ(RunCommand({"tf2-no-such-tool"}, options).error().hint,
            "install it: apt-get install some-package");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/none", 1);
  const Status status = RequireTool("icepack");
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(status.error().hint, "install it: apt-get install fpga-icestorm");
  EXPECT_TRUE(RequireTool("sh").ok());
  EXPECT_FALSE(FindTool("/etc").has_value());
}

TEST(SubprocessTest, CheckedRunShowsTheLastLines) {
  const auto result = RunCommandChecked({"sh", "-c", "seq 1 100; exit 2"});
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("'sh' failed with status 2:\n89\n"));
  EXPECT_THAT(result.error().message, EndsWith("\n100"));
}

TEST(SubprocessTest, SignalsBecomeStatuses) {
  EXPECT_EQ(RunCommand({"sh", "-c", "kill -9 $$"})->exit_code, 137);
}

// Whether process `pid` runs (a zombie does not).
bool Alive(const std::string& pid) {
  const auto stat = ReadTextFile("/proc/" + pid + "/status");
  return ::kill(std::stoi(pid), 0) == 0 && FileExists("/proc/" + pid) && !stat.ok();
}

TEST(SubprocessTest, TimeLimitKillsTheWholeGroup) {
  const ScratchDir dir = *ScratchDir::Create();
  CommandOptions options;
  options.timeout_s = 0.3;
  options.working_dir = dir.path();
  const auto start = std::chrono::steady_clock::now();
  const auto result = RunCommand({"sh", "-c", "sleep 60 & echo $! > pid; wait"}, options);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(result.error().message, HasSubstr("longer than 0.3 s"));
  EXPECT_FALSE(Alive(*ReadTextFile(dir.File("pid"))));
}

TEST(SubprocessTest, InterruptKillsTheTool) {
  std::thread later([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    RequestInterrupt();
  });
  const auto result = RunCommand({"sleep", "60"});
  later.join();
  ClearInterrupt();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

TEST(SubprocessTest, AToolThatClosesItsOutputIsWaitedFor) {
  const auto result = RunCommand({"sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4"});
  EXPECT_EQ(result->exit_code, 4);
}

TEST(SubprocessTest, AnOrphanWithThePipeDoesNotBlock) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = RunCommand({"sh", "-c", "sleep 5 & echo started"});
  EXPECT_EQ(result->output, "started\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

}  // namespace
}  // namespace tf2
