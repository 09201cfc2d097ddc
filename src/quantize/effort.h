// What is spent on the rounding of a layer, and how much of it fits into a given time.
#ifndef TF2_QUANTIZE_EFFORT_H_
#define TF2_QUANTIZE_EFFORT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tf2::quantize {

// Of one layer. compensate.h has the steps.
struct Effort {
  int scales = 4;       // to start from
  int refinements = 6;  // past the activation, at most
  // Output positions of all samples that the statistics are taken from: at least these, and more
  // where a row has many weights.
  std::size_t positions = std::size_t{1} << 16;
  std::size_t positions_per_weight = 32;

  friend bool operator==(const Effort&, const Effort&) = default;
};

inline constexpr Effort kQuickEffort{.scales = 2, .refinements = 0, .positions = 1 << 15};
inline constexpr Effort kNormalEffort{};
inline constexpr Effort kThoroughEffort{.scales = 8, .refinements = 20, .positions = 1 << 18};

// An operator, as far as it takes time: a convolution is rounded, all are run.
struct LayerSize {
  std::size_t groups = 1;
  std::size_t oc = 0;   // of all groups
  std::size_t row = 0;  // weights of an output channel
  bool residual = false;
  std::size_t samples = 0;
  std::size_t positions_per_sample = 0;
  // That running it on one sample in one network is worth: multiply-accumulates of a convolution,
  // or as many as take as long.
  double operations = 0;
  int roundings = 1;  // of its weights; 0: they stay as they are, or it has none
};

// Positions that statistics are taken from; of each sample, at least 1.
std::size_t PositionsPerSample(const LayerSize& layer, const Effort& effort);

// How fast the machine is: at first a guess for so many threads of about 2023, then what was
// measured, of which the latest counts most.
class Speed {
 public:
  Speed(double operations_a_second, int threads);

  void Add(double operations, double seconds);
  double Seconds(double operations) const { return operations * seconds_ / operations_; }
  // Seconds that were measured.
  double measured() const { return measured_; }

 private:
  double operations_, seconds_ = 1;
  double measured_ = 0;
};

// Of rounding layers, and of running operators.
struct Speeds {
  Speed rounding, running;

  explicit Speeds(int threads);
};

// The efforts of the layers among operators in order, so that all are rounded within a time.
class Pace {
 public:
  // No layer gets more than `most`. Places are those of `layers`. `speeds` outlives this.
  Pace(std::vector<LayerSize> layers, const Effort& most, Speeds& speeds);

  const LayerSize& layer(std::size_t i) const { return layers_[i]; }

  // The greatest effort with which layer `next` and all behind it are expected to be done in
  // `seconds`; the least that there is where none is. A layer that would take much of them gets
  // less as long as little was measured.
  Effort For(std::size_t next, double seconds) const;

  // How long it took to round a layer; for the quantised network to run an operator on all samples;
  // and for the float network to run all operators before `end` that it has not run before.
  void Rounded(std::size_t layer, const Effort& effort, double seconds);
  void Ran(std::size_t layer, double seconds);
  void RanFloat(std::size_t end, double seconds);

 private:
  double Running(std::size_t begin, std::size_t end) const;

  std::vector<LayerSize> layers_;
  std::vector<Effort> efforts_;  // rising
  Speeds& speeds_;
  std::size_t float_end_ = 0;
};

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_EFFORT_H_
