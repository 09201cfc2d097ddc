// PGM and PPM, plain and raw, as netpbm's pgm(5) and ppm(5) describe them.
#include <algorithm>
#include <optional>

#include "dataset/picture.h"

namespace tf2::dataset {
namespace {

bool IsSpace(std::uint8_t byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\v' ||
         byte == '\f';
}

// Reads numbers separated by white space and comments.
class Scanner {
 public:
  explicit Scanner(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // The next number up to 2^31 - 1.
  std::optional<std::int64_t> Number() {
    while (at_ < bytes_.size() && (IsSpace(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n') ++at_;
      } else {
        ++at_;
      }
    }
    std::int64_t value = 0;
    const std::size_t start = at_;
    while (at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9') {
      value = value * 10 + (bytes_[at_++] - '0');
      if (value > 0x7fffffff) return std::nullopt;
    }
    if (at_ == start) return std::nullopt;
    return value;
  }
  // What follows the one white space after the header.
  std::span<const std::uint8_t> Body() const {
    return bytes_.subspan(std::min(at_ + 1, bytes_.size()));
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

// value * 255 / max, rounded to nearest.
std::uint8_t Scale(std::int64_t value, std::int64_t max) {
  return static_cast<std::uint8_t>((std::min(value, max) * 255 + max / 2) / max);
}

}  // namespace

Result<Picture> DecodePnm(std::span<const std::uint8_t> bytes) {
  if (DetectPicture(bytes) != PictureKind::kPnm) return InvalidArgument("not a PGM or PPM file");
  const bool plain = bytes[1] == '2' || bytes[1] == '3';
  Scanner scanner(bytes.subspan(2));
  const auto w = scanner.Number();
  const auto h = scanner.Number();
  const auto max = scanner.Number();
  if (!w || !h || !max) return DataLoss("the header of the PGM or PPM file is damaged");
  if (*max < 1 || *max > 65535) return DataLoss("a largest value of {} in a PGM or PPM file", *max);
  TF2_RETURN_IF_ERROR(CheckPictureSize(*h, *w));
  Picture picture;
  picture.c = bytes[1] == '2' || bytes[1] == '5' ? 1 : 3;
  picture.h = static_cast<std::int32_t>(*h);
  picture.w = static_cast<std::int32_t>(*w);
  const auto count = static_cast<std::size_t>(*h * *w * picture.c);
  const std::span<const std::uint8_t> body = scanner.Body();
  const std::size_t value_bytes = *max > 255 ? 2 : 1;
  // A plain value takes a digit and a separator (which the last one may lack).
  const std::size_t need = plain ? count * 2 - 1 : count * value_bytes;
  if (body.size() < need) {
    return DataLoss("the PGM or PPM file is truncated: {} bytes of pixels where {} are needed",
                    body.size(), need);
  }
  picture.pixels.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t value = 0;
    if (plain) {
      const auto number = scanner.Number();
      if (!number) return DataLoss("pixel value {} of the PGM or PPM file is damaged", i);
      value = *number;
    } else {
      value = value_bytes == 1 ? body[i] : body[2 * i] * 256 + body[2 * i + 1];
    }
    picture.pixels[i] = Scale(value, *max);
  }
  return picture;
}

}  // namespace tf2::dataset
