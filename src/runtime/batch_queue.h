// The asynchronous half of a device: a queue of batches, a thread that runs them one after the
// other, tickets. A backend owns one, gives it the function that runs a batch, and forwards Submit,
// Wait and Close to it.
#ifndef TF2_RUNTIME_BATCH_QUEUE_H_
#define TF2_RUNTIME_BATCH_QUEUE_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "runtime/device.h"

namespace tf2::runtime {

// Thread-safe. The worker thread starts with the first batch.
class BatchQueue {
 public:
  // Runs one batch; called from the worker thread only, one call at a time.
  using RunFunction = std::function<Result<std::vector<Frame>>(const Batch&)>;

  explicit BatchQueue(RunFunction run);
  ~BatchQueue();  // closes

  // Sets the size every frame of a later Submit must have: elements of the input. Until then Submit
  // refuses
  // ("no network is loaded").
  void SetFrameElements(std::int64_t elements);

  // As Device::Submit, Device::Wait and Device::Close say.
  Result<Ticket> Submit(Batch batch);
  Result<std::vector<Frame>> Wait(Ticket ticket);
  void Close();

  // OK while the queue is open and nothing is queued or running: what Load and RunTraced require.
  Status CheckIdle() const;

 private:
  struct Job {
    Ticket ticket;
    Batch batch;
  };

  using Outcome = std::optional<Result<std::vector<Frame>>>;

  void Work();
  void Store(Ticket ticket, Result<std::vector<Frame>> result);

  RunFunction run_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  // Tickets that nobody has waited for, and those that somebody is waiting for now; a value once
  // the batch is done.
  std::map<Ticket, Outcome> results_;
  std::map<Ticket, Outcome> waited_;
  std::uint64_t next_ticket_ = 1;
  std::int64_t frame_elements_ = -1;
  bool running_ = false;
  bool closed_ = false;
  std::thread worker_;
};

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_BATCH_QUEUE_H_
