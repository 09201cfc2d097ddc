#include "runtime/backends/cpu/layout.h"

#include <cstddef>
#include <cstring>

namespace tf2::runtime::cpu {
namespace {

// Calls copy(chw, arena_offset) for these rows of every channel of `tensor`.
template <typename Copy>
void ForRows(const qnet::Tensor& tensor, Range rows, const View& view, const Copy& copy) {
  const std::int64_t bytes = qnet::BytesOf(tensor.type);
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    for (std::int64_t c = 0; c < tensor.c(); ++c) {
      copy((c * tensor.h() + y) * tensor.w() * bytes, view.offset + y * view.row + c * bytes);
    }
  }
}

// A row of pictures with three channels.
void ScatterRow3(const std::uint8_t* from, std::int64_t plane, std::int64_t w, std::uint8_t zero,
                 std::uint8_t* to) {
  const std::uint8_t* const second = from + plane;
  const std::uint8_t* const third = second + plane;
  for (std::int64_t x = 0; x < w; ++x, to += 3) {
    to[0] = static_cast<std::uint8_t>(from[x] + zero);
    to[1] = static_cast<std::uint8_t>(second[x] + zero);
    to[2] = static_cast<std::uint8_t>(third[x] + zero);
  }
}

}  // namespace

void Scatter(const qnet::Tensor& tensor, std::span<const std::uint8_t> bytes, Range rows,
             const View& view, std::uint8_t zero, std::uint8_t* arena) {
  const std::uint8_t* const from = bytes.data();
  const std::int64_t w = tensor.w();
  if (qnet::BytesOf(tensor.type) == 2) {
    ForRows(tensor, rows, view, [&](std::int64_t chw, std::int64_t at) {
      for (std::int64_t x = 0; x < w; ++x) {
        std::memcpy(arena + at + x * view.stride, from + chw + 2 * x, 2);
      }
    });
  } else if (tensor.c() == 3 && view.stride == 3) {
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      ScatterRow3(from + y * w, tensor.h() * w, w, zero, arena + view.offset + y * view.row);
    }
  } else {
    ForRows(tensor, rows, view, [&](std::int64_t chw, std::int64_t at) {
      for (std::int64_t x = 0; x < w; ++x) {
        arena[at + x * view.stride] = static_cast<std::uint8_t>(from[chw + x] + zero);
      }
    });
  }
}

std::vector<std::uint8_t> Gather(const qnet::Tensor& tensor, const View& view, std::uint8_t zero,
                                 const std::uint8_t* arena) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(tensor.bytes()));
  std::uint8_t* const to = bytes.data();
  const std::int64_t w = tensor.w();
  if (qnet::BytesOf(tensor.type) == 2) {
    ForRows(tensor, {0, tensor.h()}, view, [&](std::int64_t chw, std::int64_t at) {
      for (std::int64_t x = 0; x < w; ++x) {
        std::memcpy(to + chw + 2 * x, arena + at + x * view.stride, 2);
      }
    });
  } else {
    ForRows(tensor, {0, tensor.h()}, view, [&](std::int64_t chw, std::int64_t at) {
      for (std::int64_t x = 0; x < w; ++x) {
        to[chw + x] = static_cast<std::uint8_t>(arena[at + x * view.stride] - zero);
      }
    });
  }
  return bytes;
}

void CopyPixels(const PixelCopy& copy, Range rows, std::uint8_t* arena) {
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    const std::uint8_t* from = arena + copy.from.offset + y * copy.from.row;
    std::uint8_t* to = arena + copy.to.offset + y * copy.to.row;
    for (std::int64_t x = 0; x < copy.w; ++x, from += copy.from.stride, to += copy.to.stride) {
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

}  // namespace tf2::runtime::cpu
