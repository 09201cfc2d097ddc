#include "runtime/batch_queue.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/interrupt.h"

namespace tf2::runtime {

// Frames [0, begun) were claimed, `finished` of them are done.
struct BatchQueue::Job {
  Ticket ticket;
  Batch batch;
  std::vector<Frame> frames;
  std::int64_t begun = 0;
  std::int64_t finished = 0;
  std::int64_t failed_at = 0;  // where `failure` is not OK
  Status failure;
};

BatchQueue::BatchQueue(RunFunction run) : run_(std::move(run)) {}

BatchQueue::BatchQueue(ServeFunction serve) : serve_(std::move(serve)) {}

BatchQueue::~BatchQueue() { Close(); }

void BatchQueue::SetFrameElements(std::int64_t elements) {
  std::lock_guard lock(mutex_);
  frame_elements_ = elements;
}

Result<Ticket> BatchQueue::Submit(Batch batch) {
  std::lock_guard lock(mutex_);
  TF2_ASSIGN_OR_RETURN(const Ticket ticket, Enqueue(std::move(batch)));
  if (!worker_.joinable()) worker_ = std::thread([this] { Work(); });
  work_.notify_one();
  return ticket;
}

Result<std::vector<Frame>> BatchQueue::Run(Batch batch) {
  TF2_CHECK(serve_ != nullptr);
  std::unique_lock lock(mutex_);
  TF2_ASSIGN_OR_RETURN(const Ticket ticket, Enqueue(std::move(batch)));
  const Outcome& slot = TakeTicket(ticket);
  while (!slot.has_value()) {
    if (serving_) {
      changed_.wait(lock, [&] { return slot.has_value() || !serving_; });
    } else {
      Serve(lock, ticket);
    }
  }
  return GiveResult(ticket);
}

Result<Ticket> BatchQueue::Enqueue(Batch batch) {
  if (closed_) return InvalidArgument("the device is closed");
  if (frame_elements_ < 0) return InvalidArgument("no network is loaded");
  if (batch.count < 1) return InvalidArgument("a batch of {} frames", batch.count);
  const auto size = static_cast<std::int64_t>(batch.data.size());
  if (size % batch.count != 0 || size / batch.count != frame_elements_) {
    return InvalidArgument("a batch of {} frames has {} values; the network's input has {} a frame",
                           batch.count, size, frame_elements_);
  }
  if (serving_) changed_.notify_all();  // CheckIdle
  const Ticket ticket{next_ticket_++};
  results_.emplace(ticket, std::nullopt);
  waiting_frames_ += batch.count;
  more_.notify_all();
  jobs_.push_back({.ticket = ticket, .batch = std::move(batch), .frames = {}, .failure = {}});
  return ticket;
}

Result<std::vector<Frame>> BatchQueue::Wait(Ticket ticket) {
  std::unique_lock lock(mutex_);
  if (!results_.contains(ticket)) {
    return InvalidArgument("ticket {} is unknown or was waited for already",
                           static_cast<std::uint64_t>(ticket));
  }
  const Outcome& slot = TakeTicket(ticket);
  changed_.wait(lock, [&slot] { return slot.has_value(); });
  return GiveResult(ticket);
}

// So that a second waiter is refused instead of racing for the result.
BatchQueue::Outcome& BatchQueue::TakeTicket(Ticket ticket) {
  auto node = results_.extract(ticket);
  return waited_[ticket] = std::move(node.mapped());
}

// Of a ticket that was taken.
Result<std::vector<Frame>> BatchQueue::GiveResult(Ticket ticket) {
  auto node = waited_.extract(ticket);
  return *std::move(node.mapped());
}

void BatchQueue::Close() {
  std::thread worker;
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    for (auto job = jobs_.begin(); job != jobs_.end();) {
      Job& next = *job++;  // which Cancel removes
      if (next.begun == 0) Cancel(next, Cancelled("the device was closed"));
    }
    worker = std::move(worker_);
    work_.notify_one();
    changed_.wait(lock, [this] { return jobs_.empty() && !serving_; });
  }
  if (worker.joinable()) worker.join();
}

Status BatchQueue::CheckIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !serving_ || !jobs_.empty(); });
  if (closed_) return InvalidArgument("the device is closed");
  if (!jobs_.empty()) return InvalidArgument("the device has batches in flight");
  return {};
}

void BatchQueue::Store(Ticket ticket, Result<std::vector<Frame>> result) {
  const auto waited = waited_.find(ticket);
  (waited != waited_.end() ? waited->second : results_[ticket]) = std::move(result);
}

std::int64_t BatchQueue::WaitingFrames() const {
  const std::lock_guard lock(mutex_);
  return waiting_frames_;
}

std::optional<BatchQueue::ClaimedFrame> BatchQueue::ClaimFrame() {
  const std::lock_guard lock(mutex_);
  if (Claimable(1) == 0) return std::nullopt;
  return Claim();
}

std::vector<BatchQueue::ClaimedFrame> BatchQueue::ClaimFrames(int threads, std::int64_t most) {
  std::unique_lock lock(mutex_);
  more_.wait(lock, [this] { return waiting_frames_ > 0 || unfinished_ == 0; });
  const std::int64_t claimable = Claimable(threads);
  if (claimable == 0) return {};
  // Threads claim in turn: the rest of them in this turn and all in as many more as it takes.
  std::int64_t claims = threads - group_claims_++ % threads;
  while (claims * most < claimable) claims += threads;
  std::vector<ClaimedFrame> frames;
  for (std::int64_t i = (claimable + claims - 1) / claims; i > 0; --i) frames.push_back(Claim());
  return frames;
}

std::int64_t BatchQueue::Claimable(int threads) {
  if (const Status interrupted = CheckInterrupted(); !interrupted.ok()) {
    for (auto job = jobs_.begin(); job != jobs_.end();) Cancel(*job++, interrupted);
  }
  const std::int64_t all = (group_begun_ + waiting_frames_) / threads * threads;
  if (group_begun_ >= all) group_open_ = false;
  return group_open_ ? all - group_begun_ : 0;
}

BatchQueue::ClaimedFrame BatchQueue::Claim() {
  const auto job = std::ranges::find_if(
      jobs_, [](const Job& candidate) { return candidate.begun < candidate.batch.count; });
  TF2_CHECK(job != jobs_.end(), "{} frames wait, and no batch has one", waiting_frames_);
  const std::int64_t index = job->begun++;
  --waiting_frames_;
  ++group_begun_;
  ++unfinished_;
  job->frames.resize(static_cast<std::size_t>(job->batch.count));
  const auto elements = static_cast<std::size_t>(frame_elements_);
  return ClaimedFrame{
      &*job, index,
      std::span(job->batch.data).subspan(static_cast<std::size_t>(index) * elements, elements)};
}

void BatchQueue::FinishFrame(const ClaimedFrame& frame, Result<Frame> result) {
  const std::lock_guard lock(mutex_);
  Job& job = *frame.job;
  if (--unfinished_ == 0) more_.notify_all();
  ++job.finished;
  if (result.ok()) {
    job.frames[static_cast<std::size_t>(frame.index)] = *std::move(result);
    CompleteIfDone(job);
    return;
  }
  if (job.failure.ok() || frame.index < job.failed_at) {
    job.failure = result.error();
    job.failed_at = frame.index;
  }
  Cancel(job, job.failure);
}

// Frames of the job that wait are not run; it fails, with `why` where nothing else did.
void BatchQueue::Cancel(Job& job, const Status& why) {
  const std::int64_t skipped = job.batch.count - job.begun;
  if (skipped > 0 && job.failure.ok()) {
    job.failure = why;
    job.failed_at = job.begun;
  }
  job.begun += skipped;
  job.finished += skipped;
  waiting_frames_ -= skipped;
  CompleteIfDone(job);
}

// Removes the job.
void BatchQueue::CompleteIfDone(Job& job) {
  if (job.finished < job.batch.count) return;
  if (job.ticket == group_until_) group_open_ = false;
  if (job.failure.ok()) {
    Store(job.ticket, std::move(job.frames));
  } else {
    Store(job.ticket, job.failure.error());
  }
  jobs_.remove_if([&job](const Job& candidate) { return &candidate == &job; });
  changed_.notify_all();
}

void BatchQueue::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return waiting_frames_ > 0 ? !serving_ : closed_; });
    if (waiting_frames_ == 0) return;
    if (run_) {
      RunOldest(lock);
    } else {
      Serve(lock, std::nullopt);
    }
  }
}

// Without the lock while frames run. `until`: the batch after which the group ends.
void BatchQueue::Serve(std::unique_lock<std::mutex>& lock, std::optional<Ticket> until) noexcept {
  group_begun_ = group_claims_ = 0;
  group_open_ = serving_ = true;
  group_until_ = until;
  lock.unlock();
  serve_();
  lock.lock();
  serving_ = false;
  if (waiting_frames_ > 0 || closed_) work_.notify_one();
  changed_.notify_all();
}

// Without the lock while the batch runs.
void BatchQueue::RunOldest(std::unique_lock<std::mutex>& lock) {
  Job& job = jobs_.front();
  if (const Status interrupted = CheckInterrupted(); !interrupted.ok()) {
    Cancel(job, interrupted);
    return;
  }
  job.begun = job.batch.count;
  waiting_frames_ -= job.batch.count;
  lock.unlock();
  Result<std::vector<Frame>> result = run_(job.batch);
  lock.lock();
  job.finished = job.batch.count;
  if (result.ok()) {
    job.frames = *std::move(result);
  } else {
    job.failure = std::move(result.error());
  }
  CompleteIfDone(job);
}

}  // namespace tf2::runtime
