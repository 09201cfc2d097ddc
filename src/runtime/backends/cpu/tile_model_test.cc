#include "runtime/backends/cpu/tile_model.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/rng.h"

namespace tf2::runtime::cpu::testing {

void TileModel::LoadConfig(const void* config) {
  std::array<std::uint8_t, 64> bytes;
  std::memcpy(bytes.data(), config, bytes.size());
  const std::uint8_t palette = bytes[0];
  TF2_CHECK(palette <= 1, "LDTILECFG: palette {}", palette);
  if (palette == 0) return Release();
  TF2_CHECK(bytes[1] == 0, "LDTILECFG: start row {}", bytes[1]);
  constexpr std::size_t kColumnsAt = 16;  // 2 bytes a tile
  constexpr std::size_t kRowsAt = 48;
  for (std::size_t i = 2; i < bytes.size(); ++i) {
    const bool reserved =
        i < kColumnsAt || (i >= kColumnsAt + 2 * kTiles && i < kRowsAt) || i >= kRowsAt + kTiles;
    TF2_CHECK(!reserved || bytes[i] == 0, "LDTILECFG: reserved byte {} is {}", i, bytes[i]);
  }
  std::array<Tile, kTiles> tiles;
  for (std::size_t t = 0; t < kTiles; ++t) {
    tiles[t].row_bytes =
        std::size_t{bytes[kColumnsAt + 2 * t]} | std::size_t{bytes[kColumnsAt + 2 * t + 1]} << 8;
    tiles[t].rows = bytes[kRowsAt + t];
    TF2_CHECK(tiles[t].rows <= kRows, "LDTILECFG: tile {} of {} rows", t, tiles[t].rows);
    TF2_CHECK(tiles[t].row_bytes <= kRowBytes, "LDTILECFG: tile {} of {} bytes a row", t,
              tiles[t].row_bytes);
    TF2_CHECK((tiles[t].rows == 0) == (tiles[t].row_bytes == 0),
              "LDTILECFG: tile {} of {} rows of {} bytes", t, tiles[t].rows, tiles[t].row_bytes);
  }
  tiles_ = tiles;
  configured_ = true;
}

void TileModel::Release() { *this = {}; }

const TileModel::Tile& TileModel::Valid(std::size_t tile) const {
  TF2_CHECK(configured_, "no tile configuration is loaded");
  TF2_CHECK(tile < kTiles && tiles_[tile].rows > 0, "tile {} is not configured", tile);
  TF2_CHECK(tiles_[tile].row_bytes % 4 == 0, "tile {} of {} bytes a row", tile,
            tiles_[tile].row_bytes);
  return tiles_[tile];
}

TileModel::Tile& TileModel::Valid(std::size_t tile) {
  return const_cast<Tile&>(std::as_const(*this).Valid(tile));
}

void TileModel::Zero(std::size_t tile) { Valid(tile).bytes = {}; }

void TileModel::Load(std::size_t tile, const void* base, std::ptrdiff_t stride) {
  Tile& to = Valid(tile);
  to.bytes = {};
  const auto* from = static_cast<const std::uint8_t*>(base);
  for (std::size_t row = 0; row < to.rows; ++row, from += stride) {
    std::memcpy(to.bytes[row].data(), from, to.row_bytes);
  }
}

void TileModel::Store(std::size_t tile, void* base, std::ptrdiff_t stride) const {
  const Tile& from = Valid(tile);
  auto* to = static_cast<std::uint8_t*>(base);
  for (std::size_t row = 0; row < from.rows; ++row, to += stride) {
    std::memcpy(to, from.bytes[row].data(), from.row_bytes);
  }
}

void TileModel::DotUnsignedSigned(std::size_t sums, std::size_t a, std::size_t b) {
  TF2_CHECK(sums != a && a != b && sums != b, "TDPBUSD: tiles {}, {}, {} are not distinct", sums, a,
            b);
  Tile& c = Valid(sums);
  const Tile& features = Valid(a);
  const Tile& weights = Valid(b);
  TF2_CHECK(c.row_bytes == weights.row_bytes && c.rows == features.rows &&
                features.row_bytes / 4 == weights.rows,
            "TDPBUSD: {} x {} bytes from {} x {} and {} x {}", c.rows, c.row_bytes, features.rows,
            features.row_bytes, weights.rows, weights.row_bytes);
  for (std::size_t m = 0; m < c.rows; ++m) {
    std::array<std::uint32_t, kRowBytes / 4> row;
    std::memcpy(row.data(), c.bytes[m].data(), kRowBytes);
    for (std::size_t k = 0; k < weights.rows; ++k) {
      for (std::size_t n = 0; n < c.row_bytes / 4; ++n) {
        for (std::size_t i = 0; i < 4; ++i) {
          const int product =
              features.bytes[m][4 * k + i] * static_cast<std::int8_t>(weights.bytes[k][4 * n + i]);
          row[n] += static_cast<std::uint32_t>(product);
        }
      }
    }
    std::memcpy(c.bytes[m].data(), row.data(), kRowBytes);
  }
}

namespace {

// The 64 bytes of a configuration of palette 1.
struct Config {
  std::array<std::uint8_t, 64> bytes = {1};
  Config& Set(std::size_t tile, std::size_t rows, std::size_t row_bytes) {
    bytes[16 + 2 * tile] = static_cast<std::uint8_t>(row_bytes & 0xFF);
    bytes[17 + 2 * tile] = static_cast<std::uint8_t>(row_bytes >> 8);
    bytes[48 + tile] = static_cast<std::uint8_t>(rows);
    return *this;
  }
};

TileModel Configured(const Config& config) {
  TileModel model;
  model.LoadConfig(config.bytes.data());
  return model;
}

std::vector<std::uint8_t> RandomBytes(Rng& rng, std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.Between(0, 255));
  return bytes;
}

// Every size of the three tiles, at strides beyond the rows, against a plain loop.
TEST(TileModel, DotProductsEqualAPlainLoop) {
  Rng rng(3);
  for (std::size_t m = 1; m <= 16; ++m) {
    for (std::size_t n = 1; n <= 16; ++n) {
      const auto k = static_cast<std::size_t>(rng.Between(1, 16));
      const std::size_t stride = 64 + 4 * (m % 3);
      const auto a = RandomBytes(rng, 16 * stride);
      const auto b = RandomBytes(rng, 16 * stride);
      auto c = RandomBytes(rng, 16 * stride);
      TileModel model = Configured(Config().Set(0, m, 4 * n).Set(3, m, 4 * k).Set(7, k, 4 * n));
      const auto step = static_cast<std::ptrdiff_t>(stride);
      model.Load(0, c.data(), step);
      model.Load(3, a.data(), step);
      model.Load(7, b.data(), step);
      model.DotUnsignedSigned(0, 3, 7);

      auto expected = c;
      for (std::size_t y = 0; y < m; ++y) {
        for (std::size_t x = 0; x < n; ++x) {
          std::int32_t bits;
          std::memcpy(&bits, c.data() + y * stride + 4 * x, sizeof bits);
          std::int64_t sum = bits;
          for (std::size_t i = 0; i < 4 * k; ++i) {
            sum += std::int64_t{a[y * stride + i]} *
                   static_cast<std::int8_t>(b[i / 4 * stride + 4 * x + i % 4]);
          }
          const auto wrapped = static_cast<std::uint32_t>(sum);
          std::memcpy(expected.data() + y * stride + 4 * x, &wrapped, sizeof wrapped);
        }
      }
      model.Store(0, c.data(), step);
      ASSERT_EQ(c, expected) << m << " x " << n << " x " << k;
    }
  }
}

TEST(TileModel, StrideZeroRepeatsARow) {
  TileModel model = Configured(Config().Set(1, 3, 8));
  const std::array<std::uint8_t, 8> row = {1, 2, 3, 4, 5, 6, 7, 8};
  model.Load(1, row.data(), 0);
  std::array<std::uint8_t, 24> stored = {};
  model.Store(1, stored.data(), 8);
  for (std::size_t i = 0; i < stored.size(); ++i) EXPECT_EQ(stored[i], row[i % 8]);
}

TEST(TileModel, ConfigurationAndZeroClearTiles) {
  Config config;
  config.Set(2, 1, 4);
  TileModel model = Configured(config);
  const std::array<std::uint8_t, 4> ones = {1, 1, 1, 1};
  const std::array<std::uint8_t, 4> zeros = {};
  std::array<std::uint8_t, 4> stored = {};
  model.Load(2, ones.data(), 4);
  model.LoadConfig(config.bytes.data());
  model.Store(2, stored.data(), 4);
  EXPECT_EQ(stored, zeros);
  model.Load(2, ones.data(), 4);
  model.Store(2, stored.data(), 4);
  EXPECT_EQ(stored, ones);
  model.Zero(2);
  model.Store(2, stored.data(), 4);
  EXPECT_EQ(stored, zeros);
}

using TileModelDeathTest = ::testing::Test;

TEST(TileModelDeathTest, RefusesWhatTheProcessorRefuses) {
  const auto refuses = [](const Config& config, const char* message) {
    EXPECT_DEATH(Configured(config), message);
  };
  Config config;
  refuses(Config().Set(0, 17, 64), "tile 0 of 17 rows");
  refuses(Config().Set(7, 16, 68), "tile 7 of 68 bytes a row");
  refuses(Config().Set(7, 16, 256), "tile 7 of 256 bytes a row");
  refuses(Config().Set(1, 16, 0), "tile 1 of 16 rows of 0 bytes");
  refuses(Config().Set(1, 0, 64), "tile 1 of 0 rows of 64 bytes");
  refuses(Config().Set(8, 0, 64), "reserved byte 32");
  refuses(Config().Set(8, 16, 0), "reserved byte 56");
  for (const std::size_t at : {2, 15, 47, 63}) {
    config = {};
    config.bytes[at] = 1;
    refuses(config, "reserved byte");
  }
  config = {};
  config.bytes[0] = 2;
  refuses(config, "palette 2");
  config = {};
  config.bytes[1] = 1;
  refuses(config, "start row 1");
}

TEST(TileModelDeathTest, RefusesTilesWithoutAConfiguration) {
  std::array<std::uint8_t, 1024> memory = {};
  TileModel model;
  EXPECT_DEATH(model.Zero(0), "no tile configuration");
  model = Configured(Config().Set(0, 16, 64).Set(1, 16, 62));
  model.Load(0, memory.data(), 64);
  EXPECT_TRUE(model.configured());
  EXPECT_DEATH(model.Load(1, memory.data(), 64), "tile 1 of 62 bytes");
  EXPECT_DEATH(model.Load(2, memory.data(), 64), "tile 2 is not configured");
  EXPECT_DEATH(model.Load(8, memory.data(), 64), "tile 8 is not configured");
  model.Release();
  EXPECT_FALSE(model.configured());
  EXPECT_DEATH(model.Store(0, memory.data(), 64), "no tile configuration");
  // Palette 0 is a release too.
  model = Configured(Config().Set(0, 16, 64));
  const Config none{{0}};
  model.LoadConfig(none.bytes.data());
  EXPECT_FALSE(model.configured());
}

TEST(TileModelDeathTest, RefusesProductsOfOtherSizes) {
  TileModel model = Configured(
      Config().Set(0, 16, 64).Set(1, 16, 64).Set(2, 16, 64).Set(3, 15, 64).Set(4, 16, 60));
  model.DotUnsignedSigned(0, 1, 2);
  EXPECT_DEATH(model.DotUnsignedSigned(0, 0, 2), "not distinct");
  EXPECT_DEATH(model.DotUnsignedSigned(0, 1, 1), "not distinct");
  EXPECT_DEATH(model.DotUnsignedSigned(0, 1, 0), "not distinct");
  EXPECT_DEATH(model.DotUnsignedSigned(3, 1, 2), "15 x 64 bytes from 16 x 64 and 16 x 64");
  EXPECT_DEATH(model.DotUnsignedSigned(0, 1, 3), "16 x 64 and 15 x 64");
  EXPECT_DEATH(model.DotUnsignedSigned(0, 4, 2), "16 x 60 and 16 x 64");
  EXPECT_DEATH(model.DotUnsignedSigned(4, 1, 2), "16 x 60 bytes from");
  model.DotUnsignedSigned(0, 4, 3);  // 15 groups of 4
}

}  // namespace
}  // namespace tf2::runtime::cpu::testing
