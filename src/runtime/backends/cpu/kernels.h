// The boundary between the code that plans a network and the kernels that are compiled once per
// instruction set: plain structs of offsets and tables, and a table of functions. Kernel files
// include nothing else of tf2, so that no inline function of a shared header is ever compiled for
// an instruction set that the machine may lack.
//
// Features lie channel-last: pixel p of a tensor is `stride` bytes at offset + p * stride in the
// arena of the frame, its channels in order (int8, or int16 little endian).
#ifndef TF2_RUNTIME_BACKENDS_CPU_KERNELS_H_
#define TF2_RUNTIME_BACKENDS_CPU_KERNELS_H_

#include <cstdint>

namespace tf2::runtime::cpu {

// Output channels are computed in tiles of 16, input channels are consumed in groups of 4.
inline constexpr int kTile = 16;
inline constexpr int kGroup = 4;
// Bytes that a kernel may read, and ignore, past the end of a tensor.
inline constexpr int kSlack = 64;

// Where a tensor lies in the arena; bytes.
struct View {
  std::int64_t offset = 0;
  std::int64_t stride = 0;  // from one pixel to the next
};

// y = activation(sat((acc * alpha + (res << t) + half) >> s)), half = 2^(s-1), per channel; the
// arrays are padded to whole tiles. 64-bit arithmetic.
struct Requantization {
  const std::int64_t* alpha = nullptr;
  const std::int64_t* half = nullptr;
  const std::int64_t* s = nullptr;
  const std::int64_t* t = nullptr;  // null without a residual
  bool relu = false;
  bool wide = false;  // saturate to 16 bits, write two bytes
};

// Adjacent output-channel tiles of one group that are computed together.
struct Panel {
  std::int32_t first_tile = 0;   // into weights, bias and requantisation
  std::int32_t tiles = 0;        // 1..KernelSet::panel_tiles
  std::int32_t in_channel = 0;   // first input channel of the group
  std::int32_t out_channel = 0;  // first output channel
  std::int32_t channels = 0;     // output channels that exist: the last tile may be partial
};

// Convolution with any window, stride, padding, dilation and groups, as a product of gathered
// pixels and packed weights.
struct ConvStep {
  // Arena offsets of the input pixel under each tap, [pixel tile][tap][pixels_per_tile]; those in
  // the padding point to zeros. The last tile repeats its last pixel.
  const std::int32_t* offsets = nullptr;
  std::int32_t taps = 0;
  std::int32_t groups_of_4 = 0;      // input channels of a group, divided by 4, rounded up
  std::int32_t pixels_per_tile = 0;  // KernelSet::tile_pixels or 1
  std::int64_t pixels = 0;
  // [tile][plane][tap][group of 4] blocks of 64 elements, as KernelSet says. The planes are added.
  const void* weights = nullptr;
  std::int32_t planes = 1;
  const std::int32_t* bias = nullptr;  // [tile][16], with the correction for KernelSet::offset_128
  const Panel* panels = nullptr;
  Requantization requantization;
  View output;
  View residual;  // used where requantization.t is set
};

// Depthwise convolution with one output channel per input channel.
struct DepthwiseStep {
  const std::int32_t* offsets = nullptr;  // [pixel][tap]
  std::int32_t taps = 0;
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  const std::int16_t* weights = nullptr;  // [tap][channels, whole tiles]
  const std::int32_t* bias = nullptr;
  Requantization requantization;
  View output;
  View residual;
};

struct MaxPoolStep {
  const std::int32_t* offsets = nullptr;  // [pixel][tap]; padding points to values of -128
  std::int32_t taps = 0;
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  View output;
};

struct AvgPoolStep {
  const std::int32_t* offsets = nullptr;  // [pixel][tap]; padding points to zeros
  std::int32_t taps = 0;
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  const std::int32_t* divisor = nullptr;           // [pixel]: index into `requantization`
  const Requantization* requantization = nullptr;  // [divisor]
  View output;
};

// y = activation(sat((clamp((a << shift_a) + (b << shift_b), +-limit) << left) + half) >> right)).
// Per channel; with it every combination of exponents is exact in 64 bits (see prepare.cc).
struct AddStep {
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  const std::int64_t* shift_a = nullptr;
  const std::int64_t* shift_b = nullptr;
  const std::int64_t* limit = nullptr;
  const std::int64_t* left = nullptr;
  const std::int64_t* half = nullptr;
  const std::int64_t* right = nullptr;
  bool relu = false;
  bool wide = false;
  View a;
  View b;
  View output;
};

// A half-open range of work items.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// The kernels of one instruction set, and how they want their data.
struct KernelSet {
  const char* isa;
  std::int32_t tile_pixels;   // pixels computed together
  std::int32_t panel_tiles;   // most output-channel tiles computed together
  std::int32_t weight_bytes;  // of an element: 1 (int8) or 2 (int16)
  std::int32_t weight_limit;  // largest |weight| of a plane
  // Order of a block of 64 weights: 0: [output channel][input channel]; n: [output channel / n]
  // [input channel][output channel % n].
  std::int32_t transposed_lanes;
  // Whether the kernel adds 128 to every feature, so that bias must hold -128 * sum of the weights.
  bool offset_128;

  // `tiles`: of pixels. `panels`: into ConvStep::panels.
  void (*conv)(const ConvStep& step, std::uint8_t* arena, Range tiles, Range panels);
  void (*depthwise)(const DepthwiseStep& step, std::uint8_t* arena, Range pixels);
  void (*max_pool)(const MaxPoolStep& step, std::uint8_t* arena, Range pixels);
  void (*avg_pool)(const AvgPoolStep& step, std::uint8_t* arena, Range pixels);
  void (*add)(const AddStep& step, std::uint8_t* arena, Range pixels);
};

// Null where the program was not built for the instruction set.
const KernelSet* PortableKernels();
const KernelSet* Avx2Kernels();
const KernelSet* Avx512VnniKernels();

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_KERNELS_H_
