// Feeds arbitrary bytes to the readers of arrays, compressed files, labels and mean images, all in
// memory.
#include <algorithm>
#include <cstdlib>

#include "dataset/array.h"
#include "dataset/blob.h"
#include "dataset/labels.h"
#include "dataset/sources.h"

namespace {

using namespace tf2::dataset;

// Every sample that a layout promises must be readable.
void TouchSamples(const Array& array) {
  for (const InputShape& input : {InputShape{1, 2, 2}, InputShape{3, 4, 4}, InputShape{10, 1, 1}}) {
    const auto layout = MatchLayout(array, input);
    if (!layout.ok()) continue;
    for (const std::int64_t i : {std::int64_t{0}, layout->count - 1}) {
      PixelView view = layout->first;
      view.data += i * layout->stride;
      const auto x = Preprocess(view, {}, input);
      if (x.ok() && static_cast<std::int64_t>(x->size()) != input.elements()) std::abort();
    }
  }
}

void ReadArrays(std::span<const std::uint8_t> bytes) {
  for (const auto& header : {ParseNpyHeader(bytes), ParseIdxHeader(bytes)}) {
    if (!header.ok()) continue;
    for (const bool complete : {true, false}) {
      const auto array = ViewArray(*header, bytes, complete);
      if (array.ok()) TouchSamples(*array);
    }
  }
  const auto cifar = ViewCifar(bytes, false);
  if (cifar.ok()) TouchSamples(cifar->pixels);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  ReadArrays(bytes);
  constexpr std::uint64_t kMaxBytes = 1 << 20;
  const auto unpacked = Unpack(bytes, kWhole, kMaxBytes);
  if (unpacked.ok()) ReadArrays(unpacked->bytes);
  const auto member = ReadZipMember(bytes, {"x", "y", "a"});
  if (member.ok() && member->has_value()) ReadArrays(**member);
  (void)ParseLabels({reinterpret_cast<const char*>(data), size});
  tf2::Preprocessing preprocessing;
  (void)ParseMeanImage(bytes, preprocessing);
  return 0;
}
