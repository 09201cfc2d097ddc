#include "program/execute.h"

#include <algorithm>

#include "numerics/numerics.h"
#include "program/pack.h"

namespace tf2::program {
namespace {

// The low `bits` of `value`, sign-extended.
std::int64_t Wrap(std::int64_t value, std::int32_t bits) {
  const int drop = 64 - bits;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << drop) >> drop;
}

// One unpacked parameter entry.
struct Param {
  std::int64_t beta = 0;
  std::int64_t alpha = 0;
  int s = 1;
  int t = 0;
};

// One output tile's weights, decoded once and used for every window.
struct Tile {
  std::int64_t taps = 0;               // steps * C
  std::vector<std::int16_t> codes;     // [n][taps]
  std::vector<std::int64_t> negative;  // [n]: negative nibbles of the row, all steps
  std::vector<Param> params;           // [n]
};

// Runs one descriptor.
class Layer {
 public:
  Layer(const Program& program, const arch::Arch& arch, const Descriptor& d,
        std::span<std::uint8_t> memory)
      : program_(program),
        arch_(arch),
        d_(d),
        memory_(memory),
        mask_(static_cast<std::int64_t>((std::uint64_t{1} << arch.field_bits) - 1)) {}

  Status Run() {
    TF2_RETURN_IF_ERROR(CheckUnits());
    BuildSteps();
    std::int64_t pointer = d_.f_base;
    std::int64_t out = d_.o_base;
    for (std::int64_t tile = 0; tile < d_.count[kTile]; ++tile) {
      Tile weights;
      if (d_.opcode == Opcode::kConv) TF2_RETURN_IF_ERROR(LoadTile(tile, weights));
      for (std::int64_t oy = 0; oy < d_.count[kOy]; ++oy) {
        for (std::int64_t ox = 0; ox < d_.count[kOx]; ++ox) {
          TF2_RETURN_IF_ERROR(Gather(pointer, d_.y0 + oy * d_.str_y, d_.x0 + ox * d_.str_x));
          TF2_RETURN_IF_ERROR(d_.opcode == Opcode::kConv ? ConvWindow(weights, out)
                                                         : MaxWindow(out));
          const bool row_end = ox + 1 == d_.count[kOx];
          const bool tile_end = row_end && oy + 1 == d_.count[kOy];
          pointer = (pointer + steps_.back().offset +
                     d_.delta[tile_end  ? kTile
                              : row_end ? kOy
                                        : kOx]) &
                    mask_;
          out = (out + 1 + (tile_end ? d_.o_tile : row_end ? d_.o_row : 0)) & mask_;
        }
      }
    }
    return {};
  }

 private:
  // A step of a window: the pointer's and the coordinates' distance from the window's first step.
  struct Step {
    std::int64_t offset, y, x;
  };

  Status CheckUnits() const {
    const auto refuse = [](const char* unit) {
      return DataLoss("the layer uses {}, which the configuration lacks", unit);
    };
    if (d_.padding && !arch_.has_padding) return refuse("HasPadding");
    if (d_.opcode == Opcode::kMaxPool && !arch_.has_max_pool) return refuse("HasMaxPool");
    if (d_.NeedsRegions(arch_.planes_per_tile()) && !arch_.has_regions) return refuse("HasRegions");
    if (d_.opcode == Opcode::kMaxPool) return {};
    if (d_.residual && !arch_.has_residual) return refuse("HasResidual");
    if (d_.wide && !arch_.has_wide) return refuse("HasWide");
    if (d_.repeat && !arch_.has_repeat) return refuse("HasRepeat");
    return {};
  }

  void BuildSteps() {
    steps_.clear();
    std::int64_t offset = 0;
    for (std::int64_t ky = 0; ky < d_.count[kKy]; ++ky) {
      for (std::int64_t kx = 0; kx < d_.count[kKx]; ++kx) {
        for (std::int64_t ic = 0; ic < d_.count[kIc]; ++ic) {
          steps_.push_back({offset, ky * d_.dil_y, kx * d_.dil_x});
          const bool ic_end = ic + 1 == d_.count[kIc];
          const bool kx_end = ic_end && kx + 1 == d_.count[kKx];
          offset += d_.delta[kx_end ? kKy : ic_end ? kKx : kIc];
        }
      }
    }
    taps_.assign(steps_.size() * static_cast<std::size_t>(arch_.c), 0);
  }

  // The byte offset of a word of the feature memory.
  Result<std::size_t> Address(std::int64_t pointer, const char* what) const {
    const std::int64_t word = pointer & mask_;
    if (word >= arch_.feature_words) {
      return DataLoss("{} of word {}, the feature memory has {}", what, word, arch_.feature_words);
    }
    return static_cast<std::size_t>(word * arch_.c);
  }

  // Reads the window's words into taps_; outside the picture they are 0, or -128 with low
  // padding and for a max pool.
  Status Gather(std::int64_t pointer, std::int64_t y0, std::int64_t x0) {
    const std::int16_t outside = d_.opcode == Opcode::kConv && !d_.pad_low ? 0 : -128;
    const auto c = static_cast<std::size_t>(arch_.c);
    std::int16_t* taps = taps_.data();
    for (const Step& step : steps_) {
      const std::int64_t y = y0 + step.y;
      const std::int64_t x = x0 + step.x;
      if (d_.padding && (y < 0 || y >= d_.in_h || x < 0 || x >= d_.in_w)) {
        std::fill_n(taps, c, outside);
      } else {
        const std::int64_t word = (pointer + step.offset) & mask_;
        if (word >= arch_.feature_words) return Address(word, "read").error();
        const auto* source = reinterpret_cast<const std::int8_t*>(memory_.data()) + word * arch_.c;
        for (std::size_t i = 0; i < c; ++i) taps[i] = source[i];
      }
      taps += c;
    }
    return {};
  }

  Status LoadTile(std::int64_t tile, Tile& out) const {
    const auto n = static_cast<std::size_t>(arch_.n), c = static_cast<std::size_t>(arch_.c);
    const std::size_t steps = steps_.size();
    out.taps = static_cast<std::int64_t>(steps * c);
    out.codes.resize(n * steps * c);
    out.negative.assign(n, 0);
    for (std::size_t step = 0; step < steps; ++step) {
      const auto index = static_cast<std::int64_t>(step);
      const std::int64_t word =
          d_.w_base +
          (d_.repeat ? index % d_.count[kIc] : tile * static_cast<std::int64_t>(steps) + index);
      if (word >= program_.weight_words()) {
        return DataLoss("weight word {}, the program has {}", word, program_.weight_words());
      }
      const std::uint8_t* bytes =
          program_.weights.data() + static_cast<std::size_t>(word) * n * c / 2;
      for (std::size_t i = 0; i < n * c; ++i) {
        const std::uint8_t nibble = (bytes[i / 2] >> (i % 2 * 4)) & 0xF;
        if (nibble == numerics::kReservedNibble)
          return DataLoss("reserved weight code in word {}", word);
        const int k = nibble & 7;
        const bool negative = (nibble & 8) != 0;
        const std::int16_t code = k == 7 ? 0 : static_cast<std::int16_t>(1 << k);
        out.codes[(i / c * steps + step) * c + i % c] =
            negative ? static_cast<std::int16_t>(-code) : code;
        if (negative) ++out.negative[i / c];
      }
    }
    return LoadParams(tile, out);
  }

  Status LoadParams(std::int64_t tile, Tile& out) const {
    const auto n = static_cast<std::size_t>(arch_.n);
    for (std::size_t o = 0; o < n; ++o) {
      const std::size_t entry = static_cast<std::size_t>(d_.p_base + tile * arch_.n) + o;
      if (entry >= program_.params.size()) {
        return DataLoss("parameter entry {}, the program has {}", entry, program_.params.size());
      }
      const std::uint64_t bits = program_.params[entry];
      Param p;
      p.beta = static_cast<std::int32_t>(bits & 0xFFFFFFFF);
      p.alpha = static_cast<std::int64_t>(bits >> 32 & 0x7FFF);
      p.s = static_cast<int>(bits >> 48 & 0x3F);
      p.t = static_cast<int>(bits >> 56 & 0x3F);
      constexpr std::uint64_t kUnused = std::uint64_t{0xC0C08000} << 32;
      if (p.s < 1 || p.s > numerics::kMaxShift || p.t > numerics::kMaxResidualShift ||
          (bits & kUnused) != 0) {
        return DataLoss("parameter entry {} is {:#018x}: s, t or reserved bits are out of range",
                        entry, bits);
      }
      out.params.push_back(p);
    }
    return {};
  }

  // One's complement: a negative nibble contributes -(v << k) - 1 at every step, padded ones
  // included.
  std::int64_t Accumulate(const Tile& tile, std::size_t row) const {
    const std::int16_t* codes = tile.codes.data() + static_cast<std::int64_t>(row) * tile.taps;
    const std::int16_t* taps = taps_.data();
    std::int64_t sum = 0;
    constexpr std::int64_t kChunk = 1 << 16;  // 2^16 terms of at most 2^13: inside 32 bits
    for (std::int64_t begin = 0; begin < tile.taps; begin += kChunk) {
      const std::int64_t end = std::min(tile.taps, begin + kChunk);
      std::int32_t part = 0;
      for (std::int64_t i = begin; i < end; ++i) part += taps[i] * codes[i];
      sum += part;
    }
    return Wrap(sum - tile.negative[row], arch_.acc_bits);
  }

  Status ConvWindow(const Tile& tile, std::int64_t out) {
    const auto c = static_cast<std::size_t>(arch_.c);
    for (std::int32_t plane = 0; plane < arch_.planes_per_tile(); ++plane) {
      const std::int64_t pointer = out + plane * d_.o_plane;
      TF2_ASSIGN_OR_RETURN(const std::size_t low, Address(pointer, "write"));
      std::size_t high = 0;
      std::size_t residual = 0;
      if (d_.wide) {
        TF2_ASSIGN_OR_RETURN(high, Address(pointer + d_.o_hi, "write"));
      }
      if (d_.residual) {
        TF2_ASSIGN_OR_RETURN(residual, Address(pointer + d_.r_off, "residual read"));
      }
      for (std::size_t lane = 0; lane < c; ++lane) {
        const std::size_t row = static_cast<std::size_t>(plane) * c + lane;
        const Param& p = tile.params[row];
        const std::int64_t acc = Wrap(Accumulate(tile, row) + p.beta, arch_.acc_bits);
        const std::int64_t res =
            d_.residual ? static_cast<std::int8_t>(memory_[residual + lane]) : 0;
        const std::int64_t u =
            numerics::RoundShift(acc * p.alpha + res * (std::int64_t{1} << p.t), p.s);
        std::int64_t y = d_.wide ? numerics::Sat16(u) : numerics::Sat8(u);
        if (d_.relu) y = std::max<std::int64_t>(y, 0);
        memory_[low + lane] = static_cast<std::uint8_t>(y);
        if (d_.wide) memory_[high + lane] = static_cast<std::uint8_t>(y >> 8);
      }
    }
    return {};
  }

  Status MaxWindow(std::int64_t out) {
    TF2_ASSIGN_OR_RETURN(const std::size_t at, Address(out, "write"));
    const auto c = static_cast<std::size_t>(arch_.c);
    for (std::size_t lane = 0; lane < c; ++lane) {
      std::int16_t best = -128;
      for (std::size_t i = lane; i < taps_.size(); i += c) best = std::max(best, taps_[i]);
      memory_[at + lane] = static_cast<std::uint8_t>(best);
    }
    return {};
  }

  const Program& program_;
  const arch::Arch& arch_;
  const Descriptor& d_;
  std::span<std::uint8_t> memory_;
  std::int64_t mask_;
  std::vector<Step> steps_;
  std::vector<std::int16_t> taps_;  // the current window, [steps][C]
};

}  // namespace

Status Execute(const Program& program, const arch::Arch& arch, std::span<std::uint8_t> memory,
               const AfterLayer& after_layer) {
  TF2_RETURN_IF_ERROR(CheckRunnable(program, arch));
  TF2_CHECK(static_cast<std::int64_t>(memory.size()) == arch.feature_words * arch.c);
  for (std::size_t i = 0; i < program.layer_count(); ++i) {
    auto d = Decode(program.layer_fields(i), program.field_bits);
    if (!d.ok()) return std::move(d.error()).At(program.layers[i].name);
    Status status = CheckExtent(*d);
    if (status.ok()) status = Layer(program, arch, *d, memory).Run();
    if (!status.ok()) return Error(status.error()).At(program.layers[i].name);
    if (after_layer) TF2_RETURN_IF_ERROR(after_layer(i, memory));
    if (d->last) return {};
  }
  return DataLoss("no layer is marked as the last");
}

Result<std::vector<std::vector<std::uint8_t>>> ExecuteFrame(const Program& program,
                                                            const arch::Arch& arch,
                                                            std::span<const std::int8_t> chw,
                                                            const AfterLayer& after_layer) {
  const InputLayout& in = program.input;
  if (static_cast<std::int64_t>(chw.size()) != std::int64_t{in.ic} * in.ih * in.iw) {
    return InvalidArgument("the input has {} values, the program takes {} x {} x {}", chw.size(),
                           in.ic, in.ih, in.iw);
  }
  TF2_RETURN_IF_ERROR(CheckRunnable(program, arch));
  std::vector<std::uint8_t> memory(static_cast<std::size_t>(arch.feature_words * arch.c), 0);
  const std::vector<std::uint8_t> input = PackInput(program, chw);
  TF2_CHECK(in.place.base * arch.c + static_cast<std::int64_t>(input.size()) <=
            static_cast<std::int64_t>(memory.size()));
  std::ranges::copy(input, memory.begin() + in.place.base * arch.c);
  TF2_RETURN_IF_ERROR(Execute(program, arch, memory, after_layer));
  std::vector<std::vector<std::uint8_t>> outputs;
  for (const OutputPlace& output : program.outputs) {
    outputs.push_back(UnpackTensor(output.place, program.c, memory));
  }
  return outputs;
}

}  // namespace tf2::program
