#include "runtime/backends/cpu/layout.h"

#include <cstddef>
#include <cstring>

namespace tf2::runtime::cpu {
namespace {

// Calls copy(chw, arena_offset) for every element of `tensor`.
template <typename Copy>
void ForElements(const qnet::Tensor& tensor, const View& view, const Copy& copy) {
  const std::int64_t pixels = std::int64_t{tensor.h()} * tensor.w();
  const std::int64_t bytes = qnet::BytesOf(tensor.type);
  std::int64_t chw = 0;
  for (std::int64_t c = 0; c < tensor.c(); ++c) {
    std::int64_t at = view.offset + c * bytes;
    for (std::int64_t p = 0; p < pixels; ++p) {
      copy(chw, at);
      chw += bytes;
      at += view.stride;
    }
  }
}

}  // namespace

void Scatter(const qnet::Tensor& tensor, std::span<const std::uint8_t> bytes, const View& view,
             std::uint8_t* arena) {
  const std::uint8_t* from = bytes.data();
  if (qnet::BytesOf(tensor.type) == 1) {
    ForElements(tensor, view, [&](std::int64_t chw, std::int64_t at) { arena[at] = from[chw]; });
  } else {
    ForElements(tensor, view,
                [&](std::int64_t chw, std::int64_t at) { std::memcpy(arena + at, from + chw, 2); });
  }
}

std::vector<std::uint8_t> Gather(const qnet::Tensor& tensor, const View& view,
                                 const std::uint8_t* arena) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(tensor.bytes()));
  std::uint8_t* to = bytes.data();
  if (qnet::BytesOf(tensor.type) == 1) {
    ForElements(tensor, view, [&](std::int64_t chw, std::int64_t at) { to[chw] = arena[at]; });
  } else {
    ForElements(tensor, view,
                [&](std::int64_t chw, std::int64_t at) { std::memcpy(to + chw, arena + at, 2); });
  }
  return bytes;
}

void CopyPixels(std::int64_t pixels, std::int64_t bytes, const View& from, const View& to,
                std::uint8_t* arena) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    std::memcpy(arena + to.offset + p * to.stride, arena + from.offset + p * from.stride,
                static_cast<std::size_t>(bytes));
  }
}

}  // namespace tf2::runtime::cpu
