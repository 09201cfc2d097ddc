#include "interp/ranges.h"

#include <algorithm>
#include <exception>
#include <mutex>

namespace tf2::interp {

void ForRanges(ThreadPool* pool, std::int64_t n, std::int64_t cost,
               const std::function<void(std::int64_t begin, std::int64_t end)>& fn) {
  if (n <= 0) return;
  constexpr std::int64_t kLeast = 4096;  // of a piece
  constexpr std::int64_t kPiecesPerThread = 8;
  if (pool == nullptr || pool->threads() == 1 || n * cost < 2 * kLeast) {
    fn(0, n);
    return;
  }
  const std::int64_t pieces = kPiecesPerThread * pool->threads();
  const std::int64_t piece =
      std::max((n + pieces - 1) / pieces, kLeast / std::max<std::int64_t>(cost, 1) + 1);
  std::exception_ptr thrown;
  std::mutex mutex;
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    try {
      fn(begin, end);
    } catch (...) {  // must not leave a thread of the pool
      const std::lock_guard lock(mutex);
      thrown = std::current_exception();
    }
  };
  pool->ForPieces({{n, piece, run}});
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace tf2::interp
