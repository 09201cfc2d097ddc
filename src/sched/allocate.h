// Offsets for buffers with live intervals: buffers that live at the same time must not overlap.
#ifndef TF2_SCHED_ALLOCATE_H_
#define TF2_SCHED_ALLOCATE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace tf2::sched {

// Live in [first, last], both included.
struct Interval {
  std::int64_t words = 0;
  std::int32_t first = 0;
  std::int32_t last = 0;
  bool Overlaps(const Interval& other) const { return first <= other.last && other.first <= last; }
};

struct Allocation {
  std::vector<std::int64_t> offsets;
  std::int64_t peak_words = 0;
  std::int64_t lower_bound_words = 0;  // largest live set
  std::int32_t lower_bound_at = 0;     // the time of the first largest live set
  std::int64_t slot_words = 0;         // DsaturPeakWords
};

// The largest sum of words that live at one time, and that time.
Allocation LowerBound(std::span<const Interval> intervals);

// Best fit: buffers in an order, each into the smallest gap between its conflicting neighbours that
// holds it. The orders tried are by size, by the end and start of life, by size times life, then
// seeded shuffles of the best, until the peak equals the lower bound. Deterministic.
Allocation Allocate(std::span<const Interval> intervals);

// Peak of colouring the conflict graph by DSATUR (Brelaz, "New methods to color the vertices of a
// graph", 1979) with one buffer per colour, as large as its largest member: what equal slots would
// cost.
std::int64_t DsaturPeakWords(std::span<const Interval> intervals);

// Refuses overlaps of buffers that live together, negative offsets and a wrong peak.
Status CheckAllocation(std::span<const Interval> intervals, const Allocation& allocation);

}  // namespace tf2::sched

#endif  // TF2_SCHED_ALLOCATE_H_
