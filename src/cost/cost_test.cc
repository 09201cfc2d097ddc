#include "cost/cost.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace tf2::cost {
namespace {

using program::Descriptor;
using program::Opcode;

Descriptor Conv(std::int64_t steps, std::int64_t windows) {
  Descriptor d;
  d.count[program::kIc] = steps;
  d.count[program::kOx] = windows;
  return d;
}

TEST(Cost, DenseLayersTakeTheManualsFigures) {
  const arch::Arch a;  // N = C = R = 8, DualPort
  EXPECT_EQ(PredictLayer(Conv(9, 100), a).cycles, 100 * 9 + 42);
  Descriptor pool = Conv(9, 100);
  pool.opcode = Opcode::kMaxPool;
  EXPECT_EQ(PredictLayer(pool, a).cycles, 100 * 9 + 34);
  const LayerCost c = PredictLayer(Conv(9, 100), a);
  EXPECT_EQ(c.steps, 900);
  EXPECT_EQ(c.stall_cycles, 0);
  EXPECT_EQ(c.overhead_cycles, 42);
}

TEST(Cost, ResidualWideAndFewRequantisersStall) {
  arch::Arch a;
  Descriptor d = Conv(4, 10);
  d.residual = true;
  EXPECT_EQ(PredictLayer(d, a).cycles, 10 * 5 + 42);
  EXPECT_EQ(PredictLayer(d, a).stall_cycles, 10);
  a.requant_units = 1;  // 8 cycles a window, first write after 9 + 8
  d = Conv(1, 10);
  EXPECT_EQ(PredictLayer(d, a).cycles, 32 + 1 + 9 * 8 + 17);
  d.wide = true;  // two words, 16 cycles a window
  EXPECT_EQ(PredictLayer(d, a).cycles, 32 + 1 + 9 * 16 + 25);
}

// The loop of docs/isa.md, Timing, cycle by cycle.
std::int64_t Simulate(const Descriptor& d, const arch::Arch& a) {
  const std::int64_t planes = a.n / a.c;
  const bool pool = d.opcode == Opcode::kMaxPool;
  const std::int64_t halves = d.wide && !pool ? 2 : 1;
  const std::int64_t m = pool ? 1 : halves * planes;
  const std::int64_t k = d.residual && !pool ? planes : 0;
  const std::int64_t g = pool ? 1 : halves * std::max<std::int64_t>(a.n / a.requant_units, planes);
  const auto write = [&](std::int64_t i) -> std::int64_t {
    if (pool) return 2;
    return a.requant_units <= a.c ? 9 + (i + 1) * a.c / a.requant_units : 10 + i;
  };
  std::vector<bool> busy(1 << 16, false);
  const auto next = [&](std::int64_t t) {
    do ++t;
    while (!a.dual_port && busy[static_cast<std::size_t>(t)]);
    return t;
  };
  std::int64_t t = 0;
  std::int64_t last = 0;
  for (std::int64_t w = 0; w < d.Windows(); ++w) {
    for (std::int64_t i = 0; i < d.StepsPerWindow() - 1 + k; ++i) t = next(t);
    t = next(w == 0 ? t : std::max(t, last + g - 1));
    last = t;
    for (std::int64_t i = 0; i < m; ++i) busy[static_cast<std::size_t>(t + write(i))] = true;
  }
  return 32 + t + write(m - 1);
}

TEST(Cost, EqualsTheManualsLoopOnRandomLayers) {
  Rng rng(2);
  const std::pair<std::int32_t, std::int32_t> lanes[] = {
      {4, 4}, {8, 8}, {16, 8}, {16, 16}, {32, 4}};
  for (int i = 0; i < 3000; ++i) {
    arch::Arch a;
    std::tie(a.n, a.c) = lanes[rng.Below(std::size(lanes))];
    a.requant_units = 1 << rng.Below(6);
    if (a.requant_units > a.n) a.requant_units = a.n;
    a.dual_port = rng.Chance(0.3);
    Descriptor d = Conv(rng.Between(1, 12), rng.Between(1, 60));
    d.count[program::kTile] = rng.Between(1, 4);
    d.opcode = rng.Chance(0.2) ? Opcode::kMaxPool : Opcode::kConv;
    d.wide = rng.Chance(0.3);
    d.residual = rng.Chance(0.3);
    ASSERT_EQ(PredictLayer(d, a).cycles, Simulate(d, a))
        << a.n << "x" << a.c << " R " << a.requant_units << " dual " << a.dual_port;
  }
}

}  // namespace
}  // namespace tf2::cost
