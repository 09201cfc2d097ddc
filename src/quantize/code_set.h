// The integer values that a weight can take, and the nearest of them. Internal to src/quantize.
#ifndef TF2_QUANTIZE_CODE_SET_H_
#define TF2_QUANTIZE_CODE_SET_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "qnet/qnet.h"

namespace tf2::quantize {

class CodeSet {
 public:
  // kSac with one or two terms, kMac with one.
  CodeSet(qnet::WeightKind kind, int terms);

  // The value nearest to x (of two equally near, the larger).
  int Nearest(float x) const {
    if (x >= kReach) return largest_;
    if (x <= -kReach) return -largest_;
    const int at = static_cast<int>(std::floor(2 * x)) + 2 * kReach;
    return nearest_[static_cast<std::size_t>(at)];
  }
  int largest() const { return largest_; }
  int terms() const { return terms_; }
  const std::vector<int>& values() const { return values_; }
  // A value as the sum of two one-term codes; {value, 0} where one holds it.
  std::pair<std::int8_t, std::int8_t> Split(int value) const;

 private:
  static constexpr int kReach = 130;
  int terms_;
  int largest_ = 0;
  std::vector<int> values_;  // ascending
  std::array<std::int16_t, 4 * kReach + 1> nearest_{};
};

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_CODE_SET_H_
