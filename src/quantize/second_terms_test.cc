#include "quantize/second_terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "quantize/compensated_lowering.h"
#include "quantize/lower.h"
#include "quantize/test_graphs.h"

namespace tf2::quantize {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SplitSamples, KeepsPairsTogether) {
  const SampleSplit split = SplitSamples(10);
  EXPECT_THAT(split.rounded, ElementsAre(0, 1, 2, 3, 4, 5, 8, 9));
  EXPECT_THAT(split.measured, ElementsAre(6, 7));
}

TEST(SplitSamples, FewAreInBoth) {
  const SampleSplit split = SplitSamples(3);
  EXPECT_THAT(split.rounded, ElementsAre(0, 1, 2));
  EXPECT_EQ(split.measured, split.rounded);
}

TEST(CandidateSets, FollowedLayersLoseFirst) {
  const std::vector<Candidate> candidates = {{"first", 10, 3, true}, {"last", 10, 1, false}};
  EXPECT_THAT(CandidateSets(candidates, 100, 1.1),
              ElementsAre(ElementsAre("first"), ElementsAre("last")));
  EXPECT_THAT(CandidateSets(candidates, 100, 1.2), ElementsAre(ElementsAre("first", "last")));
  EXPECT_THAT(CandidateSets(candidates, 100, 1), ElementsAre(IsEmpty()));
}

constexpr std::size_t kSamples = 24;

// A quantised network whose rounding is played: what `round` is asked for is kept, and each set of
// layers gives the network that the test wants.
class ChooseSecondTermsTest : public ::testing::Test {
 protected:
  ChooseSecondTermsTest()
      : graph_(testing::SmallNet()),
        good_(*Quantize(graph_, *testing::CalibrateRandom(graph_, kSamples), {.bits = 8})),
        net_(good_) {
    for (std::size_t i = 0; i < good_.ops.size(); ++i) {
      if (std::holds_alternative<qnet::Conv>(good_.ops[i].params)) layers_.push_back(i);
    }
  }

  // The network with half of the weights of layer `place` gone.
  static qnet::Op Spoilt(qnet::Op op) {
    auto& codes = std::get<qnet::Conv>(op.params).terms[0];
    std::fill_n(codes.begin(), codes.size() / 2, std::int8_t{0});
    return op;
  }

  Result<std::vector<std::string>> Choose(double max_passes, QuantizeState& state) {
    const SampleSource source = [this](std::size_t i) -> Result<std::vector<float>> {
      return testing::RandomSample(graph_, i);
    };
    const auto round = [this](const SecondTerms& second, const SampleSource&,
                              std::size_t count) -> Result<std::vector<Alternative>> {
      EXPECT_EQ(count, SplitSamples(kSamples).rounded.size());
      asked_.push_back(second.everywhere ? std::vector<std::string>{"everywhere"} : second.layers);
      net_ = good_;
      std::vector<Alternative> alternatives;
      for (const std::size_t i : layers_) {
        if (second.everywhere) {
          alternatives.push_back({i, Spoilt(good_.ops[i])});
        } else if (std::ranges::count(second.layers, must_have_) == 0) {
          net_.ops[i] = Spoilt(good_.ops[i]);
        }
      }
      return alternatives;
    };
    ChoiceOptions options;
    options.max_passes = max_passes;
    options.threads = 1;
    return ChooseSecondTerms(graph_, net_, source, kSamples, options, 7, state, round);
  }

  const ir::Graph graph_;
  const qnet::QNet good_;
  qnet::QNet net_;
  std::vector<std::size_t> layers_;
  std::string must_have_;  // the network is spoilt where the set lacks this layer
  std::vector<std::vector<std::string>> asked_;
};

TEST_F(ChooseSecondTermsTest, TakesAllWhereAllMayHaveThem) {
  QuantizeState state("");
  EXPECT_EQ(Choose(2, state)->size(), layers_.size());
  EXPECT_THAT(asked_, ElementsAre(ElementsAre("everywhere")));
}

TEST_F(ChooseSecondTermsTest, TakesTheSetThatIsNearestToTheFloatNetwork) {
  // A bound under which the sets differ.
  double bound = 1.02;
  QuantizeState first("");
  for (; bound < 2 && asked_.size() < 3; bound += 0.02) {
    asked_.clear();
    first = QuantizeState("");
    ASSERT_TRUE(Choose(bound, first).ok());
  }
  ASSERT_GE(asked_.size(), 3U);  // everywhere, and two sets
  bound -= 0.02;
  const auto sets = std::vector(asked_.begin() + 1, asked_.end());
  for (const auto& set : sets) {
    const auto own = std::ranges::find_if(set, [&](const std::string& name) {
      return std::ranges::count_if(
                 sets, [&](const auto& other) { return std::ranges::count(other, name) > 0; }) == 1;
    });
    if (own == set.end()) continue;
    must_have_ = *own;
    QuantizeState state("");
    EXPECT_EQ(*Choose(bound, state), set);
  }
  EXPECT_FALSE(must_have_.empty());
}

TEST_F(ChooseSecondTermsTest, MeasuresNothingTwice) {
  const auto scratch = *ScratchDir::Create();
  QuantizeState state(scratch.File("state"));
  EXPECT_FALSE(state.Knows(7));
  const auto chosen = *Choose(1.5, state);
  EXPECT_TRUE(state.Knows(7));
  ASSERT_TRUE(state.Write().ok());
  asked_.clear();
  QuantizeState read = *QuantizeState::Read(scratch.File("state"));
  EXPECT_TRUE(read.Knows(7));
  EXPECT_FALSE(read.Knows(8));
  EXPECT_EQ(*Choose(1.5, read), chosen);
  EXPECT_THAT(asked_, IsEmpty());
  // Gains alone are enough to go on from.
  QuantizeState gains(scratch.File("gains"));
  gains.PutNumbers(7, "gains", *read.Numbers(7, "gains"));
  EXPECT_EQ(*Choose(1.5, gains), chosen);
  for (const auto& asked : asked_) EXPECT_NE(asked, std::vector<std::string>{"everywhere"});
}

// Cancelled while sets are compared, the work goes on where it was.
TEST(SecondTerms, GoOnWhereTheyWereCancelled) {
  const ir::Graph graph = testing::SmallNet();
  const auto calibration = *testing::CalibrateRandom(graph, kSamples);
  const auto scratch = *ScratchDir::Create();
  const SampleSource source = [&graph](std::size_t i) -> Result<std::vector<float>> {
    return testing::RandomSample(graph, i);
  };
  CompensatedOptions options;
  options.max_passes = 1.5;
  options.state_path = scratch.File("state");
  const auto run = [&] {
    return QuantizeCompensated(graph, calibration, source, kSamples, options);
  };
  int layers = 0;
  options.progress = [&](const std::string&, std::size_t, std::size_t) { return ++layers > 0; };
  const auto whole = *run();
  for (const int stop : {2, layers / 2, layers - 1}) {
    int left = stop;
    options.resume = false;
    options.progress = [&](const std::string&, std::size_t, std::size_t) { return left-- > 0; };
    ASSERT_EQ(run().error().code, ErrorCode::kCancelled) << stop;
    int again = 0;
    options.progress = [&](const std::string&, std::size_t, std::size_t) { return ++again > 0; };
    options.resume = true;
    const auto resumed = run();
    ASSERT_TRUE(resumed.ok()) << stop << ": " << resumed.error().ToString();
    EXPECT_EQ(resumed->net, whole.net) << stop;
  }
}

}  // namespace
}  // namespace tf2::quantize
