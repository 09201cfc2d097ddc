#include "quantize/compensated_lowering.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "quantize/choose_q.h"
#include "quantize/draft.h"
#include "quantize/fast_conv.h"
#include "quantize/finish.h"
#include "quantize/float_frontier.h"
#include "quantize/layer_statistics.h"
#include "quantize/power_of_two.h"
#include "quantize/quantize_state.h"
#include "quantize/second_terms.h"

namespace tf2::quantize {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <typename T>
std::span<const std::uint8_t> AsBytes(const std::vector<T>& v) {
  return {reinterpret_cast<const std::uint8_t*>(v.data()), v.size() * sizeof(T)};
}

std::string TextOf(const CompensatedOptions& options) {
  const Effort& effort = options.rounding.effort;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {}", options.base.bits,
                     static_cast<int>(options.base.q), options.rounding.ridge,
                     options.rounding.damping, effort.scales, options.rounding.sweeps,
                     effort.refinements, effort.positions, effort.positions_per_weight,
                     options.picture_weight, options.max_passes, options.gain_samples,
                     options.tune_bound ? fmt::format("tuned to {}", *options.tune_bound) : "",
                     options.deadline ? "in time" : "");
}

// Whatever decides what comes of the whole work.
Result<std::uint64_t> KeyOfWork(const Draft& draft, const CompensatedOptions& options,
                                const SampleSource& source, std::size_t count) {
  Hasher key;
  key.Add(TextOf(options));
  for (const qnet::Tensor& tensor : draft.net.tensors) {
    key.Add(std::string_view(tensor.name));
    key.Add(AsBytes(tensor.q));
  }
  for (const FloatWeights& weights : draft.weights) {
    key.Add(AsBytes(weights.w));
    key.Add(AsBytes(weights.bias));
  }
  for (std::size_t i = 0; i < count; ++i) {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    TF2_ASSIGN_OR_RETURN(const std::vector<float> sample, source(i));
    key.Add(AsBytes(sample));
  }
  return key.Digest();
}

// The place of a layer's one-term form in the state, beside that of its two terms.
constexpr std::uint32_t kOneTerm = std::uint32_t{1} << 31;

// One attempt: a plan of Q, layer after layer. Caps that turn up end it. `key`: of all that decides
// what a layer becomes, for the state.
class Attempt {
 public:
  Attempt(const ir::Graph& graph, const Calibration& calibration, const SampleSource& source,
          std::size_t count, const CompensatedOptions& options, const SecondTerms& second,
          std::uint64_t key, Draft& draft, QuantizeState& state, Speeds& speeds)
      : graph_(graph),
        calibration_(calibration),
        source_(source),
        count_(count),
        options_(options),
        second_(second),
        key_(key),
        draft_(draft),
        state_(state),
        memory_(options.memory_bytes),
        floats_(graph, memory_, count, options.threads, WantedFloats(graph, draft)),
        pace_(SizesOf(graph, draft, count, second), options.rounding.effort, speeds),
        tensors_(draft.net.tensors.size()),
        uses_(draft.net.tensors.size(), 0) {
    for (const qnet::Op& op : draft.net.ops) {
      for (const qnet::TensorId id : op.inputs) ++uses_[qnet::Index(id)];
    }
  }

  Result<std::vector<QCap>> Run() {
    TF2_RETURN_IF_ERROR(ReadInputs());
    const auto& ops = draft_.net.ops;
    const auto total = static_cast<std::size_t>(std::ranges::count_if(
        ops, [](const qnet::Op& op) { return std::holds_alternative<qnet::Conv>(op.params); }));
    for (std::size_t i = 0; i < ops.size(); ++i) {
      TF2_RETURN_IF_ERROR(CheckInterrupted());
      if (std::holds_alternative<qnet::Conv>(ops[i].params)) {
        if (options_.progress && !options_.progress(ops[i].name, reports_.size(), total))
          return Cancelled("quantisation was cancelled");
        TF2_RETURN_IF_ERROR(RoundLayer(i));
      } else {
        TF2_RETURN_IF_ERROR(FinishOperator(draft_, i, KindOf(options_.base), {}, caps_));
      }
      if (!caps_.empty()) return caps_;
      TF2_RETURN_IF_ERROR(RunOperator(i));
    }
    return caps_;
  }

  // Once.
  std::vector<LayerReport> TakeReports() { return std::move(reports_); }
  std::vector<Alternative> TakeAlternatives() { return std::move(alternatives_); }
  std::size_t resumed() const { return resumed_; }

 private:
  // LayerSize::operations. For each value of a window, other operators take as long as a
  // convolution for kOthers products.
  static double OperationsOf(const qnet::QNet& net, const qnet::Op& op) {
    constexpr double kOthers = 100;
    qnet::Window window;
    if (const auto* pool = std::get_if<qnet::MaxPool>(&op.params)) window = pool->window;
    if (const auto* pool = std::get_if<qnet::AvgPool>(&op.params)) window = pool->window;
    if (std::holds_alternative<qnet::Conv>(op.params))
      return static_cast<double>(qnet::MacsOf(net, op));
    return kOthers * window.kh * window.kw * static_cast<double>(net.tensor(op.output).elements());
  }

  // By operator.
  static std::vector<LayerSize> SizesOf(const ir::Graph& graph, const Draft& draft,
                                        std::size_t count, const SecondTerms& second) {
    std::vector<LayerSize> sizes;
    for (std::size_t i = 0; i < draft.net.ops.size(); ++i) {
      const qnet::Op& op = draft.net.ops[i];
      LayerSize& size = sizes.emplace_back();
      size.samples = count;
      size.operations = OperationsOf(draft.net, op);
      const auto* conv = std::get_if<qnet::Conv>(&op.params);
      if (conv == nullptr) {
        size.roundings = 0;
        continue;
      }
      const qnet::Tensor& out = draft.net.tensor(op.output);
      size.groups = static_cast<std::size_t>(conv->groups);
      size.oc = draft.weights[i].bias.size();
      size.row = draft.weights[i].w.size() / size.oc;
      size.residual = op.inputs.size() > 1;
      size.positions_per_sample = static_cast<std::size_t>(out.elements() / out.c());
      const bool kept =
          !HasFloats(graph, draft, op) || KeepsItsCodes(draft, i) || size.row > kMaxCompensatedRow;
      size.roundings = kept ? 0 : second.everywhere ? 2 : 1;
    }
    return sizes;
  }

  // Whether the float graph has what the operator reads, element for element.
  static bool HasFloats(const ir::Graph& graph, const Draft& draft, const qnet::Op& op) {
    return std::ranges::all_of(op.inputs, [&](qnet::TensorId id) {
      const ir::ValueId value = draft.values[qnet::Index(id)];
      return value != ir::kNoValue && graph.value(value).dtype == ir::DType::kFloat32 &&
             ir::ElementCount(graph.value(value).shape) == draft.net.tensor(id).elements();
    });
  }

  static std::vector<ir::ValueId> WantedFloats(const ir::Graph& graph, const Draft& draft) {
    std::vector<ir::ValueId> wanted;
    for (const qnet::Op& op : draft.net.ops) {
      if (!std::holds_alternative<qnet::Conv>(op.params) || !HasFloats(graph, draft, op)) continue;
      for (const qnet::TensorId id : op.inputs) wanted.push_back(draft.values[qnet::Index(id)]);
    }
    return wanted;
  }

  Status ReadInputs() {
    const qnet::QNet& net = draft_.net;
    std::vector<Frontier*> reals;
    for (const qnet::TensorId id : net.inputs) {
      TF2_ASSIGN_OR_RETURN(reals.emplace_back(), floats_.Input(ValueOf(id)));
      const auto bytes = static_cast<std::size_t>(net.tensor(id).bytes());
      TF2_ASSIGN_OR_RETURN(tensors_[qnet::Index(id)], Frontier::Make(memory_, count_, bytes));
    }
    for (std::size_t i = 0; i < count_; ++i) {
      TF2_RETURN_IF_ERROR(CheckInterrupted());
      TF2_ASSIGN_OR_RETURN(const std::vector<float> sample, source_(i));
      TF2_ASSIGN_OR_RETURN(const auto integers, qnet::QuantizeInput(net, sample));
      std::size_t first = 0;
      for (std::size_t k = 0; k < reals.size(); ++k) {
        const auto elements = static_cast<std::size_t>(net.tensor(net.inputs[k]).elements());
        std::copy_n(sample.data() + first, elements, reals[k]->Floats(i));
        std::copy_n(integers.data() + first, elements,
                    tensors_[qnet::Index(net.inputs[k])].Bytes(i));
        first += elements;
      }
    }
    state_.KeepOnly(key_);
    return {};
  }

  int TermsOf(const qnet::Op& op) const {
    return second_.everywhere || std::ranges::count(second_.layers, op.name) > 0 ? 2 : 1;
  }

  struct Rounded {
    CompensatedLayer layer;
    std::optional<CompensatedLayer> one_term;  // the alternative
    std::optional<Effort> effort;
  };

  // From the state, or anew.
  Status RoundLayer(std::size_t index) {
    qnet::Op& op = draft_.net.ops[index];
    const auto place = static_cast<std::uint32_t>(index);
    Rounded rounded;
    if (auto known = state_.Layer(key_, place)) {
      rounded = {*std::move(known), state_.Layer(key_, place | kOneTerm), {}};
      ++resumed_;
      if (HasFloats(graph_, draft_, op)) DoneWithInputs(op);
    } else {
      auto made = Round(index);
      if (!made.ok()) return std::move(made.error()).At(op.name);
      rounded = *std::move(made);
      state_.PutLayer(key_, place, rounded.layer);
      if (rounded.one_term) state_.PutLayer(key_, place | kOneTerm, *rounded.one_term);
      TF2_RETURN_IF_ERROR(WriteStateNowAndThen());
    }
    Report(op, rounded);
    if (rounded.one_term) {
      TF2_RETURN_IF_ERROR(FinishOperator(draft_, index, KindOf(options_.base),
                                         std::move(rounded.one_term->layer), caps_));
      alternatives_.push_back({index, op});
    }
    return FinishOperator(draft_, index, KindOf(options_.base), std::move(rounded.layer.layer),
                          caps_);
  }

  void DoneWithInputs(const qnet::Op& op) {
    for (const qnet::TensorId id : op.inputs) floats_.Done(ValueOf(id));
  }

  Status WriteStateNowAndThen() {
    const auto now = Clock::now();
    if (now - written_ < std::chrono::seconds(5)) return {};
    written_ = now;
    return state_.Write();
  }

  Result<Rounded> Round(std::size_t index) {
    const qnet::Op& op = draft_.net.ops[index];
    const LayerProblem problem = ProblemOf(draft_, calibration_, index, KindOf(options_.base));
    if (pace_.layer(index).roundings == 0) {
      if (HasFloats(graph_, draft_, op)) DoneWithInputs(op);
      return Nearest(problem);
    }
    const Clock::time_point start = Clock::now();
    LayerInputs inputs;
    inputs.quantised = &tensors_[qnet::Index(op.inputs[0])];
    TF2_ASSIGN_OR_RETURN(inputs.real, floats_.Get(ValueOf(op.inputs[0])));
    if (op.inputs.size() > 1) {
      inputs.quantised_residual = &tensors_[qnet::Index(op.inputs[1])];
      TF2_ASSIGN_OR_RETURN(inputs.real_residual, floats_.Get(ValueOf(op.inputs[1])));
    }
    pace_.RanFloat(index, SecondsSince(start));
    const Clock::time_point ready = Clock::now();
    CompensateOptions rounding = options_.rounding;
    rounding.threads = options_.threads;
    if (options_.deadline) {
      rounding.effort =
          pace_.For(index, std::chrono::duration<double>(*options_.deadline - ready).count());
    }
    const StatisticsOptions how = HowToCollect(index, rounding.effort);
    LayerSamples samples;
    TF2_ASSIGN_OR_RETURN(const LayerStatistics statistics,
                         CollectStatistics(draft_, index, inputs, how, &samples));
    DoneWithInputs(op);
    const OutputRange range = RangeOf(op, draft_.weights[index]);
    Rounded rounded;
    TF2_ASSIGN_OR_RETURN(rounded.layer,
                         Compensate(problem, statistics, &samples, &range, TermsOf(op), rounding));
    const double variance =
        std::accumulate(statistics.variance_y.begin(), statistics.variance_y.end(), 0.0);
    for (double& e : rounded.layer.error) e = variance > 0 ? e / variance : 0;
    if (second_.everywhere) {
      TF2_ASSIGN_OR_RETURN(rounded.one_term,
                           Compensate(problem, statistics, &samples, &range, 1, rounding));
    }
    pace_.Rounded(index, rounding.effort, SecondsSince(ready));
    rounded.effort = rounding.effort;
    rounded.effort->positions = how.pictures * how.positions_per_picture;
    return rounded;
  }

  static Result<Rounded> Nearest(const LayerProblem& problem) {
    Rounded rounded;
    TF2_ASSIGN_OR_RETURN(rounded.layer.layer, NearestRounder({.weight = ErrorWeight::kVariance,
                                                              .correct_bias = true})(problem));
    return rounded;
  }

  StatisticsOptions HowToCollect(std::size_t index, const Effort& effort) const {
    StatisticsOptions how;
    how.pictures = count_;
    how.positions_per_picture = PositionsPerSample(pace_.layer(index), effort);
    how.picture_weight = options_.picture_weight;
    how.seed = index + 1;
    how.threads = options_.threads;
    return how;
  }

  // What the output holds: 8 or 16 bits, cut off by a ReLU or clip.
  OutputRange RangeOf(const qnet::Op& op, const FloatWeights& weights) const {
    const qnet::Tensor& out = draft_.net.tensor(op.output);
    const bool wide = out.type == qnet::ElemType::kInt16;
    const qnet::Activation activation = std::get<qnet::Conv>(op.params).activation;
    OutputRange range;
    for (const std::int8_t q : out.q) {
      float low = std::ldexp(wide ? -32768.0F : -128.0F, -q);
      float high = std::ldexp(wide ? 32767.0F : 127.0F, -q);
      if (activation == qnet::Activation::kRelu) low = 0;
      if (activation == qnet::Activation::kClip) {
        low = std::max(low, weights.clip_low);
        high = std::max(low, std::min(high, weights.clip_high));
      }
      range.low.push_back(low);
      range.high.push_back(high);
    }
    return range;
  }

  ir::ValueId ValueOf(qnet::TensorId id) const { return draft_.values[qnet::Index(id)]; }

  void Report(const qnet::Op& op, const Rounded& rounded) {
    const CompensatedLayer& made = rounded.layer;
    reports_.push_back({op.name, static_cast<int>(made.layer.terms.size()), MacsOf(draft_.net, op),
                        std::accumulate(made.error.begin(), made.error.end(), 0.0),
                        made.over_nearest, rounded.effort});
  }

  // Makes the output of every picture, and frees the inputs that nobody reads any more.
  Status RunOperator(std::size_t index) {
    const Clock::time_point start = Clock::now();
    const qnet::Op& op = draft_.net.ops[index];
    Frontier& output = tensors_[qnet::Index(op.output)];
    if (uses_[qnet::Index(op.output)] > 0) {
      TF2_ASSIGN_OR_RETURN(
          output, Frontier::Make(memory_, count_,
                                 static_cast<std::size_t>(draft_.net.tensor(op.output).bytes())));
      std::optional<FastConv> fast;
      if (FastConv::Has(op)) fast.emplace(draft_.net, op);
      TF2_RETURN_IF_ERROR(ParallelForStatus(
          static_cast<std::int64_t>(count_), options_.threads, [&](std::int64_t i) -> Status {
            const auto sample = static_cast<std::size_t>(i);
            TF2_ASSIGN_OR_RETURN(const qnet::Bytes y,
                                 RunSample(op, fast ? &*fast : nullptr, sample));
            std::ranges::copy(y, output.Bytes(sample));
            return {};
          }));
      pace_.Ran(index, SecondsSince(start));
    }
    for (const qnet::TensorId id : op.inputs) {
      if (--uses_[qnet::Index(id)] == 0) tensors_[qnet::Index(id)] = Frontier();
    }
    return {};
  }

  Result<qnet::Bytes> RunSample(const qnet::Op& op, const FastConv* fast,
                                std::size_t sample) const {
    if (fast != nullptr) {
      return fast->Run(
          tensors_[qnet::Index(op.inputs[0])].Int8(sample),
          op.inputs.size() > 1 ? tensors_[qnet::Index(op.inputs[1])].Int8(sample) : nullptr);
    }
    std::vector<qnet::Bytes> inputs;
    std::vector<const qnet::Bytes*> pointers;
    for (const qnet::TensorId id : op.inputs) {
      const std::uint8_t* data = tensors_[qnet::Index(id)].Bytes(sample);
      inputs.emplace_back(data, data + draft_.net.tensor(id).bytes());
    }
    pointers.reserve(inputs.size());
    for (const qnet::Bytes& input : inputs) pointers.push_back(&input);
    return qnet::RunOp(draft_.net, op, pointers);
  }

  const ir::Graph& graph_;
  const Calibration& calibration_;
  const SampleSource& source_;
  const std::size_t count_;
  const CompensatedOptions& options_;
  const SecondTerms& second_;
  const std::uint64_t key_;
  Draft& draft_;
  QuantizeState& state_;
  std::size_t resumed_ = 0;
  Clock::time_point written_ = Clock::now();
  FrontierMemory memory_;
  FloatFrontier floats_;
  Pace pace_;
  std::vector<Frontier> tensors_;  // by TensorId
  std::vector<int> uses_;          // by TensorId: operators to come that read it
  std::vector<QCap> caps_;
  std::vector<LayerReport> reports_;
  std::vector<Alternative> alternatives_;
};

// The same work in less time: good enough to compare layers and sets of layers. Repetitions past
// the activation do more for one term than for two, so sets are compared with some, where the work
// has any.
CompensatedOptions ForComparison(CompensatedOptions options, const SecondTerms& second) {
  Effort& effort = options.rounding.effort;
  effort.scales = std::min(effort.scales, 2);
  effort.refinements = second.everywhere ? 0 : std::min(effort.refinements, 2);
  effort.positions /= 2;
  return options;
}

// The whole work: attempts until no cap turns up; where more passes than one are allowed, before
// that others, to find the layers that need second terms.
class Work {
 public:
  Work(const ir::Graph& graph, const Calibration& calibration, const SampleSource& source,
       std::size_t count, const CompensatedOptions& options)
      : graph_(graph),
        calibration_(calibration),
        source_(source),
        count_(count),
        options_(options),
        state_(options.state_path),
        speeds_(options.threads) {}

  Result<CompensatedNet> Run() {
    auto net = RoundNet();
    // Whatever was done so far, for --resume.
    if (!net.ok() && net.error().code == ErrorCode::kCancelled && work_key_ != 0)
      TF2_RETURN_IF_ERROR(state_.Write());
    return net;
  }

 private:
  Result<CompensatedNet> RoundNet() {
    TF2_RETURN_IF_ERROR(PlanWith(options_.base));
    TF2_RETURN_IF_ERROR(OpenState());
    std::optional<TunedQ> tuned;
    if (options_.tune_bound) {
      TF2_ASSIGN_OR_RETURN(tuned, Tune());
      QuantizeOptions with_bounds = options_.base;
      with_bounds.bounds = tuned->bounds;
      with_bounds.warn = false;  // PlanWith did
      TF2_RETURN_IF_ERROR(PlanWith(with_bounds));
    }
    SecondTerms second;
    if (options_.max_passes > 1 && options_.base.bits == 4) {
      TF2_ASSIGN_OR_RETURN(second.layers, TwoTermLayers());
    }
    TF2_ASSIGN_OR_RETURN(Rounding rounding, RoundAll(second, options_, source_, count_));
    state_.Remove();
    CompensatedNet result;
    result.tuned = std::move(tuned);
    result.layers = std::move(rounding.layers);
    result.resumed_layers = resumed_layers_;
    double macs = 0;
    double passes = 0;
    for (const LayerReport& layer : result.layers) {
      macs += static_cast<double>(layer.macs);
      passes += static_cast<double>(layer.macs) * layer.terms;
    }
    result.passes = macs > 0 ? passes / macs : 1;
    DropIdleClips(draft_->net);
    TF2_RETURN_IF_ERROR(Verify(draft_->net));
    result.net = std::move(draft_->net);
    return result;
  }

  // Nearest rounding settles every Q first: its scales are close to the final ones.
  Status PlanWith(const QuantizeOptions& base) {
    TF2_ASSIGN_OR_RETURN(draft_, LowerStructure(graph_, &calibration_));
    TF2_ASSIGN_OR_RETURN(plan_, PlanQ(*draft_, calibration_, base));
    plan_->Apply(*draft_);
    return {};
  }

  Result<TunedQ> Tune() {
    TuneOptions tune;
    tune.q = options_.base.q;
    tune.bound = *options_.tune_bound;
    tune.threads = options_.threads;
    tune.progress = options_.tune_progress;
    return TuneQ(graph_, calibration_, source_, count_, tune, work_key_, state_);
  }

  // Reads the state, where the work is to go on with it.
  Status OpenState() {
    TF2_ASSIGN_OR_RETURN(const std::uint64_t key, KeyOfWork(*draft_, options_, source_, count_));
    if (options_.resume) {
      TF2_ASSIGN_OR_RETURN(state_, QuantizeState::Read(options_.state_path));
      if (!state_.Knows(key)) {
        return WithHint(InvalidArgument("it is of another model, other samples or other options")
                            .At(options_.state_path),
                        "give the flags and data of the interrupted run, or run without --resume");
      }
    }
    work_key_ = key;
    state_.PutNumbers(work_key_, "work", {});
    return {};
  }

  struct Rounding {
    std::vector<LayerReport> layers;
    std::vector<Alternative> alternatives;
  };

  // Attempts until no cap turns up. Caps are kept in the state, so that a resumed work makes the
  // last attempt at once.
  Result<Rounding> RoundAll(const SecondTerms& second, const CompensatedOptions& options,
                            const SampleSource& source, std::size_t count) {
    Hasher key;
    key.Add(static_cast<std::int64_t>(work_key_)).Add(TextOf(options));
    key.Add(static_cast<std::int64_t>(count)).Add(second.everywhere ? "everywhere" : "");
    for (const std::string& name : second.layers) key.Add(std::string_view(name));
    const std::string name_of_caps = "caps of " + key.Hex();
    std::vector<double> caps =
        state_.Numbers(work_key_, name_of_caps).value_or(std::vector<double>{});
    while (true) {
      QPlan plan = *plan_;
      for (std::size_t i = 0; i + 2 < caps.size(); i += 3) {
        plan.Cap(*draft_, qnet::TensorId{static_cast<std::int32_t>(caps[i])},
                 static_cast<std::size_t>(caps[i + 1]), static_cast<int>(caps[i + 2]));
      }
      plan.Apply(*draft_);
      Attempt attempt(graph_, calibration_, source, count, options, second,
                      Hasher(key).Add(AsBytes(caps)).Digest(), *draft_, state_, speeds_);
      TF2_ASSIGN_OR_RETURN(const std::vector<QCap> found, attempt.Run());
      resumed_layers_ += attempt.resumed();
      if (found.empty()) {
        Rounding rounding;
        rounding.alternatives = attempt.TakeAlternatives();
        rounding.layers = attempt.TakeReports();
        return rounding;
      }
      for (const QCap& cap : found) {
        caps.push_back(static_cast<double>(qnet::Index(cap.tensor)));
        caps.push_back(static_cast<double>(cap.channel));
        caps.push_back(cap.limit);
      }
      state_.PutNumbers(work_key_, name_of_caps, caps);
    }
  }

  Result<std::vector<std::string>> TwoTermLayers() {
    int sets = 0;
    const auto round = [&](const SecondTerms& second, const SampleSource& source,
                           std::size_t count) -> Result<std::vector<Alternative>> {
      CompensatedOptions how = ForComparison(options_, second);
      if (options_.deadline) {
        const Clock::duration left = *options_.deadline - Clock::now();
        // Of one everywhere, up to four sets, and the last, which wants as much as two or three.
        how.deadline = Clock::now() + left / (second.everywhere ? 4 : std::max(7 - ++sets, 3));
      }
      TF2_ASSIGN_OR_RETURN(Rounding rounding, RoundAll(second, how, source, count));
      return std::move(rounding.alternatives);
    };
    return ChooseSecondTerms(graph_, draft_->net, source_, count_,
                             {options_.max_passes, options_.gain_samples, options_.threads},
                             work_key_, state_, round);
  }

  const ir::Graph& graph_;
  const Calibration& calibration_;
  const SampleSource& source_;
  const std::size_t count_;
  const CompensatedOptions& options_;
  QuantizeState state_;
  std::uint64_t work_key_ = 0;  // 0: not known yet
  std::size_t resumed_layers_ = 0;
  std::optional<Draft> draft_;
  std::optional<QPlan> plan_;
  Speeds speeds_;
};

}  // namespace

Result<CompensatedNet> QuantizeCompensated(const ir::Graph& graph, const Calibration& calibration,
                                           const SampleSource& source, std::size_t count,
                                           const CompensatedOptions& options) {
  if (!(options.max_passes >= 1 && options.max_passes <= 2))
    return InvalidArgument("a mean of {} passes; it is between 1 and 2", options.max_passes);
  return Work(graph, calibration, source, count, options).Run();
}

}  // namespace tf2::quantize
