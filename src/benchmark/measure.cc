#include "benchmark/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <deque>
#include <utility>

#include "base/interrupt.h"
#include "base/rng.h"

namespace tf2::benchmark {

double Median(std::vector<double> values) {
  TF2_CHECK(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

namespace {

using Clock = std::chrono::steady_clock;

// Batches of `size` of the samples, each sample in one at least.
std::vector<std::vector<std::vector<float>>> BatchesOf(
    const std::vector<std::vector<float>>& samples, int size) {
  std::vector<std::vector<std::vector<float>>> batches;
  for (std::size_t next = 0; next < samples.size();) {
    auto& batch = batches.emplace_back();
    for (int i = 0; i < size; ++i) batch.push_back(samples[next++ % samples.size()]);
  }
  return batches;
}

}  // namespace

Result<Speed> Measure(runtime::Session& session, const std::vector<std::vector<float>>& samples,
                      const MeasureOptions& options) {
  const auto batches = BatchesOf(samples, options.batch);
  const std::size_t in_flight = options.batch == 1 ? 1 : 2;
  const std::size_t least = static_cast<std::size_t>(options.least_rounds) + in_flight;
  std::deque<runtime::Ticket> tickets;
  std::vector<Clock::time_point> ends;
  std::clock_t cpu_begin = 0;  // of what is counted
  const auto begin = Clock::now();
  for (std::size_t submitted = 0;;) {
    const bool more = submitted < least ||
                      std::chrono::duration<double>(Clock::now() - begin).count() < options.seconds;
    if (!more && tickets.empty()) break;
    if (in_flight == 1) {
      TF2_RETURN_IF_ERROR(session.RunBatch(batches[submitted++ % batches.size()]));
    } else {
      if (more) {
        TF2_ASSIGN_OR_RETURN(tickets.emplace_back(),
                             session.Submit(batches[submitted++ % batches.size()]));
      }
      if (more && tickets.size() < in_flight) continue;
      TF2_RETURN_IF_ERROR(session.Wait(tickets.front()));
      tickets.pop_front();
    }
    if (Interrupted()) return Cancelled("interrupted");
    ends.push_back(Clock::now());
    if (ends.size() == in_flight) cpu_begin = std::clock();
  }
  const auto cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
  std::vector<double> wall;
  for (std::size_t i = in_flight; i < ends.size(); ++i) {
    const auto n = static_cast<double>(in_flight);
    wall.push_back(std::chrono::duration<double>(ends[i] - ends[i - in_flight]).count() / n);
  }
  Speed speed;
  speed.rounds = static_cast<int>(wall.size());
  speed.seconds = Median(std::move(wall));
  speed.cpu_seconds = cpu / speed.rounds;
  speed.images_per_s = options.batch / speed.seconds;
  return speed;
}

std::vector<std::vector<float>> Noise(const qnet::QNet& net, int count) {
  Rng rng(1);
  std::vector<std::vector<float>> samples(static_cast<std::size_t>(count));
  for (auto& sample : samples) {
    sample.reserve(static_cast<std::size_t>(qnet::InputElements(net)));
    for (const qnet::TensorId id : net.inputs) {
      const qnet::Tensor& input = net.tensor(id);
      const std::int64_t plane = input.elements() / input.c();
      for (std::int64_t i = 0; i < input.elements(); ++i) {
        const int q = input.q[static_cast<std::size_t>(i / plane)];
        sample.push_back(std::ldexp(static_cast<float>(rng.Between(-128, 127)), -q));
      }
    }
  }
  return samples;
}

Bound BoundOf(const Roofs& roofs, double seconds, double macs, double bytes) {
  if (seconds < 1e-6) return {"none", 0};
  const double compute = roofs.macs_per_s > 0 ? macs / roofs.macs_per_s / seconds : 0;
  const double memory = roofs.bytes_per_s > 0 ? bytes / roofs.bytes_per_s / seconds : 0;
  const double nearer = std::max(compute, memory);
  if (nearer < 0.1) return {"overhead", nearer};
  return compute >= memory ? Bound{"compute", compute} : Bound{"memory", memory};
}

}  // namespace tf2::benchmark
