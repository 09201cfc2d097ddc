#include "dataset/preprocess.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

namespace tf2::dataset {
namespace {

template <typename T>
double Load(const std::uint8_t* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return static_cast<double>(value);
}

std::string SizeText(std::int64_t w, std::int64_t h) { return fmt::format("{} x {}", w, h); }

bool AllFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

Status CheckPerChannel(const std::vector<float>& values, const char* flag, std::int64_t channels) {
  const auto count = static_cast<std::int64_t>(values.size());
  if (count > 1 && count != channels) {
    return WithHint(InvalidArgument("{} has {} values, but the network's input has {} channel(s)",
                                    flag, count, channels),
                    "give one value, or one per channel");
  }
  if (!AllFinite(values)) return InvalidArgument("{} has a value that is no finite number", flag);
  return {};
}

Status CheckMeanImage(const Preprocessing& p, const InputShape& input) {
  if (p.mean_image.empty()) return {};
  const auto& d = p.mean_image_dims;
  if (d.size() != 3 ||
      std::int64_t{d[0]} * d[1] * d[2] != static_cast<std::int64_t>(p.mean_image.size())) {
    return InvalidArgument("the mean image's dimensions do not fit its values");
  }
  if (d[0] != input.c || d[1] < input.h || d[2] < input.w) {
    return WithHint(InvalidArgument("the mean image is {} x {} x {} (channels, height, width), but "
                                    "the network's input is {} x {} x {}",
                                    d[0], d[1], d[2], input.c, input.h, input.w),
                    "give a mean image of this network (--mean-image), or --mean");
  }
  if (!AllFinite(p.mean_image)) {
    return InvalidArgument("the mean image has a value that is no finite number");
  }
  if (!p.mean.empty()) {
    return WithHint(InvalidArgument("both a mean and a mean image are given"),
                    "give one of --mean and --mean-image");
  }
  return {};
}

// Where one output coordinate reads: values at `low` and `high`, mixed by `fraction`.
struct Tap {
  std::int64_t low = 0;
  std::int64_t high = 0;
  float fraction = 0;
};

// Taps of `count` outputs from `offset` on an axis of `source` elements scaled to `scaled`.
std::vector<Tap> MakeTaps(std::int64_t source, std::int64_t scaled, std::int64_t offset,
                          std::int64_t count) {
  std::vector<Tap> taps(static_cast<std::size_t>(count));
  const double ratio = static_cast<double>(source) / static_cast<double>(scaled);
  for (std::int64_t i = 0; i < count; ++i) {
    Tap& tap = taps[static_cast<std::size_t>(i)];
    if (source == scaled) {
      tap = {i + offset, i + offset, 0};
      continue;
    }
    const double at = std::clamp((static_cast<double>(i + offset) + 0.5) * ratio - 0.5, 0.0,
                                 static_cast<double>(source - 1));
    tap.low = static_cast<std::int64_t>(at);
    tap.high = std::min(tap.low + 1, source - 1);
    tap.fraction = static_cast<float>(at - static_cast<double>(tap.low));
  }
  return taps;
}

// One plane of the output before mean and std, from one plane of the source.
template <typename T>
void SamplePlane(const PixelView& view, std::int64_t c, const std::vector<Tap>& rows,
                 const std::vector<Tap>& columns, float* out) {
  const std::uint8_t* plane = view.data + c * view.stride_c;
  const auto at = [](const std::uint8_t* row, std::int64_t offset) {
    return static_cast<float>(Load<T>(row + offset));
  };
  for (const Tap& row : rows) {
    const std::uint8_t* low = plane + row.low * view.stride_h;
    const std::uint8_t* high = plane + row.high * view.stride_h;
    for (const Tap& column : columns) {
      const std::int64_t left = column.low * view.stride_w;
      const std::int64_t right = column.high * view.stride_w;
      float value = at(low, left);
      if (column.fraction != 0) value += column.fraction * (at(low, right) - value);
      if (row.fraction != 0) {
        float below = at(high, left);
        if (column.fraction != 0) below += column.fraction * (at(high, right) - below);
        value += row.fraction * (below - value);
      }
      *out++ = value;
    }
  }
}

void SampleTyped(const PixelView& view, std::int64_t c, const std::vector<Tap>& rows,
                 const std::vector<Tap>& columns, float* out) {
  switch (view.type) {
    case ElementType::kU8:
      return SamplePlane<std::uint8_t>(view, c, rows, columns, out);
    case ElementType::kI8:
      return SamplePlane<std::int8_t>(view, c, rows, columns, out);
    case ElementType::kU16:
      return SamplePlane<std::uint16_t>(view, c, rows, columns, out);
    case ElementType::kI16:
      return SamplePlane<std::int16_t>(view, c, rows, columns, out);
    case ElementType::kU32:
      return SamplePlane<std::uint32_t>(view, c, rows, columns, out);
    case ElementType::kI32:
      return SamplePlane<std::int32_t>(view, c, rows, columns, out);
    case ElementType::kU64:
      return SamplePlane<std::uint64_t>(view, c, rows, columns, out);
    case ElementType::kI64:
      return SamplePlane<std::int64_t>(view, c, rows, columns, out);
    case ElementType::kF32:
      return SamplePlane<float>(view, c, rows, columns, out);
    case ElementType::kF64:
      return SamplePlane<double>(view, c, rows, columns, out);
  }
}

// Planes of the network's channel count, in red-green-blue order, of size h x w.
std::vector<float> SamplePlanes(const PixelView& view, const InputShape& output,
                                const std::vector<Tap>& rows, const std::vector<Tap>& columns) {
  const auto plane = static_cast<std::size_t>(output.h * output.w);
  std::vector<float> x(plane * static_cast<std::size_t>(output.c));
  if (view.shape.c == 1) {
    SampleTyped(view, 0, rows, columns, x.data());
    for (std::int64_t c = 1; c < output.c; ++c) {
      std::copy_n(x.begin(), plane, x.begin() + static_cast<std::ptrdiff_t>(plane) * c);
    }
  } else if (output.c == 1) {
    std::vector<float> colour(plane * 3);
    for (std::size_t c = 0; c < 3; ++c) {
      SampleTyped(view, static_cast<std::int64_t>(c), rows, columns, colour.data() + c * plane);
    }
    for (std::size_t i = 0; i < plane; ++i) {
      x[i] = 0.299f * colour[i] + 0.587f * colour[plane + i] + 0.114f * colour[2 * plane + i];
    }
  } else {
    for (std::int64_t c = 0; c < output.c; ++c) {
      SampleTyped(view, c, rows, columns, x.data() + static_cast<std::ptrdiff_t>(plane) * c);
    }
  }
  return x;
}

void Normalise(const Preprocessing& p, const InputShape& shape, std::vector<float>& x) {
  const auto plane = static_cast<std::size_t>(shape.h * shape.w);
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape.c); ++c) {
    float* out = x.data() + c * plane;
    if (!p.mean_image.empty()) {
      const std::int64_t height = p.mean_image_dims[1];
      const std::int64_t width = p.mean_image_dims[2];
      const float* mean = p.mean_image.data() + static_cast<std::int64_t>(c) * height * width +
                          (height - shape.h) / 2 * width + (width - shape.w) / 2;
      for (std::int64_t i = 0; i < shape.h * shape.w; ++i) {
        out[i] -= mean[i / shape.w * width + i % shape.w];
      }
    } else if (!p.mean.empty()) {
      const float mean = p.mean[p.mean.size() == 1 ? 0 : c];
      for (std::size_t i = 0; i < plane; ++i) out[i] -= mean;
    }
    if (!p.std.empty()) {
      const float deviation = p.std[p.std.size() == 1 ? 0 : c];
      for (std::size_t i = 0; i < plane; ++i) out[i] /= deviation;
    }
  }
}

Status CheckSize(const PixelView& view, std::int64_t h, std::int64_t w, const Preprocessing& p,
                 const InputShape& output) {
  const std::int64_t channels = view.shape.c;
  const bool convertible =
      channels == output.c || channels == 1 || (channels == 3 && output.c == 1);
  if (!convertible || (channels == 1 && output.c != 1 && output.c != 3)) {
    return InvalidArgument("{} channel(s) where the network's input has {}", channels, output.c);
  }
  if (h >= output.h && w >= output.w) return {};
  const std::string size = SizeText(view.shape.w, view.shape.h);
  const std::string want = SizeText(output.w, output.h);
  const std::int64_t side = std::max(output.h, output.w);
  if (p.resize != 0) {
    return WithHint(InvalidArgument("{} pixels, resized to {}, are smaller than the network's "
                                    "input of {}",
                                    size, SizeText(w, h), want),
                    fmt::format("give --resize {} or more", side));
  }
  return WithHint(
      InvalidArgument("{} pixels are smaller than the network's input of {}", size, want),
      fmt::format("scale the pictures: --resize {} (or more; the centre {} is then cut out)", side,
                  want));
}

}  // namespace

std::pair<std::int64_t, std::int64_t> ScaledSize(const InputShape& shape, std::int64_t resize) {
  if (resize == 0) return {shape.h, shape.w};
  const auto longer = [&](std::int64_t side, std::int64_t shorter) {
    return (side * resize * 2 + shorter) / (shorter * 2);
  };
  if (shape.h <= shape.w) return {resize, longer(shape.w, shape.h)};
  return {longer(shape.h, shape.w), resize};
}

int ElementBytes(ElementType type) {
  switch (type) {
    case ElementType::kU8:
    case ElementType::kI8:
      return 1;
    case ElementType::kU16:
    case ElementType::kI16:
      return 2;
    case ElementType::kU32:
    case ElementType::kI32:
    case ElementType::kF32:
      return 4;
    case ElementType::kU64:
    case ElementType::kI64:
    case ElementType::kF64:
      return 8;
  }
  return 0;
}

bool IsFloat(ElementType type) { return type == ElementType::kF32 || type == ElementType::kF64; }

double LoadElement(ElementType type, const std::uint8_t* data) {
  switch (type) {
    case ElementType::kU8:
      return Load<std::uint8_t>(data);
    case ElementType::kI8:
      return Load<std::int8_t>(data);
    case ElementType::kU16:
      return Load<std::uint16_t>(data);
    case ElementType::kI16:
      return Load<std::int16_t>(data);
    case ElementType::kU32:
      return Load<std::uint32_t>(data);
    case ElementType::kI32:
      return Load<std::int32_t>(data);
    case ElementType::kU64:
      return Load<std::uint64_t>(data);
    case ElementType::kI64:
      return Load<std::int64_t>(data);
    case ElementType::kF32:
      return Load<float>(data);
    case ElementType::kF64:
      return Load<double>(data);
  }
  return 0;
}

Status CheckPreprocessing(const Preprocessing& p, const InputShape& input) {
  constexpr std::int32_t kMaxSide = 1 << 16;
  constexpr std::int64_t kMaxInput = std::int64_t{1} << 30;
  if (input.c < 1 || input.h < 1 || input.w < 1 || input.c > kMaxInput ||
      input.h > kMaxInput / input.c || input.w > kMaxInput / (input.c * input.h)) {
    return InvalidArgument("a network input of {} x {} x {} (channels, height, width)", input.c,
                           input.h, input.w);
  }
  if (p.resize < 0 || p.resize > kMaxSide) {
    return InvalidArgument("--resize {}: give a number of pixels from 1 to {}", p.resize, kMaxSide);
  }
  if (p.crop != 0 && (p.crop != input.h || p.crop != input.w)) {
    return WithHint(InvalidArgument("--crop {} does not fit the network's input of {} pixels",
                                    p.crop, SizeText(input.w, input.h)),
                    "leave --crop away: the centre of the input's size is cut out without it");
  }
  TF2_RETURN_IF_ERROR(CheckPerChannel(p.mean, "--mean", input.c));
  TF2_RETURN_IF_ERROR(CheckPerChannel(p.std, "--std", input.c));
  if (std::any_of(p.std.begin(), p.std.end(), [](float v) { return v == 0; })) {
    return InvalidArgument("--std has a value of 0");
  }
  return CheckMeanImage(p, input);
}

Result<std::vector<float>> Preprocess(const PixelView& view, const Preprocessing& preprocessing,
                                      const InputShape& input) {
  const bool flat = input.h == 1 && input.w == 1 && view.shape.h * view.shape.w > 1 &&
                    view.shape.elements() == input.c && preprocessing.resize == 0;
  const InputShape output = flat ? view.shape : input;
  // Values of each channel of the picture cannot be told from those of a vector's elements.
  if (flat && (preprocessing.mean.size() > 1 || preprocessing.std.size() > 1 ||
               !preprocessing.mean_image.empty())) {
    return WithHint(InvalidArgument("the network takes a vector of {} elements: mean and std of "
                                    "channels do not apply",
                                    input.c),
                    "give one --mean and one --std");
  }
  const auto [h, w] = ScaledSize(view.shape, preprocessing.resize);
  TF2_RETURN_IF_ERROR(CheckSize(view, h, w, preprocessing, output));
  const auto rows = MakeTaps(view.shape.h, h, (h - output.h) / 2, output.h);
  const auto columns = MakeTaps(view.shape.w, w, (w - output.w) / 2, output.w);
  std::vector<float> x = SamplePlanes(view, output, rows, columns);
  // A float array without mean and std is preprocessed already, its order of channels too.
  const bool as_is = IsFloat(view.type) && preprocessing.mean.empty() &&
                     preprocessing.std.empty() && preprocessing.mean_image.empty();
  if (preprocessing.order == ChannelOrder::kBgr && output.c == 3 && !as_is) {
    const auto plane = static_cast<std::ptrdiff_t>(output.h * output.w);
    std::swap_ranges(x.begin(), x.begin() + plane, x.begin() + 2 * plane);
  }
  Normalise(preprocessing, output, x);
  if (!AllFinite(x)) return DataLoss("a value that is no finite number");
  return x;
}

Result<std::vector<float>> ParseNumbers(std::string_view text, std::string_view flag) {
  std::vector<float> values;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string part(rest.substr(0, comma));
    char* end = nullptr;
    const float value = std::strtof(part.c_str(), &end);
    if (part.empty() || *end != '\0' || !std::isfinite(value)) {
      return WithHint(InvalidArgument("{} '{}': '{}' is not a number", flag, text, part),
                      fmt::format("for example {} 104,117,123", flag));
    }
    values.push_back(value);
    if (comma == std::string_view::npos) return values;
    rest.remove_prefix(comma + 1);
  }
}

Result<ChannelOrder> ParseOrder(std::string_view text) {
  if (text == "rgb") return ChannelOrder::kRgb;
  if (text == "bgr") return ChannelOrder::kBgr;
  return InvalidArgument("--order '{}': give rgb or bgr", text);
}

std::string Describe(const Preprocessing& p) {
  std::string text = p.order == ChannelOrder::kRgb ? "rgb" : "bgr";
  if (p.resize != 0) text += fmt::format(", resize {}", p.resize);
  if (p.crop != 0) text += fmt::format(", crop {}", p.crop);
  if (!p.mean.empty()) text += fmt::format(", mean {}", fmt::join(p.mean, ","));
  if (!p.mean_image.empty()) {
    text += fmt::format(", mean image {}", fmt::join(p.mean_image_dims, "x"));
  }
  if (!p.std.empty()) text += fmt::format(", std {}", fmt::join(p.std, ","));
  return text;
}

}  // namespace tf2::dataset
