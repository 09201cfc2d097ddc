// Decoders from bytes in memory to 8-bit pixels: JPEG, PNG, PGM and PPM. Safe on hostile input:
// sizes are checked before anything is allocated.
#ifndef TF2_DATASET_PICTURE_H_
#define TF2_DATASET_PICTURE_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tf2::dataset {

// Pixels [h, w, c]; c is 1 (grey) or 3 (red, green, blue).
struct Picture {
  std::int32_t c = 0;
  std::int32_t h = 0;
  std::int32_t w = 0;
  std::vector<std::uint8_t> pixels;
};

// Largest picture that is decoded, in pixels: 2^26, 8192 x 8192.
inline constexpr std::int64_t kMaxPicturePixels = std::int64_t{1} << 26;

enum class PictureKind : std::uint8_t { kNone, kJpeg, kPng, kPnm };

// The kind told from the first bytes.
PictureKind DetectPicture(std::span<const std::uint8_t> bytes);

// Decodes a picture of any kind. JPEG: as libjpeg's accurate integer DCT, CMYK converted, EXIF
// rotation ignored. PNG: palettes and 1, 2, 4 bits expanded, 16 bits cut to 8, transparency and
// gamma ignored. PGM, PPM: P2, P3, P5, P6, scaled to 0..255 where the maximum is another. Errors:
// kInvalidArgument (no picture), kDataLoss (damaged, truncated), kResourceExhausted (too large).
Result<Picture> DecodePicture(std::span<const std::uint8_t> bytes);

Result<Picture> DecodeJpeg(std::span<const std::uint8_t> bytes);
Result<Picture> DecodePng(std::span<const std::uint8_t> bytes);
Result<Picture> DecodePnm(std::span<const std::uint8_t> bytes);

// The picture as an 8-bit PNG file: for examples and tests.
Result<std::vector<std::uint8_t>> EncodePng(const Picture& picture);

// kResourceExhausted or kDataLoss unless 1 <= h, w and h * w <= kMaxPicturePixels.
Status CheckPictureSize(std::int64_t h, std::int64_t w);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_PICTURE_H_
