#include "runtime/batch_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

#include "base/interrupt.h"

namespace tf2::runtime {
namespace {

// One frame per input frame: its first value.
Result<std::vector<Frame>> FirstValues(const Batch& batch) {
  std::vector<Frame> frames;
  const std::size_t elements = batch.data.size() / static_cast<std::size_t>(batch.count);
  for (std::size_t i = 0; i < batch.data.size(); i += elements) {
    frames.push_back({{static_cast<std::uint8_t>(batch.data[i])}});
  }
  return frames;
}

TEST(BatchQueue, GivesEachTicketItsOwnFrames) {
  BatchQueue queue(FirstValues);
  queue.SetFrameElements(2);
  const auto a = queue.Submit({1, {1, 0}});
  const auto b = queue.Submit({3, {2, 0, 3, 0, 4, 0}});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(*a, *b);
  const auto second = queue.Wait(*b);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*second, (std::vector<Frame>{{{2}}, {{3}}, {{4}}}));
  const auto first = queue.Wait(*a);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, (std::vector<Frame>{{{1}}}));
  const auto again = queue.Wait(*a);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().message, "ticket 1 is unknown or was waited for already");
}

TEST(BatchQueue, RefusesWrongSizes) {
  BatchQueue queue(FirstValues);
  EXPECT_EQ(queue.Submit({1, {1, 0}}).error().message, "no network is loaded");
  queue.SetFrameElements(2);
  EXPECT_EQ(queue.Submit({2, {1, 2, 3}}).error().message,
            "a batch of 2 frames has 3 values; the network's input has 2 a frame");
  EXPECT_EQ(queue.Submit({0, {}}).error().message, "a batch of 0 frames");
  EXPECT_EQ(queue.Submit({-1, {}}).error().message, "a batch of -1 frames");
}

TEST(BatchQueue, SubmitDoesNotWait) {
  std::binary_semaphore may_run(0);
  BatchQueue queue([&](const Batch& batch) {
    may_run.acquire();
    return FirstValues(batch);
  });
  queue.SetFrameElements(1);
  const auto a = queue.Submit({1, {5}});
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(queue.CheckIdle().error().message, "the device has batches in flight");
  may_run.release();
  EXPECT_TRUE(queue.Wait(*a).ok());
}

TEST(BatchQueue, CloseFinishesTheRunningBatchAndCancelsTheQueued) {
  std::binary_semaphore started(0), may_end(0);
  BatchQueue queue([&](const Batch& batch) {
    started.release();
    may_end.acquire();
    return FirstValues(batch);
  });
  queue.SetFrameElements(1);
  const auto running = queue.Submit({1, {5}});
  started.acquire();
  const auto queued = queue.Submit({1, {6}});
  ASSERT_TRUE(running.ok() && queued.ok());
  std::thread closer([&] { queue.Close(); });
  const auto cancelled = queue.Wait(*queued);
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  may_end.release();
  closer.join();
  EXPECT_TRUE(queue.Wait(*running).ok());
  EXPECT_EQ(queue.Submit({1, {1}}).error().message, "the device is closed");
  EXPECT_EQ(queue.CheckIdle().error().message, "the device is closed");
}

TEST(BatchQueue, ManyThreadsSubmitAndWait) {
  BatchQueue queue(FirstValues);
  queue.SetFrameElements(1);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto value = static_cast<std::int8_t>(t * 30 + i % 30);
        const auto ticket = queue.Submit({1, {value}});
        const auto frames = queue.Wait(*ticket);
        if (!frames.ok() || (*frames)[0][0][0] != static_cast<std::uint8_t>(value)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(BatchQueue, InterruptionCancels) {
  BatchQueue queue(FirstValues);
  queue.SetFrameElements(1);
  RequestInterrupt();
  const auto ticket = queue.Submit({1, {1}});
  const auto frames = queue.Wait(*ticket);
  ClearInterrupt();
  ASSERT_FALSE(frames.ok());
  EXPECT_EQ(frames.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace tf2::runtime
