// Networks of the sizes that matter, with random weights: what they take of the engine.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "arch/defaults.h"
#include "base/rng.h"
#include "cost/cost.h"
#include "program/execute.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "sched/compile.h"

namespace tf2::sched {
namespace {

using qnet::TensorId;

// Builds a QNet operator by operator, one Q everywhere.
class Builder {
 public:
  Builder(const char* name, std::int32_t c, std::int32_t h, std::int32_t w) : rng_(11) {
    net_.name = name;
    net_.inputs = {Tensor(c, h, w)};
    last_ = net_.inputs[0];
  }

  TensorId Conv(TensorId x, std::int32_t oc, std::int32_t k, std::int32_t stride, std::int32_t pad,
                TensorId residual = {}) {
    const qnet::Tensor in = net_.tensor(x);
    qnet::Conv conv;
    conv.window = {k, k, stride, stride, pad, pad, 1, 1};
    conv.activation = qnet::Activation::kRelu;
    const std::int64_t row = std::int64_t{in.c()} * k * k;
    conv.terms.emplace_back();
    for (std::int64_t i = 0; i < row * oc; ++i) {
      const int magnitude = 1 << rng_.Below(7);
      conv.terms[0].push_back(static_cast<std::int8_t>(rng_.Chance(0.5) ? magnitude : -magnitude));
    }
    conv.beta.assign(static_cast<std::size_t>(oc), 100);
    const auto scale = numerics::MakeScale(0.03 / std::sqrt(static_cast<double>(row)));
    conv.scale.assign(static_cast<std::size_t>(oc), *scale);
    std::vector<TensorId> inputs{x};
    if (residual != TensorId{}) {
      inputs.push_back(residual);
      conv.t.assign(static_cast<std::size_t>(oc), scale->s);
    }
    const auto out = [&](std::int32_t size) { return (size + 2 * pad - k) / stride + 1; };
    return Add(std::move(inputs), Tensor(oc, out(in.h()), out(in.w())), std::move(conv));
  }

  TensorId MaxPool(TensorId x, std::int32_t k, std::int32_t stride) {
    const qnet::Tensor in = net_.tensor(x);
    const auto out = [&](std::int32_t size) { return (size - k) / stride + 1; };
    return Add({x}, Tensor(in.c(), out(in.h()), out(in.w())),
               qnet::MaxPool{{k, k, stride, stride, 0, 0, 1, 1}});
  }

  TensorId GlobalPool(TensorId x) {
    const qnet::Tensor in = net_.tensor(x);
    qnet::AvgPool pool;
    pool.window.kh = in.h();
    pool.window.kw = in.w();
    pool.divisor_h = {in.h()};
    pool.divisor_w = {in.w()};
    pool.divisors = {in.h() * in.w()};
    pool.scale.emplace_back(static_cast<std::size_t>(in.c()),
                            *numerics::MakeScale(1.0 / pool.divisors[0]));
    return Add({x}, Tensor(in.c(), 1, 1), std::move(pool));
  }

  TensorId Concat(TensorId a, TensorId b) {
    const qnet::Tensor in = net_.tensor(a);
    return Add({a, b}, Tensor(in.c() + net_.tensor(b).c(), in.h(), in.w()), qnet::Concat{});
  }

  qnet::QNet Finish() {
    net_.tensor(last_).type = qnet::ElemType::kInt16;
    net_.outputs.push_back({last_, "out", qnet::Head::kNone, {net_.tensor(last_).c()}});
    for (const qnet::Op& op : net_.ops) net_.macs += qnet::MacsOf(net_, op);
    const Status status = qnet::Verify(net_);
    TF2_CHECK(status.ok(), "{}", status.error().ToString());
    return std::move(net_);
  }

  TensorId input() const { return net_.inputs[0]; }

 private:
  TensorId Tensor(std::int32_t c, std::int32_t h, std::int32_t w) {
    qnet::Tensor t;
    t.name = fmt::format("t{}", net_.tensors.size());
    t.dims = {c, h, w};
    t.q.assign(static_cast<std::size_t>(c), 4);
    net_.tensors.push_back(std::move(t));
    return static_cast<TensorId>(net_.tensors.size() - 1);
  }

  TensorId Add(std::vector<TensorId> inputs, TensorId output, qnet::OpParams params) {
    net_.ops.push_back(
        {fmt::format("op{}", net_.ops.size()), std::move(inputs), output, std::move(params)});
    last_ = output;
    return output;
  }

  Rng rng_;
  qnet::QNet net_;
  TensorId last_;
};

qnet::QNet ResNet20() {
  Builder b("resnet20", 3, 32, 32);
  TensorId x = b.Conv(b.input(), 16, 3, 1, 1);
  for (const std::int32_t c : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) {
      const std::int32_t stride = c != 16 && block == 0 ? 2 : 1;
      const TensorId shortcut = stride == 2 ? b.Conv(x, c, 1, 2, 0) : x;
      const TensorId y = b.Conv(x, c, 3, stride, 1);
      x = b.Conv(y, c, 3, 1, 1, shortcut);
    }
  }
  b.Conv(b.GlobalPool(x), 10, 1, 1, 0);
  return b.Finish();
}

qnet::QNet SqueezeNet(std::int32_t side) {
  Builder b("squeezenet", 3, side, side);
  TensorId x = b.MaxPool(b.Conv(b.input(), 64, 3, 2, 0), 3, 2);
  const auto fire = [&](std::int32_t squeeze, std::int32_t expand) {
    const TensorId s = b.Conv(x, squeeze, 1, 1, 0);
    x = b.Concat(b.Conv(s, expand, 1, 1, 0), b.Conv(s, expand, 3, 1, 1));
  };
  fire(16, 64);
  fire(16, 64);
  x = b.MaxPool(x, 3, 2);
  fire(32, 128);
  fire(32, 128);
  x = b.MaxPool(x, 3, 2);
  fire(48, 192);
  fire(48, 192);
  fire(64, 256);
  fire(64, 256);
  b.GlobalPool(b.Conv(x, 1000, 1, 1, 0));
  return b.Finish();
}

double Seconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Report(const qnet::QNet& net, bool execute, double least_utilisation) {
  std::optional<Result<Compiled>> result;
  const double compile_s = Seconds([&] { result = CompileSized(net); });
  ASSERT_TRUE(result->ok()) << result->error().ToString();
  const Compiled& compiled = **result;
  const auto cost = cost::PredictFrame(compiled.program, compiled.arch);
  ASSERT_TRUE(cost.ok());
  const program::Program& p = compiled.program;
  fmt::print("{}: {} MMAC, {} layers, {} feature words (bound {}), {} weight words, folded {}\n",
             net.name, net.macs / 1000000, p.layers.size(), p.peak_words, p.lower_bound_words,
             p.weight_words(), p.input.folded);
  fmt::print("  {} cycles: load {} run {} read {}; utilisation {:.3f}\n", cost->frame_cycles,
             cost->load_cycles, cost->run_cycles, cost->read_cycles, cost->utilisation);
  fmt::print(
      "  lost: load {:.3f} read {:.3f} pooling {:.3f} padding lanes {:.3f} stalls {:.3f} overhead "
      "{:.3f} (sum {:.4f})\n",
      cost->lost_load, cost->lost_read, cost->lost_pooling, cost->lost_padding_lanes,
      cost->lost_stalls, cost->lost_overhead,
      cost->utilisation + cost->lost_load + cost->lost_read + cost->lost_pooling +
          cost->lost_padding_lanes + cost->lost_stalls + cost->lost_overhead);
  EXPECT_GE(cost->utilisation, least_utilisation);
  fmt::print("  compile {:.2f} s\n", compile_s);
  if (!execute) return;
  const auto input = qnet::RandomInput(net, 1);
  std::vector<std::vector<std::uint8_t>> got;
  const double execute_s = Seconds([&] { got = *program::ExecuteFrame(p, compiled.arch, input); });
  fmt::print("  execute {:.2f} s\n", execute_s);
  EXPECT_EQ(got, *qnet::Interpret(net, input));
}

TEST(Networks, ResNet20) { Report(ResNet20(), true, 0.85); }
TEST(Networks, SqueezeNet) { Report(SqueezeNet(227), true, 0.85); }

}  // namespace
}  // namespace tf2::sched
