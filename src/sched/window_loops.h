// Loop counts, pointer deltas and coordinates of a descriptor that slides a window over planes.
#ifndef TF2_SCHED_WINDOW_LOOPS_H_
#define TF2_SCHED_WINDOW_LOOPS_H_

#include <cstdint>

#include "program/descriptor.h"
#include "qnet/qnet.h"

namespace tf2::sched {

// A rectangle of output pixels.
struct Rect {
  std::int32_t y = 0, x = 0, h = 1, w = 1;
};

// Where a repeated pass over the taps goes for two-term weights: into a loop that is otherwise
// idle.
enum class TermLoop : std::uint8_t { kNone, kIc, kKx, kKy };

struct WindowLoops {
  qnet::Window window;
  std::int32_t in_h = 1, in_w = 1;
  std::int64_t plane_words = 1;  // of the input
  std::int64_t planes = 1;       // input planes a window reads
  std::int64_t tiles = 1;
  std::int64_t tile_stride = 0;  // planes from a tile's first input plane to the next tile's
  TermLoop term_loop = TermLoop::kNone;
  Rect rect;
};

// Fills counts, deltas, y0 ... in_w, padding, and f_base for a first input plane at word
// `first_plane`. Loops that run once have delta 0; without padding the coordinate fields are 0.
void SetLoops(const WindowLoops& loops, std::int64_t first_plane, program::Descriptor& d);

}  // namespace tf2::sched

#endif  // TF2_SCHED_WINDOW_LOOPS_H_
