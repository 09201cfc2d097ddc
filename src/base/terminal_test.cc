#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"

namespace tf2 {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(LogTest, LevelsFilterAndPrefix) {
  ::testing::internal::CaptureStderr();
  SetLogLevel(LogLevel::kWarning);
  LogWarning("{} left", 3);
  LogInfo("hidden");
  SetLogLevel(LogLevel::kDebug);
  LogDebug("shown");
  SetLogLevel(LogLevel::kWarning);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "tf2: warning: 3 left\ntf2: debug: shown\n");
}

TEST(ProgressTest, IsSilentWithoutATerminal) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress("reading", 10);
    progress.Advance(3);
    EXPECT_THAT(progress.Line(), StartsWith("reading 3/10  "));
    EXPECT_THAT(progress.Line(), HasSubstr(" left"));
    progress.Advance(7);
    EXPECT_THAT(progress.Line(), StartsWith("reading 10/10"));
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());
  EXPECT_EQ(Progress("x", 0).Line(), "x 0");
}

TEST(InterruptTest, FlagCanBeSetAndCleared) {
  EXPECT_TRUE(CheckInterrupted().ok());
  RequestInterrupt();
  EXPECT_TRUE(Interrupted());
  EXPECT_EQ(CheckInterrupted().error().code, ErrorCode::kCancelled);
  ClearInterrupt();
  EXPECT_FALSE(Interrupted());
}

TEST(InterruptTest, FirstSignalSetsTheFlagSecondEndsTheProcess) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    InstallInterruptHandlers();
    ::raise(SIGINT);
    if (!Interrupted()) ::_exit(1);
    ::raise(SIGTERM);
    ::_exit(2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
}

}  // namespace
}  // namespace tf2
