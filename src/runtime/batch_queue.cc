#include "runtime/batch_queue.h"

#include <optional>
#include <utility>

#include "base/interrupt.h"

namespace tf2::runtime {

BatchQueue::BatchQueue(RunFunction run) : run_(std::move(run)) {}

BatchQueue::~BatchQueue() { Close(); }

void BatchQueue::SetFrameElements(std::int64_t elements) {
  std::lock_guard lock(mutex_);
  frame_elements_ = elements;
}

Result<Ticket> BatchQueue::Submit(Batch batch) {
  std::lock_guard lock(mutex_);
  if (closed_) return InvalidArgument("the device is closed");
  if (frame_elements_ < 0) return InvalidArgument("no network is loaded");
  if (batch.count < 1) return InvalidArgument("a batch of {} frames", batch.count);
  const auto size = static_cast<std::int64_t>(batch.data.size());
  if (size % batch.count != 0 || size / batch.count != frame_elements_) {
    return InvalidArgument("a batch of {} frames has {} values; the network's input has {} a frame",
                           batch.count, size, frame_elements_);
  }
  const Ticket ticket{next_ticket_++};
  results_.emplace(ticket, std::nullopt);
  queue_.push_back({ticket, std::move(batch)});
  if (!worker_.joinable()) worker_ = std::thread([this] { Work(); });
  changed_.notify_all();
  return ticket;
}

Result<std::vector<Frame>> BatchQueue::Wait(Ticket ticket) {
  std::unique_lock lock(mutex_);
  if (!results_.contains(ticket)) {
    return InvalidArgument("ticket {} is unknown or was waited for already",
                           static_cast<std::uint64_t>(ticket));
  }
  // Takes the ticket, so that a second waiter is refused instead of racing for the result.
  auto node = results_.extract(ticket);
  auto& slot = waited_[ticket] = std::move(node.mapped());
  changed_.wait(lock, [&slot] { return slot.has_value(); });
  Result<std::vector<Frame>> result = *std::move(slot);
  waited_.erase(ticket);
  return result;
}

void BatchQueue::Close() {
  std::thread worker;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (const Job& job : queue_) Store(job.ticket, Cancelled("the device was closed"));
    queue_.clear();
    worker = std::move(worker_);
    changed_.notify_all();
  }
  if (worker.joinable()) worker.join();
}

Status BatchQueue::CheckIdle() const {
  std::lock_guard lock(mutex_);
  if (closed_) return InvalidArgument("the device is closed");
  if (running_ || !queue_.empty()) return InvalidArgument("the device has batches in flight");
  return {};
}

void BatchQueue::Store(Ticket ticket, Result<std::vector<Frame>> result) {
  const auto waited = waited_.find(ticket);
  (waited != waited_.end() ? waited->second : results_[ticket]) = std::move(result);
}

void BatchQueue::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Job job = std::move(queue_.front());
    queue_.pop_front();
    running_ = true;
    lock.unlock();
    const Status interrupted = CheckInterrupted();
    Result<std::vector<Frame>> result =
        interrupted.ok() ? run_(job.batch) : Result<std::vector<Frame>>(interrupted.error());
    lock.lock();
    running_ = false;
    Store(job.ticket, std::move(result));
    changed_.notify_all();
  }
}

}  // namespace tf2::runtime
