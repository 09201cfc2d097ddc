// A compiled program: encoded descriptors, packed weights, channel parameters, and where each
// tensor of the QNet lies in the feature memory while it lives. What runs on the engine is exactly
// these bytes (docs/isa.md); the rest tells the host how to pack its input and where to read, and a
// debugger where every layer's output is.
#ifndef TF2_PROGRAM_PROGRAM_H_
#define TF2_PROGRAM_PROGRAM_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "program/descriptor.h"

namespace tf2::program {

// Consecutive words of the feature memory.
struct WordRange {
  std::int64_t begin = 0;
  std::int64_t count = 0;
  bool operator==(const WordRange&) const = default;
};

// Where a tensor lies. Element (channel, y, x) is byte lanes[channel] % C of word
// base + (lanes[channel] / C) * plane_words + y * w + x; a wide tensor has its high byte hi_offset
// words later. A flattened tensor is [c*h*w, 1, 1] over the same words: plane_words 1.
struct Place {
  std::int32_t tensor = -1;  // index in QNet::tensors
  std::string name;
  std::int32_t c = 0, h = 1, w = 1;
  std::int64_t base = 0;
  std::int64_t plane_words = 1;
  std::int32_t planes = 0;          // words of [base, base + planes * plane_words) hold the tensor
  std::vector<std::int32_t> lanes;  // per channel: plane * C + lane; size c
  bool wide = false;
  std::int64_t hi_offset = 0;
  std::int32_t ready_after = -1;  // layer after which it is complete; -1: from the start
  std::int32_t valid_until =
      -1;  // layer before whose first write it may be overwritten; layers.size(): to the end
  bool operator==(const Place&) const = default;
};

// How the host writes the frame. Plain: as `place` says. Folded: channels of `place` are taps of
// the first convolution in the order ky, kx, ic, its pixels that convolution's output pixels;
// padding is 0.
struct InputLayout {
  Place place;
  bool folded = false;
  std::int32_t ic = 0, ih = 0, iw = 0;  // the picture, int8 CHW
  std::int32_t kh = 1, kw = 1, sh = 1, sw = 1, ph = 0, pw = 0, dh = 1, dw = 1;
  bool operator==(const InputLayout&) const = default;
};

struct LayerInfo {
  std::string
      name;  // of the QNet operator (with a suffix where an operator takes several descriptors)
  std::string kind;          // "conv", "max_pool", "avg_pool", "add", "copy"
  std::int32_t op = -1;      // index in QNet::ops
  std::int32_t copied = -1;  // of a copy: index in QNet::tensors of what it copies
  std::int64_t macs = 0;     // of this descriptor, as the model counts
  bool operator==(const LayerInfo&) const = default;
};

struct OutputPlace {
  std::string name;
  Place place;
  bool operator==(const OutputPlace&) const = default;
};

struct Program {
  std::string name;
  // Geometry that the bytes were encoded for, and what else the engine must have.
  std::int32_t n = 8, c = 8, p = 1, field_bits = 32, beat_bits = 64;
  arch::Needs needs;
  std::vector<LayerInfo> layers;
  std::vector<std::uint32_t> fields;  // kFieldsPerLayer per layer
  std::vector<std::uint8_t> weights;  // n*c/2 bytes per weight word, low nibble first
  std::vector<std::uint64_t> params;
  InputLayout input;
  std::vector<OutputPlace> outputs;    // in the order of QNet::outputs
  std::vector<Place> places;           // of every tensor but the input, in the order of completion
  std::int64_t peak_words = 0;         // feature words used
  std::int64_t lower_bound_words = 0;  // largest live set: no allocation can use fewer
  std::int64_t slot_words = 0;         // what equal slots would take (colouring by DSATUR)
  std::int64_t macs = 0;               // of the model
  bool operator==(const Program&) const = default;

  std::size_t layer_count() const { return layers.size(); }
  std::span<const std::uint32_t, kFieldsPerLayer> layer_fields(std::size_t layer) const;
  std::int64_t weight_words() const {
    return std::int64_t(weights.size()) * 2 / (std::int64_t{n} * c);
  }
};

// Refuses a program that `arch` cannot run: other geometry, or a need that it lacks.
Status CheckRunnable(const Program& program, const arch::Arch& arch);

// Every descriptor decoded and checked by CheckExtent.
Result<std::vector<Descriptor>> DecodeAll(const Program& program);

// What the host writes for a frame and reads after it, as few ranges as possible, in order.
WordRange InputRange(const Program& program);
std::vector<WordRange> ReadRanges(const Place& place);
std::vector<WordRange> OutputRanges(const Program& program);  // of all outputs, concatenated

}  // namespace tf2::program

#endif  // TF2_PROGRAM_PROGRAM_H_
