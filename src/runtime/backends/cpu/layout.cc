#include "runtime/backends/cpu/layout.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>

#include "base/transpose.h"
#include "qnet/move_map.h"

namespace tf2::runtime::cpu {
namespace {

#if defined(__x86_64__)
// Byte i of 16 pixels is channel i % 3 of pixel i / 3: the pixel for each byte of a third of them
// that is a channel's, -1 for one that is not: [third][channel].
struct alignas(16) Order {
  std::int8_t bytes[3][3][16] = {};
  constexpr Order() {
    for (int i = 0; i < 48; ++i) {
      for (int c = 0; c < 3; ++c) {
        bytes[i / 16][c][i % 16] = static_cast<std::int8_t>(i % 3 == c ? i / 3 : -1);
      }
    }
  }
};

// As many of the first pixels of a row of three channels as come in sixteens; returns how many.
[[gnu::target("ssse3")]] std::int64_t ScatterSixteens(const std::uint8_t* from, std::int64_t plane,
                                                      std::int64_t w, std::uint8_t zero,
                                                      std::uint8_t* to) {
  static constexpr Order kOrder;
  const __m128i zeros = _mm_set1_epi8(static_cast<char>(zero));
  std::int64_t x = 0;
  for (; x + 16 <= w; x += 16, to += 48) {
    __m128i channels[3];
    for (int c = 0; c < 3; ++c) {
      const auto* const at = reinterpret_cast<const __m128i*>(from + c * plane + x);
      channels[c] = _mm_add_epi8(_mm_loadu_si128(at), zeros);
    }
    for (int third = 0; third < 3; ++third) {
      __m128i bytes = _mm_setzero_si128();
      for (int c = 0; c < 3; ++c) {
        const auto* const where = reinterpret_cast<const __m128i*>(kOrder.bytes[third][c]);
        bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(channels[c], _mm_load_si128(where)));
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16 * third), bytes);
    }
  }
  return x;
}
#endif

// A row of pictures with three channels.
void ScatterRow3(const std::uint8_t* from, std::int64_t plane, std::int64_t w, std::uint8_t zero,
                 std::uint8_t* to) {
  const std::uint8_t* const second = from + plane;
  const std::uint8_t* const third = second + plane;
  std::int64_t x = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("ssse3")) x = ScatterSixteens(from, plane, w, zero, to);
#endif
  for (to += 3 * x; x < w; ++x, to += 3) {
    to[0] = static_cast<std::uint8_t>(from[x] + zero);
    to[1] = static_cast<std::uint8_t>(second[x] + zero);
    to[2] = static_cast<std::uint8_t>(third[x] + zero);
  }
}

}  // namespace

void Scatter(const qnet::Tensor& tensor, std::span<const std::uint8_t> bytes, Range rows,
             const View& view, std::uint8_t zero, std::uint8_t* arena) {
  const std::int64_t w = tensor.w();
  const std::int64_t size = qnet::BytesOf(tensor.type);
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    const std::uint8_t* const from = bytes.data() + y * w * size;
    const std::int64_t plane = tensor.h() * w * size;
    std::uint8_t* const to = arena + view.offset + y * view.row;
    if (size == 2) {
      Transpose<std::uint16_t>(from, plane, tensor.c(), w, 0, to, view.stride);
    } else if (tensor.c() == 3 && view.stride == 3) {
      ScatterRow3(from, plane, w, zero, to);
    } else {
      Transpose<std::uint8_t>(from, plane, tensor.c(), w, zero, to, view.stride);
    }
  }
}

std::vector<std::uint8_t> Gather(const qnet::Tensor& tensor, const View& view, std::uint8_t zero,
                                 const std::uint8_t* arena) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(tensor.bytes()));
  const std::int64_t w = tensor.w();
  const std::int64_t size = qnet::BytesOf(tensor.type);
  for (std::int64_t y = 0; y < tensor.h(); ++y) {
    const std::uint8_t* const from = arena + view.offset + y * view.row;
    const std::int64_t plane = tensor.h() * w * size;
    std::uint8_t* const to = bytes.data() + y * w * size;
    if (size == 2) {
      Transpose<std::uint16_t>(from, view.stride, w, tensor.c(), 0, to, plane);
    } else {
      const auto back = static_cast<std::uint8_t>(-zero);
      Transpose<std::uint8_t>(from, view.stride, w, tensor.c(), back, to, plane);
    }
  }
  return bytes;
}

std::optional<PixelCopy> CopyOf(const qnet::Tensor& from, const View& from_view,
                                const qnet::Tensor& to, const View& to_view,
                                std::span<const std::int32_t> sources, std::int64_t most_runs) {
  constexpr std::int64_t kMostBytes = 4096;  // of a run, so that threads can share them
  TF2_CHECK(std::ssize(sources) == std::int64_t{to.h()} * to.w());
  PixelCopy copy;
  copy.bytes = std::int64_t{from.c()} * qnet::BytesOf(from.type);
  copy.from_stride = from_view.stride;
  copy.to_stride = to_view.stride;
  const std::int64_t most = std::max<std::int64_t>(kMostBytes / copy.bytes, 1);
  const auto at = [](const View& view, std::int64_t pixel, std::int64_t width) {
    return view.offset + pixel / width * view.row + pixel % width * view.stride;
  };
  PixelRun next;  // where the last run would go on
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::int64_t source = at(from_view, sources[i], from.w());
    const std::int64_t place = at(to_view, static_cast<std::int64_t>(i), to.w());
    const bool goes_on = !copy.runs.empty() && source == next.from && place == next.to &&
                         copy.runs.back().pixels < most;
    next = {source + from_view.stride, place + to_view.stride, 0};
    if (goes_on) {
      ++copy.runs.back().pixels;
      continue;
    }
    if (std::ssize(copy.runs) == most_runs) return {};
    copy.runs.push_back({source, place, 1});
  }
  return copy;
}

std::optional<PixelCopy> CopyOf(const qnet::Tensor& from, const View& from_view,
                                const qnet::Tensor& to, const View& to_view,
                                std::int64_t most_runs) {
  std::vector<std::int32_t> sources(static_cast<std::size_t>(std::int64_t{to.h()} * to.w()));
  std::iota(sources.begin(), sources.end(), 0);
  return CopyOf(from, from_view, to, to_view, sources, most_runs);
}

void CopyPixels(const PixelCopy& copy, Range runs, std::uint8_t* arena) {
  const bool dense =
      copy.shift == 0 && copy.from_stride == copy.bytes && copy.to_stride == copy.bytes;
  for (std::int64_t r = runs.begin; r < runs.end; ++r) {
    const PixelRun& run = copy.runs[static_cast<std::size_t>(r)];
    const std::uint8_t* from = arena + run.from;
    std::uint8_t* to = arena + run.to;
    if (dense) {
      std::memcpy(to, from, static_cast<std::size_t>(run.pixels * copy.bytes));
      continue;
    }
    for (std::int64_t x = 0; x < run.pixels; ++x, from += copy.from_stride, to += copy.to_stride) {
      if (copy.shift == 0) {
        std::memcpy(to, from, static_cast<std::size_t>(copy.bytes));
        continue;
      }
      for (std::int64_t i = 0; i < copy.bytes; ++i) {
        to[i] = static_cast<std::uint8_t>(from[i] + copy.shift);
      }
    }
  }
}

ElementCopy CopyOf(const qnet::Tensor& from, const View& from_view, const qnet::Tensor& to,
                   const View& to_view, const qnet::Move& move) {
  ElementCopy copy;
  copy.channels = to.c();
  copy.width = to.w();
  copy.element = qnet::BytesOf(to.type);
  copy.to = to_view;
  copy.from.resize(static_cast<std::size_t>(to.elements()));
  const std::int64_t plane = std::int64_t{from.h()} * from.w();
  const std::int64_t pixels = std::int64_t{to.h()} * to.w();
  qnet::ForEachMoved(move, [&](std::int64_t i, std::int64_t source) {
    const std::int64_t c = source / plane, y = source % plane / from.w(), x = source % from.w();
    copy.from[static_cast<std::size_t>(i % pixels * to.c() + i / pixels)] =
        static_cast<std::int32_t>(from_view.offset + y * from_view.row + x * from_view.stride +
                                  c * copy.element);
    return true;
  });
  return copy;
}

void CopyElements(const ElementCopy& copy, Range pixels, std::uint8_t* arena) {
  const std::int32_t* from = copy.from.data() + pixels.begin * copy.channels;
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, from += copy.channels) {
    std::uint8_t* const to =
        arena + copy.to.offset + p / copy.width * copy.to.row + p % copy.width * copy.to.stride;
    if (copy.element == 2) {
      for (std::int32_t c = 0; c < copy.channels; ++c) std::memcpy(to + 2 * c, arena + from[c], 2);
      continue;
    }
    for (std::int32_t c = 0; c < copy.channels; ++c) {
      to[c] = static_cast<std::uint8_t>(arena[from[c]] + copy.shift);
    }
  }
}

void SpreadRows(const Spread& spread, Range rows, std::uint8_t* arena) {
  const auto bytes = static_cast<std::size_t>(spread.bytes);
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    std::uint8_t* to = arena + spread.to.offset + y * spread.to.row;
    const std::uint8_t* from = arena + spread.from.offset + y / spread.sh * spread.from.row;
    for (std::int64_t x = 0; x < spread.w; ++x, to += spread.to.stride) {
      if (y % spread.sh != 0 || x % spread.sw != 0) {
        std::memset(to, spread.zero, bytes);
        continue;
      }
      for (std::size_t i = 0; i < bytes; ++i) {
        to[i] = static_cast<std::uint8_t>(from[i] + spread.shift);
      }
      from += spread.from.stride;
    }
  }
}

}  // namespace tf2::runtime::cpu
