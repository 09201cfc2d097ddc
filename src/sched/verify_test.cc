#include "sched/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qnet/random_net.h"
#include "sched/compile.h"

namespace tf2::sched {
namespace {

using ::testing::HasSubstr;

// Verifies the program with one field of one layer changed.
Status VerifyChanged(const Compiled& c, const qnet::QNet& net, std::size_t layer, std::size_t field,
                     std::int64_t by) {
  program::Program p = c.program;
  std::uint32_t& value = p.fields[layer * program::kFieldsPerLayer + field];
  value = static_cast<std::uint32_t>(value + by);
  return VerifyProgram(p, net, c.arch);
}

TEST(Verify, AcceptsWhatTheCompilerMakesAndFindsChangedPointers) {
  // A change of a base address, of a delta in use or of the residual's offset never goes unnoticed.
  int changes = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const qnet::QNet net = qnet::RandomNet(seed);
    const auto c = CompileSized(net);
    ASSERT_TRUE(c.ok()) << c.error().ToString();
    ASSERT_TRUE(VerifyProgram(c->program, net, c->arch).ok());
    const auto descriptors = program::DecodeAll(c->program);
    for (std::size_t layer = 0; layer < descriptors->size(); ++layer) {
      const program::Descriptor& d = (*descriptors)[layer];
      std::vector<std::size_t> fields = {2};
      // A window wholly inside holes or padding reads nothing that could be wrong.
      if (!d.padding && c->program.layers[layer].kind == "conv") fields.push_back(1);
      if (d.residual) fields.push_back(17);
      for (const std::size_t field : fields) {
        for (const std::int64_t by : {-1, 1}) {
          EXPECT_FALSE(VerifyChanged(*c, net, layer, field, by).ok())
              << "seed " << seed << " layer " << layer << " field " << program::FieldName(field)
              << " by " << by << "\n"
              << qnet::ToText(net);
          ++changes;
        }
      }
    }
  }
  EXPECT_GT(changes, 300);
}

// x -> conv a -> conv b -> add(a, b): a must live until the add.
TEST(Verify, FindsAnOverwrittenTensor) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const qnet::QNet net = qnet::RandomNet(seed);
    const auto c = CompileSized(net);
    ASSERT_TRUE(c.ok());
    // Let the first layer of an operator with a later reader be overwritten by the layer in
    // between.
    for (const program::Place& place : c->program.places) {
      const std::int32_t next = place.ready_after + 1;
      const bool last_tensor = next >= static_cast<std::int32_t>(c->program.layers.size());
      if (place.ready_after < 0 || last_tensor ||
          place.valid_until != static_cast<std::int32_t>(c->program.layers.size()))
        continue;
      const bool output = std::ranges::any_of(
          c->program.outputs, [&](const auto& o) { return o.place.tensor == place.tensor; });
      const std::int32_t op = c->program.layers[static_cast<std::size_t>(next)].op;
      const bool concat =
          std::holds_alternative<qnet::Concat>(net.ops[static_cast<std::size_t>(op)].params);
      if (!output || concat) continue;
      program::Program p = c->program;
      std::uint32_t& o_base =
          p.fields[static_cast<std::size_t>(next) * program::kFieldsPerLayer + 2];
      if (o_base == place.base) continue;
      o_base = static_cast<std::uint32_t>(place.base);
      EXPECT_FALSE(VerifyProgram(p, net, c->arch).ok()) << seed;
      return;
    }
  }
  FAIL() << "no network of the kind was drawn";
}

TEST(Verify, FindsTheWrongPadding) {
  constexpr std::int64_t kPadLow = 1 << 10;
  int low = 0, zero = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const qnet::QNet net = qnet::RandomNet(seed);
    const auto c = CompileSized(net);
    ASSERT_TRUE(c.ok());
    const auto descriptors = program::DecodeAll(c->program);
    for (std::size_t layer = 0; layer < descriptors->size(); ++layer) {
      const program::Descriptor& d = (*descriptors)[layer];
      if (d.opcode != program::Opcode::kConv || !d.padding) continue;
      ++(d.pad_low ? low : zero);
      EXPECT_THAT(
          VerifyChanged(*c, net, layer, 0, d.pad_low ? -kPadLow : kPadLow).error().message,
          HasSubstr(d.pad_low ? "pads with 0 instead of -128" : "pads with -128 instead of 0"));
    }
  }
  EXPECT_GT(low, 10);
  EXPECT_GT(zero, 10);
}

TEST(Verify, FindsParametersAndWeightsPastTheEnd) {
  const qnet::QNet net = qnet::RandomNet(0);
  const auto c = CompileSized(net);
  ASSERT_TRUE(c.ok());
  std::size_t layer = 0;
  while (c->program.layers[layer].kind != "conv") ++layer;
  EXPECT_THAT(VerifyChanged(*c, net, layer, 3, 1 << 20).error().message,
              HasSubstr("weight words past the end"));
  EXPECT_THAT(VerifyChanged(*c, net, layer, 4, 1).error().message, HasSubstr("parameter entries"));
}

}  // namespace
}  // namespace tf2::sched
