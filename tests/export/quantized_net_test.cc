// Random integer networks through an ONNX file: the importer's graph of it, run in floats, gives
// the integers of the interpreter.
#include "export/onnx/quantized_net.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "interp/interpreter.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "tests/export/round_trip.h"

namespace tf2 {
namespace {

constexpr std::uint64_t kNets = 150;

qnet::QNet NetOf(std::uint64_t seed) {
  qnet::RandomNetOptions options;
  options.mac = seed % 2 == 0;
  options.two_terms = true;
  options.general_reshape = true;
  options.cpu_only = seed % 3 != 0;
  return qnet::RandomNet(seed, options);
}

// The real values of a random input, all inputs one after another.
std::vector<float> RealInput(const qnet::QNet& net, const std::vector<std::int8_t>& input) {
  std::vector<float> real;
  auto begin = input.begin();
  for (const qnet::TensorId id : net.inputs) {
    const auto end = begin + net.tensor(id).elements();
    const std::vector<float> own =
        qnet::Dequantize(net.tensor(id), std::vector<std::uint8_t>(begin, end));
    real.insert(real.end(), own.begin(), own.end());
    begin = end;
  }
  return real;
}

std::vector<std::vector<float>> Expected(const qnet::QNet& net,
                                         const std::vector<std::int8_t>& input) {
  const auto bytes = qnet::Interpret(net, input);
  EXPECT_TRUE(bytes.ok()) << (bytes.ok() ? "" : bytes.error().ToString());
  const auto real = qnet::ApplyHeads(net, *bytes);
  EXPECT_TRUE(real.ok()) << (real.ok() ? "" : real.error().ToString());
  return *real;
}

// Whether the operator has no ONNX form, as the exporter says.
bool HasLrn(const qnet::QNet& net) {
  return std::ranges::any_of(
      net.ops, [](const qnet::Op& op) { return std::holds_alternative<qnet::Lrn>(op.params); });
}

TEST(QuantizedNet, RefusesOnlyLrn) {
  for (std::uint64_t seed = 0; seed < kNets; ++seed) {
    const qnet::QNet net = NetOf(seed);
    const auto file = export_onnx::ExportQNet(net);
    EXPECT_EQ(file.ok(), !HasLrn(net))
        << "seed " << seed << ": " << (file.ok() ? "" : file.error().ToString());
    if (file.ok()) {
      EXPECT_EQ(*file, *export_onnx::ExportQNet(net));
    }
  }
}

TEST(QuantizedNet, ComputesTheIntegersOfTheInterpreter) {
  std::int64_t elements = 0;
  std::int64_t different = 0;
  for (std::uint64_t seed = 0; seed < kNets; ++seed) {
    const qnet::QNet net = NetOf(seed);
    if (HasLrn(net)) continue;
    const auto file = export_onnx::ExportQNet(net);
    ASSERT_TRUE(file.ok());
    const auto graph = import::onnx::ImportOnnxFromMemory(BytesOf(*file));
    if (!graph.ok() && graph.error().code == ErrorCode::kUnsupported)
      GTEST_SKIP() << "seed " << seed << ": " << graph.error().ToString();
    ASSERT_TRUE(graph.ok()) << "seed " << seed << ": " << graph.error().ToString();
    const std::vector<std::int8_t> input = qnet::RandomInput(net, seed);
    const auto inputs = ir::InputsOf(*graph, RealInput(net, input));
    ASSERT_TRUE(inputs.ok()) << "seed " << seed << ": " << inputs.error().ToString();
    const auto results = interp::Run(*graph, *inputs);
    ASSERT_TRUE(results.ok()) << "seed " << seed << ": " << results.error().ToString();
    const auto expected = Expected(net, input);
    ASSERT_EQ(results->size(), expected.size());
    for (std::size_t o = 0; o < expected.size(); ++o) {
      const ir::Tensor& got = (*results)[o];
      ASSERT_EQ(got.f32.size() + got.i64.size(), expected[o].size());
      for (std::size_t i = 0; i < expected[o].size(); ++i) {
        const double value = got.f32.empty() ? static_cast<double>(got.i64[i]) : got.f32[i];
        ++elements;
        different += std::abs(value - expected[o][i]) > 1e-6 * (1 + std::abs(expected[o][i]));
      }
    }
  }
  // Float sums of weights with 8 bits may round to the neighbour.
  EXPECT_LE(different, elements / 200) << different << " of " << elements;
}

}  // namespace
}  // namespace tf2
