// The asynchronous half of a device: a queue of batches, a thread that runs them, tickets. A
// backend owns one, gives it the function that runs a batch, or one that runs frames of several
// batches at once, and forwards Submit, Wait, Run and Close to it.
#ifndef TF2_RUNTIME_BATCH_QUEUE_H_
#define TF2_RUNTIME_BATCH_QUEUE_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "runtime/device.h"

namespace tf2::runtime {

// Thread-safe. The worker thread starts with the first Submit.
class BatchQueue {
 public:
  // Runs one batch; called from the worker thread only, one call at a time.
  using RunFunction = std::function<Result<std::vector<Frame>>(const Batch&)>;

  // Runs a group of frames that ClaimFrame gives, on threads that it has done with when it returns;
  // called while frames wait, one call at a time, from the worker thread or a caller of Run. Must
  // not throw.
  using ServeFunction = std::function<void()>;

  explicit BatchQueue(RunFunction run);
  explicit BatchQueue(ServeFunction serve);
  ~BatchQueue();  // closes

  // Sets the size every frame of a later Submit or Run must have: elements of the input. Until then
  // both refuse ("no network is loaded").
  void SetFrameElements(std::int64_t elements);

  // As Device::Submit, Device::Wait and Device::Close say.
  Result<Ticket> Submit(Batch batch);
  Result<std::vector<Frame>> Wait(Ticket ticket);
  void Close();
  // Submit and Wait, for a ServeFunction; while nobody serves, the calling thread does until the
  // batch is done, so that a frame need not wait until another thread wakes up.
  Result<std::vector<Frame>> Run(Batch batch);

  // OK while the queue is open and nothing is queued or running: what Load and RunTraced require.
  // Waits for a ServeFunction that has no frames left to return.
  Status CheckIdle();

  // The rest is for a ServeFunction, and may be called from any of its threads.

  struct Job;
  // A frame to run. `input` is valid until FinishFrame.
  struct ClaimedFrame {
    Job* job;
    std::int64_t index;  // in its batch
    std::span<const std::int8_t> input;
  };
  // Frames that nobody has claimed.
  std::int64_t WaitingFrames() const;
  // The next frame, of the oldest batch that has one. nullopt after Ctrl-C, which cancels all that
  // waits.
  std::optional<ClaimedFrame> ClaimFrame();
  // The next frames for one of `threads` threads that run whole frames, of the oldest batches that
  // have some: `most`, or fewer so that all threads get equally many of those that wait. Where no
  // frame waits while other threads run theirs, waits for one. An empty result ends the group for
  // all threads, so that they begin the next one together: when the frames of the group and those
  // that wait are no multiple of `threads` and only the remainder is left, fewer than `threads`;
  // and after Ctrl-C.
  std::vector<ClaimedFrame> ClaimFrames(int threads, std::int64_t most);
  // The result of a claimed frame. Frames of a batch that failed are not given any more; the batch
  // gets the error of its first frame that failed.
  void FinishFrame(const ClaimedFrame& frame, Result<Frame> result);

 private:
  using Outcome = std::optional<Result<std::vector<Frame>>>;

  void Work();
  // All of these under `mutex_`.
  Result<Ticket> Enqueue(Batch batch);
  Outcome& TakeTicket(Ticket ticket);
  // How many more frames the group may be given: a multiple of `threads` in all.
  std::int64_t Claimable(int threads);
  ClaimedFrame Claim();
  Result<std::vector<Frame>> GiveResult(Ticket ticket);
  void Serve(std::unique_lock<std::mutex>& lock, std::optional<Ticket> until) noexcept;
  void RunOldest(std::unique_lock<std::mutex>& lock);
  void Cancel(Job& job, const Status& why);
  void CompleteIfDone(Job& job);
  void Store(Ticket ticket, Result<std::vector<Frame>> result);

  const RunFunction run_;      // this
  const ServeFunction serve_;  // or that
  mutable std::mutex mutex_;
  std::condition_variable work_;     // for the worker: frames wait, or the queue closed
  std::condition_variable more_;     // for ClaimFrames: frames wait, or all are done
  std::condition_variable changed_;  // for all others: a batch is done, or nobody serves
  std::list<Job> jobs_;              // oldest first
  std::int64_t waiting_frames_ = 0;  // of all jobs: not begun
  std::int64_t group_begun_ = 0;     // claimed since `serve_` was called
  std::int64_t unfinished_ = 0;      // of those: not done
  std::int64_t group_claims_ = 0;    // calls of ClaimFrames that got some
  bool group_open_ = false;          // whether `serve_` is given more
  std::optional<Ticket> group_until_;
  bool serving_ = false;  // whether `serve_` runs
  // Tickets that nobody has waited for, and those that somebody is waiting for now; a value once
  // the batch is done.
  std::map<Ticket, Outcome> results_;
  std::map<Ticket, Outcome> waited_;
  std::uint64_t next_ticket_ = 1;
  std::int64_t frame_elements_ = -1;
  bool closed_ = false;
  std::thread worker_;
};

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_BATCH_QUEUE_H_
