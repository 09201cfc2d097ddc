#include "runtime/batch_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

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

std::optional<BatchQueue::ClaimedFrame> ClaimOne(BatchQueue& queue, int threads) {
  const auto frames = queue.ClaimFrames(threads, 1);
  return frames.empty() ? std::nullopt : std::optional(frames[0]);
}

// Runs frames one after the other, on whichever thread serves, as FirstValues does; a frame of -1
// fails.
class FrameServer {
 public:
  FrameServer() : queue_([this] { Serve(); }) { queue_.SetFrameElements(1); }
  BatchQueue& queue() { return queue_; }
  std::vector<int> order() const { return order_; }
  // Those that were run when there were fewer frames than threads.
  std::vector<int> alone() const { return alone_; }

  // Called with each claimed frame's value before it is done.
  std::function<void(int)> during = [](int) {};
  int threads = 1;

 private:
  void Serve() {
    if (queue_.WaitingFrames() < threads) {
      const auto frame = queue_.ClaimFrame();
      if (!frame) return;  // interrupted
      alone_.push_back(frame->input[0]);
      Run(frame);
    } else {
      while (const auto frame = ClaimOne(queue_, threads)) Run(frame);
    }
  }

  void Run(const std::optional<BatchQueue::ClaimedFrame>& frame) {
    const int value = frame->input[0];
    order_.push_back(value);
    during(value);
    if (value < 0) {
      queue_.FinishFrame(*frame, Internal("frame {} failed", value));
    } else {
      queue_.FinishFrame(*frame, Frame{{static_cast<std::uint8_t>(value)}});
    }
  }

  std::vector<int> order_, alone_;
  BatchQueue queue_;  // last: its thread ends before what it uses
};

// Holds up frame 1.
struct HeldFrame {
  std::binary_semaphore began{0}, may_go_on{0};

  void During(int value) {
    if (value != 1) return;
    began.release();
    may_go_on.acquire();
  }
};

TEST(FrameQueue, GivesEachTicketItsOwnFrames) {
  FrameServer server;
  const auto a = server.queue().Submit({1, {1}});
  const auto b = server.queue().Submit({3, {2, 3, 4}});
  EXPECT_EQ(*server.queue().Wait(*b), (std::vector<Frame>{{{2}}, {{3}}, {{4}}}));
  EXPECT_EQ(*server.queue().Wait(*a), (std::vector<Frame>{{{1}}}));
  EXPECT_TRUE(server.queue().CheckIdle().ok());
  EXPECT_EQ(server.order(), (std::vector<int>{1, 2, 3, 4}));
}

TEST(FrameQueue, FramesOfLaterBatchesJoin) {
  FrameServer server;
  server.threads = 2;
  HeldFrame held;
  server.during = [&](int value) { held.During(value); };
  // Frame 1 alone has fewer frames than threads; meanwhile five more come: four of them together,
  // the last one alone.
  const auto a = server.queue().Submit({1, {1}});
  held.began.acquire();
  const auto b = server.queue().Submit({2, {2, 3}});
  const auto c = server.queue().Submit({3, {4, 5, 6}});
  EXPECT_EQ(server.queue().WaitingFrames(), 5);
  held.may_go_on.release();
  EXPECT_EQ(server.queue().Wait(*c)->size(), 3U);
  EXPECT_EQ(server.queue().Wait(*b)->size(), 2U);
  EXPECT_EQ(server.queue().Wait(*a)->size(), 1U);
  EXPECT_EQ(server.order(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(server.alone(), (std::vector<int>{1, 6}));
}

TEST(FrameQueue, ThreadsLeaveWhatIsNoMultipleOfThem) {
  FrameServer server;
  server.threads = 3;
  EXPECT_EQ(server.queue().Wait(*server.queue().Submit({5, {1, 2, 3, 4, 5}}))->size(), 5U);
  EXPECT_EQ(server.order(), (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(server.alone(), (std::vector<int>{4, 5}));
}

// Threads are given equally many, four at most, whether others have done theirs or not.
TEST(FrameQueue, ThreadsShareFramesEqually) {
  struct Case {
    int threads, frames;
    std::vector<int> claims;
  };
  for (const Case& c : {Case{2, 8, {4, 4}}, Case{2, 10, {3, 3, 2, 2}}, Case{2, 12, {3, 3, 3, 3}},
                        Case{2, 16, {4, 4, 4, 4}}, Case{2, 3, {1, 1}},
                        Case{4, 20, {3, 3, 3, 3, 2, 2, 2, 2}}, Case{1, 9, {3, 3, 3}}}) {
    SCOPED_TRACE(c.frames);
    std::vector<int> claims;
    std::optional<BatchQueue> queue;
    queue.emplace([&] {
      if (queue->WaitingFrames() < c.threads) {  // what is no multiple of the threads
        queue->FinishFrame(*queue->ClaimFrame(), Frame{{0}});
        return;
      }
      std::vector<BatchQueue::ClaimedFrame> all;
      while (queue->WaitingFrames() > 0) {
        const auto frames = queue->ClaimFrames(c.threads, 4);
        if (frames.empty()) break;
        claims.push_back(static_cast<int>(frames.size()));
        all.insert(all.end(), frames.begin(), frames.end());
      }
      for (const auto& frame : all) queue->FinishFrame(frame, Frame{{0}});
    });
    queue->SetFrameElements(1);
    EXPECT_TRUE(
        queue->Run({c.frames, std::vector<std::int8_t>(static_cast<std::size_t>(c.frames))}).ok());
    EXPECT_EQ(claims, c.claims);
  }
}

TEST(FrameQueue, AFailedFrameFailsItsBatchOnly) {
  FrameServer server;
  const auto bad = server.queue().Submit({4, {1, -2, 3, 4}});
  const auto good = server.queue().Submit({1, {5}});
  const auto frames = server.queue().Wait(*bad);
  ASSERT_FALSE(frames.ok());
  EXPECT_EQ(frames.error().message, "frame -2 failed");
  EXPECT_EQ(*server.queue().Wait(*good), (std::vector<Frame>{{{5}}}));
  EXPECT_EQ(server.order(), (std::vector<int>{1, -2, 5}));
}

TEST(FrameQueue, CloseFinishesWhatRunsAndCancelsTheRest) {
  FrameServer server;
  HeldFrame held;
  server.during = [&](int value) { held.During(value); };
  const auto running = server.queue().Submit({2, {1, 2}});
  held.began.acquire();
  const auto queued = server.queue().Submit({1, {3}});
  std::thread closer([&] { server.queue().Close(); });
  EXPECT_EQ(server.queue().Wait(*queued).error().code, ErrorCode::kCancelled);
  held.may_go_on.release();
  closer.join();
  EXPECT_EQ(server.queue().Wait(*running)->size(), 2U);
  EXPECT_EQ(server.order(), (std::vector<int>{1, 2}));
}

TEST(FrameQueue, InterruptionCancelsWhatWaits) {
  FrameServer server;
  server.during = [&](int value) {
    if (value == 1) RequestInterrupt();
  };
  const auto frames = server.queue().Wait(*server.queue().Submit({3, {1, 2, 3}}));
  ClearInterrupt();
  ASSERT_FALSE(frames.ok());
  EXPECT_EQ(frames.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(server.order(), (std::vector<int>{1}));
}

TEST(FrameQueue, TheFirstFailureOfABatchIsItsError) {
  std::optional<BatchQueue> queue;
  queue.emplace([&] {
    const auto first = ClaimOne(*queue, 2);
    const auto second = ClaimOne(*queue, 2);
    if (!first || !second) return;
    queue->FinishFrame(*second, Internal("the second"));
    queue->FinishFrame(*first, Internal("the first"));
  });
  queue->SetFrameElements(1);
  EXPECT_EQ(queue->Wait(*queue->Submit({4, {1, 2, 3, 4}})).error().message, "the first");
}

// Two threads run whole frames. One is held up at its frame when there is none for the other, which
// goes on with a batch that comes meanwhile; in the end both do.
TEST(FrameQueue, AFreeThreadWaitsForMore) {
  constexpr auto kLong = std::chrono::seconds(10);
  std::counting_semaphore<8> second_done(0), third_began(0);
  std::binary_semaphore may_end(0);
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int, int> runs_of_thread;  // of the second batch
  std::optional<BatchQueue> queue;
  const auto work = [&](int k) {
    while (const auto frame = ClaimOne(*queue, 2)) {
      const int value = frame->input[0];
      if (value == 1) may_end.acquire();
      if (value == 3) third_began.release();
      if (value > 3) {
        std::unique_lock lock(mutex);
        ++runs_of_thread[k];
        changed.notify_all();
        changed.wait_for(lock, kLong, [&] { return runs_of_thread.size() == 2; });
      }
      queue->FinishFrame(*frame, Frame{{0}});
      if (value == 2) second_done.release();
    }
  };
  queue.emplace([&] {
    std::thread other([&] { work(1); });
    work(0);
    other.join();
  });
  queue->SetFrameElements(1);
  const auto first = queue->Submit({2, {1, 2}});
  second_done.acquire();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that it waits, most likely
  const auto second = queue->Submit({8, {3, 4, 5, 6, 7, 8, 9, 10}});
  EXPECT_TRUE(third_began.try_acquire_for(kLong)) << "the free thread has left";
  may_end.release();
  EXPECT_TRUE(queue->Wait(*first).ok());
  EXPECT_TRUE(queue->Wait(*second).ok());
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(runs_of_thread.size(), 2U);
  EXPECT_EQ(runs_of_thread[0] + runs_of_thread[1], 7);
}

TEST(FrameQueue, RunServesOnTheCallingThread) {
  FrameServer server;
  std::thread::id served_by;
  server.during = [&](int) { served_by = std::this_thread::get_id(); };
  EXPECT_EQ(*server.queue().Run({2, {1, 2}}), (std::vector<Frame>{{{1}}, {{2}}}));
  EXPECT_EQ(served_by, std::this_thread::get_id());
  EXPECT_TRUE(server.queue().CheckIdle().ok());
  EXPECT_EQ(server.queue().Run({1, {-3}}).error().message, "frame -3 failed");
  EXPECT_EQ(server.queue().Run({1, {1, 2}}).error().message,
            "a batch of 1 frames has 2 values; the network's input has 1 a frame");
  server.queue().Close();
  EXPECT_EQ(server.queue().Run({1, {1}}).error().message, "the device is closed");
}

// While another thread serves, Run waits for it, and what it leaves is served by one of those that
// wait.
TEST(FrameQueue, RunTakesItsTurn) {
  FrameServer server;
  server.threads = 2;
  HeldFrame held;
  server.during = [&](int value) { held.During(value); };
  std::thread other([&] { EXPECT_TRUE(server.queue().Run({1, {1}}).ok()); });
  held.began.acquire();
  const auto before = server.queue().Submit({1, {2}});
  std::thread releaser([&] {
    while (server.queue().WaitingFrames() < 2) std::this_thread::yield();
    held.may_go_on.release();
  });
  EXPECT_EQ(*server.queue().Run({1, {3}}), (std::vector<Frame>{{{3}}}));
  EXPECT_EQ(*server.queue().Wait(*before), (std::vector<Frame>{{{2}}}));
  releaser.join();
  other.join();
  EXPECT_EQ(server.order(), (std::vector<int>{1, 2, 3}));
}

// The worker, which an earlier Submit began, has nothing left to do when the caller of Run is done.
TEST(FrameQueue, CloseWaitsForAThreadThatRuns) {
  FrameServer server;
  HeldFrame held;
  std::atomic<bool> done = false;
  EXPECT_TRUE(server.queue().Wait(*server.queue().Submit({1, {9}})).ok());
  server.during = [&](int value) {
    if (value == 2) done = true;
    held.During(value);
  };
  std::thread runner([&] { EXPECT_TRUE(server.queue().Run({2, {1, 2}}).ok()); });
  held.began.acquire();
  std::thread closer([&] {
    server.queue().Close();
    EXPECT_TRUE(done);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  held.may_go_on.release();
  closer.join();
  runner.join();
}

// Others go on submitting: the caller of Run leaves when its own batch is done.
TEST(FrameQueue, RunServesUntilItsOwnBatchIsDone) {
  FrameServer server;
  const auto caller = std::this_thread::get_id();
  std::vector<Ticket> others;
  std::atomic<int> served_by_caller = 0;
  server.during = [&](int) {
    if (std::this_thread::get_id() != caller) return;
    ++served_by_caller;
    if (others.size() < 20) others.push_back(*server.queue().Submit({1, {2}}));
  };
  EXPECT_TRUE(server.queue().Run({3, {1, 1, 1}}).ok());
  EXPECT_EQ(served_by_caller, 3);
  for (const Ticket ticket : others) EXPECT_TRUE(server.queue().Wait(ticket).ok());
}

TEST(FrameQueue, ManyThreadsRunAndSubmit) {
  FrameServer server;
  server.threads = 2;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto value = static_cast<std::int8_t>(t * 30 + i % 30);
        Batch batch{1 + i % 3,
                    std::vector<std::int8_t>(static_cast<std::size_t>(1 + i % 3), value)};
        const auto frames = (t + i) % 2 == 0
                                ? server.queue().Run(std::move(batch))
                                : server.queue().Wait(*server.queue().Submit(std::move(batch)));
        if (!frames.ok() || frames->back()[0][0] != static_cast<std::uint8_t>(value)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(FrameQueue, CheckIdleWaitsForTheServingThreads) {
  std::atomic<bool> serving = false;
  std::optional<BatchQueue> queue;
  queue.emplace([&] {
    serving = true;
    while (const auto frame = queue->ClaimFrame()) queue->FinishFrame(*frame, Frame{{0}});
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    serving = false;
  });
  queue->SetFrameElements(1);
  EXPECT_TRUE(queue->Wait(*queue->Submit({3, {1, 2, 3}})).ok());
  EXPECT_TRUE(queue->CheckIdle().ok());
  EXPECT_FALSE(serving);
}

}  // namespace
}  // namespace tf2::runtime
