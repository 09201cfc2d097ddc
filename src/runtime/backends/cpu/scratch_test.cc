#include "runtime/backends/cpu/scratch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace tf2::runtime::cpu {
namespace {

TEST(ScratchTest, IsAThreadsOwnAndGrows) {
  std::thread([] {
    EXPECT_EQ(ReservedScratch(), 0);
    ASSERT_TRUE(ReserveScratch(1000));
    void* const memory = Scratch(1000);
    EXPECT_EQ(Scratch(10), memory);
    EXPECT_EQ(ReservedScratch(), 1000);
    std::memset(Scratch(100'000), 1, 100'000);
    EXPECT_EQ(ReservedScratch(), 100'000);
  }).join();
}

TEST(ScratchTest, KeepsWhatItHasWhereThereIsNoMore) {
  std::thread([] {
    ASSERT_TRUE(ReserveScratch(4096));
    EXPECT_FALSE(ReserveScratch(std::int64_t{1} << 60));
    EXPECT_EQ(ReservedScratch(), 4096);
    std::memset(Scratch(4096), 1, 4096);
  }).join();
}

}  // namespace
}  // namespace tf2::runtime::cpu
