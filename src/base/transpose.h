// Transposition of matrices of small elements, block by block in registers.
#ifndef TF2_BASE_TRANSPOSE_H_
#define TF2_BASE_TRANSPOSE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace tf2 {
namespace transpose_internal {

template <typename T>
struct RegisterOf;
template <>
struct RegisterOf<std::uint8_t> {
  using Type = std::uint8_t __attribute__((vector_size(16)));
};
template <>
struct RegisterOf<std::uint16_t> {
  using Type = std::uint16_t __attribute__((vector_size(16)));
};
template <>
struct RegisterOf<std::uint32_t> {
  using Type = std::uint32_t __attribute__((vector_size(16)));
};
template <typename T>
using Register = typename RegisterOf<T>::Type;

// The elements of a and b in turn: of their first halves, of their second.
template <typename T>
inline Register<T> Low(const Register<T>& a, const Register<T>& b) {
  if constexpr (sizeof(T) == 1) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  } else {
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
  }
}

template <typename T>
inline Register<T> High(const Register<T>& a, const Register<T>& b) {
  if constexpr (sizeof(T) == 1) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                   31);
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  } else {
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
  }
}

// A square of as many rows and columns as a register has elements: each round puts the rows of both
// halves in turn.
template <typename T, int kSize>
inline void Square(const std::uint8_t* from, std::int64_t from_step, T add, std::uint8_t* to,
                   std::int64_t to_step) {
  Register<T> rows[kSize];
  for (int i = 0; i < kSize; ++i) {
    std::memcpy(&rows[i], from + i * from_step, sizeof rows[i]);
    rows[i] += add;
  }
  for (int round = 1; round < kSize; round *= 2) {
    Register<T> next[kSize];
    for (int i = 0; i < kSize / 2; ++i) {
      next[2 * i] = Low<T>(rows[i], rows[i + kSize / 2]);
      next[2 * i + 1] = High<T>(rows[i], rows[i + kSize / 2]);
    }
    for (int i = 0; i < kSize; ++i) rows[i] = next[i];
  }
  for (int i = 0; i < kSize; ++i) std::memcpy(to + i * to_step, &rows[i], sizeof rows[i]);
}

}  // namespace transpose_internal

// Element (c, r) of `to` = element (r, c) of `from` + `add`, modulo 2^bits. T: an unsigned type of
// 1, 2 or 4 bytes. Steps: bytes from row to row. Nothing need be aligned.
template <typename T>
void Transpose(const std::uint8_t* from, std::int64_t from_step, std::int64_t rows,
               std::int64_t columns, T add, std::uint8_t* to, std::int64_t to_step) {
  constexpr int kSize = 16 / sizeof(T);
  constexpr auto kBytes = static_cast<std::int64_t>(sizeof(T));
  if (rows == 1 && to_step == kBytes) {
    for (std::int64_t i = 0; i < columns; ++i) {
      T v;
      std::memcpy(&v, from + i * kBytes, sizeof v);
      v = static_cast<T>(v + add);
      std::memcpy(to + i * kBytes, &v, sizeof v);
    }
    return;
  }
  for (std::int64_t r = 0; r < rows; r += kSize) {
    for (std::int64_t c = 0; c < columns; c += kSize) {
      const std::uint8_t* const block = from + r * from_step + c * kBytes;
      std::uint8_t* const out = to + c * to_step + r * kBytes;
      const std::int64_t height = std::min<std::int64_t>(kSize, rows - r);
      const std::int64_t width = std::min<std::int64_t>(kSize, columns - c);
      if (height == kSize && width == kSize) {
        transpose_internal::Square<T, kSize>(block, from_step, add, out, to_step);
        continue;
      }
      for (std::int64_t i = 0; i < width; ++i) {
        for (std::int64_t j = 0; j < height; ++j) {
          T v;
          std::memcpy(&v, block + j * from_step + i * kBytes, sizeof v);
          v = static_cast<T>(v + add);
          std::memcpy(out + i * to_step + j * kBytes, &v, sizeof v);
        }
      }
    }
  }
}

}  // namespace tf2

#endif  // TF2_BASE_TRANSPOSE_H_
