#include "quantize/second_terms.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

namespace tf2::quantize {
namespace {

// Sets of layers, each the last layer and the rest of the set.
struct Set {
  std::size_t last = 0;
  std::ptrdiff_t rest = -1;  // index of a set; -1: empty
};

// The best known set of about one size.
struct Best {
  std::int64_t macs = 0;
  double gain = -1;  // none
  std::ptrdiff_t set = -1;
};

constexpr std::int64_t kSizes = 1 << 14;

}  // namespace

std::vector<std::string> ChooseTwoTermLayers(std::vector<Candidate> candidates,
                                             std::int64_t total_macs, double max_passes) {
  std::erase_if(candidates, [](const Candidate& c) { return c.gain <= 0; });
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.gain * static_cast<double>(b.macs) > b.gain * static_cast<double>(a.macs);
  });
  const auto budget =
      static_cast<std::int64_t>((max_passes - 1) * static_cast<double>(total_macs) * (1 + 1e-9));
  const std::int64_t unit = total_macs / kSizes + 1;
  std::vector<Set> sets;
  std::vector<Best> best(static_cast<std::size_t>(budget / unit + 1));
  best[0].gain = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (std::size_t size = best.size(); size-- > 0;) {
      if (best[size].gain < 0) continue;
      Best with = best[size];
      with.macs += candidates[i].macs;
      with.gain += candidates[i].gain;
      if (with.macs > budget) continue;
      Best& there = best[static_cast<std::size_t>(with.macs / unit)];
      if (with.gain <= there.gain) continue;
      with.set = std::ssize(sets);
      sets.push_back({i, best[size].set});
      there = with;
    }
  }
  const auto chosen = std::ranges::max_element(best, {}, &Best::gain);
  std::vector<std::string> names;
  for (std::ptrdiff_t s = chosen->set; s >= 0; s = sets[static_cast<std::size_t>(s)].rest)
    names.push_back(candidates[sets[static_cast<std::size_t>(s)].last].name);
  std::ranges::reverse(names);
  return names;
}

std::vector<std::vector<std::string>> CandidateSets(const std::vector<Candidate>& candidates,
                                                    std::int64_t total_macs, double max_passes) {
  std::vector<std::vector<std::string>> sets;
  std::set<std::set<std::string>> known;
  for (const double left : {1.0, 0.5, 0.25, 0.125}) {
    std::vector<Candidate> discounted = candidates;
    for (Candidate& c : discounted) {
      if (c.followed) c.gain *= left;
    }
    auto set = ChooseTwoTermLayers(std::move(discounted), total_macs, max_passes);
    if (known.insert({set.begin(), set.end()}).second) sets.push_back(std::move(set));
  }
  return sets;
}

SampleSplit SplitSamples(std::size_t count) {
  SampleSplit split;
  for (std::size_t i = 0; i < count; ++i) {
    const bool measured = i / 2 % 2 == 1;
    if (measured || count < 4) split.measured.push_back(i);
    if (!measured || count < 4) split.rounded.push_back(i);
  }
  return split;
}

namespace {

// The samples of `source` whose numbers are in `indices`, which outlives the result.
SampleSource Only(const SampleSource& source, const std::vector<std::size_t>& indices) {
  return [&source, &indices](std::size_t i) { return source(indices[i]); };
}

// `most` of the numbers, evenly spread.
std::vector<std::size_t> Spread(const std::vector<std::size_t>& numbers, std::size_t most) {
  const std::size_t n = std::min(most, numbers.size());
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < n; ++i) some.push_back(numbers[i * numbers.size() / n]);
  return some;
}

// By tensor: whether a layer reads it, or what is made of it.
std::vector<bool> ReadByLayers(const qnet::QNet& net) {
  std::vector<bool> read(net.tensors.size(), false);
  for (std::size_t i = net.ops.size(); i-- > 0;) {
    const qnet::Op& op = net.ops[i];
    const bool reads =
        std::holds_alternative<qnet::Conv>(op.params) || read[qnet::Index(op.output)];
    for (const qnet::TensorId id : op.inputs) {
      if (reads) read[qnet::Index(id)] = true;
    }
  }
  return read;
}

class Chooser {
 public:
  Chooser(const ir::Graph& graph, const qnet::QNet& net, const SampleSource& source,
          std::size_t count, const ChoiceOptions& options, std::uint64_t key, QuantizeState& state,
          const RoundTrial& round)
      : graph_(graph),
        net_(net),
        options_(options),
        key_(key),
        state_(state),
        round_(round),
        split_(SplitSamples(count)),
        gain_samples_(Spread(split_.measured, options.gain_samples)),
        rounded_(Only(source, split_.rounded)),
        measured_(Only(source, split_.measured)),
        for_gains_(Only(source, gain_samples_)) {}

  Result<std::vector<std::string>> Run() {
    if (auto names = state_.Names(key_)) return *std::move(names);
    TF2_ASSIGN_OR_RETURN(const std::vector<Candidate> candidates, Candidates());
    std::int64_t macs = 0;
    for (const Candidate& candidate : candidates) macs += candidate.macs;
    auto sets = CandidateSets(candidates, macs, options_.max_passes);
    std::size_t best = 0;
    if (sets.size() > 1) {
      TF2_ASSIGN_OR_RETURN(
          const auto expected,
          FirstOutputs(graph_, measured_, split_.measured.size(), options_.threads));
      std::vector<double> errors;
      for (const auto& set : sets) {
        TF2_ASSIGN_OR_RETURN(errors.emplace_back(), ErrorOf(set, expected));
      }
      best = static_cast<std::size_t>(std::ranges::min_element(errors) - errors.begin());
    }
    state_.PutNames(key_, sets[best]);
    return std::move(sets[best]);
  }

 private:
  Result<std::vector<Alternative>> Round(const SecondTerms& second) const {
    return round_(second, rounded_, split_.rounded.size());
  }

  // Every layer, with the gain of its second term, or none where it has no such form.
  Result<std::vector<Candidate>> Candidates() const {
    const std::vector<bool> read = ReadByLayers(net_);
    TF2_ASSIGN_OR_RETURN(const std::vector<double> gains, Gains());
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < net_.ops.size(); ++i) {
      const qnet::Op& op = net_.ops[i];
      if (!std::holds_alternative<qnet::Conv>(op.params)) continue;
      candidates.push_back(
          {op.name, qnet::MacsOf(net_, op), gains[i], read[qnet::Index(op.output)]});
    }
    return candidates;
  }

  // By operator.
  Result<std::vector<double>> Gains() const {
    if (auto known = state_.Numbers(key_, "gains")) return *std::move(known);
    TF2_ASSIGN_OR_RETURN(const auto alternatives, Round({.everywhere = true, .layers = {}}));
    TF2_ASSIGN_OR_RETURN(const std::vector<double> errors,
                         MeasureAlternatives(net_, alternatives, for_gains_, gain_samples_.size(),
                                             options_.threads));
    std::vector<double> gains(net_.ops.size(), 0);
    for (std::size_t i = 0; i < errors.size(); ++i) gains[alternatives[i].place] = errors[i];
    state_.PutNumbers(key_, "gains", gains);
    return gains;
  }

  // How far the network with second terms of `layers` is from the float one, which yields
  // `expected`.
  Result<double> ErrorOf(const std::vector<std::string>& layers,
                         const std::vector<std::vector<float>>& expected) const {
    const std::string of = fmt::format("error with {}", fmt::join(layers, "\n"));
    if (const auto known = state_.Numbers(key_, of)) return known->at(0);
    TF2_RETURN_IF_ERROR(Round({.everywhere = false, .layers = layers}));
    TF2_ASSIGN_OR_RETURN(const double error,
                         MeasureNet(net_, expected, measured_, options_.threads));
    state_.PutNumbers(key_, of, {error});
    return error;
  }

  const ir::Graph& graph_;
  const qnet::QNet& net_;
  const ChoiceOptions options_;
  const std::uint64_t key_;
  QuantizeState& state_;
  const RoundTrial& round_;
  const SampleSplit split_;
  const std::vector<std::size_t> gain_samples_;
  const SampleSource rounded_, measured_, for_gains_;
};

}  // namespace

Result<std::vector<std::string>> ChooseSecondTerms(const ir::Graph& graph, const qnet::QNet& net,
                                                   const SampleSource& source, std::size_t count,
                                                   const ChoiceOptions& options, std::uint64_t key,
                                                   QuantizeState& state, const RoundTrial& round) {
  return Chooser(graph, net, source, count, options, key, state, round).Run();
}

}  // namespace tf2::quantize
