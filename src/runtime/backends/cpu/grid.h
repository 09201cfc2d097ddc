// How a convolution is cut into pieces for threads, and which weights a thread reads after each.
#ifndef TF2_RUNTIME_BACKENDS_CPU_GRID_H_
#define TF2_RUNTIME_BACKENDS_CPU_GRID_H_

#include <cstdint>
#include <vector>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// Pieces that a thread gets of an operator, where its work is worth as many: threads that are held
// up leave some to the others.
inline constexpr std::int64_t kPiecesPerThread = 16;

// Part `k` of [0, n) in `parts` parts that differ by one at most.
inline Range EvenPart(std::int64_t n, std::int64_t parts, std::int64_t k) {
  return {n * k / parts, n * (k + 1) / parts};
}

// A band of adjacent pixels for each thread, or one for all; each band in rows of adjacent pixels
// times columns of adjacent panels. Rows begin where the kernels' groups of places do
// (ConvStep::row_places).
class Grid {
 public:
  // What some pieces compute.
  struct Block {
    Range pixels;  // of all frames; none where all places are beyond a row's end
    Range panels;
  };

  Grid(const ConvStep& step, std::int64_t frames, int threads, const KernelSet& kernels);

  std::int64_t pieces() const { return bands_ * rows_ * columns_; }
  // Most pieces that are not too long for a thread that is held up.
  std::int64_t pieces_together() const { return pieces_together_; }
  // How many pieces from `at` on, all before `end`, are one for the kernels: whole lines, or a part
  // of one.
  std::int64_t Together(std::int64_t at, std::int64_t end) const;
  // Of pieces [at, at + count), which are one for the kernels.
  Block BlockOf(std::int64_t at, std::int64_t count) const;

 private:
  friend class WeightsInTurn;

  std::int64_t PiecesWorthIt(int threads, const KernelSet& kernels) const;
  void CutSquares(int threads, const KernelSet& kernels);
  void LimitTogether(const KernelSet& kernels);

  // The shares of so many threads, and which of them has piece `at`.
  std::int64_t Shares(int threads) const;
  std::int64_t ShareOf(std::int64_t at, int threads) const;
  // The panels of pieces [at, end), of one band and whole columns where weights stay.
  Range PanelsOf(std::int64_t at, std::int64_t end) const;

  const ConvStep* step_;
  std::int64_t frames_;
  std::int64_t places_ = 0;  // of all pixels
  std::int64_t unit_ = 1;    // places that rows are multiples of
  std::int64_t bands_ = 1, rows_ = 1, columns_ = 1;
  // Whether all pixels of a band pass some weights before the next ones are read.
  bool weights_stay_ = false;
  std::int64_t columns_together_ = 1;  // most columns whose weights the second-level cache keeps
  std::int64_t pieces_together_ = 1;
};

// The weights that a thread reads after some pieces of its share of a convolution: those of its
// next columns where weights stay, in the end those that it will need of the convolution `next`,
// which may be null. Shares are those that ThreadPool::ForPieces gives to the threads where a
// convolution is alone in its stage; beside others, few pieces may go to other threads, which then
// find their weights in no cache.
class WeightsInTurn {
 public:
  WeightsInTurn(const Grid& grid, const ConvStep* next, std::int64_t frames, int threads,
                const KernelSet& kernels);

  // After pieces [at, at + count), which are one for the kernels and of one share. Pieces that end
  // a share have a part each of what follows it; those that begin before its last column and end it
  // have none, but threads take half of what is left at a time.
  WeightsAhead After(std::int64_t at, std::int64_t count) const;

 private:
  Grid grid_;
  int threads_;
  bool wanted_;
  std::vector<WeightsAhead> next_;  // of each thread
};

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_GRID_H_
