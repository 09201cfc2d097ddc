// For the tests of the passes: graphs as text, and the check that a pass keeps what the graph
// computes.
#ifndef TF2_PASSES_TEST_UTIL_H_
#define TF2_PASSES_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "interp/interpreter.h"
#include "ir/text.h"
#include "passes/dead_code.h"
#include "passes/pipeline.h"

namespace tf2::passes {

// A graph of these statements (the text form without its frame).
inline ir::Graph Parsed(const std::string& statements) {
  auto g = ir::ParseText("graph \"test\" {\n" + statements + "\n}");
  EXPECT_TRUE(g.ok()) << (g.ok() ? "" : g.error().ToString());
  return g.ok() ? *std::move(g) : ir::Graph();
}

// The nodes and outputs of the graph, a line each, without types: what a test compares.
inline std::string Body(const ir::Graph& graph) {
  std::string body;
  std::string text = ToText(graph, ir::ConstantText::kSummary);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.find("  %") != 0 && line.find("  output") != 0) continue;
    body += line.substr(2, line.rfind(" : ") - 2) + "\n";
  }
  return body;
}

// Floats in [-2, 2) in steps of 1/128; the same everywhere.
inline ir::Tensor RandomTensor(const ir::Shape& shape, std::mt19937& engine) {
  std::vector<float> data(static_cast<std::size_t>(ir::ElementCount(shape)));
  for (float& v : data) v = static_cast<float>(engine() % 512) / 128.0F - 2.0F;
  return ir::Tensor::Float(shape, std::move(data));
}

inline std::vector<ir::Tensor> RandomInputs(const ir::Graph& graph, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::vector<ir::Tensor> inputs;
  for (ir::ValueId id : graph.inputs) inputs.push_back(RandomTensor(graph.value(id).shape, engine));
  return inputs;
}

// Both graphs give the same outputs up to `relative` of each output's largest magnitude.
inline void ExpectSameResults(const ir::Graph& before, const ir::Graph& after,
                              double relative = 1e-5) {
  const auto inputs = RandomInputs(before);
  const auto a = interp::Run(before, inputs);
  const auto b = interp::Run(after, inputs);
  ASSERT_TRUE(a.ok()) << a.error().ToString();
  ASSERT_TRUE(b.ok()) << b.error().ToString();
  ASSERT_EQ(a->size(), b->size());
  for (std::size_t o = 0; o < a->size(); ++o) {
    ASSERT_EQ((*a)[o].shape, (*b)[o].shape);
    double top = 1e-3;
    for (float v : (*a)[o].f32) top = std::max(top, std::abs(static_cast<double>(v)));
    for (std::size_t i = 0; i < (*a)[o].f32.size(); ++i) {
      ASSERT_NEAR((*a)[o].f32[i], (*b)[o].f32[i], top * relative)
          << "output " << o << " element " << i;
    }
  }
}

// Applies a pass, checks the graph and its results, and returns the body that is left without dead
// code.
inline std::string BodyAfter(PassFunction pass, ir::Graph graph, int changes,
                             double relative = 1e-5) {
  const ir::Graph before = graph;
  const Result<int> n = pass(graph);
  EXPECT_TRUE(n.ok()) << (n.ok() ? "" : n.error().ToString());
  EXPECT_EQ(n.ok() ? *n : -1, changes);
  EXPECT_TRUE(RemoveDeadCode(graph).ok());
  const Status s = Verify(graph);
  EXPECT_TRUE(s.ok()) << (s.ok() ? "" : s.error().ToString());
  ExpectSameResults(before, graph, relative);
  return Body(graph);
}

}  // namespace tf2::passes

#endif  // TF2_PASSES_TEST_UTIL_H_
