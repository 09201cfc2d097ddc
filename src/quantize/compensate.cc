#include "quantize/compensate.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "base/parallel.h"
#include "quantize/blas.h"

namespace tf2::quantize {
namespace {

// y[0..n) += a * x.
void Axpy(std::size_t n, float a, const float* x, float* y) {
  cblas_saxpy(static_cast<blasint>(n), a, x, 1, y, 1);
}

double Dot(std::size_t n, const float* x, const float* y) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += double{x[i]} * y[i];
  return sum;
}

// Codes of one row and its scale.
struct Solution {
  std::vector<float> codes;  // integers
  double scale = 0;
  double bias = 0;
  double error = 0;  // (w - scale * codes)^T H (w - scale * codes)
};

// The rows of one group: the same H for all.
class GroupSolver {
 public:
  // `gram` is damped already.
  static Result<GroupSolver> Make(std::size_t n, const double* gram, const CodeSet& codes,
                                  int sweeps) {
    GroupSolver s(n, codes, sweeps);
    s.h_.assign(gram, gram + n * n);
    s.order_.resize(n);
    std::iota(s.order_.begin(), s.order_.end(), std::size_t{0});
    std::ranges::stable_sort(
        s.order_, [&](std::size_t a, std::size_t b) { return gram[a * n + a] > gram[b * n + b]; });
    std::vector<double> permuted(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) permuted[i * n + j] = gram[s.order_[i] * n + s.order_[j]];
    }
    if (!InverseFactor(n, permuted)) return Internal("the inputs' covariance has no inverse");
    s.factor_.assign(permuted.begin(), permuted.end());
    return s;
  }

  // Row `w` from scale `start` on; the scale stays >= `least`.
  Solution Solve(std::span<const float> w, double start, double least) const {
    Solution s;
    s.scale = std::max(start, least);
    s.codes = RoundInOrder(w, s.scale);
    Descend(w, least, s);
    return s;
  }

  // The quadratic error of the nearest codes.
  double NearestError(std::span<const float> w, double scale) const {
    std::vector<float> error(n_);
    std::vector<float> product(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      const auto r = static_cast<float>(scale);
      error[i] = w[i] - r * static_cast<float>(codes_->Nearest(w[i] / r));
    }
    Product(error, product);
    return Dot(n_, error.data(), product.data());
  }

  // Coordinate descent from the codes and scale of `s`. hw = H w; hc = H codes. The best scale is
  // codes.hw / codes.hc.
  void Descend(std::span<const float> w, double least, Solution& s) const {
    std::vector<float> hw(n_);
    std::vector<float> hc(n_);
    Product({w.begin(), w.end()}, hw);
    Product(s.codes, hc);
    for (int sweep = 0; sweep < sweeps_; ++sweep) {
      Refit(hw, hc, least, s);
      const auto r = static_cast<float>(s.scale);
      bool changed = false;
      for (std::size_t i = 0; i < n_; ++i) {
        const float gradient = hw[i] - r * hc[i];
        const float best = s.codes[i] + gradient / (r * h_[i * n_ + i]);
        const auto code = static_cast<float>(codes_->Nearest(best));
        if (code == s.codes[i]) continue;
        Axpy(n_, code - s.codes[i], h_.data() + i * n_, hc.data());
        s.codes[i] = code;
        changed = true;
      }
      if (!changed) break;
    }
    Refit(hw, hc, least, s);
    const double wc = Dot(n_, s.codes.data(), hw.data());
    const double cc = Dot(n_, s.codes.data(), hc.data());
    s.error = Dot(n_, w.data(), hw.data()) - 2 * s.scale * wc + s.scale * s.scale * cc;
  }

 private:
  GroupSolver(std::size_t n, const CodeSet& codes, int sweeps)
      : n_(n), codes_(&codes), sweeps_(sweeps) {}

  std::vector<float> RoundInOrder(std::span<const float> w, double scale) const {
    std::vector<float> rest(n_);
    for (std::size_t i = 0; i < n_; ++i) rest[i] = w[order_[i]];
    std::vector<float> result(n_);
    const auto r = static_cast<float>(scale);
    for (std::size_t i = 0; i < n_; ++i) {
      const auto code = static_cast<float>(codes_->Nearest(rest[i] / r));
      result[order_[i]] = code;
      const float* row = factor_.data() + i * n_;
      const float error = (rest[i] - r * code) / row[i];
      if (error != 0) Axpy(n_ - i - 1, -error, row + i + 1, rest.data() + i + 1);
    }
    return result;
  }

  void Product(const std::vector<float>& v, std::vector<float>& out) const {
    std::ranges::fill(out, 0.0F);
    for (std::size_t i = 0; i < n_; ++i) {
      if (v[i] != 0) Axpy(n_, v[i], h_.data() + i * n_, out.data());
    }
  }

  void Refit(const std::vector<float>& hw, const std::vector<float>& hc, double least,
             Solution& s) const {
    const double wc = Dot(n_, s.codes.data(), hw.data());
    const double cc = Dot(n_, s.codes.data(), hc.data());
    if (wc > 0 && cc > 0) s.scale = std::max(wc / cc, least);
  }

  std::size_t n_;
  const CodeSet* codes_;
  int sweeps_;
  std::vector<float> h_;
  std::vector<float> factor_;  // of the inverse, in the order of rounding
  std::vector<std::size_t> order_;
};

// H with `ridge` of each variance added, and of the mean variance where that is larger.
std::vector<double> Damped(std::size_t n, const double* gram, double ridge) {
  std::vector<double> h(gram, gram + n * n);
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) mean += gram[i * n + i] / static_cast<double>(n);
  if (!(mean > 0)) mean = 1;
  for (std::size_t i = 0; i < n; ++i)
    h[i * n + i] += ridge * (std::max(gram[i * n + i], 0.0) + 0.01 * mean) + 1e-9 * mean;
  return h;
}

// Rows [oc][row] of the group whose weights reproduce y on the quantised network's inputs, close to
// `rows`, which they replace. `cross` [oc][row]: covariance of y and x.
Status Correct(const LayerStatistics& s, std::size_t g, double ridge, const double* cross,
               std::vector<double>& rows) {
  const std::size_t n = s.row;
  const std::size_t oc = s.oc / s.groups;
  const double* gram = s.gram.data() + g * n * n;
  std::vector<double> delta(cross, cross + oc * n);
  SubtractProduct(oc, n, rows.data(), gram, delta.data());
  std::vector<double> h = Damped(n, gram, ridge);
  if (!SolvePositive(n, oc, h, delta.data()))
    return Internal("the inputs' covariance is not positive definite");
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += delta[i];
  return {};
}

// Mean square and mean of the inputs of every row: for the first choice of scales.
void DescribeInputs(const LayerStatistics& s, LayerProblem& problem) {
  problem.mean = s.mean_x;
  problem.mean_square.resize(s.mean_x.size());
  for (std::size_t g = 0; g < s.groups; ++g) {
    for (std::size_t i = 0; i < s.row; ++i) {
      const std::size_t at = g * s.row + i;
      problem.mean_square[at] = s.gram[(g * s.row + i) * s.row + i] + s.mean_x[at] * s.mean_x[at];
    }
  }
}

// Sums over positions of the targets and their products with the inputs, and the error after the
// activation; of the rows of one group.
struct Targets {
  std::vector<double> mean;   // [oc]
  std::vector<double> cross;  // [oc][row], centred
  std::vector<double> error;  // [oc]
};

class Layer {
 public:
  Layer(const LayerProblem& problem, const LayerStatistics& statistics, const LayerSamples* samples,
        const OutputRange* range, int terms, const CompensateOptions& options)
      : problem_(problem),
        s_(statistics),
        samples_(samples),
        range_(range),
        codes_(problem.kind, terms),
        options_(options) {}

  Result<CompensatedLayer> Run() {
    result_.layer.terms.assign(static_cast<std::size_t>(codes_.terms()),
                               std::vector<std::int8_t>(problem_.folded.size(), 0));
    result_.layer.scale.assign(s_.oc, 1);
    result_.layer.bias.assign(s_.oc, 0);
    result_.error.assign(s_.oc, 0);
    DescribeInputs(s_, problem_);
    for (std::size_t g = 0; g < s_.groups; ++g) TF2_RETURN_IF_ERROR(RoundGroup(g));
    if (nearest_error_ > 0) result_.over_nearest = rounding_error_ / nearest_error_;
    return std::move(result_);
  }

 private:
  std::size_t oc() const { return s_.oc / s_.groups; }

  // With few positions for its many weights, a row trusts the float weights more.
  double Ridge() const { return options_.ridge + 0.5 * static_cast<double>(s_.row) / s_.positions; }

  std::vector<double> FoldedRows(std::size_t g) const {
    const auto first = problem_.folded.begin() + static_cast<std::ptrdiff_t>(g * oc() * s_.row);
    return {first, first + static_cast<std::ptrdiff_t>(oc() * s_.row)};
  }

  std::vector<float> RowOf(const std::vector<double>& rows, std::size_t o) const {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(o * s_.row);
    return {first, first + static_cast<std::ptrdiff_t>(s_.row)};
  }

  Status RoundGroup(std::size_t g) {
    std::vector<double> rows = FoldedRows(g);
    TF2_RETURN_IF_ERROR(Correct(s_, g, Ridge(), s_.cross.data() + g * oc() * s_.row, rows));
    const std::vector<double> scales = StartScales(g, rows);
    const auto damped = Damped(s_.row, s_.gram.data() + g * s_.row * s_.row, options_.damping);
    TF2_ASSIGN_OR_RETURN(const GroupSolver solver,
                         GroupSolver::Make(s_.row, damped.data(), codes_, options_.sweeps));
    std::vector<Solution> solutions(oc());
    TF2_RETURN_IF_ERROR(ForRows(
        [&](std::size_t o) { solutions[o] = FirstSolution(solver, g, o, rows, scales[o]); }));
    TF2_RETURN_IF_ERROR(CompareWithNearest(solver, g, solutions));
    if (samples_ != nullptr && range_ != nullptr && options_.effort.refinements > 0)
      TF2_RETURN_IF_ERROR(Refine(solver, g, solutions));
    return ForRows([&](std::size_t o) { Store(g * oc() + o, solutions[o]); });
  }

  Status ForRows(const std::function<void(std::size_t)>& fn) const {
    return ParallelForStatus(static_cast<std::int64_t>(oc()), s_.groups > 1 ? 1 : options_.threads,
                             [&](std::int64_t o) -> Status {
                               fn(static_cast<std::size_t>(o));
                               return {};
                             });
  }

  // Of nearest rounding.
  std::vector<double> StartScales(std::size_t g, const std::vector<double>& rows) const {
    LayerProblem one;
    one.name = problem_.name;
    one.kind = problem_.kind;
    one.oc = oc();
    one.row = s_.row;
    one.folded = rows;
    const auto o = static_cast<std::ptrdiff_t>(g * one.oc);
    one.bias.assign(s_.mean_y.begin() + o,
                    s_.mean_y.begin() + o + static_cast<std::ptrdiff_t>(one.oc));
    const auto i = static_cast<std::ptrdiff_t>(g * s_.row);
    const auto n = static_cast<std::ptrdiff_t>(s_.row);
    one.mean.assign(problem_.mean.begin() + i, problem_.mean.begin() + i + n);
    one.mean_square.assign(problem_.mean_square.begin() + i, problem_.mean_square.begin() + i + n);
    auto nearest = NearestRounder({.weight = ErrorWeight::kVariance, .correct_bias = false})(one);
    TF2_CHECK(nearest.ok(), "nearest rounding of {}", problem_.name);
    return nearest->scale;
  }

  double LeastScaleOf(std::size_t o) const {
    return 2 * LeastScale(std::fabs(s_.mean_y[o]) + std::fabs(problem_.bias[o]));
  }

  Solution FirstSolution(const GroupSolver& solver, std::size_t g, std::size_t o,
                         const std::vector<double>& rows, double start) const {
    const std::vector<float> w = RowOf(rows, o);
    Solution best;
    if (std::ranges::all_of(w, [](float v) { return v == 0; })) {
      best.codes.assign(s_.row, 0);
      best.scale = ScaleOfEmptyRow(s_.mean_y[g * oc() + o]);
    } else {
      for (int i = 0; i < options_.effort.scales; ++i) {
        Solution s =
            solver.Solve(w, start * std::exp2(StartExponent(i)), LeastScaleOf(g * oc() + o));
        if (i == 0 || s.error < best.error) best = std::move(s);
      }
    }
    best.bias = BiasFor(g, best, s_.mean_y[g * oc() + o]);
    return best;
  }

  // Scales in one octave around the first for powers of two, which repeat after it; close to it for
  // finer codes. Two-term codes reach twice as far.
  double StartExponent(int i) const {
    const double unit = problem_.kind == qnet::WeightKind::kMac ? 0.1 : 0.5;
    const double base = codes_.terms() == 2 ? -1.0 : 0.0;
    const int side = (i + 1) / 2 * (i % 2 == 1 ? -1 : 1);
    return base + unit * 2 * side / options_.effort.scales;
  }

  double BiasFor(std::size_t g, const Solution& s, double mean) const {
    double sum = 0;
    for (std::size_t i = 0; i < s_.row; ++i) sum += double{s.codes[i]} * s_.mean_x[g * s_.row + i];
    return mean - s.scale * sum;
  }

  Status CompareWithNearest(const GroupSolver& solver, std::size_t g,
                            const std::vector<Solution>& solutions) {
    const std::vector<double> rows = FoldedRows(g);
    const std::vector<double> scales = StartScales(g, rows);
    std::vector<double> errors(oc());
    TF2_RETURN_IF_ERROR(ForRows(
        [&](std::size_t o) { errors[o] = solver.NearestError(RowOf(rows, o), scales[o]); }));
    for (std::size_t o = 0; o < oc(); ++o) {
      nearest_error_ += errors[o];
      rounding_error_ += solutions[o].error;
    }
    return {};
  }

  Status Refine(const GroupSolver& solver, std::size_t g, std::vector<Solution>& solutions) const {
    std::vector<Solution> best = solutions;
    std::vector<double> least(oc(), 0);
    for (int round = 0; round <= options_.effort.refinements; ++round) {
      TF2_ASSIGN_OR_RETURN(const Targets targets, TargetsFor(g, solutions));
      for (std::size_t o = 0; o < oc(); ++o) {
        if (round > 0 && targets.error[o] >= least[o]) continue;
        least[o] = targets.error[o];
        best[o] = solutions[o];
      }
      if (round == options_.effort.refinements) break;
      std::vector<double> rows = FoldedRows(g);
      TF2_RETURN_IF_ERROR(Correct(s_, g, Ridge(), targets.cross.data(), rows));
      TF2_RETURN_IF_ERROR(ForRows([&](std::size_t o) {
        solver.Descend(RowOf(rows, o), LeastScaleOf(g * oc() + o), solutions[o]);
        solutions[o].bias = BiasFor(g, solutions[o], targets.mean[o]);
      }));
    }
    solutions = std::move(best);
    return {};
  }

  static constexpr std::size_t kBlock = 2048;  // positions of one product
  static constexpr std::size_t kWave = 4;      // blocks whose sums are added up in order

  Result<Targets> TargetsFor(std::size_t g, const std::vector<Solution>& solutions) const {
    const std::size_t n = samples_->positions;
    const std::size_t each = samples_->positions_per_picture;
    const std::size_t block = std::max<std::size_t>(kBlock / each, 1) * each;
    const std::size_t blocks = (n + block - 1) / block;
    const double f = 1 + samples_->picture_weight;
    std::vector<float> codes(oc() * s_.row);
    for (std::size_t o = 0; o < oc(); ++o)
      std::ranges::copy(solutions[o].codes,
                        codes.begin() + static_cast<std::ptrdiff_t>(o * s_.row));
    Targets total;
    total.mean.assign(oc(), 0);
    total.error.assign(oc(), 0);
    total.cross.assign(oc() * s_.row, 0);
    std::vector<double> sum_error(oc(), 0);
    std::vector<BlockSums> wave(kWave);
    for (std::size_t first = 0; first < blocks; first += kWave) {
      const std::size_t count = std::min(kWave, blocks - first);
      TF2_RETURN_IF_ERROR(ParallelForStatus(
          static_cast<std::int64_t>(count), options_.threads, [&](std::int64_t i) -> Status {
            const std::size_t begin = (first + static_cast<std::size_t>(i)) * block;
            Block(g, begin, std::min(block, n - begin), codes, solutions,
                  wave[static_cast<std::size_t>(i)]);
            return {};
          }));
      for (std::size_t b = 0; b < count; ++b) {
        for (std::size_t o = 0; o < oc(); ++o) {
          total.mean[o] += wave[b].mean[o];
          total.error[o] += wave[b].error[o];
        }
        for (std::size_t i = 0; i < total.cross.size(); ++i) total.cross[i] += wave[b].cross[i];
      }
    }
    const auto count = static_cast<double>(n);
    for (std::size_t o = 0; o < oc(); ++o) {
      total.mean[o] /= count;
      total.error[o] /= count;
      for (std::size_t i = 0; i < s_.row; ++i) {
        double& c = total.cross[o * s_.row + i];
        c = c / count - f * total.mean[o] * s_.mean_x[g * s_.row + i];
      }
    }
    return total;
  }

  struct BlockSums {
    std::vector<double> mean, error;
    std::vector<float> cross;
  };

  // The targets at positions [begin, begin + count).
  void Block(std::size_t g, std::size_t begin, std::size_t count, const std::vector<float>& codes,
             const std::vector<Solution>& solutions, BlockSums& sums) const {
    const std::size_t n = samples_->positions;
    const std::size_t each = samples_->positions_per_picture;
    const std::size_t pictures = count / each;
    const std::size_t pitch = count + pictures;  // each picture's mean at the end
    const auto factor =
        static_cast<float>(std::sqrt(samples_->picture_weight / static_cast<double>(each)));
    std::vector<float> x(s_.row * pitch, 0.0F);
    for (std::size_t i = 0; i < s_.row; ++i) {
      const std::int8_t* from = samples_->x.data() + (g * s_.row + i) * n + begin;
      for (std::size_t j = 0; j < count; ++j) x[i * pitch + j] = from[j];
    }
    std::vector<float> t(oc() * pitch);
    MatMul(oc(), pitch, s_.row, codes.data(), x.data(), t.data());
    sums.mean.assign(oc(), 0);
    sums.error.assign(oc(), 0);
    sums.cross.resize(oc() * s_.row);
    for (std::size_t o = 0; o < oc(); ++o) {
      const std::size_t channel = g * oc() + o;
      const float* y = samples_->y.data() + channel * n + begin;
      const float* residual =
          samples_->residual.empty() ? nullptr : samples_->residual.data() + channel * n + begin;
      const auto scale = static_cast<float>(solutions[o].scale);
      const auto bias = static_cast<float>(solutions[o].bias);
      float picture_error = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const float known = residual != nullptr ? residual[j] : 0.0F;
        const float low = range_->low[channel] - known;
        const float high = range_->high[channel] - known;
        float& v = t[o * pitch + j];
        const float made = scale * v + bias;
        const float error = std::clamp(made, low, high) - std::clamp(y[j], low, high);
        sums.error[o] += error * error;
        picture_error += factor * error;
        if ((j + 1) % each == 0) {
          sums.error[o] += picture_error * picture_error;
          picture_error = 0;
        }
        v = y[j] <= low ? std::min(made, low) : y[j] >= high ? std::max(made, high) : y[j];
        sums.mean[o] += v;
      }
    }
    AddMeans(s_.row, pictures, each, factor, x);
    AddMeans(oc(), pictures, each, factor, t);
    MatMulTransposed(oc(), s_.row, pitch, t.data(), pitch, x.data(), pitch, sums.cross.data());
  }

  void Store(std::size_t o, const Solution& s) {
    for (std::size_t i = 0; i < s_.row; ++i) {
      const auto [a, b] = codes_.Split(static_cast<int>(s.codes[i]));
      result_.layer.terms[0][o * s_.row + i] = a;
      if (codes_.terms() == 2) result_.layer.terms[1][o * s_.row + i] = b;
    }
    result_.layer.scale[o] = s.scale;
    result_.layer.bias[o] = s.bias;
    result_.error[o] = ErrorOf(o, o / oc(), s);
  }

  // E[(y - bias - scale * codes . x)^2] but for the mean.
  double ErrorOf(std::size_t o, std::size_t g, const Solution& s) const {
    const double* gram = s_.gram.data() + g * s_.row * s_.row;
    double error = s_.variance_y[o];
    for (std::size_t i = 0; i < s_.row; ++i) {
      if (s.codes[i] == 0) continue;
      double sum = 0;
      for (std::size_t j = 0; j < s_.row; ++j) sum += gram[i * s_.row + j] * s.codes[j];
      const double code = s.scale * s.codes[i];
      error += code * (s.scale * sum - 2 * s_.cross[o * s_.row + i]);
    }
    return std::max(error, 0.0);
  }

  LayerProblem problem_;
  const LayerStatistics& s_;
  const LayerSamples* const samples_;
  const OutputRange* const range_;
  const CodeSet codes_;
  const CompensateOptions options_;
  CompensatedLayer result_;
  double nearest_error_ = 0;
  double rounding_error_ = 0;
};

}  // namespace

Result<CompensatedLayer> Compensate(const LayerProblem& problem, const LayerStatistics& statistics,
                                    const LayerSamples* samples, const OutputRange* range,
                                    int terms, const CompensateOptions& options) {
  return Layer(problem, statistics, samples, range, terms, options).Run();
}

}  // namespace tf2::quantize
