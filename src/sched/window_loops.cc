#include "sched/window_loops.h"

namespace tf2::sched {
namespace {

using program::Loop;

// Whether a window of the rectangle reaches outside the input.
bool TouchesPadding(const WindowLoops& l, std::int64_t y0, std::int64_t x0) {
  const qnet::Window& w = l.window;
  const std::int64_t y_end = y0 + std::int64_t{l.rect.h - 1} * w.sh + std::int64_t{w.kh - 1} * w.dh;
  const std::int64_t x_end = x0 + std::int64_t{l.rect.w - 1} * w.sw + std::int64_t{w.kw - 1} * w.dw;
  return y0 < 0 || x0 < 0 || y_end >= l.in_h || x_end >= l.in_w;
}

}  // namespace

void SetLoops(const WindowLoops& l, std::int64_t first_plane, program::Descriptor& d) {
  const qnet::Window& w = l.window;
  d.count = {l.planes, w.kw, w.kh, l.rect.w, l.rect.h, l.tiles};
  // Distance of each loop's iterations; a term loop stays where it is.
  std::array<std::int64_t, program::kLoops> step = {l.plane_words,
                                                    w.dw,
                                                    std::int64_t{w.dh} * l.in_w,
                                                    w.sw,
                                                    std::int64_t{w.sh} * l.in_w,
                                                    l.tile_stride * l.plane_words};
  switch (l.term_loop) {
    case TermLoop::kNone:
      break;
    case TermLoop::kIc:
      d.count[Loop::kIc] = 2;
      step[Loop::kIc] = 0;
      break;
    case TermLoop::kKx:
      d.count[Loop::kKx] = 2;
      step[Loop::kKx] = 0;
      break;
    case TermLoop::kKy:
      d.count[Loop::kKy] = 2;
      step[Loop::kKy] = 0;
      break;
  }
  std::int64_t back = 0;  // how far the inner loops have moved when this one advances
  for (std::size_t loop = 0; loop < program::kLoops; ++loop) {
    d.delta[loop] = d.count[loop] > 1 ? step[loop] - back : 0;
    back += (d.count[loop] - 1) * step[loop];
  }
  const std::int64_t y0 = std::int64_t{l.rect.y} * w.sh - w.ph;
  const std::int64_t x0 = std::int64_t{l.rect.x} * w.sw - w.pw;
  d.f_base = first_plane + y0 * l.in_w + x0;
  d.padding = TouchesPadding(l, y0, x0);
  if (!d.padding) return;
  d.y0 = y0;
  d.x0 = x0;
  d.dil_y = l.term_loop == TermLoop::kKy ? 0 : w.dh;
  d.dil_x = l.term_loop == TermLoop::kKx ? 0 : w.dw;
  d.str_y = w.sh;
  d.str_x = w.sw;
  d.in_h = l.in_h;
  d.in_w = l.in_w;
}

}  // namespace tf2::sched
