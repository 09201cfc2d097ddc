// The boundary between the code that plans a network and the kernels that are compiled once per
// instruction set: plain structs of offsets and tables, and a table of functions. Kernel files
// include nothing else of tf2 but scratch.h, which has no inline function, so that no inline
// function of a shared header is ever compiled for an instruction set that the machine may lack.
//
// Features lie channel-last in the arena of a frame. An int8 tensor is stored unsigned: the byte of
// value v is v + zero, zero being 0 where v is known never to be negative (0..127), else 128. Rows
// may have a border of one byte's value around them, so that windows never leave the tensor.
#ifndef TF2_RUNTIME_BACKENDS_CPU_KERNELS_H_
#define TF2_RUNTIME_BACKENDS_CPU_KERNELS_H_

#include <cstdint>

namespace tf2::runtime::cpu {

// Output channels are computed in tiles of 16, input bytes are consumed in groups of 4.
inline constexpr int kTile = 16;
inline constexpr int kGroup = 4;
// Entries of a block of WeightForm::kTiles.
inline constexpr int kBlockEntries = 16;
// Most output-channel tiles and pixels that a kernel computes together.
inline constexpr int kMaxPanelTiles = 4;
inline constexpr int kMaxTilePixels = 16;
// Bytes that a kernel may read, and ignore, past the end of a tensor.
inline constexpr int kSlack = 64;

// Where a tensor lies in the arena, in bytes: pixel (y, x) at offset + y * row + x * stride, its
// channels in order (a byte each, or two for int16, little endian and plain).
struct View {
  std::int64_t offset = 0;
  std::int64_t row = 0;
  std::int64_t stride = 0;
};

// The parameters of 16 output channels for arithmetic in float that is rounded down, whose results
// are exact nevertheless where FitsFast (prepare.cc) holds: floor(x) of a sum x = a + b, b being a
// float, is the floor of both roundings of it, of a and of the sum, since every integer that the
// result can be, and what it exceeds b by, are floats, which no rounding down passes.
struct alignas(64) FastRequantization {
  float scale[kTile];      // alpha / 2^s
  float residual[kTile];   // 2^(t - s)
  std::int8_t low[kTile];  // the activation's bounds
  std::int8_t high[kTile];
};

// The parameters of 16 output channels in general, for arithmetic in double. It is exact: every
// term is an integer below 2^47 times 2^-s.
struct alignas(64) Requantization {
  double positive[kTile];  // alpha / 2^s for sums from 0 on
  double negative[kTile];  // and for those below
  double residual[kTile];  // 2^(t - s)
  double low[kTile];
  double high[kTile];
};

// Sums of up to 16 channels of some pixels, to be requantised: pixel i's begin at sums + i * stride
// and go to output + output_at[i]. 16 can be read, of the residual too.
struct Rows {
  const std::int32_t* sums;
  std::int64_t stride;
  int count;
  int channels;
  std::uint8_t* output;
  const std::int64_t* output_at;
  const std::uint8_t* residual;  // read where there is a residual only
  const std::int64_t* residual_at;
};

// Where results go and what is added to them.
struct Sink {
  View output;
  std::int32_t width = 1;  // pixels of a row
  std::uint8_t zero = 0;   // of the output
  bool wide = false;       // int16 output
  bool has_residual = false;
  std::uint8_t residual_zero = 0;
  View residual;
  const FastRequantization* fast = nullptr;  // [tile]; null: `general` holds
  const Requantization* general = nullptr;   // [tile]
  bool has_slopes = false;                   // `negative` is not `positive`
  // Whether results are int8 and fit 32 bits before saturation, and shifts are 32 at most.
  bool narrow = false;
};

// Runs of entries whose products 16 bits can add, the longest first: runs of 8 entries end at entry
// `eights`, those of 4 from there on at `fours`, those of 2 at `twos`; the others stand alone.
struct RunEnds {
  std::int32_t eights = 0;
  std::int32_t fours = 0;
  std::int32_t twos = 0;
};

// Adjacent output-channel tiles of one group that are computed together.
struct Panel {
  std::int32_t tiles = 0;        // 1..KernelSet::panel_tiles, nibble_tiles or square_tiles
  std::int32_t entries = 0;      // groups of 4 input bytes
  RunEnds runs = {};             // for kernels with short sums
  std::int32_t first_tile = 0;   // into bias and requantisation
  std::int32_t out_channel = 0;  // first output channel
  std::int32_t channels = 0;     // output channels that exist: the last tile may be partial
  std::int64_t offsets = 0;      // index of its first entry's offset
  std::int64_t weights = 0;      // index of its first weight
};

// Convolutions of 3 x 3 whose results are computed in squares of 4 x 4 pixels from patches of 6 x 6
// (Winograd's minimal filtering F(4 x 4, 3 x 3): Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016): 36 products instead of 144 for each input and output channel. Features d
// become B^T d B, 17,340 at most of bytes; weights g become G g G^T, the rows of G being 24, 6, 6,
// 24, 24 and 6 times the published ones: integers. Their products are summed modulo 2^32, and so is
// A^T m A, whose entries are 9 << k times the results: times the inverse of 9, then shifted, they
// are exact where results are below 2^25.
inline constexpr int kSquare = 4;
inline constexpr int kPatch = kSquare + 2;
inline constexpr int kPositions = kPatch * kPatch;
struct Squares {
  std::int32_t height = 0, width = 0;  // output pixels of a frame; 0: not computed in squares
  std::int32_t channels = 0;           // of the input, whole tiles
};

// Convolution with any window, stride, padding, dilation and groups: for each pixel and panel, the
// sum over the panel's entries of 4 input bytes, at the pixel's address plus the entry's offset,
// times [tile][16][4] weights.
struct ConvStep {
  // With these, `pixels` and `sink.width` count squares, and there are no offsets.
  Squares squares;
  std::int64_t pixels = 0;  // of a frame
  // Places of a row of output pixels as the kernels pass them (KernelSet::row_places).
  std::int64_t row_places = 1;
  // Pixels of a call are those of one or more frames: pixel p is p % pixels of the frame whose
  // arena begins p / pixels * frame_bytes after the first one's.
  std::int64_t frame_bytes = 0;
  View input;  // of output pixel (y, x): strides included
  const Panel* panels = nullptr;
  std::int64_t panel_count = 0;
  const std::int32_t* offsets = nullptr;
  // In the form of KernelSet::weights; or with squares int16, [panel][position][pair
  // of input channels][tile][16][2]; or with `nibbles` [panel][pair of entries][tile][16
  // slots][4], the code of the first entry in the low half of each byte.
  const std::int8_t* weights = nullptr;
  bool nibbles = false;
  std::int64_t weight_bytes = 0;       // of all panels
  const std::int32_t* bias = nullptr;  // [tile][16]; holds -zero * sum of the weights too
  Sink sink;
};

// Weights that the same thread is likely to read next: a kernel may fetch them into a cache.
struct WeightsAhead {
  const std::int8_t* begin = nullptr;
  const std::int8_t* end = nullptr;
};

// Convolution with one input and one output channel a group. The rows of a window, of which some
// repeat with weights of 0 or the other half of theirs, are summed KernelSet::depthwise_rows at a
// time. Rows and columns may be those of the turned map.
struct DepthwiseStep {
  std::int64_t pixels = 0;
  View input;  // of output pixel (y, x): of its first tap
  std::int32_t channels = 0;
  std::int32_t groups = 0;             // of rows
  const std::int32_t* rows = nullptr;  // [group][depthwise_rows]: bytes from the first tap
  std::int32_t columns = 0;            // of a window
  std::int32_t stride = 1;             // columns from a pixel's window to the next one's
  std::int32_t column_step = 1;        // from a column of a window to the next
  std::int64_t column_bytes = 0;       // from a column of the input to the next
  // [tile][column][group][16][depthwise_rows], int8 where those are 4, int16 where they are 2.
  const std::int8_t* weights = nullptr;
  const std::int32_t* bias = nullptr;
  Sink sink;
};

// The window of a pooling at output position i of one axis: input positions begin, begin + step,
// ... below end.
struct PoolRange {
  std::int32_t begin = 0;
  std::int32_t end = 0;
};

struct PoolStep {
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  View input;
  std::int32_t step_y = 1, step_x = 1;       // dilation
  const PoolRange* rows = nullptr;           // [oh]
  const PoolRange* columns = nullptr;        // [ow]
  std::uint8_t zero = 0;                     // of the input
  const std::int32_t* first_tile = nullptr;  // average: [pixel], of its divisor's parameters
  Sink sink;
};

enum class BinaryOp : std::uint8_t { kAdd, kSub, kMul, kMax, kMin };

// y = clamp(((a << shift_a) + (b << shift_b), clamped to +-limit, << left) + half) >> right).
// Per channel, whole tiles of them; with it every combination of exponents is exact in 64 bits (see
// prepare.cc), and in 32 where `fits_32`.
struct AddStep {
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  std::int32_t width = 1;
  const std::int32_t* shift_a = nullptr;
  const std::int32_t* shift_b = nullptr;
  const std::int64_t* limit = nullptr;
  const std::int32_t* left = nullptr;
  const std::int64_t* half = nullptr;
  const std::int32_t* right = nullptr;
  const std::int32_t* limit_32 = nullptr;  // with fits_32
  const std::int32_t* half_32 = nullptr;
  std::int32_t low = 0;
  std::int32_t high = 0;
  bool fits_32 = false;
  bool wide = false;
  View a, b, output;
  std::uint8_t zero_a = 0, zero_b = 0, zero = 0;
};

// As AddStep of the sum, or where it fits 32 bits of the difference, maximum or minimum of a <<
// shift_a and b << shift_b, or of the product a * b.
struct BinaryStep {
  BinaryOp op = BinaryOp::kAdd;
  AddStep step;                       // an operand that repeats along an axis moves by 0 there
  bool one_a = false, one_b = false;  // one channel for all of the output's
};

// A function of one variable.
struct TableStep {
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  std::int32_t width = 1;
  bool wide = false;
  const std::uint8_t* bytes = nullptr;   // [256]: the output's byte of each of the input's
  const std::uint16_t* words = nullptr;  // [256], where the output is wide
  View input, output;
};

// The factors of sums of squares S from one bit pattern of float(S) to the next that shares its
// upper bits: low + diff * (the lower kLrnRestBits bits / 2^kLrnRestBits), in units of 2^-shift.
struct LrnFactors {
  float low;
  float diff;
};
inline constexpr int kLrnRestBits = 17;
inline constexpr double kLrnRestUnit = 1.0 / (1 << kLrnRestBits);
inline constexpr std::int32_t kLrnFirstPattern = (127 << (23 - kLrnRestBits)) - 1;  // of S = 0

// Local response normalisation across channels: y = clamp(floor(v * factor of S + 1/2)), S the sum
// of the squares of the window around v. The arithmetic in double is exact: a
// factor has 24 bits and those of S beyond its pattern, which are 12 at most since S is 2^19 at
// most; v has 8, and 128 or a half above and below take 8 more.
struct LrnStep {
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  std::int32_t width = 1;               // pixels of a row
  std::int32_t size = 1;                // channels of a window, kMaxLrnSize at most
  const LrnFactors* factors = nullptr;  // of the patterns from kLrnFirstPattern on
  double unit = 1;                      // 2^-shift
  View input, output;
  std::uint8_t zero_in = 0, zero_out = 0;
};
inline constexpr std::int32_t kMaxLrnSize = 32;
static_assert(kMaxLrnSize * 128 * 128 <= 1 << 19);

// Some entries of a panel.
struct Block {
  const std::int32_t* offsets;
  const std::int8_t* weights;
  std::int64_t entries;
  RunEnds runs = {};
};

// A half-open range of work items.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// How the weights of a panel lie.
enum class WeightForm : std::uint8_t {
  kBytes,  // int8, [entry][tile][16][4]
  kPairs,  // int16, [entry][tile][2][16][2]: the entry's first two inputs, then the others
  // int8, [two tiles, or the last one][block of 16 entries][tile][entry][16][4], the last block
  // filled up with zeros.
  kTiles,
};

// The kernels of one instruction set, and how they want their data.
struct KernelSet {
  const char* isa;
  std::int32_t panel_tiles;   // most output-channel tiles computed together
  std::int32_t weight_limit;  // largest |weight|
  // Whether products are added in 16 bits first: the sums of each lane must then fit. Lanes are the
  // pairs of adjacent inputs of an output channel.
  bool short_sums;
  WeightForm weights;
  std::int32_t nibble_tiles;    // as panel_tiles, where weights have 4 bits; 0: it takes no such
  bool fast_requantization;     // whether it has FastRequantization
  std::int32_t depthwise_rows;  // rows of a window that are multiplied together: 2 or 4
  // Input bytes that are adjacent are best consumed in multiples of so many, at most kTile: slices
  // of a pixel are whole tiles (memory_plan.cc). Those beyond the last one meet weights of 0.
  std::int32_t run_bytes = kGroup;
  // Places that pieces of a convolution are best multiples of: those that most kernels compute
  // together, or a few times as many.
  std::int32_t piece_places = 6;
  // Places of a row of output pixels, from its width on: those beyond are computed and not kept.
  // Null where that is the width. The step's `row_places` is not read.
  std::int64_t (*row_places)(const ConvStep&) = nullptr;
  // Most output-channel tiles of a panel of a convolution in squares; 0: it has no such. Lanes of
  // a register, and what a product of pairs of 16 bits takes there, and one of four bytes
  // elsewhere, in instructions.
  std::int32_t square_tiles = 0;
  std::int32_t square_lanes = 0;
  double pair_cost = 1, group_cost = 1;
  bool fetches_ahead = false;  // whether `conv` uses its last argument, but with weights of 4 bits
  // Bytes of Scratch (scratch.h) that a call of `conv` or `depthwise` uses at most.
  std::int64_t (*conv_scratch)(const ConvStep&) = nullptr;  // null: none
  std::int64_t (*depthwise_scratch)(const DepthwiseStep&) = nullptr;
  // Multiply-accumulates of the smallest piece that is worth a thread: a few microseconds.
  std::int64_t piece_macs = 1 << 19;
  void (*conv)(const ConvStep&, std::uint8_t* arena, Range pixels, Range panels,
               const WeightsAhead& ahead);
  void (*depthwise)(const DepthwiseStep&, std::uint8_t* arena, Range pixels);
  void (*max_pool)(const PoolStep&, std::uint8_t* arena, Range pixels);
  void (*avg_pool)(const PoolStep&, std::uint8_t* arena, Range pixels);
  void (*binary)(const BinaryStep&, std::uint8_t* arena, Range pixels);
  void (*table)(const TableStep&, std::uint8_t* arena, Range pixels);
  void (*lrn)(const LrnStep&, std::uint8_t* arena, Range pixels);
};

const KernelSet* PortableKernels();
// Null where the program was built for another processor family, or by a compiler that lacks the
// instructions.
const KernelSet* Avx2Kernels();
const KernelSet* AvxVnniKernels();
const KernelSet* Avx512VnniKernels();
const KernelSet* AmxKernels();

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_KERNELS_H_
