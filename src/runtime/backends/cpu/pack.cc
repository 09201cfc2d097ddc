#include "runtime/backends/cpu/pack.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "runtime/backends/cpu/short_sums.h"
#include "runtime/backends/cpu/winograd.h"

namespace tf2::runtime::cpu {
namespace {

constexpr std::int32_t kEntryWeights = kTile * kGroup;

// Sizes of one convolution, in elements, channels and tiles.
struct Shape {
  std::int32_t groups = 1;
  std::int32_t ic = 0;  // of a group
  std::int32_t oc = 0;  // of a group
  std::int32_t taps = 0;
  std::int32_t tiles = 0;  // of a group

  std::size_t row() const { return static_cast<std::size_t>(ic) * static_cast<std::size_t>(taps); }
};

// Packs one panel after the other.
class Packer {
 public:
  Packer(const KernelSet& kernels, const qnet::Conv& conv, const Shape& shape, std::uint8_t zero,
         Packing packing, PackedConv& packed)
      : kernels_(kernels),
        conv_(conv),
        shape_(shape),
        zero_(zero),
        packing_(packing),
        packed_(packed) {}

  void PackPanel(std::span<const InputGroup> groups, Panel panel) {
    const auto slots = std::span(packed_.slot_channels)
                           .subspan(static_cast<std::size_t>(panel.first_tile) * kTile,
                                    static_cast<std::size_t>(panel.tiles) * kTile);
    LoadRows(slots);
    if (packing_ == Packing::kSquares) {
      panel.weights = weights_;
      EmitSquares(panel.tiles);
      packed_.panels.push_back(panel);
      return;
    }
    std::vector<Piece> pieces;
    if (packed_.nibbles) {
      pieces = InOrder(groups);
      if (pieces.size() % 2 != 0) pieces.emplace_back();
      // 16 bits hold any four products of features up to 127, 4 * 127 * 64 = 32,512, and any two of
      // others: 2 * 255 * 64 = 32,640.
      if (zero_ == 0) panel.runs.twos = static_cast<std::int32_t>(pieces.size());
    } else if (kernels_.short_sums) {
      Runs runs = ArrangeRuns(EntryWeights(groups), zero_ == 0 ? 127 : 255);
      panel.runs = runs.ends;
      pieces = std::move(runs.pieces);
    } else {
      pieces = InOrder(groups);
    }
    panel.entries = static_cast<std::int32_t>(pieces.size());
    panel.offsets = AddOffsets(groups, pieces);
    const bool in_tiles = !packed_.nibbles && kernels_.weights == WeightForm::kTiles;
    while (in_tiles && pieces.size() % kBlockEntries != 0) pieces.emplace_back();
    panel.weights = weights_;
    weights_ += std::ssize(pieces) * panel.tiles * kEntryWeights;
    if (packed_.nibbles) {
      EmitNibbles(groups, pieces, panel.tiles);
    } else if (kernels_.weights == WeightForm::kPairs) {
      EmitPairs(groups, pieces, panel.tiles);
    } else if (in_tiles) {
      EmitTiles(groups, pieces, panel.tiles);
    } else {
      EmitBytes(groups, pieces, panel.tiles);
    }
    packed_.panels.push_back(panel);
  }

 private:
  // The weights of each slot of the panel in the order ky, kx, ic: the sums of their terms.
  void LoadRows(std::span<const std::int32_t> slots) {
    const std::size_t row = shape_.row();
    const auto ic = static_cast<std::size_t>(shape_.ic);
    const auto taps = static_cast<std::size_t>(shape_.taps);
    rows_.assign(slots.size() * row, 0);
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      if (slots[slot] < 0) continue;
      std::int16_t* const to = rows_.data() + slot * row;
      for (const auto& term : conv_.terms) {
        const std::int8_t* const from = term.data() + static_cast<std::size_t>(slots[slot]) * row;
        for (std::size_t i = 0; i < ic; ++i) {
          for (std::size_t tap = 0; tap < taps; ++tap) {
            std::int16_t& sum = to[tap * ic + i];
            sum = static_cast<std::int16_t>(sum + from[i * taps + tap]);
          }
        }
      }
      CloseRow(static_cast<std::size_t>(slots[slot]), {to, row});
    }
  }

  // What is known of a channel when all its weights are.
  void CloseRow(std::size_t channel, std::span<const std::int16_t> row) {
    std::int64_t sum = 0, absolute = 0;
    for (const int w : row) {
      sum += w;
      absolute += std::abs(w);
    }
    const std::int64_t beta = conv_.beta[channel];
    packed_.sum_bound[channel] = absolute * 128 + std::abs(beta);
    corrected_[channel] = static_cast<std::int32_t>(static_cast<std::uint32_t>(beta - zero_ * sum));
  }

  // The block of an entry: 16 slots x 4.
  void WeightsOf(const InputGroup& group, std::size_t tile,
                 std::int16_t (&block)[kEntryWeights]) const {
    const std::size_t row = shape_.row();
    std::memset(block, 0, sizeof block);
    for (std::size_t slot = 0; slot < kTile; ++slot) {
      std::memcpy(
          block + slot * kGroup,
          rows_.data() + (tile * kTile + slot) * row + static_cast<std::size_t>(group.first),
          static_cast<std::size_t>(group.count) * sizeof(std::int16_t));
    }
  }

  std::vector<std::int16_t> EntryWeights(std::span<const InputGroup> groups) const {
    std::vector<std::int16_t> blocks(groups.size() * kEntryWeights);
    std::int16_t block[kEntryWeights];
    for (std::size_t i = 0; i < groups.size(); ++i) {
      WeightsOf(groups[i], 0, block);
      std::memcpy(blocks.data() + i * kEntryWeights, block, sizeof block);
    }
    return blocks;
  }

  // In order; an entry with a weight beyond the kernel's limit in two parts.
  std::vector<Piece> InOrder(std::span<const InputGroup> groups) const {
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const auto first = static_cast<std::size_t>(groups[i].first);
      bool large = false;
      for (std::size_t at = first; at < rows_.size(); at += shape_.row()) {
        for (std::size_t k = 0; k < static_cast<std::size_t>(groups[i].count); ++k) {
          large |= std::abs(rows_[at + k]) > kernels_.weight_limit;
        }
      }
      const auto entry = static_cast<std::int32_t>(i);
      if (large) {
        pieces.push_back({entry, Part::kHalf});
        pieces.push_back({entry, Part::kRest});
      } else {
        pieces.push_back({entry, Part::kAll});
      }
    }
    return pieces;
  }

  // The index of the first of the pieces' offsets: those of the last panel where they are the same,
  // which a cache then holds once.
  std::int64_t AddOffsets(std::span<const InputGroup> groups, std::span<const Piece> pieces) {
    std::vector<std::int32_t>& all = packed_.offsets;
    const std::size_t begin = all.size();
    for (const Piece& piece : pieces) {
      all.push_back(piece.entry < 0 ? 0 : groups[static_cast<std::size_t>(piece.entry)].offset);
    }
    if (!packed_.panels.empty()) {
      const std::int64_t last = packed_.panels.back().offsets;
      if (std::ranges::equal(std::span(all).subspan(begin),
                             std::span(all).first(begin).subspan(static_cast<std::size_t>(last)))) {
        all.resize(begin);
        return last;
      }
    }
    return static_cast<std::int64_t>(begin);
  }

  void PieceWeights(std::span<const InputGroup> groups, const Piece& piece, std::size_t tile,
                    std::int16_t (&block)[kEntryWeights]) const {
    if (piece.entry < 0) {
      std::memset(block, 0, sizeof block);
      return;
    }
    WeightsOf(groups[static_cast<std::size_t>(piece.entry)], tile, block);
    if (piece.part == Part::kAll) return;
    for (std::int16_t& w : block) w = PartOf(w, piece.part);
  }

  // One entry of a tile.
  void EmitEntry(std::span<const InputGroup> groups, const Piece& piece, int tile) {
    std::int16_t block[kEntryWeights];
    PieceWeights(groups, piece, static_cast<std::size_t>(tile), block);
    const std::size_t at = packed_.weights.size();
    packed_.weights.resize(at + kEntryWeights);
    for (std::size_t i = 0; i < kEntryWeights; ++i) {
      packed_.weights[at + i] = static_cast<std::int8_t>(block[i]);
    }
  }

  void EmitBytes(std::span<const InputGroup> groups, std::span<const Piece> pieces, int tiles) {
    for (const Piece& piece : pieces) {
      for (int t = 0; t < tiles; ++t) EmitEntry(groups, piece, t);
    }
  }

  // Of a multiple of kBlockEntries.
  void EmitTiles(std::span<const InputGroup> groups, std::span<const Piece> pieces, int tiles) {
    for (int first = 0; first < tiles; first += 2) {
      for (std::size_t begin = 0; begin < pieces.size(); begin += kBlockEntries) {
        for (int t = first; t < std::min(first + 2, tiles); ++t) {
          const auto block = pieces.subspan(begin, kBlockEntries);
          for (const Piece& piece : block) EmitEntry(groups, piece, t);
        }
      }
    }
  }

  void EmitNibbles(std::span<const InputGroup> groups, std::span<const Piece> pieces, int tiles) {
    std::int16_t low[kEntryWeights], high[kEntryWeights];
    for (std::size_t i = 0; i < pieces.size(); i += 2) {
      for (int t = 0; t < tiles; ++t) {
        PieceWeights(groups, pieces[i], static_cast<std::size_t>(t), low);
        PieceWeights(groups, pieces[i + 1], static_cast<std::size_t>(t), high);
        for (std::size_t k = 0; k < kEntryWeights; ++k) {
          const int code = *numerics::SacNibble(low[k]) | *numerics::SacNibble(high[k]) << 4;
          packed_.weights.push_back(static_cast<std::int8_t>(code));
        }
      }
    }
  }

  void EmitPairs(std::span<const InputGroup> groups, std::span<const Piece> pieces, int tiles) {
    std::int16_t block[kEntryWeights], pairs[kEntryWeights];
    for (const Piece& piece : pieces) {
      for (int t = 0; t < tiles; ++t) {
        PieceWeights(groups, piece, static_cast<std::size_t>(t), block);
        for (std::size_t i = 0; i < kEntryWeights; ++i) {
          const std::size_t slot = i / kGroup, pair = i % kGroup / 2;
          pairs[(pair * kTile + slot) * 2 + i % 2] = block[i];
        }
        const std::size_t at = packed_.weights.size();
        packed_.weights.resize(at + sizeof pairs);
        std::memcpy(packed_.weights.data() + at, pairs, sizeof pairs);
      }
    }
  }

  // [position][pair of input channels, whole tiles of them][slot][2].
  void EmitSquares(int tiles) {
    const std::size_t ic = static_cast<std::size_t>(shape_.ic);
    const std::size_t slots = static_cast<std::size_t>(tiles) * kTile;
    const std::size_t whole_ic = (ic + kTile - 1) / kTile * kTile;
    const std::size_t position = whole_ic * slots;
    std::vector<std::int16_t> weights(kPositions * position);
    for (std::size_t tile = 0; tile < slots; tile += kTile) {
      for (std::size_t i = 0; i < ic; ++i) {
        std::int16_t g[9][kTile], transformed[kPositions][kTile];
        for (std::size_t tap = 0; tap < 9; ++tap) {
          for (std::size_t k = 0; k < kTile; ++k)
            g[tap][k] = rows_[(tile + k) * shape_.row() + tap * ic + i];
        }
        TransformWeights(g, transformed);
        std::int16_t* to = weights.data() + (i / 2 * slots + tile) * 2 + i % 2;
        for (std::size_t p = 0; p < kPositions; ++p, to += position) {
          for (std::size_t k = 0; k < kTile; ++k) to[k * 2] = transformed[p][k];
        }
      }
    }
    const std::size_t bytes = weights.size() * sizeof(weights[0]);
    if (weights_ == 0) {  // all panels' at once
      const auto all = static_cast<std::size_t>(shape_.tiles) * kTile;
      packed_.weights.reserve(kPositions * whole_ic * all * sizeof(weights[0]));
    }
    const std::size_t at = packed_.weights.size();
    packed_.weights.resize(at + bytes);
    std::memcpy(packed_.weights.data() + at, weights.data(), bytes);
    weights_ += std::ssize(weights);
  }

  const KernelSet& kernels_;
  const qnet::Conv& conv_;
  const Shape& shape_;
  const std::uint8_t zero_;
  const Packing packing_;
  PackedConv& packed_;
  std::int64_t weights_ = 0;  // packed so far
  std::vector<std::int16_t> rows_;

 public:
  // beta - zero * sum of the weights of each channel, modulo 2^32; known once all are packed.
  std::vector<std::int32_t> corrected_ = std::vector<std::int32_t>(conv_.beta.size());
};

// The output channel of each slot of the tiles; -1 for padding.
std::vector<std::int32_t> SlotChannels(const Shape& shape) {
  std::vector<std::int32_t> channels;
  for (std::int32_t group = 0; group < shape.groups; ++group) {
    for (std::int32_t tile = 0; tile < shape.tiles; ++tile) {
      for (int slot = 0; slot < kTile; ++slot) {
        const std::int32_t o = tile * kTile + slot;
        channels.push_back(o < shape.oc ? group * shape.oc + o : -1);
      }
    }
  }
  return channels;
}

// Whether every weight is a nibble.
bool IsNibbles(const qnet::Conv& conv) {
  return conv.kind == qnet::WeightKind::kSac && conv.terms.size() == 1;
}

}  // namespace

std::vector<InputGroup> InputGroups(const qnet::Conv& conv, std::int32_t ic, const View& input,
                                    std::int32_t run_bytes) {
  const qnet::Window& w = conv.window;
  const bool adjacent = w.dw == 1 && conv.groups == 1 && input.stride == ic;
  const std::int32_t runs = adjacent ? 1 : w.kw;          // in a row of the window
  const std::int32_t length = adjacent ? w.kw * ic : ic;  // weights of a run
  // Not where that reads other channels than this group's, which other threads may write, and not
  // where it is several times the work.
  const bool own = conv.groups == 1 || ic % run_bytes == 0;
  const std::int32_t unit = own && 2 * length >= run_bytes ? run_bytes : kGroup;
  std::vector<InputGroup> groups;
  for (std::int32_t ky = 0; ky < w.kh; ++ky) {
    for (std::int32_t run = 0; run < runs; ++run) {
      const std::int64_t offset = ky * w.dh * input.row + run * w.dw * input.stride;
      const std::int32_t whole = (length + unit - 1) / unit * unit;
      for (std::int32_t i = 0; i < whole; i += kGroup) {
        groups.push_back({static_cast<std::int32_t>(offset + i),
                          (ky * runs + run) * length + std::min(i, length),
                          std::clamp(length - i, 0, kGroup)});
      }
    }
  }
  return groups;
}

PackedConv PackConv(const KernelSet& kernels, const qnet::Conv& conv, std::int32_t in_channels,
                    std::int32_t out_channels, const View& input, std::uint8_t zero,
                    Packing packing) {
  Shape shape;
  shape.groups = conv.groups;
  shape.ic = in_channels / conv.groups;
  shape.oc = out_channels / conv.groups;
  shape.taps = conv.window.kh * conv.window.kw;
  shape.tiles = (shape.oc + kTile - 1) / kTile;
  PackedConv packed;
  packed.nibbles = packing == Packing::kNibbles && kernels.nibble_tiles > 0 && IsNibbles(conv);
  packed.slot_channels = SlotChannels(shape);
  packed.sum_bound.resize(static_cast<std::size_t>(out_channels));
  Packer packer(kernels, conv, shape, zero, packing, packed);
  const bool squares = packing == Packing::kSquares;
  const std::int32_t most = squares          ? kernels.square_tiles
                            : packed.nibbles ? kernels.nibble_tiles
                                             : kernels.panel_tiles;
  const std::int32_t count = (shape.tiles + most - 1) / most;
  std::vector<InputGroup> groups = InputGroups(conv, shape.ic, input, kernels.run_bytes);
  for (std::int32_t group = 0; group < shape.groups; ++group) {
    // The fewest panels, of sizes as equal as possible.
    std::int32_t tile = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      const std::int32_t size = (shape.tiles - tile + count - i - 1) / (count - i);
      packer.PackPanel(groups, {.tiles = size,
                                .first_tile = group * shape.tiles + tile,
                                .out_channel = group * shape.oc + tile * kTile,
                                .channels = std::min(size * kTile, shape.oc - tile * kTile)});
      tile += size;
    }
    for (InputGroup& next : groups) next.offset += shape.ic;
  }
  for (const std::int32_t c : packed.slot_channels) {
    packed.bias.push_back(c < 0 ? 0 : packer.corrected_[static_cast<std::size_t>(c)]);
  }
  return packed;
}

}  // namespace tf2::runtime::cpu
