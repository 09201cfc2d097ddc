// Kernels for AMX-INT8: convolutions of several pixels in tile registers, all else as for AVX-512
// VNNI, whose weights they share. TDPBUSD wraps modulo 2^32 and the true sum fits, so the sums are
// exact.
#include "runtime/backends/cpu/kernels.h"

#if (defined(__AMX_INT8__) && defined(__AVX512VNNI__)) || defined(TF2_EMULATE_ISA)

#include "runtime/backends/cpu/primitives_512.h"
#include "runtime/backends/cpu/requantize_512.h"
#include "runtime/backends/cpu/tiles_amx.h"

namespace tf2::runtime::cpu {
namespace {

struct Isa : Requantizer512<Primitives512> {
  // Of the pixels that no tile has: one at most.
  static constexpr int Pixels(int) { return 1; }
  static constexpr int kTileEntries = kBatchBlocks * kBlockEntries;
  static constexpr int kPixelUnit = 2 * kTilePixels;
  template <int kTiles>
  static int SumTiles(const TileWork& work) {
    return cpu::SumTiles<kTiles>(work);
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {
namespace {

void ConvInTiles(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels) {
  if (step.nibbles || pixels.end - pixels.begin < 2) {
    Conv(step, arena, pixels, panels);
  } else {
    const ConfiguredTiles tiles;
    Conv(step, arena, pixels, panels);
  }
}

}  // namespace

const KernelSet* AmxKernels() {
  static constexpr KernelSet kSet = [] {
    KernelSet set = ByteKernels("amx");
    // The last block of a panel may have fewer entries than its tile of weights has rows.
    set.weight_slack = (kBlockEntries - 1) * Isa::kPanelTiles * kRowBytes;
    set.piece_pixels = kTilePixels;
    set.conv = ConvInTiles;
    return set;
  }();
  return &kSet;
}

}  // namespace tf2::runtime::cpu

#else

namespace tf2::runtime::cpu {
const KernelSet* AmxKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
