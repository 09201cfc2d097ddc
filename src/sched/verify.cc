#include "sched/verify.h"

#include <algorithm>
#include <vector>

#include "program/descriptor.h"

namespace tf2::sched {
namespace {

using program::Descriptor;
using program::Opcode;
using program::Place;
using program::Program;

// A tensor of the network as the program states it.
struct Tensor {
  const Place* place = nullptr;
  std::vector<bool> holds;    // per plane: whether it holds a channel
  std::vector<bool> writers;  // per layer + 1 (0 is the host): whether that layer writes part of it
};

// What a layer reads and writes, taken from the network.
struct Operands {
  const Tensor* input = nullptr;
  const Tensor* residual = nullptr;
  const Tensor* output = nullptr;  // the concatenation, for a copy
  qnet::Window window;
  std::int8_t pad_value = 0;  // around the input of a convolution
};

// Loop indices of a step.
struct Position {
  std::int64_t ic = 0, kx = 0, ky = 0, ox = 0, oy = 0, tile = 0;
};

// The outermost loop that advances after a step.
std::size_t Advancing(const Descriptor& d, const Position& at) {
  const std::int64_t index[] = {at.ic, at.kx, at.ky, at.ox, at.oy, at.tile};
  for (std::size_t loop = 0; loop + 1 < program::kLoops; ++loop) {
    if (index[loop] + 1 < d.count[loop]) return loop;
  }
  return program::kTile;
}

bool IsPadding(const Descriptor& d, const Position& at) {
  if (!d.padding) return false;
  const std::int64_t y = d.y0 + at.oy * d.str_y + at.ky * d.dil_y;
  const std::int64_t x = d.x0 + at.ox * d.str_x + at.kx * d.dil_x;
  return y < 0 || y >= d.in_h || x < 0 || x >= d.in_w;
}

// Replays a program on a memory whose words carry the layer that wrote them.
class Replay {
 public:
  Replay(const Program& program, const qnet::QNet& net, const arch::Arch& arch,
         const std::vector<Descriptor>& descriptors)
      : program_(program),
        net_(net),
        arch_(arch),
        descriptors_(descriptors),
        words_(std::min(arch.feature_words, program.needs.feature_words)) {
    const auto words = static_cast<std::size_t>(words_);
    writer_.assign(words, kNobody);
    read_in_.assign(words, kNobody);
    written_in_.assign(words, kNobody);
    CollectTensors();
  }

  Status Run() {
    const program::WordRange input = program::InputRange(program_);
    if (input.begin < 0 || input.begin + input.count > words_) {
      return Internal("the input lies in words {} to {}", input.begin, input.begin + input.count);
    }
    std::fill_n(writer_.begin() + input.begin, input.count, kHost);
    for (std::size_t i = 0; i < descriptors_.size(); ++i) {
      layer_ = static_cast<std::int32_t>(i) + 1;
      Status status = RunLayer(descriptors_[i], program_.layers[i]);
      if (status.ok()) status = CheckCompleted(static_cast<std::int32_t>(i));
      if (!status.ok()) return Error(status.error()).At(program_.layers[i].name);
    }
    for (const qnet::Output& output : net_.outputs) {
      TF2_RETURN_IF_ERROR(CheckTensor(tensors_[qnet::Index(output.tensor)], "the host reads"));
    }
    return {};
  }

 private:
  // Values of writer_: nobody, the host, or layer + 1.
  static constexpr std::int32_t kNobody = -1;
  static constexpr std::int32_t kHost = 0;

  void CollectTensors() {
    tensors_.resize(net_.tensors.size());
    for (const Place& place : program_.places)
      tensors_[static_cast<std::size_t>(place.tensor)].place = &place;
    tensors_[qnet::Index(net_.inputs[0])].place = &program_.input.place;
    for (Tensor& t : tensors_) {
      t.writers.assign(program_.layers.size() + 1, false);
      t.holds.assign(static_cast<std::size_t>(t.place->planes), false);
      for (const std::int32_t lane : t.place->lanes)
        t.holds[static_cast<std::size_t>(lane / arch_.c)] = true;
    }
    tensors_[qnet::Index(net_.inputs[0])].writers[kHost] = true;
    for (std::size_t o = 0; o < net_.ops.size(); ++o) {
      const qnet::Op& op = net_.ops[o];
      Tensor& out = tensors_[qnet::Index(op.output)];
      for (std::size_t i = 0; i < program_.layers.size(); ++i) {
        if (program_.layers[i].op == static_cast<std::int32_t>(o)) out.writers[i + 1] = true;
      }
      if (!std::holds_alternative<qnet::Concat>(op.params) &&
          !std::holds_alternative<qnet::Reshape>(op.params))
        continue;
      for (const qnet::TensorId id : op.inputs) {
        const std::vector<bool>& part = tensors_[qnet::Index(id)].writers;
        for (std::size_t w = 0; w < part.size(); ++w) out.writers[w] = out.writers[w] || part[w];
      }
    }
  }

  Status CheckLive(const Tensor& t, std::int64_t word, const char* what) const {
    if (word < 0 || word >= words_) {
      return Internal("{} word {} of %{}, the memory has {}", what, word, t.place->name, words_);
    }
    const std::int32_t writer = writer_[static_cast<std::size_t>(word)];
    if (writer == kNobody || !t.writers[static_cast<std::size_t>(writer)]) {
      return Internal("{} word {} of %{}, which holds something else", what, word, t.place->name);
    }
    return {};
  }

  // Every word of a tensor that holds channels was written by it last.
  Status CheckTensor(const Tensor& t, const char* what) const {
    const Place& place = *t.place;
    for (std::int32_t plane = 0; plane < place.planes; ++plane) {
      if (!t.holds[static_cast<std::size_t>(plane)]) continue;
      for (std::int64_t i = 0; i < place.plane_words; ++i) {
        const std::int64_t word = place.base + plane * place.plane_words + i;
        TF2_RETURN_IF_ERROR(CheckLive(t, word, what));
        if (place.wide) TF2_RETURN_IF_ERROR(CheckLive(t, word + place.hi_offset, what));
      }
    }
    return {};
  }

  Status CheckCompleted(std::int32_t layer) const {
    for (const Tensor& t : tensors_) {
      if (t.place->ready_after == layer) TF2_RETURN_IF_ERROR(CheckTensor(t, "completes"));
    }
    return {};
  }

  const Tensor& TensorOf(qnet::TensorId id) const { return tensors_[qnet::Index(id)]; }

  Result<Operands> OperandsOf(const Descriptor& d, const program::LayerInfo& info) const {
    const qnet::Op& op = net_.ops[static_cast<std::size_t>(info.op)];
    Operands o;
    o.output = &TensorOf(op.output);
    o.input = &TensorOf(op.inputs[0]);
    if (std::holds_alternative<qnet::Concat>(op.params)) {
      o.input = &tensors_[static_cast<std::size_t>(info.copied)];
      return o;
    }
    if (op.inputs.size() > 1) o.residual = &TensorOf(op.inputs[1]);
    if (std::holds_alternative<qnet::Add>(op.params) && d.residual &&
        d.o_base + d.r_off != o.residual->place->base + d.o_base - o.output->place->base) {
      std::swap(o.input, o.residual);
    }
    if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) {
      if (!(program_.input.folded && op.inputs[0] == net_.inputs[0])) {
        o.window = conv->window;
        o.pad_value = conv->pad_value;
      } else if (conv->pad_value != 0 && qnet::ReadsPadding(net_, op)) {
        return Internal("the input is folded, which pads with 0, not {}", conv->pad_value);
      }
    } else if (const auto* pool = std::get_if<qnet::MaxPool>(&op.params)) {
      o.window = pool->window;
    } else if (const auto* average = std::get_if<qnet::AvgPool>(&op.params)) {
      o.window = average->window;
    }
    return o;
  }

  Status CheckMemories(const Descriptor& d) const {
    if (d.opcode == Opcode::kMaxPool) return {};
    if (d.w_base + d.WeightWords() > program_.weight_words())
      return Internal("weight words past the end");
    const std::int64_t entries = d.p_base + d.count[program::kTile] * arch_.n;
    if (d.p_base % arch_.n != 0 || entries > static_cast<std::int64_t>(program_.params.size())) {
      return Internal("parameter entries past the end or not aligned to N");
    }
    return {};
  }

  Status RunLayer(const Descriptor& d, const program::LayerInfo& info) {
    TF2_ASSIGN_OR_RETURN(const Operands o, OperandsOf(d, info));
    TF2_RETURN_IF_ERROR(CheckMemories(d));
    if (d.residual != (o.residual != nullptr)) return Internal("the residual flag is wrong");
    if (d.pad_low != (d.padding && o.pad_value == qnet::kLowPadding))
      return Internal("pads with {} instead of {}", d.pad_low ? -128 : 0, o.pad_value);
    written_.clear();
    std::int64_t pointer = d.f_base;
    std::int64_t out = d.o_base;
    // A copy begins its tensor; any other layer may begin inside a plane of its output.
    const std::int64_t pixel =
        info.copied >= 0 ? 0 : (d.o_base - o.output->place->base) % o.output->place->plane_words;
    const std::int64_t oy0 = pixel / o.output->place->w;
    const std::int64_t ox0 = pixel % o.output->place->w;
    Position at;
    for (at.tile = 0; at.tile < d.count[program::kTile]; ++at.tile) {
      for (at.oy = 0; at.oy < d.count[program::kOy]; ++at.oy) {
        for (at.ox = 0; at.ox < d.count[program::kOx]; ++at.ox) {
          TF2_RETURN_IF_ERROR(ReadWindow(d, o, oy0 + at.oy, ox0 + at.ox, at, pointer));
          TF2_RETURN_IF_ERROR(WriteWindow(d, o, out));
          const bool row_end = at.ox + 1 == d.count[program::kOx];
          const bool tile_end = row_end && at.oy + 1 == d.count[program::kOy];
          out += 1 + (tile_end ? d.o_tile : row_end ? d.o_row : 0);
        }
      }
    }
    for (const std::int64_t word : written_) {
      if (read_in_[static_cast<std::size_t>(word)] == layer_)
        return Internal("word {} is read and written", word);
      writer_[static_cast<std::size_t>(word)] = layer_;
    }
    return {};
  }

  // Follows the pointer through a window: every step reads the pixel that the operator's window
  // states, from one of the input's planes, or is padding.
  Status ReadWindow(const Descriptor& d, const Operands& o, std::int64_t oy, std::int64_t ox,
                    Position& at, std::int64_t& pointer) {
    const Place& in = *o.input->place;
    for (at.ky = 0; at.ky < d.count[program::kKy]; ++at.ky) {
      for (at.kx = 0; at.kx < d.count[program::kKx]; ++at.kx) {
        // A loop longer than the kernel repeats its only position for the second term.
        const std::int64_t ky = o.window.kh == 1 ? 0 : at.ky;
        const std::int64_t kx = o.window.kw == 1 ? 0 : at.kx;
        const std::int64_t y = oy * o.window.sh - o.window.ph + ky * o.window.dh;
        const std::int64_t x = ox * o.window.sw - o.window.pw + kx * o.window.dw;
        const bool outside = y < 0 || y >= in.h || x < 0 || x >= in.w;
        if (outside != IsPadding(d, at)) {
          return Internal("pixel ({}, {}) of %{}: the padding check is wrong", y, x, in.name);
        }
        for (at.ic = 0; at.ic < d.count[program::kIc]; ++at.ic) {
          if (!outside) TF2_RETURN_IF_ERROR(ReadWord(*o.input, pointer, y * in.w + x));
          pointer += d.delta[Advancing(d, at)];
        }
      }
    }
    return {};
  }

  Status ReadWord(const Tensor& t, std::int64_t word, std::int64_t pixel) {
    const Place& in = *t.place;
    const std::int64_t offset = word - in.base - pixel;
    const std::int64_t plane = offset / in.plane_words;
    if (offset < 0 || offset % in.plane_words != 0 || plane >= in.planes) {
      return Internal("reads word {} for pixel {} of %{}", word, pixel, in.name);
    }
    if (word >= words_) return Internal("reads word {}, the memory has {}", word, words_);
    read_in_[static_cast<std::size_t>(word)] = layer_;
    // A plane without channels meets zero weights or results that nobody reads.
    return t.holds[static_cast<std::size_t>(plane)] ? CheckLive(t, word, "reads") : Status();
  }

  Status WriteWindow(const Descriptor& d, const Operands& o, std::int64_t out) {
    const std::int32_t planes = d.opcode == Opcode::kMaxPool ? 1 : arch_.planes_per_tile();
    for (std::int32_t plane = 0; plane < planes; ++plane) {
      const std::int64_t word = out + plane * d.o_plane;
      if (!d.residual) continue;
      const std::int64_t expected = o.residual->place->base + word - o.output->place->base;
      if (word + d.r_off != expected) {
        return Internal("reads the residual of word {} at word {} instead of {}", word,
                        word + d.r_off, expected);
      }
      TF2_RETURN_IF_ERROR(ReadResidual(*o.residual, expected));
    }
    for (std::int32_t plane = 0; plane < planes; ++plane) {
      const std::int64_t word = out + plane * d.o_plane;
      TF2_RETURN_IF_ERROR(WriteWord(word));
      if (d.wide) TF2_RETURN_IF_ERROR(WriteWord(word + d.o_hi));
    }
    return {};
  }

  Status ReadResidual(const Tensor& t, std::int64_t word) const {
    if (word < t.place->base || word >= words_) {
      return Internal("the residual %{} is read at word {}", t.place->name, word);
    }
    if (written_in_[static_cast<std::size_t>(word)] == layer_) {
      return Internal("the residual's word {} was overwritten by an earlier window", word);
    }
    // Planes that only fill up a tile hold no channels.
    const auto plane = static_cast<std::size_t>((word - t.place->base) / t.place->plane_words);
    return plane < t.holds.size() && t.holds[plane] ? CheckLive(t, word, "reads the residual")
                                                    : Status();
  }

  Status WriteWord(std::int64_t word) {
    if (word < 0 || word >= words_) {
      return Internal("writes word {}, the memory has {}", word, words_);
    }
    const auto at = static_cast<std::size_t>(word);
    if (written_in_[at] == layer_) return Internal("word {} is written twice", word);
    written_in_[at] = layer_;
    written_.push_back(word);
    return {};
  }

  const Program& program_;
  const qnet::QNet& net_;
  const arch::Arch& arch_;
  const std::vector<Descriptor>& descriptors_;
  std::int64_t words_;                    // of the feature memory that the program uses
  std::vector<Tensor> tensors_;           // of the network
  std::vector<std::int32_t> writer_;      // per word: who wrote it last
  std::vector<std::int32_t> read_in_;     // per word: the last layer that read it as a feature
  std::vector<std::int32_t> written_in_;  // per word: the last layer that wrote it, set at once
  std::vector<std::int64_t> written_;     // by the current layer
  std::int32_t layer_ = 0;                // index + 1
};

}  // namespace

Status VerifyProgram(const Program& program, const qnet::QNet& net, const arch::Arch& arch) {
  TF2_ASSIGN_OR_RETURN(const std::vector<Descriptor> descriptors, program::DecodeAll(program));
  return Replay(program, net, arch, descriptors).Run();
}

}  // namespace tf2::sched
