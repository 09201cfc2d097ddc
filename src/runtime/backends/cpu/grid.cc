#include "runtime/backends/cpu/grid.h"

#include <algorithm>
#include <cstdint>

namespace tf2::runtime::cpu {
namespace {

// Bytes of weights that the second-level cache keeps besides features.
constexpr std::int64_t kManyWeights = 256 << 10;

// The place of a pixel, and the first pixel from a place on.
std::int64_t PlaceOf(const ConvStep& step, std::int64_t pixel) {
  const std::int64_t width = step.sink.width;
  return pixel / width * step.row_places + pixel % width;
}
std::int64_t PixelFrom(const ConvStep& step, std::int64_t place) {
  const std::int64_t width = step.sink.width;
  return place / step.row_places * width + std::min(place % step.row_places, width);
}

// The weights of some adjacent panels, in the form of kTiles, of squares or with `nibbles`.
WeightsAhead WeightsOf(const ConvStep& step, Range panels) {
  const auto from = [&](std::int64_t panel) {
    if (panel == step.panel_count) return step.weights + step.weight_bytes;
    const std::int64_t weights = step.panels[panel].weights;
    return step.weights + (step.squares.height > 0 ? weights * 2
                           : step.nibbles          ? weights / 2
                                                   : weights);
  };
  return {from(panels.begin), from(panels.end)};
}

// Part [from, to) of `whole` of weights, of which the second-level cache has room for so many only.
WeightsAhead PartOf(const WeightsAhead& weights, std::int64_t from, std::int64_t to,
                    std::int64_t whole) {
  constexpr std::int64_t kMost = 512 << 10;
  const std::int64_t bytes = std::min<std::int64_t>(weights.end - weights.begin, kMost);
  return {weights.begin + bytes * from / whole, weights.begin + bytes * to / whole};
}

}  // namespace

Grid::Grid(const ConvStep& step, std::int64_t frames, int threads, const KernelSet& kernels)
    : step_(&step),
      frames_(frames),
      places_(PlaceOf(step, frames * step.pixels - 1) + 1),
      unit_(kernels.piece_places) {
  if (step.squares.height > 0) {
    CutSquares(threads, kernels);
    return;
  }
  const std::int64_t least_places = std::max<std::int64_t>(24, 3 * unit_);
  const std::int64_t panels = step.panel_count;
  const std::int64_t weights = step.weight_bytes;
  const std::int64_t wanted = PiecesWorthIt(threads, kernels);
  // With a band each, threads find in their caches what they computed of the layer before; with
  // columns each, they read their share of the weights only.
  if (wanted >= threads && places_ >= 2 * least_places * threads && weights <= 2 * kManyWeights) {
    bands_ = threads;
  }
  const std::int64_t pieces = (wanted + bands_ - 1) / bands_;  // of a band
  weights_stay_ = weights > kManyWeights || places_ < 2 * least_places;
  const std::int64_t row = weights_stay_ ? least_places : unit_;
  const std::int64_t units = (places_ + unit_ - 1) / unit_;
  const std::int64_t most_rows = std::clamp<std::int64_t>(
      (places_ / bands_ + row - 1) / row, 1, std::max(units / bands_, std::int64_t{1}));
  columns_ = std::max(weights / (kManyWeights / 2), std::int64_t{1});
  if (weights_stay_) columns_ = std::max(columns_, pieces);
  columns_ = std::min(panels, columns_);
  rows_ = std::min((pieces + columns_ - 1) / columns_, most_rows);
  if (!weights_stay_) columns_ = std::min(panels, (pieces + rows_ - 1) / rows_);
  columns_together_ =
      std::max(columns_ * (kManyWeights / 2) / std::max<std::int64_t>(weights, 1), std::int64_t{1});
  LimitTogether(kernels);
}

std::int64_t Grid::PiecesWorthIt(int threads, const KernelSet& kernels) const {
  return std::clamp<std::int64_t>(places_ * step_->weight_bytes / kernels.piece_macs, 1,
                                  threads == 1 ? 1 : kPiecesPerThread * threads);
}

void Grid::CutSquares(int threads, const KernelSet& kernels) {
  if (threads == 1) return;
  const std::int64_t weights = step_->weight_bytes;
  const std::int64_t wanted = PiecesWorthIt(threads, kernels);
  const auto columns = [&](std::int64_t most) {
    return std::min({step_->panel_count, wanted, std::max<std::int64_t>(most, 1)});
  };
  // Every column transforms all patches and every row reads all weights of its columns: there is a
  // column for each thread where all weights are more than its cache keeps, and rows are long where
  // even that one's are.
  constexpr std::int64_t kFew = 12, kMany = 48, kFewest = 4;  // squares of a row
  const bool many = weights > 2 * kManyWeights || places_ < 2 * kFew * threads;
  columns_ = columns(many ? threads : 1);
  const std::int64_t least = weights / columns_ > 4 * kManyWeights ? kMany : kFew;
  rows_ = std::clamp<std::int64_t>(places_ / least, 1, (wanted + columns_ - 1) / columns_);
  if (rows_ == 1) columns_ = columns(4 * threads);
  // Many threads have a piece each, as far as there are squares and it is worth it.
  const std::int64_t pieces = std::min<std::int64_t>(wanted, threads);
  if (rows_ * columns_ < pieces) columns_ = columns((pieces + rows_ - 1) / rows_);
  if (rows_ * columns_ < pieces) {
    rows_ = std::clamp<std::int64_t>((pieces + columns_ - 1) / columns_, rows_,
                                     std::max(places_ / kFewest, rows_));
  }
  weights_stay_ = columns_ > 1;
  columns_together_ = columns_;
  unit_ = 1;
  LimitTogether(kernels);
}

void Grid::LimitTogether(const KernelSet& kernels) {
  constexpr std::int64_t kLong = 32;  // smallest pieces: 100 to 200 microseconds
  pieces_together_ = std::max(kLong * kernels.piece_macs * pieces() /
                                  std::max<std::int64_t>(places_ * step_->weight_bytes, 1),
                              std::int64_t{1});
}

std::int64_t Grid::Together(std::int64_t at, std::int64_t end) const {
  const std::int64_t line = weights_stay_ ? rows_ : columns_;
  const std::int64_t lines = weights_stay_ ? columns_ : rows_;  // of a band
  const std::int64_t left = end - at;
  if (at % line != 0 || left < line) return std::min(left, line - at % line);
  return line * std::min({left / line, lines - at / line % lines,
                          weights_stay_ ? columns_together_ : rows_});
}

Grid::Block Grid::BlockOf(std::int64_t at, std::int64_t count) const {
  const auto part = [&](std::int64_t piece) -> Block {
    const std::int64_t band = piece / (rows_ * columns_);
    const std::int64_t k = piece % (rows_ * columns_);
    const std::int64_t row = weights_stay_ ? k % rows_ : k / columns_;
    const std::int64_t column = weights_stay_ ? k / rows_ : k % columns_;
    const Range units = EvenPart((places_ + unit_ - 1) / unit_, bands_ * rows_, band * rows_ + row);
    const std::int64_t pixels = frames_ * step_->pixels;
    return {{std::min(PixelFrom(*step_, units.begin * unit_), pixels),
             std::min(PixelFrom(*step_, units.end * unit_), pixels)},
            EvenPart(step_->panel_count, columns_, column)};
  };
  const Block first = part(at), last = part(at + count - 1);
  return {{first.pixels.begin, last.pixels.end}, {first.panels.begin, last.panels.end}};
}

std::int64_t Grid::Shares(int threads) const { return std::min<std::int64_t>(pieces(), threads); }

std::int64_t Grid::ShareOf(std::int64_t at, int threads) const {
  return ((at + 1) * Shares(threads) - 1) / pieces();
}

Range Grid::PanelsOf(std::int64_t at, std::int64_t end) const {
  return {BlockOf(at, 1).panels.begin, BlockOf(end - 1, 1).panels.end};
}

WeightsInTurn::WeightsInTurn(const Grid& grid, const ConvStep* next, std::int64_t frames,
                             int threads, const KernelSet& kernels)
    : grid_(grid), threads_(threads), wanted_(kernels.fetches_ahead) {
  if (!wanted_ || next == nullptr) return;
  const Grid next_grid(*next, frames, threads, kernels);
  const std::int64_t shares = next_grid.Shares(threads);
  for (int k = 0; k < threads; ++k) {
    Range panels{0, k < shares ? next->panel_count : 0};
    if (k < shares && next_grid.weights_stay_ && next_grid.bands_ == 1) {
      const Range share = EvenPart(next_grid.pieces(), shares, k);
      panels = next_grid.PanelsOf(share.begin, share.end);
    }
    next_.push_back(WeightsOf(*next, panels));
  }
}

WeightsAhead WeightsInTurn::After(std::int64_t at, std::int64_t count) const {
  if (!wanted_) return {};
  const std::int64_t rows = grid_.rows_;
  const std::int64_t thread = grid_.ShareOf(at, threads_);
  const Range share = EvenPart(grid_.pieces(), grid_.Shares(threads_), thread);
  const std::int64_t end = std::min(at + count, share.end);
  std::int64_t first = share.begin;  // of the pieces that end the share
  if (grid_.weights_stay_) {
    first = std::max(first, (share.end - 1) / rows * rows);
    if (at < first) {
      // Whoever ends a column fetches as many as are done.
      if (end % rows != 0 || end == share.end) return {};
      const Range panels = grid_.PanelsOf(end, std::min(end + count, share.end));
      return PartOf(WeightsOf(*grid_.step_, panels), 0, 1, 1);
    }
  }
  if (next_.empty()) return {};
  return PartOf(next_[static_cast<std::size_t>(thread)], at - first, end - first,
                share.end - first);
}

}  // namespace tf2::runtime::cpu
