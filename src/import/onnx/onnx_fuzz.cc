// libFuzzer entry: any bytes are imported or refused, and what is imported verifies.
#include <cstddef>
#include <cstdint>
#include <span>

#include "import/onnx/onnx_importer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tf2::import::onnx::ImportOptions options;
  options.max_constant_bytes = std::int64_t{64} << 20;
  const auto graph = tf2::import::onnx::ImportOnnxFromMemory(std::span(data, size), options);
  if (graph.ok()) {
    const tf2::Status status = tf2::ir::Verify(*graph);
    TF2_CHECK(status.ok(), "{}", status.error().ToString());
  } else {
    TF2_CHECK(!graph.error().message.empty());
  }
  return 0;
}
