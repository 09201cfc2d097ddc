// Loops of the operators that take long, on the threads of a call. Private to src/interp.
#ifndef TF2_INTERP_RANGES_H_
#define TF2_INTERP_RANGES_H_

#include <cstdint>
#include <functional>

#include "base/parallel.h"

namespace tf2::interp {

// Calls fn(begin, end) for ranges of [0, n), each index in one of them, on the threads of `pool`;
// on this one where it is null or the work little. `cost`: roughly the elements that an index reads
// or writes. What fn throws is thrown here, once all have ended.
void ForRanges(ThreadPool* pool, std::int64_t n, std::int64_t cost,
               const std::function<void(std::int64_t begin, std::int64_t end)>& fn);

}  // namespace tf2::interp

#endif  // TF2_INTERP_RANGES_H_
