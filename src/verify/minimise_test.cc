#include "verify/minimise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/result.h"
#include "qnet/interpreter.h"
#include "qnet/random_net.h"
#include "verify/minimise_edits.h"

namespace tf2::verify {
namespace {

FailingCase RandomCase(std::uint64_t seed) {
  FailingCase c{qnet::RandomNet(seed), {}};
  c.input = qnet::RandomInput(c.net, seed);
  return c;
}

// Fails at the first operator that `wrong` says, on cases that the interpreter takes.
template <typename F>
FailureCheck CheckFor(F wrong) {
  return [wrong](const FailingCase& c) -> std::optional<std::string> {
    EXPECT_TRUE(qnet::Verify(c.net).ok());
    EXPECT_TRUE(qnet::InterpretAll(c.net, c.input).ok());
    for (const qnet::Op& op : c.net.ops) {
      if (wrong(c, op)) return op.name;
    }
    return {};
  };
}

TEST(Minimise, LeavesThePoolThatIsWrong) {
  // A pool that takes padding for zeros is wrong where a channel is negative.
  const auto wrong = [](const FailingCase& c, const qnet::Op& op) {
    const auto* pool = std::get_if<qnet::MaxPool>(&op.params);
    if (pool == nullptr || pool->window.ph == 0) return false;
    const auto contents = qnet::InterpretAll(c.net, c.input);
    const qnet::Bytes& x = (*contents)[qnet::Index(op.output)];
    return static_cast<std::int8_t>(x[0]) < 0;
  };
  const FailureCheck check = CheckFor(wrong);
  int found = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const FailingCase start = RandomCase(seed);
    if (!check(start)) continue;
    ++found;
    const Minimised result = Minimise(start, check);
    EXPECT_TRUE(result.reproduced);
    ASSERT_TRUE(check(result.smallest)) << seed;
    const qnet::QNet& net = result.smallest.net;
    EXPECT_EQ(net.ops.size(), 1u) << seed << "\n" << qnet::ToText(net);
    EXPECT_EQ(net.tensor(net.inputs[0]).c(), 1) << seed << "\n" << qnet::ToText(net);
    EXPECT_LE(qnet::InputElements(net), 4) << seed << "\n" << qnet::ToText(net);
  }
  EXPECT_GE(found, 5);
}

TEST(Minimise, ShrinksChannelsThroughConcatenationsAndGroups) {
  // Wrong where a concatenation has more than five channels.
  const auto wrong = [](const FailingCase& c, const qnet::Op& op) {
    return std::holds_alternative<qnet::Concat>(op.params) && c.net.tensor(op.output).c() > 5;
  };
  const FailureCheck check = CheckFor(wrong);
  int found = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const FailingCase start = RandomCase(seed);
    if (!check(start)) continue;
    ++found;
    const Minimised result = Minimise(start, check);
    ASSERT_TRUE(check(result.smallest)) << seed;
    EXPECT_LE(result.smallest.net.ops.size(), start.net.ops.size());
    EXPECT_LE(result.smallest.net.ops.size(), 3u) << qnet::ToText(result.smallest.net);
    EXPECT_LE(result.smallest.net.tensor(result.smallest.net.outputs[0].tensor).c(), 10)
        << qnet::ToText(result.smallest.net);
    EXPECT_THAT(result.smallest.input, testing::Each(0));
  }
  EXPECT_GE(found, 5);
}

TEST(Minimise, KeepsLowPaddingOnlyWhereItHasAPart) {
  const auto low = [](const qnet::QNet& net, const qnet::Op& op) {
    const auto* conv = std::get_if<qnet::Conv>(&op.params);
    return conv != nullptr && conv->pad_value != 0 && qnet::ReadsPadding(net, op);
  };
  const auto padded_low = [&](const FailingCase& c, const qnet::Op& op) { return low(c.net, op); };
  const auto strided = [](const FailingCase&, const qnet::Op& op) {
    const auto* conv = std::get_if<qnet::Conv>(&op.params);
    return conv != nullptr && conv->window.sw > 1;
  };
  int kept = 0, removed = 0;
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    const FailingCase start = RandomCase(seed);
    if (std::ranges::none_of(start.net.ops, [&](const auto& op) { return low(start.net, op); }))
      continue;
    const qnet::QNet wrong = Minimise(start, CheckFor(padded_low)).smallest.net;
    ASSERT_EQ(wrong.ops.size(), 1u) << qnet::ToText(wrong);
    EXPECT_TRUE(low(wrong, wrong.ops[0]));
    ++kept;
    if (!CheckFor(strided)(start)) continue;
    const qnet::QNet other = Minimise(start, CheckFor(strided)).smallest.net;
    for (const qnet::Op& op : other.ops) {
      const auto* conv = std::get_if<qnet::Conv>(&op.params);
      EXPECT_TRUE(conv == nullptr || conv->pad_value == 0) << qnet::ToText(other);
    }
    ++removed;
  }
  EXPECT_GE(kept, 5);
  EXPECT_GE(removed, 5);
}

TEST(Minimise, NeedsNoNameOfTheOperator) {
  const FailureCheck check = [](const FailingCase& c) -> std::optional<std::string> {
    for (const qnet::Op& op : c.net.ops) {
      const auto* conv = std::get_if<qnet::Conv>(&op.params);
      if (conv != nullptr && conv->window.sw == 2) return "";
    }
    return {};
  };
  int found = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const FailingCase start = RandomCase(seed);
    if (!check(start)) continue;
    ++found;
    const Minimised result = Minimise(start, check);
    EXPECT_EQ(result.smallest.net.ops.size(), 1u) << qnet::ToText(result.smallest.net);
    EXPECT_EQ(result.smallest.net.tensors[0].elements(), 1);
  }
  EXPECT_GE(found, 5);
}

TEST(Minimise, KeepsOnlyTheBranchesThatHaveAPart) {
  // The first operator is wrong where there is a sum anywhere.
  const FailureCheck check = [](const FailingCase& c) -> std::optional<std::string> {
    const bool any = std::ranges::any_of(
        c.net.ops, [](const qnet::Op& op) { return std::holds_alternative<qnet::Add>(op.params); });
    if (!any || c.net.ops.size() < 2) return {};
    return c.net.ops[0].name;
  };
  int found = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const FailingCase start = RandomCase(seed);
    if (!check(start)) continue;
    ++found;
    EXPECT_LE(Minimise(start, check).smallest.net.ops.size(), 4u) << seed;
  }
  EXPECT_GE(found, 5);
}

TEST(Minimise, IsDeterministicAndKeepsWhatDoesNotFail) {
  const auto relu = [](const FailingCase&, const qnet::Op& op) {
    const auto* conv = std::get_if<qnet::Conv>(&op.params);
    return conv != nullptr && conv->activation == qnet::Activation::kRelu;
  };
  const FailureCheck check = CheckFor(relu);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const FailingCase start = RandomCase(seed);
    const Minimised a = Minimise(start, check), b = Minimise(start, check);
    EXPECT_EQ(a.reproduced, check(start).has_value());
    EXPECT_EQ(a.smallest.net, b.smallest.net);
    EXPECT_EQ(a.smallest.input, b.smallest.input);
    if (!a.reproduced) {
      EXPECT_EQ(a.smallest.net, start.net);
    }
  }
}

// Every edit of random networks gives a network that the verifier takes or says is broken, and the
// interpreter never stumbles over one that it takes.
TEST(Minimise, EditsGiveNetworksThatRun) {
  int valid = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const FailingCase c = RandomCase(seed);
    std::vector<std::optional<FailingCase>> edits;
    for (std::size_t i = 0; i < c.net.tensors.size(); ++i) {
      const qnet::TensorId id{static_cast<std::int32_t>(i)};
      edits.push_back(minimise::CutAt(c, id));
      edits.push_back(minimise::StartAt(c, id));
      edits.push_back(minimise::WithoutChannels(c, id, 0, 1));
    }
    for (std::size_t op = 0; op < c.net.ops.size(); ++op) {
      edits.push_back(minimise::Bypassed(c, op, 0));
      edits.push_back(minimise::WithoutResidual(c, op));
      edits.push_back(minimise::PaddedWithZeros(c, op));
      edits.push_back(minimise::WithWindow(c, op, {}));
    }
    const qnet::Tensor& in = c.net.tensor(c.net.inputs[0]);
    edits.push_back(minimise::Cropped(c, in.h() - 1, in.w()));
    edits.push_back(minimise::Cropped(c, 1, 1));
    for (const auto& edit : edits) {
      if (!edit || !qnet::Verify(edit->net).ok()) continue;
      ++valid;
      ASSERT_TRUE(qnet::InterpretAll(edit->net, edit->input).ok()) << qnet::ToText(edit->net);
    }
  }
  EXPECT_GE(valid, 400);
}

}  // namespace
}  // namespace tf2::verify
