// The kernels for AMX on emulated vectors and a model of the tile registers.
#include "runtime/backends/cpu/emulated.h"

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#include "runtime/backends/cpu/emulated_512.h"
#include "runtime/backends/cpu/tile_model.h"

namespace tf2::runtime::cpu {
namespace {

thread_local testing::TileModel tile_registers;
thread_local TileUse tile_use;

void EmulatedTileLoad(std::size_t tile, const void* base, std::ptrdiff_t stride) {
  const bool features = tile == 4 || tile == 5;
  if (features) ++(stride == 64 ? tile_use.dense_loads : tile_use.strided_loads);
  tile_registers.Load(tile, base, stride);
}

void EmulatedDot(std::size_t sums, std::size_t a, std::size_t b) {
  ++tile_use.dot_products;
  tile_registers.DotUnsignedSigned(sums, a, b);
}

}  // namespace

TileUse EmulatedTileUse() {
  tile_use.configured = tile_registers.configured();
  return tile_use;
}

}  // namespace tf2::runtime::cpu

// NOLINTBEGIN(bugprone-*): the names are the intrinsics'.
#define _tile_loadconfig(config) tile_registers.LoadConfig(config)
#define _tile_release() tile_registers.Release()
#define _tile_zero(tile) tile_registers.Zero(tile)
#define _tile_loadd(tile, base, stride) EmulatedTileLoad(tile, base, stride)
#define _tile_stored(tile, base, stride) tile_registers.Store(tile, base, stride)
#define _tile_dpbusd(sums, a, b) EmulatedDot(sums, a, b)

#define AmxKernels EmulatedAmxKernels
#include "runtime/backends/cpu/kernels_amx.cc"
// NOLINTEND(bugprone-*)

#else

namespace tf2::runtime::cpu {
const KernelSet* EmulatedAmxKernels() { return nullptr; }
TileUse EmulatedTileUse() { return {}; }
}  // namespace tf2::runtime::cpu

#endif
