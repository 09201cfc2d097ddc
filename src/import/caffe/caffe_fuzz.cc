// libFuzzer entry: any prototxt and caffemodel are imported or refused, and what is imported
// verifies. The prototxt ends at the first zero byte; the caffemodel follows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/log.h"
#include "import/caffe/caffe_importer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tf2::SetLogLevel(tf2::LogLevel::kError);
  const std::span<const std::uint8_t> bytes(data, size);
  const auto zero =
      static_cast<std::size_t>(std::find(bytes.begin(), bytes.end(), 0) - bytes.begin());
  const std::string_view prototxt(reinterpret_cast<const char*>(data), zero);
  const auto caffemodel = bytes.subspan(std::min(size, zero + 1));
  tf2::import::caffe::ImportOptions options;
  options.max_constant_bytes = std::int64_t{64} << 20;
  const auto graph = tf2::import::caffe::ImportCaffeFromMemory(prototxt, caffemodel, options);
  if (graph.ok()) {
    const tf2::Status status = tf2::ir::Verify(*graph);
    TF2_CHECK(status.ok(), "{}", status.error().ToString());
  } else {
    TF2_CHECK(!graph.error().message.empty());
  }
  return 0;
}
