#include "sched/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/defaults.h"
#include "program/execute.h"
#include "program/pack.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"

namespace tf2::sched {
namespace {

struct Geometry {
  std::int32_t n, c, acc_bits, field_bits, beat_bits, requant_units;
};

arch::Arch ArchOf(const Geometry& g) {
  arch::Arch a;
  a.name = fmt::format("test-{}x{}", g.n, g.c);
  a.n = g.n;
  a.c = g.c;
  a.acc_bits = g.acc_bits;
  a.field_bits = g.field_bits;
  a.beat_bits = g.beat_bits;
  a.port_bits = g.beat_bits;
  a.requant_units = g.requant_units;
  return a;
}

constexpr Geometry kGeometries[] = {
    {4, 4, 24, 16, 16, 1},    {8, 8, 24, 32, 64, 8},  {16, 8, 25, 32, 32, 4},
    {16, 16, 32, 32, 64, 16}, {32, 4, 24, 32, 32, 8},
};

// Every tensor of the interpreter equals the program's, after the layer that completes it.
void ExpectSame(const qnet::QNet& net, const Compiled& compiled, std::uint64_t seed) {
  const std::vector<std::int8_t> input = qnet::RandomInput(net, seed);
  const auto expected = qnet::InterpretAll(net, input);
  ASSERT_TRUE(expected.ok());
  std::size_t compared = 0;
  const auto check = [&](std::size_t layer, std::span<const std::uint8_t> memory) -> Status {
    for (const program::Place& place : compiled.program.places) {
      if (place.ready_after > static_cast<std::int32_t>(layer) ||
          place.valid_until <= static_cast<std::int32_t>(layer))
        continue;
      const auto got = program::UnpackTensor(place, compiled.arch.c, memory);
      ++compared;
      if (got != (*expected)[static_cast<std::size_t>(place.tensor)])
        return Internal("tensor %{} after layer {}", place.name, layer);
    }
    return {};
  };
  const auto outputs = program::ExecuteFrame(compiled.program, compiled.arch, input, check);
  ASSERT_TRUE(outputs.ok()) << outputs.error().ToString() << "\n" << qnet::ToText(net);
  for (std::size_t i = 0; i < net.outputs.size(); ++i) {
    EXPECT_EQ((*outputs)[i], (*expected)[qnet::Index(net.outputs[i].tensor)]);
  }
  EXPECT_GE(compared, net.ops.size());
}

TEST(Compile, RandomNetworksEqualTheInterpreter) {
  int ran = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const qnet::QNet net = qnet::RandomNet(seed);
    const Geometry& g = kGeometries[seed % std::size(kGeometries)];
    Options options;
    options.folding = seed % 3 == 0   ? Folding::kAuto
                      : seed % 3 == 1 ? Folding::kNever
                                      : Folding::kAlways;
    options.in_place_residual = seed % 7 != 0;
    auto compiled = CompileSized(net, ArchOf(g), options);
    if (!compiled.ok() && options.folding == Folding::kAlways)
      compiled = CompileSized(net, ArchOf(g));
    if (!compiled.ok()) {
      ASSERT_EQ(compiled.error().code, ErrorCode::kUnsupported)
          << seed << compiled.error().ToString() << qnet::ToText(net);
      fmt::print("{}: {}\n", seed, compiled.error().ToString());
      continue;
    }
    ++ran;
    ExpectSame(net, *compiled, seed);
    if (HasFailure()) {
      FAIL() << "seed " << seed << "\n" << qnet::ToText(net);
    }
  }
}

}  // namespace
}  // namespace tf2::sched
