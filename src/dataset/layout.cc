// Which axis of an array is what.
#include <optional>

#include "dataset/sources.h"

namespace tf2::dataset {
namespace {

// A layout of `count` samples whose axes c, h, w have the given strides.
SampleLayout Make(const Array& array, std::int64_t count, std::int64_t stride, InputShape shape,
                  std::int64_t stride_c, std::int64_t stride_h, std::int64_t stride_w) {
  SampleLayout layout;
  layout.count = count;
  layout.stride = stride;
  layout.first = {array.data, array.type, shape, stride_c, stride_h, stride_w};
  return layout;
}

// Axis `axis` holds the elements of a sample in the order [c, h, w].
SampleLayout Flat(const Array& array, std::int64_t count, std::int64_t stride, std::size_t axis,
                  const InputShape& input) {
  const std::int64_t step = array.strides[axis];
  return Make(array, count, stride, input, input.h * input.w * step, input.w * step, step);
}

Error Mismatch(const Array& array, const InputShape& input, std::string hint) {
  return WithHint(InvalidArgument("an array {} does not fit the network's input [{}, {}, {}]",
                                  array.DimsText(), input.c, input.h, input.w),
                  std::move(hint));
}

// [n, c, w] where the input is [c, w, 1], and [n, c, d, h, w] where it is [c, d, h * w].
std::optional<SampleLayout> MatchOtherRank(const Array& array, const InputShape& input) {
  const auto& d = array.dims;
  const auto& s = array.strides;
  if (d.size() == 3 && d[1] == input.c && d[2] == input.h && input.w == 1)
    return Make(array, d[0], s[0], input, s[1], s[2], 0);
  if (d.size() == 5 && d[1] == input.c && d[2] == input.h && d[3] * d[4] == input.w &&
      s[3] == d[4] * s[4])
    return Make(array, d[0], s[0], input, s[1], s[2], s[4]);
  return {};
}

}  // namespace

Result<SampleLayout> MatchLayout(const Array& array, const InputShape& input) {
  const auto& d = array.dims;
  const auto& s = array.strides;
  const bool grey = input.c == 1;
  if (auto layout = MatchOtherRank(array, input)) return *layout;
  switch (d.size()) {
    case 1:
      if (d[0] == input.elements()) return Flat(array, 1, 0, 0, input);
      break;
    case 2:
      if (grey && d[0] == input.h && d[1] == input.w) {
        return Make(array, 1, 0, input, 0, s[0], s[1]);
      }
      if (d[1] == input.elements()) return Flat(array, d[0], s[0], 1, input);
      break;
    case 3:
      if (d[0] == input.c && d[1] == input.h && d[2] == input.w) {
        return Make(array, 1, 0, input, s[0], s[1], s[2]);
      }
      return Make(array, d[0], s[0], {1, d[1], d[2]}, 0, s[1], s[2]);
    case 4: {
      const bool vector = input.h == 1 && input.w == 1 && d[1] * d[2] * d[3] == input.c;
      if (d[1] == 1 || d[1] == input.c || (grey && d[1] == 3) || vector) {
        return Make(array, d[0], s[0], {d[1], d[2], d[3]}, s[1], s[2], s[3]);
      }
      if (d[3] == 1 || d[3] == 3 || d[3] == input.c) {
        return Mismatch(array, input,
                        "channels come before height and width: save .transpose(0, 3, 1, 2)");
      }
      break;
    }
    default:
      break;
  }
  return Mismatch(array, input,
                  "arrays are [n, c, h, w], [n, h, w] or [n, c*h*w]; [n, c, w] and [n, c, d, h, w] "
                  "for models of such inputs");
}

}  // namespace tf2::dataset
