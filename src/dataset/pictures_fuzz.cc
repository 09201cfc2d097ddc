// Feeds arbitrary bytes to the picture decoders and what they make of them to preprocessing.
#include <cstdlib>

#include "dataset/picture.h"
#include "dataset/preprocess.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tf2::dataset;
  const auto picture = DecodePicture({data, size});
  if (!picture.ok()) return 0;
  const auto bytes = static_cast<std::size_t>(picture->h) * static_cast<std::size_t>(picture->w) *
                     static_cast<std::size_t>(picture->c);
  if (picture->pixels.size() != bytes) std::abort();
  const PixelView view = {picture->pixels.data(),
                          ElementType::kU8,
                          {picture->c, picture->h, picture->w},
                          1,
                          std::int64_t{picture->w} * picture->c,
                          picture->c};
  tf2::Preprocessing preprocessing;
  preprocessing.resize = size % 2 == 0 ? 0 : 9;
  const auto x = Preprocess(view, preprocessing, {3, 8, 8});
  if (x.ok() && x->size() != 192) std::abort();
  return 0;
}
