#include "dataset/picture.h"

#include <algorithm>
#include <array>

namespace tf2::dataset {

PictureKind DetectPicture(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::uint8_t, 8> kPng = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff) {
    return PictureKind::kJpeg;
  }
  if (bytes.size() >= kPng.size() && std::equal(kPng.begin(), kPng.end(), bytes.begin())) {
    return PictureKind::kPng;
  }
  if (bytes.size() >= 3 && bytes[0] == 'P' &&
      (bytes[1] == '2' || bytes[1] == '3' || bytes[1] == '5' || bytes[1] == '6') &&
      (bytes[2] == ' ' || bytes[2] == '\n' || bytes[2] == '\r' || bytes[2] == '\t' ||
       bytes[2] == '#')) {
    return PictureKind::kPnm;
  }
  return PictureKind::kNone;
}

Result<Picture> DecodePicture(std::span<const std::uint8_t> bytes) {
  switch (DetectPicture(bytes)) {
    case PictureKind::kJpeg:
      return DecodeJpeg(bytes);
    case PictureKind::kPng:
      return DecodePng(bytes);
    case PictureKind::kPnm:
      return DecodePnm(bytes);
    case PictureKind::kNone:
      break;
  }
  if (bytes.empty()) return InvalidArgument("the file is empty");
  return WithHint(InvalidArgument("this is not a picture that tf2 reads"),
                  "pictures are JPEG, PNG, PGM or PPM");
}

Status CheckPictureSize(std::int64_t h, std::int64_t w) {
  if (h < 1 || w < 1) return DataLoss("a picture of {} x {} pixels", w, h);
  if (h > kMaxPicturePixels || w > kMaxPicturePixels || h * w > kMaxPicturePixels) {
    return ResourceExhausted("{} x {} pixels are more than the limit of {}", w, h,
                             kMaxPicturePixels);
  }
  return {};
}

}  // namespace tf2::dataset
