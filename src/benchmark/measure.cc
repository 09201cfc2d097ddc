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
  using Clock = std::chrono::steady_clock;
  const auto batches = BatchesOf(samples, options.batch);
  const std::size_t queued = options.batch == 1 ? 0 : 1;  // behind the batch that runs
  std::deque<runtime::Ticket> in_flight;
  std::vector<double> wall, cpu;
  const auto begin = Clock::now();
  auto start = begin;
  std::clock_t cpu_start = std::clock();
  std::size_t submitted = 0;
  for (int done = 0;;) {
    // The first is not counted.
    const bool more = static_cast<int>(submitted) <= options.least_rounds ||
                      std::chrono::duration<double>(Clock::now() - begin).count() < options.seconds;
    if (more) {
      TF2_ASSIGN_OR_RETURN(const runtime::Ticket ticket,
                           session.Submit(batches[submitted++ % batches.size()]));
      in_flight.push_back(ticket);
    } else if (in_flight.empty()) {
      break;
    }
    if (more && in_flight.size() <= queued) continue;
    TF2_RETURN_IF_ERROR(session.Wait(in_flight.front()));
    in_flight.pop_front();
    if (Interrupted()) return Cancelled("interrupted");
    const auto now = Clock::now();
    const std::clock_t cpu_now = std::clock();
    if (done++ > 0) {
      wall.push_back(std::chrono::duration<double>(now - start).count());
      cpu.push_back(static_cast<double>(cpu_now - cpu_start) / CLOCKS_PER_SEC);
    }
    start = now;
    cpu_start = cpu_now;
  }
  Speed speed;
  speed.rounds = static_cast<int>(wall.size());
  speed.seconds = Median(std::move(wall));
  speed.cpu_seconds = Median(std::move(cpu));
  speed.images_per_s = options.batch / speed.seconds;
  return speed;
}

std::vector<std::vector<float>> Noise(const qnet::QNet& net, int count) {
  const qnet::Tensor& input = net.tensor(net.input);
  const std::size_t plane = static_cast<std::size_t>(input.elements()) / input.q.size();
  Rng rng(1);
  std::vector<std::vector<float>> samples(static_cast<std::size_t>(count));
  for (auto& sample : samples) {
    sample.resize(static_cast<std::size_t>(input.elements()));
    for (std::size_t i = 0; i < sample.size(); ++i) {
      sample[i] = std::ldexp(static_cast<float>(rng.Between(-128, 127)), -input.q[i / plane]);
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
