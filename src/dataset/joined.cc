// The inputs of a network of several, each from a data set of its own.
#include <fmt/ranges.h>

#include "dataset/dataset.h"

namespace tf2::dataset {
namespace {

class JoinedDataset final : public Dataset {
 public:
  explicit JoinedDataset(std::vector<std::unique_ptr<Dataset>> sets) : sets_(std::move(sets)) {}

  std::int64_t size() const override { return sets_[0]->size(); }

  Result<Sample> Get(std::int64_t i) const override {
    Sample joined;
    std::vector<std::string> names;
    for (const auto& set : sets_) {
      TF2_ASSIGN_OR_RETURN(const Sample own, set->Get(i));
      joined.x.insert(joined.x.end(), own.x.begin(), own.x.end());
      if (!joined.label) joined.label = own.label;
      if (names.empty() || names.back() != own.name) names.push_back(own.name);
    }
    joined.name = fmt::format("{}", fmt::join(names, " + "));
    return joined;
  }

  std::string Description() const override {
    std::vector<std::string> all;
    for (const auto& set : sets_) {
      std::string one = set->Description();
      if (all.empty() || all.back() != one) all.push_back(std::move(one));
    }
    return fmt::format("{}", fmt::join(all, " and "));
  }

 private:
  const std::vector<std::unique_ptr<Dataset>> sets_;
};

}  // namespace

Result<std::unique_ptr<Dataset>> JoinDatasets(std::vector<std::unique_ptr<Dataset>> sets,
                                              const std::vector<std::string>& names) {
  TF2_CHECK(!sets.empty() && sets.size() == names.size());
  if (sets.size() == 1) return std::move(sets[0]);
  for (std::size_t i = 1; i < sets.size(); ++i) {
    if (sets[i]->size() == sets[0]->size()) continue;
    return WithHint(InvalidArgument("there are {} samples for the input \"{}\", {} for \"{}\"",
                                    sets[0]->size(), names[0], sets[i]->size(), names[i]),
                    "every input needs as many; --limit N takes the first N of each");
  }
  return std::unique_ptr<Dataset>(std::make_unique<JoinedDataset>(std::move(sets)));
}

}  // namespace tf2::dataset
