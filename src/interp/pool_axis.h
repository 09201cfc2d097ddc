// Where the windows of a pool lie along one axis. Private to src/interp.
#ifndef TF2_INTERP_POOL_AXIS_H_
#define TF2_INTERP_POOL_AXIS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace tf2::interp {

// One window: taps at first, first + dilation, ... (`taps` of them) lie in the input; `divisor` is
// the axis' share of what an average divides by.
struct PoolWindow {
  std::int64_t first = 0;
  std::int64_t taps = 0;
  std::int64_t divisor = 0;
};

struct PoolAxis {
  std::int64_t in, out, kernel, stride, dilation, pad_begin, pad_end;
};

// The number of taps of a window of `kernel` from `start` that lie before `end`.
inline std::int64_t TapsBefore(const PoolAxis& a, std::int64_t start, std::int64_t end) {
  if (start >= end) return 0;
  return std::min(a.kernel, (end - start + a.dilation - 1) / a.dilation);
}

inline std::vector<PoolWindow> PoolWindows(const PoolAxis& a, ir::PoolDivisor rule) {
  std::vector<PoolWindow> windows;
  for (std::int64_t o = 0; o < a.out; ++o) {
    const std::int64_t start = o * a.stride - a.pad_begin;
    const std::int64_t skipped = TapsBefore(a, start, 0);
    PoolWindow w;
    w.first = start + skipped * a.dilation;
    w.taps = TapsBefore(a, start, a.in) - skipped;
    switch (rule) {
      case ir::PoolDivisor::kValid:  // PyTorch count_include_pad=False; ONNX count_include_pad=0
        w.divisor = w.taps;
        break;
      case ir::PoolDivisor::kKernel:  // ONNX count_include_pad=1 before operator set 19
        w.divisor = a.kernel;
        break;
      case ir::PoolDivisor::kCaffe:  // also PyTorch count_include_pad=True and ONNX from operator
                                     // set 19
        w.divisor = TapsBefore(a, start, a.in + a.pad_end);
        break;
    }
    windows.push_back(w);
  }
  return windows;
}

}  // namespace tf2::interp

#endif  // TF2_INTERP_POOL_AXIS_H_
