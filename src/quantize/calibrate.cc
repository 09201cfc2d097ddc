#include "quantize/calibrate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "floatexec/executor.h"

namespace tf2::quantize {
namespace {

// Sums over one sample, per channel.
struct SampleSums {
  std::vector<float> abs_max;
  std::vector<double> sum;
  std::vector<double> sum_squares;
};
using SampleStats = std::vector<SampleSums>;             // by ValueId
using Histograms = std::vector<std::vector<Histogram>>;  // by ValueId, channel

// Values whose Q is chosen from their own distribution: not those that pass another's on.
std::vector<bool> WantHistogram(const ir::Graph& graph) {
  std::vector<bool> want(graph.values.size(), false);
  for (const ir::ValueId id : graph.inputs) want[ir::Index(id)] = true;
  for (const ir::Node& node : graph.nodes) {
    switch (node.kind) {
      case ir::OpKind::kMaxPool:
      case ir::OpKind::kGlobalMaxPool:
      case ir::OpKind::kConcat:
      case ir::OpKind::kFlatten:
      case ir::OpKind::kReshape:
      case ir::OpKind::kIdentity:
      case ir::OpKind::kUnsqueeze:
      case ir::OpKind::kSqueeze:
      case ir::OpKind::kSoftmax:
      case ir::OpKind::kShape:
      case ir::OpKind::kGather:
      case ir::OpKind::kSlice:
      case ir::OpKind::kCast:
        break;
      case ir::OpKind::kConv:
      case ir::OpKind::kGemm:
      case ir::OpKind::kMatMul:
      case ir::OpKind::kBatchNorm:
      case ir::OpKind::kScale:
      case ir::OpKind::kRelu:
      case ir::OpKind::kAdd:
      case ir::OpKind::kSub:
      case ir::OpKind::kMul:
      case ir::OpKind::kDiv:
      case ir::OpKind::kAvgPool:
      case ir::OpKind::kGlobalAvgPool:
      case ir::OpKind::kPad:
      case ir::OpKind::kConv3d:
      case ir::OpKind::kConvTranspose:
      case ir::OpKind::kConvTranspose3d:
      case ir::OpKind::kEinsum:
      case ir::OpKind::kUnary:
      case ir::OpKind::kClip:
      case ir::OpKind::kPrelu:
      case ir::OpKind::kBinary:
      case ir::OpKind::kWhere:
      case ir::OpKind::kQuantizeLinear:
      case ir::OpKind::kDequantizeLinear:
      case ir::OpKind::kMultiThreshold:
      case ir::OpKind::kMaxPoolIndices:
      case ir::OpKind::kMaxPool3d:
      case ir::OpKind::kAvgPool3d:
      case ir::OpKind::kLrn:
      case ir::OpKind::kGroupNorm:
      case ir::OpKind::kLayerNorm:
      case ir::OpKind::kMvn:
      case ir::OpKind::kL2Normalize:
      case ir::OpKind::kReduce:
      case ir::OpKind::kArgMax:
      case ir::OpKind::kArgMin:
      case ir::OpKind::kTopK:
      case ir::OpKind::kCumSum:
      case ir::OpKind::kTranspose:
      case ir::OpKind::kExpand:
      case ir::OpKind::kTile:
      case ir::OpKind::kResize:
      case ir::OpKind::kDepthToSpace:
      case ir::OpKind::kSpaceToDepth:
      case ir::OpKind::kTrilu:
      case ir::OpKind::kOneHot:
      case ir::OpKind::kGatherElements:
      case ir::OpKind::kGatherNd:
      case ir::OpKind::kScatterElements:
      case ir::OpKind::kScatterNd:
      case ir::OpKind::kReverseSequence:
      case ir::OpKind::kGridSample:
      case ir::OpKind::kRoiAlign:
      case ir::OpKind::kDetectionOutput:
      case ir::OpKind::kRoiPool:
      case ir::OpKind::kProposal:
      case ir::OpKind::kLogSoftmax:
      case ir::OpKind::kHardmax:
        want[ir::Index(node.outputs[0])] = true;
        break;
    }
  }
  return want;
}

// Channels of a value [1, c, ...]; 0 for what is not a feature map.
std::size_t ChannelsOf(const ir::Value& value) {
  if (value.dtype != ir::DType::kFloat32 || value.shape.size() < 2) return 0;
  return static_cast<std::size_t>(value.shape[1]);
}

Status Measure(const ir::Value& value, const ir::Tensor& tensor, SampleSums& sums,
               std::vector<Histogram>* histograms) {
  const std::size_t channels = ChannelsOf(value);
  if (channels == 0) return {};
  const std::size_t plane = tensor.f32.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    const float* x = tensor.f32.data() + c * plane;
    float largest = 0;
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 0; i < plane; ++i) {
      largest = std::max(largest, std::fabs(x[i]));
      sum += x[i];
      squares += double{x[i]} * x[i];
    }
    if (!std::isfinite(squares)) {
      return WithHint(
          InvalidArgument("channel {} has a value that is not finite", c).At(value.name),
          "check the model's weights and the preprocessing of the inputs");
    }
    sums.abs_max.push_back(largest);
    sums.sum.push_back(sum);
    sums.sum_squares.push_back(squares);
    if (histograms == nullptr) continue;
    (*histograms)[c].AddMagnitudes({x, plane});
  }
  return {};
}

// Runs samples and adds them up in their order, whichever thread was first.
class Calibrator {
 public:
  Calibrator(const ir::Graph& graph, const SampleSource& source, std::size_t count,
             const CalibrateOptions& options)
      : graph_(graph),
        source_(source),
        count_(count),
        options_(options),
        want_(WantHistogram(graph)),
        executor_(graph) {}

  Result<Calibration> Run() {
    const auto threads = static_cast<std::int64_t>(std::clamp<std::size_t>(
        static_cast<std::size_t>(std::max(options_.threads, 1)), 1, count_));
    total_.resize(graph_.values.size());
    std::vector<Status> status(static_cast<std::size_t>(threads));
    std::vector<Histograms> histograms(static_cast<std::size_t>(threads));
    ParallelFor(threads, static_cast<int>(threads), [&](std::int64_t thread) {
      const auto t = static_cast<std::size_t>(thread);
      if (options_.histograms) histograms[t] = EmptyHistograms();
      status[t] = Work(options_.histograms ? &histograms[t] : nullptr);
      if (!status[t].ok()) stop_ = true;
    });
    for (Status& s : status) TF2_RETURN_IF_ERROR(std::move(s));
    return Finish(histograms);
  }

 private:
  Histograms EmptyHistograms() const {
    Histograms histograms(graph_.values.size());
    for (std::size_t v = 0; v < want_.size(); ++v) {
      if (want_[v]) histograms[v].resize(ChannelsOf(graph_.values[v]));
    }
    return histograms;
  }

  // One thread: claims samples until there are none left.
  Status Work(Histograms* histograms) {
    while (!stop_) {
      std::size_t index = 0;
      std::vector<ir::Tensor> inputs;
      {
        const std::lock_guard lock(source_mutex_);
        if (next_sample_ == count_ || stop_) return {};
        index = next_sample_++;
        auto sample = source_(index);
        if (!sample.ok()) {
          stop_ = true;
          return std::move(sample.error());
        }
        auto split = ir::InputsOf(graph_, *sample);
        if (!split.ok()) return std::move(split.error()).At(fmt::format("sample {}", index));
        inputs = *std::move(split);
      }
      SampleStats stats(graph_.values.size());
      const auto measure = [&](ir::ValueId id, const ir::Tensor& tensor) {
        const std::size_t v = ir::Index(id);
        return Measure(graph_.values[v], tensor, stats[v],
                       histograms != nullptr && want_[v] ? &(*histograms)[v] : nullptr);
      };
      auto run = executor_.RunAll(inputs, measure);
      if (!run.ok()) return std::move(run.error()).At(fmt::format("sample {}", index));
      TF2_RETURN_IF_ERROR(Commit(index, std::move(stats)));
    }
    return {};
  }

  // Keeps the sums of a sample until those of all before it have been added.
  Status Commit(std::size_t index, SampleStats stats) {
    const std::lock_guard lock(total_mutex_);
    pending_.emplace(index, std::move(stats));
    while (!pending_.empty() && pending_.begin()->first == added_) {
      Add(pending_.begin()->second);
      pending_.erase(pending_.begin());
      ++added_;
    }
    ++done_;
    if (Interrupted() || (options_.progress && !options_.progress(done_, count_)))
      return Cancelled("calibration was cancelled");
    return {};
  }

  void Add(const SampleStats& stats) {
    for (std::size_t v = 0; v < stats.size(); ++v) {
      SampleSums& total = total_[v];
      const SampleSums& sample = stats[v];
      if (total.sum.empty()) {
        total = sample;
        continue;
      }
      for (std::size_t c = 0; c < sample.sum.size(); ++c) {
        total.abs_max[c] = std::max(total.abs_max[c], sample.abs_max[c]);
        total.sum[c] += sample.sum[c];
        total.sum_squares[c] += sample.sum_squares[c];
      }
    }
  }

  Calibration Finish(std::vector<Histograms>& histograms) {
    Calibration calibration;
    calibration.samples = count_;
    calibration.values.resize(graph_.values.size());
    for (std::size_t v = 0; v < total_.size(); ++v) {
      if (total_[v].sum.empty()) continue;
      ValueStats& stats = calibration.values[v];
      const auto channels = static_cast<std::int64_t>(total_[v].sum.size());
      const std::int64_t plane = ir::ElementCount(graph_.values[v].shape) / channels;
      const double n = static_cast<double>(count_) * static_cast<double>(plane);
      stats.abs_max = std::move(total_[v].abs_max);
      for (const double sum : total_[v].sum) stats.mean.push_back(sum / n);
      for (const double squares : total_[v].sum_squares) stats.mean_square.push_back(squares / n);
      if (!options_.histograms || !want_[v]) continue;
      stats.histograms = std::move(histograms[0][v]);
      for (std::size_t t = 1; t < histograms.size(); ++t) {
        for (std::size_t c = 0; c < stats.histograms.size(); ++c)
          stats.histograms[c].Merge(histograms[t][v][c]);
      }
    }
    return calibration;
  }

  const ir::Graph& graph_;
  const SampleSource& source_;
  const std::size_t count_;
  const CalibrateOptions& options_;
  const std::vector<bool> want_;
  const floatexec::Executor executor_;
  std::atomic<bool> stop_ = false;

  std::mutex source_mutex_;
  std::size_t next_sample_ = 0;

  std::mutex total_mutex_;
  std::map<std::size_t, SampleStats> pending_;
  std::size_t added_ = 0;
  std::size_t done_ = 0;
  std::vector<SampleSums> total_;
};

}  // namespace

Result<Calibration> Calibrate(const ir::Graph& graph, const SampleSource& source, std::size_t count,
                              const CalibrateOptions& options) {
  if (count == 0)
    return WithHint(InvalidArgument("no samples to calibrate on"), "give some with --data");
  return Calibrator(graph, source, count, options).Run();
}

}  // namespace tf2::quantize
