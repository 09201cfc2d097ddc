// QNet: the quantised network, a list of integer operators. The waist of tf2: everything above
// produces it, everything below executes it, and its interpreter (qnet/interpreter.h) is the oracle
// for all. It knows no hardware, and no floats but those of the preprocessing, of heads and of host
// operators. Numbers: docs/semantics.md.
#ifndef TF2_QNET_QNET_H_
#define TF2_QNET_QNET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/preprocessing.h"
#include "base/result.h"
#include "numerics/numerics.h"
#include "qnet/float_graph.h"

namespace tf2::qnet {

// Index into QNet::tensors.
enum class TensorId : std::int32_t {};
constexpr std::size_t Index(TensorId id) { return static_cast<std::size_t>(id); }

enum class ElemType : std::uint8_t { kInt8 = 0, kInt16 = 1 };
constexpr int BytesOf(ElemType t) { return t == ElemType::kInt8 ? 1 : 2; }

// One feature map, without its batch dimension.
struct Tensor {
  std::string name;
  ElemType type = ElemType::kInt8;
  // [c, h, w]; dims[0] is the channel. A flattened tensor is [c, 1, 1].
  std::vector<std::int32_t> dims;
  // Exponent of each channel (size dims[0]): real value = v * 2^-q[c]. kMinQ..kMaxQ.
  std::vector<std::int8_t> q;

  std::int64_t elements() const;
  std::int64_t bytes() const { return elements() * BytesOf(type); }
  std::int32_t c() const { return dims[0]; }
  std::int32_t h() const { return dims[1]; }
  std::int32_t w() const { return dims[2]; }
  bool operator==(const Tensor&) const = default;
};

// Sliding window; padding at the top and left (bottom and right follow from the output's size).
struct Window {
  std::int32_t kh = 1, kw = 1;
  std::int32_t sh = 1, sw = 1;
  std::int32_t ph = 0, pw = 0;
  std::int32_t dh = 1, dw = 1;
  bool operator==(const Window&) const = default;
};

enum class WeightKind : std::uint8_t { kSac = 0, kMac = 1 };
// What follows the rounding and saturation of a layer. Clip and PReLU: convolutions only.
//   kRelu   max(u, 0)
//   kClip   min(max(u, clip_low[o]), clip_high[o])
//   kPRelu  the scale is alpha_negative[o] / 2^s where the accumulator is negative: still one
//           rounding; no residual
enum class Activation : std::uint8_t { kNone = 0, kRelu = 1, kClip = 2, kPRelu = 3 };

inline constexpr std::int8_t kLowPadding = -128;

// Convolution, and a fully connected layer as the convolution whose kernel is its whole input.
// acc = beta[o] + sum over terms, taps of v * code; u = sat((acc*alpha + (res << t) + 2^(s-1)) >>
// s); y = activation(u). inputs: {x} or {x, residual}; sat is 8 bits, or 16 when the output tensor
// is kInt16.
struct Conv {
  Window window;
  std::int32_t groups = 1;
  WeightKind kind = WeightKind::kSac;
  Activation activation = Activation::kNone;
  // Integer values of the codes, [oc][ic/groups][kh][kw]; one vector per term (two-term weights
  // have two). kSac: each is 0 or +-2^k, k = 0..6; kMac: -127..127, one term.
  std::vector<std::vector<std::int8_t>> terms;
  std::vector<std::int32_t> beta;            // [oc]
  std::vector<numerics::Scale> scale;        // [oc]
  std::vector<std::uint8_t> t;               // [oc] with a residual, else empty
  std::vector<std::int16_t> clip_low = {};   // [oc] with kClip, else empty; within the output's
  std::vector<std::int16_t> clip_high = {};  // width, low <= high
  std::vector<std::int16_t> alpha_negative = {};  // [oc] with kPRelu, else empty; -32767..32767
  // What lies around the input: its integer that stands for the real 0, which is 0 or, where the
  // values are shifted to fill the range, kLowPadding. Convolutions that pad one tensor agree on
  // it.
  std::int8_t pad_value = 0;
  bool operator==(const Conv&) const = default;
};

// Maximum over the part of the window inside the input. Q passes through.
struct MaxPool {
  Window window;
  bool operator==(const MaxPool&) const = default;
};

// y = sat((sum v * alpha + 2^(s-1)) >> s) with the scale of the position's divisor d =
// divisor_h[oy] * divisor_w[ox]: scale[index of d in divisors][c]. Sums run over the part of the
// window inside the input.
struct AvgPool {
  Window window;
  Activation activation = Activation::kNone;
  std::vector<std::int32_t> divisor_h;              // [oh]
  std::vector<std::int32_t> divisor_w;              // [ow]
  std::vector<std::int32_t> divisors;               // distinct products, ascending
  std::vector<std::vector<numerics::Scale>> scale;  // [divisor][c]
  bool operator==(const AvgPool&) const = default;
};

// y = activation(sat(floor((a*2^-qa + b*2^-qb) * 2^qo + 1/2))), element-wise, equal dims.
struct Add {
  Activation activation = Activation::kNone;
  bool operator==(const Add&) const = default;
};

// Along the channel; every channel keeps its Q.
struct Concat {
  bool operator==(const Concat&) const = default;
};

// The same bytes in order under other dims; each element keeps the Q of its channel, so a change of
// the channel count repeats Q ([c,h,w] -> [c*h*w,1,1]) or needs one Q.
struct Reshape {
  bool operator==(const Reshape&) const = default;
};

// y = values[x + 128]: any function of one variable. Input int8 with one Q, output with one Q.
struct Table {
  std::string function;              // "sigmoid", for people
  std::vector<std::int16_t> values;  // 256, within the output's width
  bool operator==(const Table&) const = default;
};

enum class BinaryKind : std::uint8_t { kAdd = 0, kSub = 1, kMul = 2, kMax = 3, kMin = 4 };

// y = activation(sat(floor(exact(a, b) * 2^qo + 1/2))), each int8 input with the output's dims or 1
// in their place.
struct Binary {
  BinaryKind kind = BinaryKind::kAdd;
  Activation activation = Activation::kNone;
  bool operator==(const Binary&) const = default;
};

enum class LrnRegion : std::uint8_t { kAcross = 0, kWithin = 1 };

// y = sat(numerics::LrnScaled(x, S, factor, shift)); S is the sum of x^2 over channels c -
// floor((size-1)/2) .. c + floor(size/2) of the pixel (across), or over those rows and columns of
// the channel (within); what lies outside counts 0. Input with one Q, output with one Q.
struct Lrn {
  LrnRegion region = LrnRegion::kAcross;
  std::int32_t size = 5;
  std::vector<std::int32_t> factor;  // one entry beyond that of the largest S
  std::uint8_t shift = 1;
  bool operator==(const Lrn&) const = default;
};

// Bounds of Lrn::size, so that S stays below 2^31; the largest S of an operator.
inline constexpr std::int32_t kMaxLrnAcross = 1 << 15;
inline constexpr std::int32_t kMaxLrnWithin = 181;
std::uint32_t LargestLrnSum(const Lrn& lrn);

// y[i0, i1, ...] in row-major order = x[offset + i0 * strides[0] + i1 * strides[1] + ...]: slice,
// transpose, crop, flip, expand, tile, nearest upsampling, channel shuffle, depth to space. Every
// element keeps its Q, so the channels of y draw from channels of its Q.
struct Move {
  std::vector<std::int32_t> dims;     // logical; their product is the output's elements
  std::vector<std::int64_t> strides;  // in elements of the input; 0 repeats
  std::int64_t offset = 0;
  bool operator==(const Move&) const = default;
};
inline constexpr std::size_t kMaxMoveDims = 12;

// Zeros between rows and columns: y[c, i * sh, j * sw] = x[c, i, j], h' = (h-1)*sh+1. A transposed
// convolution is this and a convolution. Q passes through.
struct Dilate {
  std::int32_t sh = 1, sw = 1;
  bool operator==(const Dilate&) const = default;
};

// A float graph between integer tensors, for what has no integer rule: inputs dequantised exactly,
// run by src/interp, the result floor(y * 2^Q + 1/2) saturated. The graph's inputs are those of the
// operator in order, under any shape of as many elements; its one output likewise.
struct Host {
  FloatGraph graph;
  bool operator==(const Host&) const = default;
};

using OpParams = std::variant<Conv, MaxPool, AvgPool, Add, Concat, Reshape, Table, Binary, Lrn,
                              Move, Dilate, Host>;

struct Op {
  std::string name;  // of the layer in the model; unique
  std::vector<TensorId> inputs;
  TensorId output{};
  OpParams params;
  bool operator==(const Op&) const = default;
};
// "conv", "max_pool", "avg_pool", "add", "concat", "reshape", "table", "sub" and so on for a binary
// one, "lrn", "move", "dilate", "host".
const char* KindName(const Op& op);

// What is computed on dequantised values after the last integer layer, by one implementation shared
// by all backends.
enum class Head : std::uint8_t { kNone = 0, kSoftmax = 1 };

struct Output {
  TensorId tensor{};
  std::string name;
  Head head = Head::kNone;          // softmax runs over the channel
  std::vector<std::int64_t> shape;  // as the model states it, without the batch
  bool operator==(const Output&) const = default;
};

struct QNet {
  std::string name;
  // Distinct, at least one. An input of a frame is their contents one after another.
  std::vector<TensorId> inputs;
  std::vector<Tensor> tensors;
  std::vector<Op> ops;  // in execution order
  // What the devices give back. With a head graph, its inputs; else the model's outputs.
  std::vector<Output> outputs;
  // From the real values of `outputs` (whose heads are kNone then) to the model's outputs. Its
  // inputs stand for `outputs` in order, under any shape of as many elements.
  std::optional<FloatGraph> head;
  Preprocessing preprocessing;
  std::vector<std::string> labels;
  // Multiply-accumulates of one frame of the model as it was imported.
  std::int64_t macs = 0;

  const Tensor& tensor(TensorId id) const { return tensors[Index(id)]; }
  Tensor& tensor(TensorId id) { return tensors[Index(id)]; }
  bool operator==(const QNet&) const = default;
};

// Whether the tensor comes from outside.
bool IsInput(const QNet& net, TensorId id);
// Values of one frame's input: of all inputs together.
std::int64_t InputElements(const QNet& net);

// Every rule that the executors rely on: ids, single assignment, order, dims and windows
// consistent, sizes of parameter vectors, ranges of q, alpha, s, t and codes, the accumulator bound
// of every row, float graphs that fit their tensors, int16 only on tensors that no integer operator
// reads (data movement aside). The error names the operator and the rule.
Status Verify(const QNet& net);

// Readable listing, one operator a line: name, kind, dims, Q ranges, weights.
std::string ToText(const QNet& net);

// Whether a convolution reads beyond its input on any side.
bool ReadsPadding(const QNet& net, const Op& op);

// Multiply-accumulates of one operator (padding taps counted).
std::int64_t MacsOf(const QNet& net, const Op& op);

}  // namespace tf2::qnet

#endif  // TF2_QNET_QNET_H_
