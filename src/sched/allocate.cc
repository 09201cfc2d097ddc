#include "sched/allocate.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include "base/rng.h"

namespace tf2::sched {
namespace {

using Order = std::vector<std::size_t>;

// The offset of the smallest gap that holds `item` among the placed buffers it conflicts with.
std::int64_t BestFit(std::span<const Interval> items, std::size_t item,
                     const std::vector<std::int64_t>& offsets, const Order& placed) {
  std::vector<std::pair<std::int64_t, std::int64_t>> busy;  // [begin, end)
  for (const std::size_t other : placed) {
    if (items[other].Overlaps(items[item]))
      busy.emplace_back(offsets[other], offsets[other] + items[other].words);
  }
  std::ranges::sort(busy);
  std::int64_t best = -1;
  std::int64_t best_gap = 0;
  std::int64_t at = 0;
  for (const auto& [begin, end] : busy) {
    const std::int64_t gap = begin - at;
    if (gap >= items[item].words && (best < 0 || gap < best_gap)) {
      best = at;
      best_gap = gap;
    }
    at = std::max(at, end);
  }
  return best >= 0 ? best : at;
}

Allocation PlaceInOrder(std::span<const Interval> items, const Order& order) {
  Allocation result;
  result.offsets.assign(items.size(), 0);
  Order placed;
  for (const std::size_t item : order) {
    result.offsets[item] = BestFit(items, item, result.offsets, placed);
    result.peak_words = std::max(result.peak_words, result.offsets[item] + items[item].words);
    placed.push_back(item);
  }
  return result;
}

std::vector<Order> StartOrders(std::span<const Interval> items) {
  Order order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::function<std::int64_t(const Interval&)> keys[] = {
      [](const Interval& i) { return -i.words; },
      [](const Interval& i) { return -i.words * (i.last - i.first + 1); },
      [](const Interval& i) { return std::int64_t{i.first}; },
      [](const Interval& i) { return -std::int64_t{i.last}; },
      [](const Interval& i) { return -std::int64_t{i.last - i.first}; },
  };
  std::vector<Order> orders;
  for (const auto& key : keys) {
    Order sorted = order;
    std::ranges::stable_sort(sorted, {}, [&](std::size_t i) { return key(items[i]); });
    orders.push_back(std::move(sorted));
  }
  return orders;
}

}  // namespace

Allocation LowerBound(std::span<const Interval> items) {
  Allocation result;
  std::set<std::int32_t> times;
  for (const Interval& i : items) times.insert(i.first);
  for (const std::int32_t time : times) {
    std::int64_t live = 0;
    for (const Interval& i : items) live += i.first <= time && time <= i.last ? i.words : 0;
    if (live > result.lower_bound_words) {
      result.lower_bound_words = live;
      result.lower_bound_at = time;
    }
  }
  return result;
}

Allocation Allocate(std::span<const Interval> items) {
  const Allocation bound = LowerBound(items);
  Allocation best;
  Order best_order;
  const auto consider = [&](const Order& order) {
    Allocation next = PlaceInOrder(items, order);
    if (best_order.empty() || next.peak_words < best.peak_words) {
      best = std::move(next);
      best_order = order;
    }
  };
  if (!items.empty()) {
    for (const Order& order : StartOrders(items)) consider(order);
    Rng rng(1);
    constexpr int kTries = 400;
    for (int i = 0; i < kTries && best.peak_words > bound.lower_bound_words; ++i) {
      Order order = best_order;
      for (std::uint64_t swaps = 1 + rng.Below(3); swaps > 0; --swaps) {
        std::swap(order[rng.Below(order.size())], order[rng.Below(order.size())]);
      }
      consider(order);
    }
  }
  best.lower_bound_words = bound.lower_bound_words;
  best.lower_bound_at = bound.lower_bound_at;
  best.slot_words = DsaturPeakWords(items);
  return best;
}

std::int64_t DsaturPeakWords(std::span<const Interval> items) {
  const std::size_t n = items.size();
  std::vector<int> colour(n, -1);
  std::vector<std::int64_t> size;  // of each colour
  for (std::size_t done = 0; done < n; ++done) {
    std::size_t pick = n;
    std::pair<std::size_t, std::int64_t> pick_key;
    std::set<int> pick_taken;
    for (std::size_t i = 0; i < n; ++i) {
      if (colour[i] >= 0) continue;
      std::set<int> taken;
      for (std::size_t j = 0; j < n; ++j) {
        if (colour[j] >= 0 && items[i].Overlaps(items[j])) taken.insert(colour[j]);
      }
      const std::pair<std::size_t, std::int64_t> key{taken.size(), items[i].words};
      if (pick == n || key > pick_key) {
        pick = i;
        pick_key = key;
        pick_taken = std::move(taken);
      }
    }
    int c = 0;
    while (pick_taken.contains(c)) ++c;
    colour[pick] = c;
    if (static_cast<std::size_t>(c) == size.size()) size.push_back(0);
    size[static_cast<std::size_t>(c)] =
        std::max(size[static_cast<std::size_t>(c)], items[pick].words);
  }
  return std::accumulate(size.begin(), size.end(), std::int64_t{0});
}

Status CheckAllocation(std::span<const Interval> items, const Allocation& allocation) {
  if (allocation.offsets.size() != items.size())
    return Internal("{} offsets for {} buffers", allocation.offsets.size(), items.size());
  std::int64_t peak = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::int64_t begin = allocation.offsets[i];
    const std::int64_t end = begin + items[i].words;
    if (begin < 0) return Internal("buffer {} lies at word {}", i, begin);
    peak = std::max(peak, end);
    for (std::size_t j = 0; j < i; ++j) {
      if (items[i].Overlaps(items[j]) && begin < allocation.offsets[j] + items[j].words &&
          allocation.offsets[j] < end) {
        return Internal("buffers {} and {} overlap in memory while both live", j, i);
      }
    }
  }
  if (peak != allocation.peak_words)
    return Internal("the peak is {} words, stated {}", peak, allocation.peak_words);
  return {};
}

}  // namespace tf2::sched
