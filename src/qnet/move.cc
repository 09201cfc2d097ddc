// Data movement: each element of the output from an affine function of its position.
#include <algorithm>

#include "qnet/move_map.h"
#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunMove(const QNet& net, const Op& op, const Move& move, Inputs inputs) {
  const Tensor& out = net.tensor(op.output);
  const auto bytes = static_cast<std::int64_t>(BytesOf(out.type));
  Bytes y(static_cast<std::size_t>(out.bytes()));
  ForEachMoved(move, [&](std::int64_t to, std::int64_t from) {
    std::copy_n(inputs[0]->begin() + from * bytes, bytes, y.begin() + to * bytes);
    return true;
  });
  return y;
}

std::optional<Move> FitMove(std::span<const float> map) {
  if (map.empty()) return {};
  const auto at = [&](std::int64_t i) {
    return static_cast<std::int64_t>(map[static_cast<std::size_t>(i)]);
  };
  Move move;
  move.offset = at(0);
  // From the last dimension to the first: the longest run of one stride.
  std::int64_t inner = 1;
  std::int64_t rest = std::ssize(map);
  while (rest > 1) {
    const std::int64_t stride = at(inner) - at(0);
    std::int64_t run = 2;
    while (run < rest && at(run * inner) - at((run - 1) * inner) == stride) ++run;
    while (rest % run != 0) --run;
    if (run < 2 || move.dims.size() == kMaxMoveDims) return {};
    move.dims.push_back(static_cast<std::int32_t>(run));
    move.strides.push_back(stride);
    inner *= run;
    rest /= run;
  }
  if (move.dims.empty()) {
    move.dims = {1};
    move.strides = {0};
  }
  std::ranges::reverse(move.dims);
  std::ranges::reverse(move.strides);
  bool fits = true;
  ForEachMoved(move, [&](std::int64_t to, std::int64_t from) {
    fits = at(to) == from;
    return fits;
  });
  if (!fits) return {};
  return move;
}

std::optional<std::vector<std::int32_t>> SourcePixels(const Move& move, const Tensor& in,
                                                      const Tensor& out) {
  if (in.c() != out.c()) return {};
  const std::int64_t in_plane = std::int64_t{in.h()} * in.w();
  const std::int64_t out_plane = std::int64_t{out.h()} * out.w();
  // The dimensions within a plane, the outermost of which may reach beyond it; those before must
  // count channels.
  Move plane;
  plane.offset = move.offset;
  std::int64_t inner = 1;
  for (std::size_t d = move.dims.size(); d-- > 0;) {
    std::int64_t dim = move.dims[d];
    std::int64_t stride = move.strides[d];
    if (inner < out_plane) {
      const std::int64_t within = std::min(dim, out_plane / inner);
      if (out_plane % (inner * within) != 0 || dim % within != 0) return {};
      plane.dims.insert(plane.dims.begin(), static_cast<std::int32_t>(within));
      plane.strides.insert(plane.strides.begin(), stride);
      inner *= within;
      dim /= within;
      stride *= within;
    }
    if (dim > 1 && stride != in_plane * (inner / out_plane)) return {};
    inner *= dim;
  }
  std::vector<std::int32_t> sources;
  sources.reserve(static_cast<std::size_t>(out_plane));
  bool inside = true;
  ForEachMoved(plane, [&](std::int64_t, std::int64_t from) {
    inside = from >= 0 && from < in_plane;
    sources.push_back(static_cast<std::int32_t>(from));
    return inside;
  });
  if (!inside) return {};
  return sources;
}

std::vector<std::int32_t> SourceChannels(const Move& move, const Tensor& in, const Tensor& out) {
  const std::int64_t in_plane = std::int64_t{in.h()} * in.w();
  const std::int64_t out_plane = std::int64_t{out.h()} * out.w();
  std::vector<std::int32_t> sources(static_cast<std::size_t>(out.c()), -2);
  ForEachMoved(move, [&](std::int64_t to, std::int64_t from) {
    std::int32_t& source = sources[static_cast<std::size_t>(to / out_plane)];
    const auto channel = static_cast<std::int32_t>(from / in_plane);
    if (source == -2) source = channel;
    if (source != channel) source = -1;
    return true;
  });
  return sources;
}

}  // namespace tf2::qnet
