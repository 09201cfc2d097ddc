#include "tests/random_networks/draw.h"

#include "base/rng.h"
#include "qnet/random_net.h"

namespace tf2::random_networks {
namespace {

constexpr int kInputs = 3;

bool HasEveryUnit(const arch::Arch& a) {
  return a.has_padding && a.has_residual && a.has_max_pool && a.has_wide && a.has_regions &&
         a.has_repeat;
}

}  // namespace

Case DrawCase(std::uint64_t seed, std::int64_t index, const arch::Arch& arch) {
  Rng rng = Rng(seed).Fork(static_cast<std::uint64_t>(index));
  qnet::RandomNetOptions options;
  options.acc_bits = arch.acc_bits;
  options.max_channels = arch.n > 8 && rng.Chance(0.4) ? 40 : 20;
  // Fewer operators for engines that take few kinds of them.
  options.max_ops = HasEveryUnit(arch) ? (rng.Chance(0.2) ? 12 : 6) : 3;
  options.max_side = rng.Chance(0.1) ? 16 : 8;
  // What no engine takes is compared on the CPU alone.
  options.mac = rng.Chance(0.02);
  options.two_terms = rng.Chance(0.02);
  options.general_reshape = rng.Chance(0.05);
  Case c;
  c.net = qnet::RandomNet(rng.Next(), options);
  c.net.name = fmt::format("random-{}-{}", seed, index);
  for (int i = 0; i < kInputs; ++i) c.inputs.push_back(qnet::RandomInput(c.net, rng.Next()));
  const std::uint64_t folding = rng.Below(3);
  c.options.folding = folding == 0   ? sched::Folding::kAuto
                      : folding == 1 ? sched::Folding::kNever
                                     : sched::Folding::kAlways;
  c.options.in_place_residual = !rng.Chance(0.15);
  return c;
}

}  // namespace tf2::random_networks
