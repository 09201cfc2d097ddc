#include "sched/pack_tiles.h"

#include <algorithm>
#include <bit>

namespace tf2::sched {
namespace {

// One weight of a run.
struct Weight {
  std::int64_t tile;     // of the run
  std::int64_t row;      // of the tile
  std::int32_t channel;  // of the output
  std::int64_t plane;    // of those that the tile reads
  std::int64_t lane;
  std::int32_t term, ky, kx;
  int code;
};

template <typename F>
void ForEachWeight(const ConvForm& form, const TileRun& run, const arch::Arch& arch, F&& visit) {
  const std::vector<std::int32_t> channels = ChannelOfLane(form, arch);
  for (std::int64_t tile = 0; tile < run.tiles; ++tile) {
    const std::int64_t first_plane = run.planes.first + tile * run.stride;
    for (std::int64_t row = 0; row < arch.n; ++row) {
      const std::int32_t channel =
          channels[static_cast<std::size_t>((run.tile + tile) * arch.n + row)];
      if (channel < 0) continue;
      const std::int32_t begin = channel / form.group_outputs * form.group_inputs;
      for (std::int32_t ic = 0; ic < form.group_inputs; ++ic) {
        const std::int32_t at = form.input->lanes[static_cast<std::size_t>(begin + ic)];
        for (std::int32_t ky = 0; ky < form.window.kh; ++ky) {
          for (std::int32_t kx = 0; kx < form.window.kw; ++kx) {
            for (std::int32_t term = 0; term < form.terms(); ++term) {
              visit(Weight{tile, row, channel, at / arch.c - first_plane, at % arch.c, term, ky, kx,
                           form.Code(term, channel, ic, ky, kx)});
            }
          }
        }
      }
    }
  }
}

// Index of the weight word of a step within its tile.
std::int64_t StepIndex(const ConvForm& form, const TileRun& run, TermLoop term_loop,
                       const Weight& w) {
  const std::int64_t kw = form.window.kw;
  switch (term_loop) {
    case TermLoop::kNone:
      return (w.ky * kw + w.kx) * run.planes.count + w.plane;
    case TermLoop::kIc:
      return (w.ky * kw + w.kx) * 2 + w.term;
    case TermLoop::kKx:
      return (std::int64_t{w.ky} * 2 + w.term) * run.planes.count + w.plane;
    case TermLoop::kKy:
      return (w.term * kw + w.kx) * run.planes.count + w.plane;
  }
  return 0;
}

// Words of zero nibbles in which single nibbles are set.
class Words {
 public:
  Words(std::int64_t count, const arch::Arch& arch)
      : c_(arch.c),
        word_bytes_(arch.weight_word_bits() / 8),
        bytes_(static_cast<std::size_t>(count * word_bytes_),
               numerics::kZeroNibble << 4 | numerics::kZeroNibble) {}

  void Set(std::int64_t word, std::int64_t row, std::int64_t lane, int code) {
    const auto value = numerics::SacNibble(code);
    TF2_CHECK(value.has_value());
    const std::int64_t nibble = row * c_ + lane;
    std::uint8_t& byte = bytes_[static_cast<std::size_t>(word * word_bytes_ + nibble / 2)];
    const int shift = static_cast<int>(nibble % 2) * 4;
    byte = static_cast<std::uint8_t>((byte & ~(0xF << shift)) | *value << shift);
  }

  std::vector<std::uint8_t> Take() && { return std::move(bytes_); }

 private:
  std::int64_t c_, word_bytes_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::vector<std::uint8_t> PackWeights(const ConvForm& form, const TileRun& run, TermLoop term_loop,
                                      const arch::Arch& arch) {
  const std::int64_t steps =
      std::int64_t{form.window.kh} * form.window.kw * run.planes.count * form.terms();
  Words words(run.tiles * steps, arch);
  if (LanePreserving(form)) {
    for (std::int64_t word = 0; word < run.tiles * steps; ++word) {
      const std::int64_t plane = word % run.planes.count;
      for (std::int64_t lane = 0; lane < arch.c; ++lane)
        words.Set(word, plane * arch.c + lane, lane, 1);
    }
    return std::move(words).Take();
  }
  ForEachWeight(form, run, arch, [&](const Weight& w) {
    if (w.code != 0)
      words.Set(w.tile * steps + StepIndex(form, run, term_loop, w), w.row, w.lane, w.code);
  });
  return std::move(words).Take();
}

PackedParams PackParams(const ConvForm& form, const TileRun& run, const ConvRegion& region,
                        const arch::Arch& arch) {
  struct Sums {
    std::int64_t negative = 0, magnitude = 0;
  };
  std::vector<Sums> sums(form.output->lanes.size());
  ForEachWeight(form, run, arch, [&](const Weight& w) {
    Sums& s = sums[static_cast<std::size_t>(w.channel)];
    s.negative += w.code < 0 ? 1 : 0;
    s.magnitude += w.code < 0 ? -w.code : w.code;
  });
  const std::vector<std::int32_t> channels = ChannelOfLane(form, arch);
  constexpr std::uint64_t kIdle = std::uint64_t{1} << 48;  // alpha 0, s 1
  PackedParams packed;
  packed.entries.assign(static_cast<std::size_t>(run.tiles * arch.n), kIdle);
  for (std::size_t i = 0; i < packed.entries.size(); ++i) {
    const std::int32_t channel = channels[static_cast<std::size_t>(run.tile * arch.n) + i];
    if (channel < 0) continue;
    const RowParams& p = region.rows[static_cast<std::size_t>(channel)];
    const Sums& s = sums[static_cast<std::size_t>(channel)];
    const auto beta = static_cast<std::uint32_t>(p.beta + s.negative);
    packed.entries[i] = std::uint64_t{beta} | static_cast<std::uint64_t>(p.scale.alpha) << 32 |
                        static_cast<std::uint64_t>(p.scale.s) << 48 |
                        static_cast<std::uint64_t>(p.t) << 56;
    const auto bound =
        static_cast<std::uint64_t>(s.magnitude * 128 + (p.beta < 0 ? -p.beta : p.beta));
    packed.acc_bits =
        std::max(packed.acc_bits, static_cast<std::int32_t>(std::bit_width(bound)) + 1);
  }
  return packed;
}

}  // namespace tf2::sched
