// Packing of convolution weights into panels of tiles of 16 output channels and entries of 4 input
// bytes, in the order in which the kernels read them (kernels.h).
//
// Kernels that add products in 16 bits first (KernelSet::short_sums) need every lane of every run
// of entries to fit: the entries of a panel, which may come in any order, are distributed over runs
// so that the largest sum of positive products and that of negative ones fit; an entry that does
// not fit alone becomes two of half the weights. Weights of 4 bits stay in order: any two of their
// entries fit where features reach 127, one where they reach 255.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PACK_H_
#define TF2_RUNTIME_BACKENDS_CPU_PACK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/aligned_buffer.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// 4 adjacent bytes of the input at an offset from the pixel's address, and which weights of an
// output channel meet them: [first, first + count) in the order ky, kx, ic of a group.
struct InputGroup {
  std::int32_t offset = 0;
  std::int32_t first = 0;
  std::int32_t count = 0;
};

// What the convolution reads of one group of channels. Where the row of a window is adjacent in
// memory, its taps share entries. Adjacent bytes come in multiples of `run_bytes`
// (KernelSet::run_bytes), with groups of no weights at the end, where they are enough to be worth
// it and all of the group.
std::vector<InputGroup> InputGroups(const qnet::Conv& conv, std::int32_t ic, const View& input,
                                    std::int32_t run_bytes);

struct PackedConv {
  std::vector<Panel> panels;
  std::vector<std::int32_t> offsets;
  AlignedVector<std::int8_t> weights;
  bool nibbles = false;
  std::vector<std::int32_t> bias;           // [slot]
  std::vector<std::int32_t> slot_channels;  // the output channel of each slot, -1 for padding
  std::vector<std::int64_t> sum_bound;      // of each channel: the largest |sum|
};

enum class Packing : std::uint8_t {
  kEntries,
  kNibbles,  // in 4 bits where weights and kernels allow it, else kEntries
  kSquares,  // transformed, where FitSquares holds (winograd.h)
};

// `zero`: of the input.
PackedConv PackConv(const KernelSet& kernels, const qnet::Conv& conv, std::int32_t in_channels,
                    std::int32_t out_channels, const View& input, std::uint8_t zero,
                    Packing packing);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PACK_H_
