#include "base/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/interrupt.h"

namespace tf2 {
namespace {

TEST(ThreadPoolTest, RangesCoverEverythingOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (const std::int64_t n : {0, 1, 2, 7, 8, 100}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
      std::atomic<std::int64_t> longest = 0;
      pool.ForRanges(n, [&](std::int64_t begin, std::int64_t end, int k) {
        EXPECT_LT(k, threads);
        EXPECT_LT(begin, end);
        for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        if (k == 0) longest = end - begin;
      });
      for (const auto& count : seen) EXPECT_EQ(count, 1);
      const std::int64_t ranges = std::max<std::int64_t>(1, std::min<std::int64_t>(n, threads));
      EXPECT_EQ(longest, (n + ranges - 1) / ranges);
    }
  }
}

TEST(ThreadPoolTest, PiecesCoverEverythingOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const std::int64_t n : {0, 1, 2, 7, 64, 101}) {
      for (const std::int64_t piece : {1, 3, 10, 200}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
        const auto count_up = [&](std::int64_t begin, std::int64_t end) {
          EXPECT_EQ(begin % piece, 0);
          EXPECT_TRUE(begin < end && (end == n || end % piece == 0)) << begin << " " << end;
          for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        };
        const ThreadPool::Loop loop{n, piece, count_up, std::max<std::int64_t>(n, 1)};
        pool.ForPieces({loop});
        for (const auto& count : seen) ASSERT_EQ(count, 1) << threads << " " << n << " " << piece;
      }
    }
  }
}

TEST(ThreadPoolTest, ForPiecesRunsEachPieceOfSeveralLoopsOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    std::array<std::array<std::atomic<int>, 64>, 4> seen = {};
    std::vector<ThreadPool::Loop> loops;
    for (const auto& [n, piece] : {std::pair{64, 3}, {1, 1}, {2, 1}, {0, 5}}) {
      loops.push_back({n, piece, [&counts = seen[loops.size()]](auto begin, auto end) {
                         for (auto i = begin; i < end; ++i) ++counts[static_cast<std::size_t>(i)];
                       }});
    }
    pool.ForPieces(loops);
    pool.ForPieces({});
    for (std::size_t i = 0; i < loops.size(); ++i) {
      for (std::size_t k = 0; k < 64; ++k) {
        EXPECT_EQ(seen[i][k], static_cast<std::int64_t>(k) < loops[i].n ? 1 : 0) << i << " " << k;
      }
    }
  }
}

TEST(ThreadPoolTest, LoopsRunAtTheSameTime) {
  for (const int first : {1, 2}) {  // pieces of the first loop; the second has one
    ThreadPool pool(first + 1);
    std::atomic<int> begun = 0;
    // Every piece waits until all have begun, so no thread can run two of them.
    const auto meet = [&](std::int64_t, std::int64_t) {
      ++begun;
      while (begun < first + 1) std::this_thread::yield();
    };
    const std::vector<ThreadPool::Loop> loops = {{first, 1, meet}, {1, 1, meet}};
    pool.ForPieces(loops);
    EXPECT_EQ(begun, first + 1);
  }
}

TEST(ThreadPoolTest, PiecesOfAThreadThatIsHeldUpAreTaken) {
  ThreadPool pool(2);
  std::atomic<int> done = 0;
  // Whoever runs piece 0, with half of its share, waits for all the others: they are done only
  // where the other thread takes the rest.
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    if (begin == 0) {
      EXPECT_EQ(end, 2);
      while (done < 6) std::this_thread::yield();
    }
    done += static_cast<int>(end - begin);
  };
  const ThreadPool::Loop loop{8, 1, run, 8};
  pool.ForPieces({loop});
  EXPECT_EQ(done, 8);
}

// Each piece checks that its stage has begun and the next one has not.
TEST(ThreadPoolTest, StagesRunOneAfterTheOther) {
  constexpr std::array<std::array<std::int64_t, 2>, 5> kPieces = {
      {{40, 1}, {0, 0}, {1, 0}, {3, 25}, {0, 2}}};
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 50; ++round) {
      std::atomic<std::size_t> begun = 0;
      std::vector<std::vector<ThreadPool::Loop>> stages;
      std::vector<std::atomic<std::int64_t>> done(kPieces.size());
      for (std::size_t s = 0; s < kPieces.size(); ++s) {
        const auto run = [&begun, &done, s](std::int64_t first, std::int64_t end) {
          EXPECT_EQ(begun, s + 1);
          done[s] += end - first;
        };
        stages.push_back({{kPieces[s][0], 1, run}, {kPieces[s][1], 1, run, 4}});
      }
      pool.ForStages(stages, [&](std::size_t stage) {
        EXPECT_EQ(stage, begun);
        if (stage > 0) {
          EXPECT_EQ(done[stage - 1], kPieces[stage - 1][0] + kPieces[stage - 1][1]);
        }
        ++begun;
        return true;
      });
      EXPECT_EQ(begun, kPieces.size());
      EXPECT_EQ(done.back(), 2);
    }
  }
}

TEST(ThreadPoolTest, TheCallerRunsStagesOfOnePiece) {
  ThreadPool pool(3);
  const auto caller = std::this_thread::get_id();
  int ran = 0;
  const auto run = [&](std::int64_t, std::int64_t) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    ++ran;
  };
  const std::vector<std::vector<ThreadPool::Loop>> stages(5, {{1, 1, run}, {0, 1, run}});
  pool.ForStages(stages, [](std::size_t) { return true; });
  EXPECT_EQ(ran, 5);
}

TEST(ThreadPoolTest, NoStageFollowsOneThatDoesNotBegin) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (std::size_t last = 0; last < 4; ++last) {
      std::atomic<std::size_t> ran = 0;
      const std::vector<ThreadPool::Loop> stage = {
          {8, 1, [&](std::int64_t begin, std::int64_t end) {
             ran += static_cast<std::size_t>(end - begin);
           }}};
      const std::vector<std::vector<ThreadPool::Loop>> stages(4, stage);
      std::size_t asked = 0;
      pool.ForStages(stages, [&](std::size_t at) {
        ++asked;
        return at < last;
      });
      EXPECT_EQ(ran, 8 * last);
      EXPECT_EQ(asked, last + 1);
    }
  }
}

TEST(ThreadPoolTest, ForRunsEachIndexOnceManyTimes) {
  ThreadPool pool(4);
  for (int round = 0; round < 200; ++round) {
    std::atomic<std::int64_t> sum = 0;
    pool.For(100, [&](std::int64_t i) { sum += i; });
    ASSERT_EQ(sum, 4950);
  }
}

TEST(ThreadPoolTest, NestedLoopsRunInline) {
  ThreadPool pool(3);
  std::atomic<int> count = 0;
  pool.For(5, [&](std::int64_t) { pool.For(5, [&](std::int64_t) { ++count; }); });
  EXPECT_EQ(count, 25);
}

TEST(ThreadPoolTest, ServesSeveralCallers) {
  ThreadPool pool(2);
  std::atomic<int> count = 0;
  const auto call = [&] {
    for (int i = 0; i < 50; ++i) pool.For(10, [&](std::int64_t) { ++count; });
  };
  std::thread a(call);
  std::thread b(call);
  a.join();
  b.join();
  EXPECT_EQ(count, 1000);
}

TEST(ParallelForTest, ReportsTheLowestFailure) {
  for (int round = 0; round < 20; ++round) {
    const Status status = ParallelForStatus(64, 4, [](std::int64_t i) -> Status {
      if (i >= 5) return InvalidArgument("step {}", i);
      std::this_thread::yield();
      return {};
    });
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, "step 5");
  }
}

TEST(ParallelForTest, StopsWhenInterrupted) {
  std::atomic<int> ran = 0;
  const Status status = ParallelForStatus(1000, 2, [&](std::int64_t) -> Status {
    if (++ran == 3) RequestInterrupt();
    return {};
  });
  ClearInterrupt();
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_LT(ran, 10);
}

TEST(DefaultThreadsTest, ObeysTheVariable) {
  ::setenv("TF2_THREADS", "3", 1);
  EXPECT_EQ(DefaultThreads(), 3);
  ::setenv("TF2_THREADS", "many", 1);
  EXPECT_GE(DefaultThreads(), 1);
  ::unsetenv("TF2_THREADS");
  EXPECT_GE(DefaultThreads(), 1);
}

}  // namespace
}  // namespace tf2
