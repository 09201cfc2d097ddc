#include "runtime/backends/cpu/short_sums.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "base/rng.h"

namespace tf2::runtime::cpu {
namespace {

constexpr std::size_t kEntryWeights = kTile * kGroup;

// Entries of weights +-2^k, k up to `most`.
std::vector<std::int16_t> RandomEntries(std::size_t count, int most, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::int16_t> weights(count * kEntryWeights);
  for (std::int16_t& w : weights) {
    const int value = 1 << rng.Between(0, most);
    w = static_cast<std::int16_t>(rng.Between(0, 1) == 0 ? value : -value);
  }
  return weights;
}

// The largest sums of every lane of a run, whatever the features, fit 16 bits.
void ExpectFits(std::span<const std::int16_t> entries, std::span<const Piece> run,
                std::int32_t largest) {
  for (std::size_t lane = 0; lane < kEntryWeights; lane += 2) {
    int positive = 0, negative = 0;
    for (const Piece& piece : run) {
      if (piece.entry < 0) continue;
      for (std::size_t i = 0; i < 2; ++i) {
        const auto at = static_cast<std::size_t>(piece.entry) * kEntryWeights + lane + i;
        const int w = PartOf(entries[at], piece.part);
        (w > 0 ? positive : negative) += w * largest;
      }
    }
    ASSERT_LE(positive, 32767);
    ASSERT_GE(negative, -32768);
  }
}

TEST(ShortSums, EveryRunFitsAndEveryEntryIsThere) {
  for (const std::int32_t largest : {127, 255}) {
    for (int most = 0; most <= 7; ++most) {
      for (const std::size_t count : {0U, 1U, 2U, 9U, 36U, 147U}) {
        SCOPED_TRACE(::testing::Message() << largest << ", 2^" << most << ", " << count);
        const auto entries = RandomEntries(count, most, count + static_cast<std::uint64_t>(most));
        const Runs runs = ArrangeRuns(entries, largest);
        const std::span pieces(runs.pieces);
        const std::size_t ends[] = {static_cast<std::size_t>(runs.ends.eights),
                                    static_cast<std::size_t>(runs.ends.fours),
                                    static_cast<std::size_t>(runs.ends.twos), pieces.size()};
        std::size_t at = 0, size = 8;
        for (const std::size_t end : ends) {
          ASSERT_LE(at, end);
          ASSERT_EQ((end - at) % size, 0U);
          for (; at < end; at += size) ExpectFits(entries, pieces.subspan(at, size), largest);
          size /= 2;
        }
        std::vector<int> halves(count, 0);  // of each entry
        for (const Piece& piece : pieces) {
          if (piece.entry < 0) continue;
          halves[static_cast<std::size_t>(piece.entry)] += piece.part == Part::kAll ? 2 : 1;
        }
        EXPECT_EQ(halves, std::vector<int>(count, 2));
      }
    }
  }
}

// Weights of which 16 bits hold any 8 entries need no run that is shorter but the last.
TEST(ShortSums, FewSmallEntriesNeedNoZeros) {
  const auto entries = RandomEntries(36, 2, 1);
  const Runs runs = ArrangeRuns(entries, 127);
  EXPECT_EQ(runs.pieces.size(), 36U);
  EXPECT_EQ(runs.ends.eights, 32);
  EXPECT_EQ(runs.ends.fours, 36);
}

}  // namespace
}  // namespace tf2::runtime::cpu
