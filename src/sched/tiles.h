// Which input planes the tiles of an output read, and which tiles one descriptor can cover.
#ifndef TF2_SCHED_TILES_H_
#define TF2_SCHED_TILES_H_

#include <cstdint>
#include <vector>

#include "arch/arch.h"
#include "sched/conv_form.h"

namespace tf2::sched {

// Input planes that an output tile reads.
struct PlaneRange {
  std::int64_t first = 0, count = 1;
  bool operator==(const PlaneRange&) const = default;
};

// Consecutive tiles that one descriptor covers.
struct TileRun {
  std::int64_t tile = 0, tiles = 1;
  PlaneRange planes;        // of the first tile
  std::int64_t stride = 0;  // planes from a tile's first to the next tile's
};

// Channels in the lanes of the output's tiles, N a tile; -1 for a lane without one.
std::vector<std::int32_t> ChannelOfLane(const ConvForm& form, const arch::Arch& arch);

// Every code 1 and every channel in the same lane of input and output: pooling, most sums, copies.
bool LanePreserving(const ConvForm& form);

// Runs that cover every tile. Each tile reads only its planes, in as many descriptors as that
// takes, or all tiles read all planes in one descriptor: whichever takes fewer cycles.
std::vector<TileRun> ChooseRuns(const ConvForm& form, const arch::Arch& arch);

}  // namespace tf2::sched

#endif  // TF2_SCHED_TILES_H_
