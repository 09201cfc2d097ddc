#include "quantize/layer_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "base/rng.h"
#include "quantize/blas.h"

namespace tf2::quantize {
namespace {

// Positions that one step of a thread takes, whole pictures at a time.
constexpr std::size_t kStepPositions = 2048;
// Steps whose sums are added up in their order: bounds the memory, and the result does not depend
// on the threads.
constexpr std::size_t kWave = 4;

// Sums of one step, or of all.
template <typename T>
struct Sums {
  std::vector<T> x, y, yy, gram, cross;

  void Clear(std::size_t groups, std::size_t row, std::size_t oc) {
    x.assign(groups * row, 0);
    y.assign(oc, 0);
    yy.assign(oc, 0);
    gram.assign(groups * row * row, 0);
    cross.assign(oc * row, 0);
  }
  template <typename U>
  void Add(const Sums<U>& other) {
    const auto add = [](std::vector<T>& to, const std::vector<U>& from) {
      for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
    };
    add(x, other.x);
    add(y, other.y);
    add(yy, other.yy);
    add(gram, other.gram);
    add(cross, other.cross);
  }
};

class Collector {
 public:
  Collector(const Draft& draft, std::size_t op, const LayerInputs& inputs,
            const StatisticsOptions& options, LayerSamples* samples)
      : draft_(draft),
        op_(draft.net.ops[op]),
        weights_(draft.weights[op]),
        inputs_(inputs),
        options_(options),
        samples_(samples),
        shape_(ColumnShapeOf(draft.net, op_)),
        groups_(static_cast<std::size_t>(shape_.groups)),
        row_(shape_.taps()),
        oc_(static_cast<std::size_t>(draft.net.tensor(op_.output).c())) {}

  Result<LayerStatistics> Run() {
    const std::size_t each = std::min(shape_.positions(), options_.positions_per_picture);
    const std::size_t pictures_a_step = std::max<std::size_t>(kStepPositions / each, 1);
    const std::size_t steps = (options_.pictures + pictures_a_step - 1) / pictures_a_step;
    shift_ = MeansOfFirstPicture(each);
    if (samples_ != nullptr) {
      samples_->positions = options_.pictures * each;
      samples_->positions_per_picture = each;
      samples_->picture_weight = options_.picture_weight;
      samples_->x.resize(groups_ * row_ * samples_->positions);
      samples_->y.resize(oc_ * samples_->positions);
      if (inputs_.real_residual != nullptr) samples_->residual.resize(samples_->y.size());
    }
    Sums<double> total;
    total.Clear(groups_, row_, oc_);
    std::vector<Sums<float>> wave(kWave);
    for (std::size_t first = 0; first < steps; first += kWave) {
      const std::size_t count = std::min(kWave, steps - first);
      TF2_RETURN_IF_ERROR(ParallelForStatus(
          static_cast<std::int64_t>(count), options_.threads, [&](std::int64_t i) -> Status {
            const std::size_t begin = (first + static_cast<std::size_t>(i)) * pictures_a_step;
            const std::size_t end = std::min(begin + pictures_a_step, options_.pictures);
            Step(begin, end, each, wave[static_cast<std::size_t>(i)]);
            return {};
          }));
      for (std::size_t i = 0; i < count; ++i) total.Add(wave[i]);
    }
    return Finish(std::move(total), static_cast<double>(options_.pictures * each));
  }

 private:
  // Output positions of a picture, in order.
  std::vector<std::int32_t> PositionsOf(std::size_t picture, std::size_t each) const {
    std::vector<std::int32_t> all(shape_.positions());
    std::iota(all.begin(), all.end(), 0);
    if (each == all.size()) return all;
    Rng rng = Rng(options_.seed).Fork(picture);
    for (std::size_t i = 0; i < each; ++i) std::swap(all[i], all[i + rng.Below(all.size() - i)]);
    all.resize(each);
    std::ranges::sort(all);
    return all;
  }

  // A constant that is subtracted from x, so that single precision holds the sums of squares.
  std::vector<float> MeansOfFirstPicture(std::size_t each) const {
    const auto positions = PositionsOf(0, each);
    std::vector<float> columns(row_ * each);
    std::vector<float> means;
    for (std::size_t g = 0; g < groups_; ++g) {
      GatherAt(shape_, inputs_.quantised->Int8(0), static_cast<std::int32_t>(g), positions,
               columns.data());
      for (std::size_t i = 0; i < row_; ++i) {
        const float sum =
            std::accumulate(columns.begin() + static_cast<std::ptrdiff_t>(i * each),
                            columns.begin() + static_cast<std::ptrdiff_t>((i + 1) * each), 0.0F);
        means.push_back(std::round(sum / static_cast<float>(each)));
      }
    }
    return means;
  }

  void Step(std::size_t begin, std::size_t end, std::size_t each, Sums<float>& sums) const {
    sums.Clear(groups_, row_, oc_);
    const std::size_t oc = oc_ / groups_;
    const std::size_t positions_here = (end - begin) * each;
    const std::size_t n = positions_here + (end - begin);  // each picture's mean at the end
    const auto mean_factor =
        static_cast<float>(std::sqrt(options_.picture_weight / static_cast<double>(each)));
    std::vector<float> one(row_ * each);
    std::vector<float> x(row_ * n);
    std::vector<float> real(row_ * each);
    std::vector<float> y(oc * n);
    std::vector<float> product(oc * each);
    std::vector<std::vector<std::int32_t>> positions;
    for (std::size_t p = begin; p < end; ++p) positions.push_back(PositionsOf(p, each));
    for (std::size_t g = 0; g < groups_; ++g) {
      for (std::size_t p = begin; p < end; ++p) {
        const auto& at = positions[p - begin];
        const std::size_t column = (p - begin) * each;
        GatherAt(shape_, inputs_.quantised->Int8(p), static_cast<std::int32_t>(g), at, one.data());
        KeepInputs(g, p * each, each, one);
        for (std::size_t i = 0; i < row_; ++i) {
          const float shift = shift_[g * row_ + i];
          for (std::size_t j = 0; j < each; ++j) x[i * n + column + j] = one[i * each + j] - shift;
        }
        GatherAt(shape_, inputs_.real->Floats(p), static_cast<std::int32_t>(g), at, real.data());
        MatMul(oc, each, row_, weights_.w.data() + g * oc * row_, real.data(), product.data());
        for (std::size_t o = 0; o < oc; ++o) {
          std::copy_n(product.data() + o * each, each, y.data() + o * n + column);
          AddResidual(p, g * oc + o, at, y.data() + o * n + column);
          if (samples_ != nullptr) {
            std::copy_n(y.data() + o * n + column, each,
                        samples_->y.data() + (g * oc + o) * samples_->positions + p * each);
          }
        }
      }
      SumOver(g * row_, row_, positions_here, n, x, sums.x);
      SumOver(g * oc, oc, positions_here, n, y, sums.y);
      AddMeans(row_, end - begin, each, mean_factor, x);
      AddMeans(oc, end - begin, each, mean_factor, y);
      AddUp(g, oc, n, x, y, sums);
    }
  }

  static void SumOver(std::size_t first, std::size_t rows, std::size_t count, std::size_t pitch,
                      const std::vector<float>& m, std::vector<float>& sums) {
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < count; ++j) sums[first + i] += m[i * pitch + j];
    }
  }

  void KeepInputs(std::size_t g, std::size_t first, std::size_t each,
                  const std::vector<float>& columns) const {
    if (samples_ == nullptr) return;
    for (std::size_t i = 0; i < row_; ++i) {
      std::int8_t* to = samples_->x.data() + (g * row_ + i) * samples_->positions + first;
      for (std::size_t j = 0; j < each; ++j)
        to[j] = static_cast<std::int8_t>(columns[i * each + j]);
    }
  }

  // Bias, and what the residual of the float network is more than the quantised one.
  void AddResidual(std::size_t picture, std::size_t o, const std::vector<std::int32_t>& at,
                   float* y) const {
    for (std::size_t j = 0; j < at.size(); ++j) y[j] += weights_.bias[o];
    if (inputs_.real_residual == nullptr) return;
    const std::size_t plane = o * shape_.positions();
    const float* real = inputs_.real_residual->Floats(picture) + plane;
    const std::int8_t* quantised = inputs_.quantised_residual->Int8(picture) + plane;
    const float unit = std::ldexp(1.0F, -draft_.net.tensor(op_.inputs[1]).q[o]);
    for (std::size_t j = 0; j < at.size(); ++j) {
      const auto i = static_cast<std::size_t>(at[j]);
      const float known = unit * static_cast<float>(quantised[i]);
      y[j] += real[i] - known;
      if (samples_ != nullptr)
        samples_->residual[o * samples_->positions + picture * at.size() + j] = known;
    }
  }

  void AddUp(std::size_t g, std::size_t oc, std::size_t n, const std::vector<float>& x,
             const std::vector<float>& y, Sums<float>& sums) const {
    Gram(row_, n, x.data(), n, sums.gram.data() + g * row_ * row_);
    MatMulTransposed(oc, row_, n, y.data(), n, x.data(), n, sums.cross.data() + g * oc * row_);
    for (std::size_t o = 0; o < oc; ++o) {
      for (std::size_t j = 0; j < n; ++j) sums.yy[g * oc + o] += y[o * n + j] * y[o * n + j];
    }
  }

  LayerStatistics Finish(Sums<double> total, double n) const {
    LayerStatistics s;
    s.groups = groups_;
    s.oc = oc_;
    s.row = row_;
    s.positions = n;
    const double f = 1 + options_.picture_weight;  // what the product of means occurs with
    for (double& v : total.x) v /= n;
    for (std::size_t o = 0; o < oc_; ++o) {
      s.mean_y.push_back(total.y[o] / n);
      s.variance_y.push_back(total.yy[o] / n - f * s.mean_y[o] * s.mean_y[o]);
    }
    s.gram = std::move(total.gram);
    for (std::size_t g = 0; g < groups_; ++g) {
      const double* mean = total.x.data() + g * row_;
      double* gram = s.gram.data() + g * row_ * row_;
      for (std::size_t i = 0; i < row_; ++i) {
        for (std::size_t j = i; j < row_; ++j) {
          gram[i * row_ + j] = gram[i * row_ + j] / n - f * mean[i] * mean[j];
          gram[j * row_ + i] = gram[i * row_ + j];
        }
      }
    }
    s.cross = std::move(total.cross);
    for (std::size_t o = 0; o < oc_; ++o) {
      const double* mean = total.x.data() + o * groups_ / oc_ * row_;
      for (std::size_t i = 0; i < row_; ++i)
        s.cross[o * row_ + i] = s.cross[o * row_ + i] / n - f * s.mean_y[o] * mean[i];
    }
    s.mean_x = std::move(total.x);
    for (std::size_t i = 0; i < s.mean_x.size(); ++i) s.mean_x[i] += shift_[i];
    return s;
  }

  const Draft& draft_;
  const qnet::Op& op_;
  const FloatWeights& weights_;
  const LayerInputs& inputs_;
  const StatisticsOptions& options_;
  LayerSamples* const samples_;
  const ColumnShape shape_;
  const std::size_t groups_;
  const std::size_t row_;
  const std::size_t oc_;  // of all groups
  std::vector<float> shift_;
};

}  // namespace

void AddMeans(std::size_t rows, std::size_t pictures, std::size_t each, float factor,
              std::vector<float>& m) {
  const std::size_t pitch = pictures * (each + 1);
  for (std::size_t i = 0; i < rows; ++i) {
    float* row = m.data() + i * pitch;
    for (std::size_t p = 0; p < pictures; ++p) {
      float sum = 0;
      for (std::size_t j = 0; j < each; ++j) sum += row[p * each + j];
      row[pictures * each + p] = factor * sum;
    }
  }
}

Result<LayerStatistics> CollectStatistics(const Draft& draft, std::size_t op,
                                          const LayerInputs& inputs,
                                          const StatisticsOptions& options, LayerSamples* samples) {
  return Collector(draft, op, inputs, options, samples).Run();
}

}  // namespace tf2::quantize
