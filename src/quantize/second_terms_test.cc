#include "quantize/second_terms.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/files.h"
#include "quantize/compensated_lowering.h"
#include "quantize/lower.h"
#include "quantize/test_graphs.h"

namespace tf2::quantize {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SplitSamples, KeepsPairsTogether) {
  const SampleSplit split = SplitSamples(10);
  EXPECT_THAT(split.rounded, ElementsAre(0, 1, 4, 5, 8, 9));
  EXPECT_THAT(split.measured, ElementsAre(2, 3, 6, 7));
}

TEST(SplitSamples, FewAreInBoth) {
  const SampleSplit split = SplitSamples(3);
  EXPECT_THAT(split.rounded, ElementsAre(0, 1, 2));
  EXPECT_EQ(split.measured, split.rounded);
}

TEST(TwoTermLayers, BestGainPerPassFirst) {
  const std::vector<Candidate> candidates = {
      {"large", 60, 6}, {"small", 10, 3}, {"middle", 30, 4.5}, {"useless", 5, 0}};
  EXPECT_THAT(ChooseTwoTermLayers(candidates, 100, 1.1), ElementsAre("small"));
  EXPECT_THAT(ChooseTwoTermLayers(candidates, 100, 1.4), ElementsAre("small", "middle"));
  EXPECT_THAT(ChooseTwoTermLayers(candidates, 100, 1.05), IsEmpty());
  EXPECT_THAT(ChooseTwoTermLayers(candidates, 100, 2), ElementsAre("small", "middle", "large"));
}

TEST(TwoTermLayers, TheBestSetMayLackTheBestLayer) {
  const std::vector<Candidate> candidates = {{"dense", 60, 6.6}, {"one", 50, 5}, {"two", 50, 5}};
  EXPECT_THAT(ChooseTwoTermLayers(candidates, 200, 1.5), ElementsAre("one", "two"));
  EXPECT_THAT(ChooseTwoTermLayers(candidates, 200, 1.4), ElementsAre("dense"));
}

TEST(CandidateSets, FollowedLayersLoseFirst) {
  const std::vector<Candidate> candidates = {{"first", 10, 3, true}, {"last", 10, 1, false}};
  EXPECT_THAT(CandidateSets(candidates, 100, 1.1),
              ElementsAre(ElementsAre("first"), ElementsAre("last")));
  EXPECT_THAT(CandidateSets(candidates, 100, 1.2), ElementsAre(ElementsAre("first", "last")));
  EXPECT_THAT(CandidateSets(candidates, 100, 1), ElementsAre(IsEmpty()));
}

constexpr std::size_t kChoiceSamples = 24;

// A quantised network whose rounding is played: what `round` is asked for is kept, and each set of
// layers gives the network that the test wants.
class ChooseSecondTermsTest : public ::testing::Test {
 protected:
  ChooseSecondTermsTest()
      : graph_(testing::SmallNet()),
        good_(*Quantize(graph_, *testing::CalibrateRandom(graph_, kChoiceSamples), {.bits = 8})),
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
      EXPECT_EQ(count, SplitSamples(kChoiceSamples).rounded.size());
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
    return ChooseSecondTerms(graph_, net_, source, kChoiceSamples, options, 7, state, round);
  }

  // A bound under which there are several sets, which `asked_` has after "everywhere".
  double BoundOfSeveralSets() {
    for (int step = 1; step < 50; ++step) {
      const double bound = 1 + 0.02 * step;
      asked_.clear();
      QuantizeState state("");
      EXPECT_TRUE(Choose(bound, state).ok());
      if (asked_.size() > 2) return bound;
    }
    ADD_FAILURE() << "no bound under which sets differ";
    return 2;
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
  const double bound = BoundOfSeveralSets();
  ASSERT_GE(asked_.size(), 3U);  // everywhere, and two sets
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
  const double bound = BoundOfSeveralSets();
  const auto all_asked = asked_;
  ASSERT_GE(all_asked.size(), 3U);
  QuantizeState state(scratch.File("state"));
  EXPECT_FALSE(state.Knows(7));
  const auto chosen = *Choose(bound, state);
  EXPECT_TRUE(state.Knows(7));
  ASSERT_TRUE(state.Write().ok());
  asked_.clear();
  QuantizeState read = *QuantizeState::Read(scratch.File("state"));
  EXPECT_TRUE(read.Knows(7));
  EXPECT_FALSE(read.Knows(8));
  EXPECT_EQ(*Choose(bound, read), chosen);
  EXPECT_THAT(asked_, IsEmpty());
  // Gains alone, or with the error of one set, are enough to go on from.
  QuantizeState some(scratch.File("some"));
  some.PutNumbers(7, "gains", *read.Numbers(7, "gains"));
  EXPECT_EQ(*Choose(bound, some), chosen);
  EXPECT_EQ(asked_, std::vector(all_asked.begin() + 1, all_asked.end()));
  asked_.clear();
  QuantizeState more(scratch.File("more"));
  more.PutNumbers(7, "gains", *read.Numbers(7, "gains"));
  const std::string first = fmt::format("error with {}", fmt::join(all_asked[1], "\n"));
  more.PutNumbers(7, first, *read.Numbers(7, first));
  EXPECT_EQ(*Choose(bound, more), chosen);
  EXPECT_EQ(asked_, std::vector(all_asked.begin() + 2, all_asked.end()));
}

// The whole work on a small network, with a bound under which sets are compared.
class SecondTermsWork : public ::testing::Test {
 protected:
  // Bounds differ by little, so that layers are left out of the sets.
  void SetUp() override {
    const std::size_t layers = 3;  // of SmallNet
    options_.threads = 1;
    for (options_.max_passes = 1.1; options_.max_passes < 2; options_.max_passes += 0.03) {
      whole_ = *Run({});
      if (layers_done_ >= 4 * layers) return;  // everywhere, two sets, and the end
    }
    FAIL() << "no bound under which sets differ";
  }

  // Cancels before a layer once `most` layers were begun.
  Result<CompensatedNet> Run(std::optional<int> most) {
    layers_done_ = 0;
    options_.progress = [&, most](const std::string&, std::size_t, std::size_t) {
      if (most && std::cmp_equal(layers_done_, *most)) return false;
      ++layers_done_;
      return true;
    };
    return QuantizeCompensated(graph_, calibration_, source_, kChoiceSamples, options_);
  }

  const ir::Graph graph_ = testing::SmallNet();
  const Calibration calibration_ = *testing::CalibrateRandom(graph_, kChoiceSamples);
  const SampleSource source_ = [this](std::size_t i) -> Result<std::vector<float>> {
    return testing::RandomSample(graph_, i + first_sample_);
  };
  std::size_t first_sample_ = 0;
  CompensatedOptions options_;
  CompensatedNet whole_;
  std::size_t layers_done_ = 0;
};

TEST_F(SecondTermsWork, GoesOnWhereItWasCancelled) {
  const auto scratch = *ScratchDir::Create();
  options_.state_path = scratch.File("state");
  ASSERT_TRUE(Run({}).ok());
  const std::size_t all = layers_done_;
  for (std::size_t stop = 0; stop < all; ++stop) {
    options_.resume = false;
    ASSERT_EQ(Run(static_cast<int>(stop)).error().code, ErrorCode::kCancelled) << stop;
    options_.resume = true;
    const auto resumed = Run({});
    ASSERT_TRUE(resumed.ok()) << stop << ": " << resumed.error().ToString();
    EXPECT_EQ(resumed->net, whole_.net) << stop;
    // The finished roundings are not done again, the layers of the last one not anew.
    EXPECT_LE(layers_done_ + stop, all + 2) << stop;
    EXPECT_FALSE(FileExists(options_.state_path));
  }
}

TEST_F(SecondTermsWork, RefusesTheStateOfOtherSamples) {
  const auto scratch = *ScratchDir::Create();
  options_.state_path = scratch.File("state");
  ASSERT_FALSE(Run(8).ok());
  options_.resume = true;
  first_sample_ = 1;
  EXPECT_THAT(Run({}).error().ToString(), HasSubstr("other samples or other options"));
  EXPECT_TRUE(FileExists(options_.state_path));
}

TEST_F(SecondTermsWork, ThreadsDoNotChangeTheResult) {
  options_.threads = 3;
  EXPECT_EQ(Run({})->net, whole_.net);
}

}  // namespace
}  // namespace tf2::quantize
