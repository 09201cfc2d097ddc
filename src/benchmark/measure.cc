#include "benchmark/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
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

Result<Speed> Measure(runtime::Session& session, const std::vector<std::vector<float>>& samples,
                      const MeasureOptions& options) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> wall, cpu;
  std::size_t next = 0;
  const auto begin = Clock::now();
  const auto enough = [&] {
    return static_cast<int>(wall.size()) >= options.least_rounds &&
           std::chrono::duration<double>(Clock::now() - begin).count() >= options.seconds;
  };
  for (bool warm = false; !enough(); warm = true) {
    std::vector<std::vector<float>> inputs;
    for (int i = 0; i < options.batch; ++i) inputs.push_back(samples[next++ % samples.size()]);
    const std::clock_t cpu_start = std::clock();
    const auto start = Clock::now();
    TF2_ASSIGN_OR_RETURN(const auto predictions, session.RunBatch(inputs));
    const std::chrono::duration<double> taken = Clock::now() - start;
    if (Interrupted()) return Cancelled("interrupted");
    if (!warm) continue;
    wall.push_back(taken.count());
    cpu.push_back(static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
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
