// Nibbles and parameter entries of a run of tiles.
#ifndef TF2_SCHED_PACK_TILES_H_
#define TF2_SCHED_PACK_TILES_H_

#include <cstdint>
#include <vector>

#include "arch/arch.h"
#include "sched/conv_form.h"
#include "sched/tiles.h"
#include "sched/window_loops.h"

namespace tf2::sched {

// The weight words of a run, n*c/2 bytes each, tile after tile. A lane-preserving form has the
// identity in every lane, with or without a channel, so that all its blocks of run.planes.count
// words are the same.
std::vector<std::uint8_t> PackWeights(const ConvForm& form, const TileRun& run, TermLoop term_loop,
                                      const arch::Arch& arch);

struct PackedParams {
  std::vector<std::uint64_t> entries;  // N a tile
  std::int32_t acc_bits = 0;  // smallest accumulator that the actual codes are proven to fit
};

// Entries of a run: beta with the row's negative codes counted, alpha, s, t. Lanes without a
// channel get alpha 0.
PackedParams PackParams(const ConvForm& form, const TileRun& run, const ConvRegion& region,
                        const arch::Arch& arch);

}  // namespace tf2::sched

#endif  // TF2_SCHED_PACK_TILES_H_
