// The tile registers of AMX in software, as Intel's manual defines them (volume 2, LDTILECFG,
// TILELOADD, TILESTORED, TILEZERO, TILERELEASE, TDPBUSD; volume 1, chapter 18): for tests on
// machines that lack them. What the processor answers with an exception ends the program here.
#ifndef TF2_RUNTIME_BACKENDS_CPU_TILE_MODEL_H_
#define TF2_RUNTIME_BACKENDS_CPU_TILE_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace tf2::runtime::cpu::testing {

// The registers of one thread, in their initial state at first. One deviation: a configuration with
// a start row, which only an interrupted instruction leaves behind, is refused.
class TileModel {
 public:
  static constexpr std::size_t kTiles = 8;  // of palette 1
  static constexpr std::size_t kRows = 16;
  static constexpr std::size_t kRowBytes = 64;

  // LDTILECFG: 64 bytes; every tile becomes zero. Palette 0: the initial state.
  void LoadConfig(const void* config);
  // TILERELEASE.
  void Release();
  // TILEZERO.
  void Zero(std::size_t tile);
  // TILELOADD, TILESTORED: row i at base + i * stride.
  void Load(std::size_t tile, const void* base, std::ptrdiff_t stride);
  void Store(std::size_t tile, void* base, std::ptrdiff_t stride) const;
  // TDPBUSD: sums [m][n] += unsigned a [m][4 k + i] * signed b [k][4 n + i], modulo 2^32.
  void DotUnsignedSigned(std::size_t sums, std::size_t a, std::size_t b);

  bool configured() const { return configured_; }

 private:
  struct Tile {
    std::size_t rows = 0;
    std::size_t row_bytes = 0;
    std::array<std::array<std::uint8_t, kRowBytes>, kRows> bytes = {};
  };

  // The tile, which must exist and be configured.
  const Tile& Valid(std::size_t tile) const;
  Tile& Valid(std::size_t tile);

  bool configured_ = false;
  std::array<Tile, kTiles> tiles_;
};

}  // namespace tf2::runtime::cpu::testing

#endif  // TF2_RUNTIME_BACKENDS_CPU_TILE_MODEL_H_
