// The sizes and the configuration of the tile registers of AMX. Included by kernels_amx.cc and by
// the benchmark of the tiles only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_TILE_CONFIG_H_
#define TF2_RUNTIME_BACKENDS_CPU_TILE_CONFIG_H_

#include <cstdint>

#include "runtime/backends/cpu/intrinsics.h"

namespace tf2::runtime::cpu {
namespace {

inline constexpr int kTilePixels = 16;
inline constexpr int kRowBytes = 64;
inline constexpr int kTileBytes = kTilePixels * kRowBytes;

// The operand of LDTILECFG: palette 1, every tile of full size.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {kRowBytes, kRowBytes, kRowBytes, kRowBytes,
                                 kRowBytes, kRowBytes, kRowBytes, kRowBytes};
  std::uint8_t rows[16] = {kTilePixels, kTilePixels, kTilePixels, kTilePixels,
                           kTilePixels, kTilePixels, kTilePixels, kTilePixels};
};
static_assert(sizeof(TileConfig) == 64);

// Tiles are configured while this lives: a call of a kernel, so that both instructions are a small
// part of the time. Afterwards the thread's tiles are in their initial state, whatever they were
// before: no caller finds them configured, and no context switch has to save their 8 KiB.
class ConfiguredTiles {
 public:
  ConfiguredTiles() {
    static constexpr TileConfig kConfig;
    _tile_loadconfig(&kConfig);
  }
  ~ConfiguredTiles() { _tile_release(); }
  ConfiguredTiles(const ConfiguredTiles&) = delete;
  ConfiguredTiles& operator=(const ConfiguredTiles&) = delete;
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_TILE_CONFIG_H_
