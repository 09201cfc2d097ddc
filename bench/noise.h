// Inputs for benchmarks: the time of every kernel is independent of the values.
#ifndef TF2_BENCH_NOISE_H_
#define TF2_BENCH_NOISE_H_

#include <cstddef>
#include <cstdint>

#include "base/rng.h"
#include "qnet/qnet.h"
#include "runtime/device.h"

namespace tf2::bench {

// `count` frames of fixed noise.
inline runtime::Batch Noise(const qnet::QNet& net, int count) {
  Rng rng(1);
  runtime::Batch batch{count, {}};
  batch.data.resize(static_cast<std::size_t>(qnet::InputElements(net) * count));
  for (auto& value : batch.data) value = static_cast<std::int8_t>(rng.Between(-128, 127));
  return batch;
}

}  // namespace tf2::bench

#endif  // TF2_BENCH_NOISE_H_
