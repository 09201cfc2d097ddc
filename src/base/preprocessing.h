// How a picture becomes a network's input: stored in the artifact by `quantize`, applied by
// src/dataset. x = (p - mean) / std in float32, p in 0..255, after resizing and cropping.
#ifndef TF2_BASE_PREPROCESSING_H_
#define TF2_BASE_PREPROCESSING_H_

#include <cstdint>
#include <vector>

namespace tf2 {

enum class ChannelOrder : std::uint8_t { kRgb = 0, kBgr = 1 };

struct Preprocessing {
  ChannelOrder order = ChannelOrder::kRgb;
  // Shorter side after resizing in pixels (bilinear); 0 leaves the picture as it is.
  std::int32_t resize = 0;
  // Side of the centre crop, offset floor((H - h) / 2); 0 crops to the network's input size.
  std::int32_t crop = 0;
  // One value for all channels, one per channel, or none (mean 0, std 1). Units of 0..255, in
  // `order`.
  std::vector<float> mean;
  std::vector<float> std;
  // Mean image [c, h, w] in `order`, subtracted instead of `mean`; empty without one.
  std::vector<float> mean_image;
  std::vector<std::int32_t> mean_image_dims;

  bool operator==(const Preprocessing&) const = default;
};

}  // namespace tf2

#endif  // TF2_BASE_PREPROCESSING_H_
