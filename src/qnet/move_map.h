// Moves as maps of element indices.
#ifndef TF2_QNET_MOVE_MAP_H_
#define TF2_QNET_MOVE_MAP_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "qnet/qnet.h"

namespace tf2::qnet {

// Calls fn(output element, input element) for each element of the output in order, until it returns
// false.
template <typename Fn>
void ForEachMoved(const Move& move, const Fn& fn) {
  std::int64_t elements = 1;
  for (const std::int32_t dim : move.dims) elements *= dim;
  std::vector<std::int32_t> at(move.dims.size(), 0);
  std::int64_t from = move.offset;
  for (std::int64_t i = 0; i < elements; ++i) {
    if (!fn(i, from)) return;
    for (std::size_t d = at.size(); d-- > 0;) {
      from += move.strides[d];
      if (++at[d] < move.dims[d]) break;
      from -= move.strides[d] * move.dims[d];
      at[d] = 0;
    }
  }
}

// The move whose output element i is input element map[i]; none where no affine function of at most
// kMaxMoveDims dimensions says so.
std::optional<Move> FitMove(std::span<const float> map);

// For each pixel of the output the pixel of the input that it is a copy of, all channels in order;
// none where the move mixes channels.
std::optional<std::vector<std::int32_t>> SourcePixels(const Move& move, const Tensor& in,
                                                      const Tensor& out);

// For each channel of the output the channel of the input that all its elements come from; -1 where
// there are several.
std::vector<std::int32_t> SourceChannels(const Move& move, const Tensor& in, const Tensor& out);

}  // namespace tf2::qnet

#endif  // TF2_QNET_MOVE_MAP_H_
