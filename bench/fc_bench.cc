// Fully connected layers of one frame with 4-bit weights larger than the caches, against the
// bandwidth of the memory: one JSON object a line.
//   tf2_fc_bench [--size N] [--layers N] [--threads N] [--rounds N] [--isa NAME]
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "base/rng.h"
#include "options.h"
#include "runtime/backends/cpu/cpu.h"

namespace tf2::runtime {
namespace {

struct Options {
  std::string isa;
  int size, layers, threads, rounds;
};

Result<Options> ParseOptions(int argc, char** argv) {
  TF2_ASSIGN_OR_RETURN(
      auto line,
      bench::ParseCommandLine(
          argc, argv,
          {{"--size", 4096}, {"--layers", 4}, {"--threads", DefaultThreads()}, {"--rounds", 30}}));
  if (!line.artifact.empty()) return InvalidArgument("it takes no artifact: {}", line.artifact);
  auto& n = line.numbers;
  return Options{line.isa, n["--size"], n["--layers"], n["--threads"], n["--rounds"]};
}

// `layers` layers of size x size random codes, each with ReLU.
qnet::QNet Layers(int size, int layers) {
  Rng rng(1);
  qnet::QNet net;
  net.name = "fully connected";
  const auto add_tensor = [&] {
    net.tensors.push_back({fmt::format("t{}", net.tensors.size()),
                           qnet::ElemType::kInt8,
                           {size, 1, 1},
                           std::vector<std::int8_t>(static_cast<std::size_t>(size), 4)});
    return qnet::TensorId(static_cast<std::int32_t>(net.tensors.size()) - 1);
  };
  qnet::TensorId last = add_tensor();
  net.inputs = {last};
  for (int layer = 0; layer < layers; ++layer) {
    qnet::Conv conv;
    conv.activation = qnet::Activation::kRelu;
    auto& codes =
        conv.terms.emplace_back(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
    for (auto& code : codes) code = *numerics::SacValue(static_cast<std::uint8_t>(rng.Below(15)));
    conv.beta.resize(static_cast<std::size_t>(size));
    conv.scale.resize(static_cast<std::size_t>(size), {20000, 27});
    const qnet::TensorId output = add_tensor();
    net.ops.push_back({fmt::format("fc{}", layer), {last}, output, std::move(conv)});
    last = output;
  }
  net.outputs = {{last, "out", qnet::Head::kNone, {size}}};
  return net;
}

// The least time of `rounds` calls.
template <typename Call>
double LeastSeconds(int rounds, const Call& call) {
  double least = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    least = std::min(least, taken.count());
  }
  return least;
}

// Bytes a second that the threads read from a buffer larger than the caches.
double ReadBandwidth(int threads, int rounds) {
  constexpr std::size_t kWords = std::size_t{32} << 20;  // 256 MiB
  std::vector<std::uint64_t> buffer(kWords, 1);
  ThreadPool pool(threads);
  std::atomic<std::uint64_t> sum = 0;  // read, so that no load is left out
  const double seconds = LeastSeconds(rounds, [&] {
    pool.ForRanges(std::ssize(buffer), [&](std::int64_t begin, std::int64_t end, int) {
      constexpr int kWays = 16;
      std::uint64_t sums[kWays] = {};
      for (std::int64_t i = begin; i + kWays <= end; i += kWays) {
        const std::uint64_t* const from = buffer.data() + i;
        for (int k = 0; k < kWays; ++k) sums[k] += from[k];
      }
      for (const std::uint64_t part : sums) sum += part;
    });
  });
  return static_cast<double>(kWords * sizeof(std::uint64_t)) / seconds;
}

Status Main(int argc, char** argv) {
  TF2_ASSIGN_OR_RETURN(const Options options, ParseOptions(argc, argv));
  const auto net = std::make_shared<const qnet::QNet>(Layers(options.size, options.layers));
  TF2_RETURN_IF_ERROR(qnet::Verify(*net));
  DeviceOptions device_options;
  device_options.threads = options.threads;
  device_options.isa = options.isa;
  TF2_ASSIGN_OR_RETURN(const auto device, CpuBackend().open(device_options));
  TF2_RETURN_IF_ERROR(device->Load({net, {}}));
  const std::vector<std::int8_t> input(static_cast<std::size_t>(options.size), 3);
  Status status;
  const double seconds = LeastSeconds(options.rounds, [&] {
    auto frames = device->Run({1, input});
    if (!frames.ok()) status = std::move(frames.error());
  });
  TF2_RETURN_IF_ERROR(std::move(status));
  const double read = ReadBandwidth(device_options.threads, options.rounds);
  const double bytes = 0.5 * options.size * options.size * options.layers;
  fmt::print(
      "{{\"isa\": \"{}\", \"threads\": {}, \"size\": {}, \"layers\": {}, \"frames_per_s\": {:.1f}, "
      "\"weights_gb_per_s\": {:.1f}, \"memory_gb_per_s\": {:.1f}, \"share\": {:.2f}}}\n",
      device->isa(), device_options.threads, options.size, options.layers, 1 / seconds,
      bytes / seconds / 1e9, read / 1e9, bytes / seconds / read);
  return {};
}

}  // namespace
}  // namespace tf2::runtime

int main(int argc, char** argv) { return tf2::bench::Exit(tf2::runtime::Main(argc, argv)); }
