// Compares the links of the chain on real inputs: float graph -> QNet interpreter -> program
// oracle, CPU, simulated RTL. From the interpreter on every tensor must be equal byte for byte; the
// first element that differs is located. The step from float to integer is measured as a
// signal-to-noise ratio per layer, beside each layer's live range.
#ifndef TF2_VERIFY_COMPARE_H_
#define TF2_VERIFY_COMPARE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"
#include "ir/graph.h"
#include "program/program.h"
#include "qnet/interpreter.h"
#include "qnet/qnet.h"
#include "runtime/device.h"

namespace tf2::verify {

// The first element, in execution order, in which a link differs from the interpreter.
struct Divergence {
  std::string link;  // "cpu avx512vnni", "program", "rtl"
  std::int64_t sample = 0;
  std::string layer;  // of the tensor's producer
  std::string tensor;
  std::vector<std::int32_t> position;  // c, y, x
  std::int32_t expected = 0;
  std::int32_t actual = 0;
  bool operator==(const Divergence&) const = default;
};

// "cpu portable: sample 3, layer conv2, element [1, 0, 5]: 17, expected 16".
std::string ToString(const Divergence& divergence);

// First difference between two contents of `tensor`; nullopt when equal. `actual` may have the
// wrong size: that is a difference at the first missing element.
std::optional<Divergence> FirstDifference(const qnet::QNet& net, qnet::TensorId tensor,
                                          std::span<const std::uint8_t> expected,
                                          std::span<const std::uint8_t> actual);

// What was seen of one QNet operator's output over all samples.
struct LayerReport {
  std::string layer;
  std::string kind;
  double snr_db = 0;  // float against dequantised integer; meaningful when has_snr
  bool has_snr = false;
  double saturated =
      0;  // fraction of elements at the smallest or largest value (after ReLU: at the largest)
  double nonzero = 0;  // fraction of elements
};

struct LinkReport {
  std::string link;
  std::int64_t compared = 0;    // tensors
  std::int64_t mismatches = 0;  // tensors
  std::int64_t elements = 0;
};

struct CompareReport {
  std::int64_t samples = 0;
  std::int64_t layers = 0;    // operators of the QNet
  std::int64_t compared = 0;  // tensors, all links
  std::int64_t mismatches = 0;
  std::optional<Divergence> first;
  std::vector<LinkReport> links;
  std::vector<LayerReport> layer_reports;
};

// One executor to compare with the interpreter: gives every tensor that it materialises.
struct Link {
  std::string name;
  std::function<Status(std::span<const std::int8_t> input, const runtime::TraceSink& sink)> run;
};

// A device, loaded with the network.
Link DeviceLink(runtime::Device& device, std::string name);
// The instruction-level oracle on the encoded program.
Link ProgramLink(const program::Program& program, const arch::Arch& arch);

struct CompareOptions {
  // Float graph whose values bear the names of the QNet's tensors (the fused graph that was
  // quantised); null: no SNR.
  const ir::Graph* float_graph = nullptr;
  std::function<void()> progress;  // after each sample
};

// `sample(i)` gives the i-th preprocessed input [c, h, w]. Errors: those of a link or of the data.
Result<CompareReport> Compare(const qnet::QNet& net, std::span<const Link> links,
                              std::int64_t samples,
                              const std::function<Result<std::vector<float>>(std::int64_t)>& sample,
                              const CompareOptions& options);

}  // namespace tf2::verify

#endif  // TF2_VERIFY_COMPARE_H_
