#include "sched/tiles.h"

#include <algorithm>

namespace tf2::sched {
namespace {

std::int64_t TileCount(const ConvForm& form, const arch::Arch& arch) {
  return (form.output->planes + arch.planes_per_tile() - 1) / arch.planes_per_tile();
}

std::vector<PlaneRange> PlanesOfTiles(const ConvForm& form, const arch::Arch& arch) {
  const std::vector<std::int32_t> channels = ChannelOfLane(form, arch);
  std::vector<PlaneRange> ranges;
  for (std::int64_t tile = 0; tile < TileCount(form, arch); ++tile) {
    if (LanePreserving(form)) {
      const std::int64_t first = tile * arch.planes_per_tile();
      ranges.push_back(
          {first, std::min<std::int64_t>(arch.planes_per_tile(), form.input->planes - first)});
      continue;
    }
    std::int64_t low = form.input->planes, high = -1;
    for (std::int64_t row = tile * arch.n; row < (tile + 1) * arch.n; ++row) {
      const std::int32_t channel = channels[static_cast<std::size_t>(row)];
      if (channel < 0) continue;
      const std::int32_t begin = channel / form.group_outputs * form.group_inputs;
      for (std::int32_t ic = begin; ic < begin + form.group_inputs; ++ic) {
        const std::int64_t plane = form.input->lanes[static_cast<std::size_t>(ic)] / arch.c;
        low = std::min(low, plane);
        high = std::max(high, plane);
      }
    }
    // A tile of holes reads what the one before it read: its weights are zero.
    ranges.push_back(high >= 0        ? PlaneRange{low, high - low + 1}
                     : ranges.empty() ? PlaneRange{}
                                      : ranges.back());
  }
  return ranges;
}

// Greedy: a run goes on while the number of planes and the stride stay the same.
std::vector<TileRun> RunsOf(const std::vector<PlaneRange>& ranges) {
  std::vector<TileRun> runs;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto tile = static_cast<std::int64_t>(i);
    if (!runs.empty() && runs.back().planes.count == ranges[i].count) {
      TileRun& run = runs.back();
      const std::int64_t stride = ranges[i].first - ranges[i - 1].first;
      if (run.tiles == 1) run.stride = stride;
      if (run.stride == stride) {
        ++run.tiles;
        continue;
      }
    }
    runs.push_back({tile, 1, ranges[i], 0});
  }
  return runs;
}

}  // namespace

std::vector<std::int32_t> ChannelOfLane(const ConvForm& form, const arch::Arch& arch) {
  std::vector<std::int32_t> channels(static_cast<std::size_t>(TileCount(form, arch) * arch.n), -1);
  for (std::size_t i = 0; i < form.output->lanes.size(); ++i) {
    channels[static_cast<std::size_t>(form.output->lanes[i])] = static_cast<std::int32_t>(i);
  }
  return channels;
}

bool LanePreserving(const ConvForm& form) {
  return form.conv == nullptr && form.input->lanes == form.output->lanes;
}

std::vector<TileRun> ChooseRuns(const ConvForm& form, const arch::Arch& arch) {
  const std::vector<PlaneRange> ranges = PlanesOfTiles(form, arch);
  std::vector<TileRun> runs = RunsOf(ranges);
  if (runs.size() == 1 || LanePreserving(form)) return runs;
  TileRun whole;
  whole.tiles = static_cast<std::int64_t>(ranges.size());
  std::int64_t end = 0;
  whole.planes.first = ranges[0].first;
  for (const PlaneRange& r : ranges) {
    whole.planes.first = std::min(whole.planes.first, r.first);
    end = std::max(end, r.first + r.count);
  }
  whole.planes.count = end - whole.planes.first;
  constexpr std::int64_t kLayerOverhead = 42;
  const std::int64_t steps =
      std::int64_t{form.output->h} * form.output->w * form.window.kh * form.window.kw;
  std::int64_t cycles = 0;
  for (const TileRun& run : runs) cycles += run.tiles * run.planes.count * steps + kLayerOverhead;
  if (whole.tiles * whole.planes.count * steps + kLayerOverhead < cycles) return {whole};
  return runs;
}

}  // namespace tf2::sched
