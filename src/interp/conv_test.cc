// The tiled convolution and the pools against loops over the definition, on random shapes.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "interp/interpreter.h"

namespace tf2::interp {
namespace {

using ir::Graph;
using ir::OpKind;
using ir::Tensor;
using Ints = std::vector<std::int64_t>;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t Int(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<unsigned>(high - low + 1));
  }
  Tensor Floats(const ir::Shape& shape) {
    std::vector<float> v(static_cast<std::size_t>(ir::ElementCount(shape)));
    for (float& f : v) f = static_cast<float>(Int(-1000, 1000)) / 500;
    return Tensor::Float(shape, v);
  }

 private:
  std::mt19937 engine_;
};

double At(const Tensor& t, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x,
          double around = 0) {
  const ir::Shape& s = t.shape;
  if (y < 0 || y >= s[2] || x < 0 || x >= s[3]) return around;
  return t.f32[static_cast<std::size_t>(((n * s[1] + c) * s[2] + y) * s[3] + x)];
}

double NaiveConv(const Tensor& x, const Tensor& w, const ir::ConvAttrs& a, const Ints& at) {
  const std::int64_t icg = w.shape[1];
  const std::int64_t group = at[1] / (w.shape[0] / a.groups);
  double sum = 0;
  for (std::int64_t c = 0; c < icg; ++c) {
    for (std::int64_t ky = 0; ky < a.kh; ++ky) {
      for (std::int64_t kx = 0; kx < a.kw; ++kx) {
        sum +=
            At(w, at[1], c, ky, kx) * At(x, at[0], group * icg + c, at[2] * a.sh - a.pt + ky * a.dh,
                                         at[3] * a.sw - a.pl + kx * a.dw, a.pad_value);
      }
    }
  }
  return sum;
}

// Calls f with every index of a four-dimensional shape and the offset of the element.
template <typename F>
void ForEach(const ir::Shape& s, F&& f) {
  std::size_t offset = 0;
  for (std::int64_t n = 0; n < s[0]; ++n) {
    for (std::int64_t c = 0; c < s[1]; ++c) {
      for (std::int64_t y = 0; y < s[2]; ++y) {
        for (std::int64_t x = 0; x < s[3]; ++x) f(Ints{n, c, y, x}, offset++);
      }
    }
  }
}

TEST(Conv, MatchesTheDefinition) {
  Random random(1);
  int checked = 0;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t groups = random.Int(1, 3);
    const std::int64_t icg = random.Int(1, 4);
    const std::int64_t oc = groups * random.Int(1, 6);
    const Tensor x =
        random.Floats({random.Int(1, 2), groups * icg, random.Int(1, 12), random.Int(1, 40)});
    const Tensor w = random.Floats({oc, icg, random.Int(1, 4), random.Int(1, 4)});
    Graph g;
    g.inputs = {g.AddValue("x", x.dtype, x.shape)};
    g.outputs = {g.AddNode(
        OpKind::kConv, "conv",
        {g.inputs[0], g.AddConstant("w", w), g.AddConstant("b", random.Floats({oc}))},
        {{"groups", groups},
         {"pad_value", random.Int(0, 1) == 0 ? 0.0F : -1.5F},
         {"strides", Ints{random.Int(1, 3), random.Int(1, 3)}},
         {"dilations", Ints{random.Int(1, 2), random.Int(1, 3)}},
         {"pads", Ints{random.Int(0, 2), random.Int(0, 3), random.Int(0, 2), random.Int(0, 2)}}})};
    if (!InferShapes(g).ok()) continue;  // the window does not fit
    ++checked;
    const auto y = interp::Run(g, std::span(&x, 1));
    ASSERT_TRUE(y.ok());
    const ir::ConvAttrs a = ConvAttrsOf(g, g.nodes[0]);
    const Tensor& bias = g.constant(g.nodes[0].inputs[2]);
    ForEach((*y)[0].shape, [&](const Ints& at, std::size_t offset) {
      const double want = bias.f32[static_cast<std::size_t>(at[1])] + NaiveConv(x, w, a, at);
      ASSERT_NEAR((*y)[0].f32[offset], want, 1e-4) << "case " << i;
    });
  }
  EXPECT_GT(checked, 100);
}

TEST(Conv, GivesTheSameBitsTwice) {
  Random random(2);
  const Tensor x = random.Floats({1, 16, 32, 32});
  Graph g;
  g.inputs = {g.AddValue("x", x.dtype, x.shape)};
  g.outputs = {g.AddNode(OpKind::kConv, "conv",
                         {g.inputs[0], g.AddConstant("w", random.Floats({7, 16, 3, 3}))})};
  ASSERT_TRUE(InferShapes(g).ok());
  const auto a = interp::Run(g, std::span(&x, 1));
  const auto b = interp::Run(g, std::span(&x, 1));
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ((*a)[0], (*b)[0]);
}

// An average pool by its definition: `end` is the first position that no longer counts for the
// divisor.
double NaivePool(const Tensor& x, const ir::PoolAttrs& a, bool average, const Ints& at) {
  double sum = 0;
  double best = -std::numeric_limits<double>::infinity();
  int inside = 0;
  int padded = 0;
  for (std::int64_t ky = 0; ky < a.kh; ++ky) {
    for (std::int64_t kx = 0; kx < a.kw; ++kx) {
      const std::int64_t row = at[2] * a.sh - a.pt + ky * a.dh;
      const std::int64_t column = at[3] * a.sw - a.pl + kx * a.dw;
      if (row < x.shape[2] + a.pb && column < x.shape[3] + a.pr) ++padded;
      if (row < 0 || row >= x.shape[2] || column < 0 || column >= x.shape[3]) continue;
      ++inside;
      sum += At(x, at[0], at[1], row, column);
      best = std::max(best, At(x, at[0], at[1], row, column));
    }
  }
  if (!average) return best;
  if (a.divisor == ir::PoolDivisor::kKernel) return sum / static_cast<double>(a.kh * a.kw);
  return sum / (a.divisor == ir::PoolDivisor::kValid ? inside : padded);
}

TEST(Pool, MatchesTheDefinition) {
  Random random(3);
  int checked = 0;
  for (int i = 0; i < 300; ++i) {
    const Tensor x = random.Floats({1, 2, random.Int(1, 9), random.Int(1, 9)});
    const bool average = random.Int(0, 1) != 0;
    std::map<std::string, ir::Attr> attrs = {
        {"kernel", Ints{random.Int(1, 4), random.Int(1, 4)}},
        {"strides", Ints{random.Int(1, 4), random.Int(1, 3)}},
        {"dilations", Ints{random.Int(1, 2), random.Int(1, 2)}},
        {"pads", Ints{random.Int(0, 2), random.Int(0, 2), random.Int(0, 2), random.Int(0, 2)}},
        {"ceil", random.Int(0, 1)}};
    const char* rules[] = {"valid", "kernel", "caffe"};
    if (average) attrs["divisor"] = rules[random.Int(0, 2)];
    Graph g;
    g.inputs = {g.AddValue("x", x.dtype, x.shape)};
    g.outputs = {g.AddNode(average ? OpKind::kAvgPool : OpKind::kMaxPool, "pool", g.inputs, attrs)};
    if (!InferShapes(g).ok()) continue;  // no window fits, or one is empty
    ++checked;
    const auto y = interp::Run(g, std::span(&x, 1));
    ASSERT_TRUE(y.ok());
    const ir::PoolAttrs a = PoolAttrsOf(g, g.nodes[0]);
    ForEach((*y)[0].shape, [&](const Ints& at, std::size_t offset) {
      ASSERT_NEAR((*y)[0].f32[offset], NaivePool(x, a, average, at), 1e-5) << "case " << i;
    });
  }
  EXPECT_GT(checked, 100);
}

}  // namespace
}  // namespace tf2::interp
