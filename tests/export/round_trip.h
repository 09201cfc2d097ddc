// For the tests of the exporters: a graph through an ONNX file and back.
#ifndef TF2_TESTS_EXPORT_ROUND_TRIP_H_
#define TF2_TESTS_EXPORT_ROUND_TRIP_H_

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "export/onnx/float_graph.h"
#include "import/onnx/onnx_importer.h"
#include "ir/text.h"
#include "passes/test_util.h"

namespace tf2 {

inline std::span<const std::uint8_t> BytesOf(const std::string& file) {
  return {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
}

// The graph that is read back; an empty one where a step fails, which is reported, but for an
// operator that the importer does not have: `missing` says so.
inline ir::Graph ThroughOnnx(const ir::Graph& graph, std::string* missing) {
  auto file = export_onnx::ExportGraph(graph);
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().ToString());
  if (!file.ok()) return {};
  import::onnx::ImportOptions options;
  for (const ir::ValueId id : graph.inputs)
    options.input_shapes[graph.value(id).name] = graph.value(id).shape;
  auto back = import::onnx::ImportOnnxFromMemory(BytesOf(*file), options);
  if (!back.ok() && back.error().code == ErrorCode::kUnsupported) {
    *missing = back.error().ToString();
    return {};
  }
  EXPECT_TRUE(back.ok()) << (back.ok() ? "" : back.error().ToString());
  return back.ok() ? *std::move(back) : ir::Graph();
}

}  // namespace tf2

#endif  // TF2_TESTS_EXPORT_ROUND_TRIP_H_
