#include "tests/random_networks/draw.h"

#include "base/rng.h"
#include "qnet/random_net.h"

namespace tf2::random_networks {
namespace {

constexpr int kInputsPerCase = 3;
constexpr int kTries = 10;

bool HasEveryUnit(const arch::Arch& a) {
  return a.has_padding && a.has_residual && a.has_max_pool && a.has_wide && a.has_regions &&
         a.has_repeat;
}

}  // namespace

Case DrawCase(std::uint64_t seed, std::int64_t index, const arch::Arch& arch) {
  Rng rng = Rng(seed).Fork(static_cast<std::uint64_t>(index));
  qnet::RandomNetOptions options;
  options.acc_bits = arch.acc_bits;
  options.max_channels = rng.Chance(0.3) ? 5 * arch.n : 20;
  options.max_ops = rng.Chance(0.3) ? 12 : 6;
  options.max_side = rng.Chance(0.3) ? 16 : 8;
  // What no engine takes is compared on the CPU alone.
  options.mac = rng.Chance(0.02);
  options.two_terms = rng.Chance(0.02);
  options.general_reshape = rng.Chance(0.05);
  options.cpu_only = rng.Chance(0.05);
  Case c;
  c.net = qnet::RandomNet(rng.Next(), options);
  if (!HasEveryUnit(arch)) {
    // Most networks need a unit that such an engine lacks: prefer a small one that does not.
    options.max_ops = 3;
    for (int i = 0; i < kTries && !sched::Compile(c.net, arch).ok(); ++i)
      c.net = qnet::RandomNet(rng.Next(), options);
  }
  c.net.name = fmt::format("random-{}-{}", seed, index);
  for (int i = 0; i < kInputsPerCase; ++i) c.inputs.push_back(qnet::RandomInput(c.net, rng.Next()));
  const std::uint64_t folding = rng.Below(3);
  c.options.folding = folding == 0   ? sched::Folding::kAuto
                      : folding == 1 ? sched::Folding::kNever
                                     : sched::Folding::kAlways;
  c.options.in_place_residual = !rng.Chance(0.15);
  return c;
}

}  // namespace tf2::random_networks
