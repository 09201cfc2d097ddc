#include "program/pack.h"

#include <cstring>

namespace tf2::program {
namespace {

// Byte of a channel's pixel in an image of the memory that begins at word 0.
struct ByteOf {
  const Place& place;
  std::int64_t lanes;
  std::int64_t operator()(std::int64_t channel, std::int64_t pixel) const {
    const std::int64_t lane = place.lanes[static_cast<std::size_t>(channel)];
    return (place.base + lane / lanes * place.plane_words + pixel) * lanes + lane % lanes;
  }
};

}  // namespace

std::uint64_t PortCommand(PortOp op, PortMemory memory, std::int64_t address, std::int64_t count) {
  TF2_CHECK(address >= 0 && address < arch::kMaxBeats && count >= 0 && count <= arch::kMaxBeats);
  return static_cast<std::uint64_t>(op) | static_cast<std::uint64_t>(memory) << 4 |
         static_cast<std::uint64_t>(address) << 8 | static_cast<std::uint64_t>(count) << 32;
}

std::vector<std::uint8_t> WeightImage(const Program& program) { return program.weights; }

std::vector<std::uint8_t> ParamImage(const Program& program) {
  std::vector<std::uint8_t> image(program.params.size() * 8);
  if (!image.empty()) std::memcpy(image.data(), program.params.data(), image.size());
  return image;
}

std::vector<std::uint8_t> ProgramImage(const Program& program) {
  const std::size_t beat_bytes = static_cast<std::size_t>(program.beat_bits) / 8;
  std::vector<std::uint8_t> image(program.fields.size() * beat_bytes, 0);
  for (std::size_t i = 0; i < program.fields.size(); ++i) {
    for (std::size_t b = 0; b < beat_bytes && b < 4; ++b) {
      image[i * beat_bytes + b] = static_cast<std::uint8_t>(program.fields[i] >> (8 * b));
    }
  }
  return image;
}

std::vector<std::uint8_t> PackInput(const Program& program, std::span<const std::int8_t> chw) {
  const InputLayout& in = program.input;
  TF2_CHECK(static_cast<std::int64_t>(chw.size()) == std::int64_t{in.ic} * in.ih * in.iw,
            "input of {} values", chw.size());
  const Place& place = in.place;
  const std::int64_t lanes = program.c;
  std::vector<std::uint8_t> words(
      static_cast<std::size_t>(place.planes * place.plane_words * lanes), 0);
  const ByteOf byte_of{place, lanes};
  const std::int64_t first = place.base * lanes;
  const auto value = [&](std::int64_t c, std::int64_t y, std::int64_t x) -> std::uint8_t {
    if (y < 0 || y >= in.ih || x < 0 || x >= in.iw) return 0;
    return static_cast<std::uint8_t>(chw[static_cast<std::size_t>((c * in.ih + y) * in.iw + x)]);
  };
  for (std::int64_t channel = 0; channel < place.c; ++channel) {
    const std::int64_t ic = in.folded ? channel % in.ic : channel;
    const std::int64_t kx = in.folded ? channel / in.ic % in.kw : 0;
    const std::int64_t ky = in.folded ? channel / in.ic / in.kw : 0;
    for (std::int64_t y = 0; y < place.h; ++y) {
      const std::int64_t iy = y * in.sh - in.ph + ky * in.dh;
      for (std::int64_t x = 0; x < place.w; ++x) {
        const std::int64_t at = byte_of(channel, y * place.w + x) - first;
        words[static_cast<std::size_t>(at)] = value(ic, iy, x * in.sw - in.pw + kx * in.dw);
      }
    }
  }
  return words;
}

std::vector<std::uint8_t> UnpackTensor(const Place& place, std::int32_t c_lanes,
                                       std::span<const std::uint8_t> words,
                                       std::int64_t first_word) {
  const std::int64_t pixels = std::int64_t{place.h} * place.w;
  const std::int64_t size = place.wide ? 2 : 1;
  const std::int64_t first = first_word * c_lanes;
  const std::int64_t high = place.hi_offset * c_lanes;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(place.c * pixels * size));
  const ByteOf byte_of{place, c_lanes};
  const auto read = [&](std::int64_t at) {
    TF2_CHECK(at >= first && at - first < static_cast<std::int64_t>(words.size()),
              "tensor {} byte {}", place.name, at);
    return words[static_cast<std::size_t>(at - first)];
  };
  std::size_t next = 0;
  for (std::int64_t channel = 0; channel < place.c; ++channel) {
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      const std::int64_t at = byte_of(channel, pixel);
      out[next++] = read(at);
      if (place.wide) out[next++] = read(at + high);
    }
  }
  return out;
}

std::vector<std::uint8_t> UnpackRanges(const Place& place, std::int32_t c_lanes,
                                       std::span<const std::uint8_t> range_words) {
  // The ranges are the low and the high planes one after the other, wherever they lie in memory.
  Place packed = place;
  packed.base = 0;
  packed.hi_offset = place.wide ? place.planes * place.plane_words : 0;
  return UnpackTensor(packed, c_lanes, range_words);
}

void PackTensor(const Place& place, std::int32_t c_lanes, std::span<const std::uint8_t> chw,
                std::span<std::uint8_t> memory) {
  const std::int64_t pixels = std::int64_t{place.h} * place.w;
  const ByteOf byte_of{place, c_lanes};
  std::size_t next = 0;
  for (std::int64_t channel = 0; channel < place.c; ++channel) {
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      const std::int64_t at = byte_of(channel, pixel);
      memory[static_cast<std::size_t>(at)] = chw[next++];
      if (place.wide)
        memory[static_cast<std::size_t>(at + place.hi_offset * c_lanes)] = chw[next++];
    }
  }
}

}  // namespace tf2::program
