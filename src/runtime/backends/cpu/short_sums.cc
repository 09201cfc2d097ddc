#include "runtime/backends/cpu/short_sums.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

namespace tf2::runtime::cpu {
namespace {

constexpr std::size_t kBlock = kTile * kGroup;
constexpr std::size_t kShortLanes = kBlock / 2;

// Sums over the pairs of weights of an entry or a run: of positive weights, then of negative ones.
using LaneSums = std::array<std::int16_t, 2 * kShortLanes>;

LaneSums SumsOf(std::span<const std::int16_t> weights, Part part) {
  LaneSums sums{};
  for (std::size_t lane = 0; lane < kShortLanes; ++lane) {
    for (const std::int16_t all : weights.subspan(2 * lane, 2)) {
      const auto half = static_cast<std::int16_t>(all / 2);
      const int w = part == Part::kAll ? all : part == Part::kHalf ? half : all - half;
      sums[lane] = static_cast<std::int16_t>(sums[lane] + std::max(w, 0));
      sums[kShortLanes + lane] =
          static_cast<std::int16_t>(sums[kShortLanes + lane] + std::max(-w, 0));
    }
  }
  return sums;
}

struct Limits {
  std::int16_t positive, negative;
};

bool Fits(const LaneSums& a, const LaneSums& b, Limits limits) {
  bool fits = true;
  for (std::size_t i = 0; i < kShortLanes; ++i) {
    fits &= a[i] + b[i] <= limits.positive;
    fits &= a[kShortLanes + i] + b[kShortLanes + i] <= limits.negative;
  }
  return fits;
}

void AddTo(LaneSums& sums, const LaneSums& more) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] = static_cast<std::int16_t>(sums[i] + more[i]);
  }
}

struct Weighed {
  Piece piece;
  LaneSums sums;
};

std::vector<Weighed> Weigh(std::span<const std::int16_t> entries, Limits limits) {
  std::vector<Weighed> result;
  const auto count = static_cast<std::int32_t>(entries.size() / kBlock);
  for (std::int32_t e = 0; e < count; ++e) {
    const auto weights = entries.subspan(static_cast<std::size_t>(e) * kBlock, kBlock);
    const LaneSums all = SumsOf(weights, Part::kAll);
    const bool is_byte = std::ranges::max(weights) <= 127;
    if (is_byte && Fits(all, LaneSums{}, limits)) {
      result.push_back({{e, Part::kAll}, all});
      continue;
    }
    for (const Part part : {Part::kHalf, Part::kRest}) {
      result.push_back({{e, part}, SumsOf(weights, part)});
    }
  }
  return result;
}

// Entries whose products 16 bits can add.
struct Bin {
  std::vector<Piece> pieces;
  LaneSums sums{};
};

// First fit over a few open bins of at most `most` entries. Every part of a bin fits.
std::vector<Bin> Distribute(std::span<const Weighed> entries, std::size_t most, Limits limits) {
  constexpr std::size_t kOpen = 8;
  std::vector<Bin> closed, open;
  const auto close = [&](std::size_t i) {
    closed.push_back(std::move(open[i]));
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (const Weighed& entry : entries) {
    std::size_t at = 0;
    while (at < open.size() && !Fits(open[at].sums, entry.sums, limits)) ++at;
    if (at == open.size()) {
      if (open.size() == kOpen) close(0);
      open.emplace_back();
      at = open.size() - 1;
    }
    open[at].pieces.push_back(entry.piece);
    AddTo(open[at].sums, entry.sums);
    if (open[at].pieces.size() == most) close(at);
  }
  std::ranges::move(open, std::back_inserter(closed));
  return closed;
}

// One run a bin, filled with zeros to `size` entries.
Runs FillRuns(std::span<const Bin> bins, std::size_t size) {
  Runs runs;
  for (const Bin& bin : bins) {
    runs.pieces.insert(runs.pieces.end(), bin.pieces.begin(), bin.pieces.end());
    runs.pieces.resize(runs.pieces.size() + size - bin.pieces.size());
  }
  const auto all = static_cast<std::int32_t>(runs.pieces.size());
  runs.ends = {size == 8 ? all : 0, size >= 4 ? all : 0, size >= 2 ? all : 0};
  return runs;
}

// Cuts bins into runs of 8, 4, 2 and 1.
Runs CutRuns(std::span<const Bin> bins) {
  Runs runs;
  const auto append = [&](std::size_t size) {
    for (const Bin& bin : bins) {
      // What longer runs left of the bin.
      const auto rest = std::span(bin.pieces).last(bin.pieces.size() % (2 * size));
      if (rest.size() < size) continue;
      const auto run = rest.first(size);
      runs.pieces.insert(runs.pieces.end(), run.begin(), run.end());
    }
    return static_cast<std::int32_t>(runs.pieces.size());
  };
  runs.ends.eights = append(8);
  runs.ends.fours = append(4);
  runs.ends.twos = append(2);
  append(1);
  return runs;
}

// Multiplications of the AVX2 kernel for three pixels, which bound it: 6 an entry and 6 a run; to
// pass from one kind of runs to the next takes as long as 10.
std::int64_t CostOf(const Runs& runs, bool alike) {
  const auto all = static_cast<std::int64_t>(runs.pieces.size());
  const auto& [eights, fours, twos] = runs.ends;
  const std::int64_t count = eights / 8 + (fours - eights) / 4 + (twos - fours) / 2 + all - twos;
  return 6 * (all + count) + (alike ? 0 : 10);
}

}  // namespace

std::int8_t PartOf(std::int16_t weight, Part part) {
  switch (part) {
    case Part::kAll:
      return static_cast<std::int8_t>(weight);
    case Part::kHalf:
      return static_cast<std::int8_t>(weight / 2);
    case Part::kRest:
      return static_cast<std::int8_t>(weight - weight / 2);
  }
  return 0;
}

Runs ArrangeRuns(std::span<const std::int16_t> entries, std::int32_t largest) {
  const Limits limits{static_cast<std::int16_t>(32767 / largest),
                      static_cast<std::int16_t>(32768 / largest)};
  const std::vector<Weighed> weighed = Weigh(entries, limits);
  std::optional<Runs> best;
  std::int64_t least = 0;
  const auto offer = [&](Runs runs, bool alike) {
    const std::int64_t cost = CostOf(runs, alike);
    if (best.has_value() && cost >= least) return;
    best = std::move(runs);
    least = cost;
  };
  for (const std::size_t most : {8, 4, 2, 1}) {
    const std::vector<Bin> bins = Distribute(weighed, most, limits);
    offer(FillRuns(bins, most), true);
    offer(CutRuns(bins), false);
    if (std::ranges::all_of(bins, [&](const Bin& bin) { return bin.pieces.size() == most; })) break;
  }
  return *std::move(best);
}

}  // namespace tf2::runtime::cpu
