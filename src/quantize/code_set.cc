#include "quantize/code_set.h"

#include <algorithm>
#include <set>

#include "base/result.h"
#include "numerics/numerics.h"

namespace tf2::quantize {
namespace {

std::vector<int> SacValues() {
  std::vector<int> values = {0};
  for (int k = 0; k <= numerics::kMaxCodeExponent; ++k) {
    values.push_back(1 << k);
    values.push_back(-(1 << k));
  }
  return values;
}

}  // namespace

CodeSet::CodeSet(qnet::WeightKind kind, int terms) : terms_(terms) {
  std::set<int> values;
  switch (kind) {
    case qnet::WeightKind::kMac:
      for (int v = -127; v <= 127; ++v) values.insert(v);
      break;
    case qnet::WeightKind::kSac:
      for (const int a : SacValues()) {
        values.insert(a);
        if (terms != 2) continue;
        for (const int b : SacValues()) values.insert(a + b);
      }
      break;
  }
  values_.assign(values.begin(), values.end());
  largest_ = values_.back();
  // Every border between two neighbours is a multiple of 1/2.
  for (std::size_t i = 0; i < nearest_.size(); ++i) {
    const double x = static_cast<double>(i) / 2 - kReach + 0.25;
    nearest_[i] = static_cast<std::int16_t>(
        *std::ranges::min_element(values_, {}, [x](int v) { return std::fabs(v - x); }));
  }
}

std::pair<std::int8_t, std::int8_t> CodeSet::Split(int value) const {
  if (terms_ != 2 || numerics::SacNibble(value)) return {static_cast<std::int8_t>(value), 0};
  for (const int a : SacValues()) {
    if (numerics::SacNibble(value - a))
      return {static_cast<std::int8_t>(a), static_cast<std::int8_t>(value - a)};
  }
  TF2_CHECK(false, "{} is not the sum of two codes", value);
}

}  // namespace tf2::quantize
