// One case of ONNX's conformance data: a folder with model.onnx and
// test_data_set_*/{input,output}_*.pb.
#ifndef TF2_TESTS_CONFORMANCE_CASE_H_
#define TF2_TESTS_CONFORMANCE_CASE_H_

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::conformance {

struct Case {
  std::string name;
  onnx_pb::Model model;
  std::vector<onnx_pb::Tensor> inputs;   // of the first data set, named as the inputs of the graph
  std::vector<onnx_pb::Tensor> outputs;  // in the order of the graph
};

enum class Outcome : std::uint8_t {
  kPassed,
  kRefused,  // by the importer, with a reason
  kFailed,   // imported, but wrong
};

struct Verdict {
  Outcome outcome = Outcome::kFailed;
  std::string reason;
};

// Whether this is the long run of ./test --all: large models are included and every case is listed.
inline bool LevelAll() {
  const char* level = std::getenv("TF2_TEST_LEVEL");
  return level != nullptr && std::string_view(level) == "all";
}

// Errors: files that are missing or no protobuf.
Result<Case> ReadCase(const std::string& folder, const std::string& name);

// Imports the model with the shapes of its inputs, runs it as it is and after the passes, and
// compares all outputs: |a - b| <= 1e-5 + 1e-3 |b|, ONNX's own relative bound. Where the importer
// refuses it so, inputs become initialisers, integers first: ONNX's cases give even shapes and
// weights at run time.
Verdict Run(const Case& test);

// "" where the two agree within the bound, else what differs first.
std::string Compare(const ir::Tensor& got, const ir::Tensor& want, float relative = 1e-3F);

}  // namespace tf2::conformance

#endif  // TF2_TESTS_CONFORMANCE_CASE_H_
