#include "runtime/backends/cpu/short_sums.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

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

// A run that is not full yet.
struct Bin {
  std::vector<Piece> pieces;
  LaneSums sums{};
};

// First fit over a few open runs; those that stay open are filled with zeros.
std::vector<Piece> Distribute(std::span<const Weighed> entries, std::size_t run, Limits limits) {
  constexpr std::size_t kOpen = 8;
  std::vector<Piece> result;
  std::vector<Bin> open;
  const auto close = [&](std::size_t i) {
    open[i].pieces.resize(run);
    result.insert(result.end(), open[i].pieces.begin(), open[i].pieces.end());
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
    if (open[at].pieces.size() == run) close(at);
  }
  while (!open.empty()) close(0);
  return result;
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
  // An entry costs as much as its products; a run as much again as one entry.
  const auto cost = [](const Runs& runs) {
    const auto n = static_cast<std::int64_t>(runs.pieces.size());
    return n + n / runs.run;
  };
  std::optional<Runs> best;
  for (const std::int32_t run : {8, 4, 2, 1}) {
    Runs runs{Distribute(weighed, static_cast<std::size_t>(run), limits), run};
    if (!best.has_value() || cost(runs) < cost(*best)) best = std::move(runs);
    // Shorter runs cannot win against one without padding.
    if (best->run == run && best->pieces.size() == weighed.size()) break;
  }
  return *std::move(best);
}

}  // namespace tf2::runtime::cpu
