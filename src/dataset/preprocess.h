// From pixels to the numbers a network takes: x = (p - mean) / std in float32. In this order:
//  1. grey is replicated to three channels, colour becomes grey as 0.299 R + 0.587 G + 0.114 B
//  where the network wants one;
//  2. with `resize`, the shorter side becomes `resize` pixels and the longer one round(long *
//  resize / short): bilinear with
//     half-pixel centres, source coordinate (i + 0.5) * in / out - 0.5, clamped at the border; no
//     antialiasing, no rounding back to integers;
//  3. the centre h x w is cut out, offsets floor((H - h) / 2) and floor((W - w) / 2);
//  4. channels are put into `order` (sources are red, green, blue);
//  5. mean and std, or the mean image cut likewise, are applied.
#ifndef TF2_DATASET_PREPROCESS_H_
#define TF2_DATASET_PREPROCESS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/preprocessing.h"
#include "base/result.h"
#include "dataset/dataset.h"

namespace tf2::dataset {

enum class ElementType : std::uint8_t { kU8, kI8, kU16, kI16, kU32, kI32, kU64, kI64, kF32, kF64 };

// Bytes of one element.
int ElementBytes(ElementType type);
bool IsFloat(ElementType type);
// The element at `data`, which need not be aligned.
double LoadElement(ElementType type, const std::uint8_t* data);

// A picture in someone else's memory: element (c, y, x) lies at data + c*stride_c + y*stride_h +
// x*stride_w (bytes).
struct PixelView {
  const std::uint8_t* data = nullptr;
  ElementType type = ElementType::kU8;
  InputShape shape;
  std::int64_t stride_c = 0;
  std::int64_t stride_h = 0;
  std::int64_t stride_w = 0;
};

// Checks the options against the network's input: counts of mean and std, values finite, std not
// zero, crop equal to the input, mean image large enough. Errors: kInvalidArgument, naming the
// flag.
Status CheckPreprocessing(const Preprocessing& preprocessing, const InputShape& input);

// Height and width after step 2 of a picture whose sides are at least 1.
std::pair<std::int64_t, std::int64_t> ScaledSize(const InputShape& shape, std::int64_t resize);

// The sample [c, h, w] of `view`. `preprocessing` has passed CheckPreprocessing. A network that
// takes a vector (h = w = 1) of as many elements as the picture has gets them in the order [c, h,
// w]. Errors: kInvalidArgument (too small, channels), kDataLoss (a value that is no finite number).
Result<std::vector<float>> Preprocess(const PixelView& view, const Preprocessing& preprocessing,
                                      const InputShape& input);

// Reads a mean image, Caffe's binaryproto or .npy [c, h, w], into mean_image and mean_image_dims.
Status ReadMeanImage(const std::string& path, Preprocessing& preprocessing);
Status ParseMeanImage(std::span<const std::uint8_t> bytes, Preprocessing& preprocessing);

// "104,117,123" as numbers; `flag` is named in the error.
Result<std::vector<float>> ParseNumbers(std::string_view text, std::string_view flag);
// "rgb" or "bgr".
Result<ChannelOrder> ParseOrder(std::string_view text);
// One line for people: "bgr, resize 256, crop 227, mean 104,117,123".
std::string Describe(const Preprocessing& preprocessing);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_PREPROCESS_H_
