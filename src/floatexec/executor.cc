#include "floatexec/executor.h"

#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "floatexec/primitive.h"

namespace tf2::floatexec {
namespace {

using dnnl::memory;

// oneDNN's loops stay on the calling thread: its callers run samples in parallel.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// What one run works with.
struct Context {
  const dnnl::engine& engine;
  dnnl::stream stream;
};

// A value during a run, in the layouts that its readers asked for.
class Feature {
 public:
  Feature() = default;
  explicit Feature(const ir::Tensor* borrowed) : tensor_(borrowed) {}
  explicit Feature(ir::Tensor owned)
      : owned_(std::make_unique<ir::Tensor>(std::move(owned))), tensor_(owned_.get()) {}
  Feature(const ir::Value& value, memory blocked) : value_(&value) {
    laid_out_.push_back(std::move(blocked));
  }

  // Dense, as the interpreter's kernels read it.
  const ir::Tensor& Plain(Context& context) {
    if (tensor_ == nullptr) {
      owned_ = std::make_unique<ir::Tensor>();
      owned_->shape = value_->shape;
      owned_->f32.resize(static_cast<std::size_t>(ir::ElementCount(value_->shape)));
      memory to(PlainDesc(value_->shape), context.engine, owned_->f32.data());
      dnnl::reorder(laid_out_[0], to).execute(context.stream, laid_out_[0], to);
      tensor_ = owned_.get();
    }
    return *tensor_;
  }

  memory As(Context& context, const Desc& layout) {
    for (const memory& m : laid_out_) {
      if (m.get_desc() == layout) return m;
    }
    memory from = laid_out_.empty() ? Wrapped(context) : laid_out_[0];
    if (from.get_desc() == layout) return from;
    memory to(layout, context.engine);
    dnnl::reorder(from, to).execute(context.stream, from, to);
    laid_out_.push_back(to);
    return to;
  }

  void CopyTo(Context& context, memory& to) {
    memory from = laid_out_.empty() ? Wrapped(context) : laid_out_[0];
    dnnl::reorder(from, to).execute(context.stream, from, to);
  }

 private:
  memory Wrapped(Context& context) const {  // only read
    return {PlainDesc(tensor_->shape), context.engine, const_cast<float*>(tensor_->f32.data())};
  }

  std::unique_ptr<ir::Tensor> owned_;
  const ir::Tensor* tensor_ = nullptr;
  const ir::Value* value_ = nullptr;
  std::vector<memory> laid_out_;
};

// The feature in the middle of `layout`, whose other elements are the padding's value. Put together
// densely: what a blocked layout has beyond the channels must be zero.
memory Padded(Context& context, const Primitive::Padding& padding, const Desc& layout,
              Feature& feature) {
  const memory::dims dims = layout.dims();
  memory dense(PlainDesc(ir::Shape(dims.begin(), dims.end())), context.engine);
  auto* const floats = static_cast<float*>(dense.get_data_handle());
  std::fill_n(floats, dense.get_desc().get_size() / sizeof(float), padding.value);
  memory inside(dense.get_desc().submemory_desc(padding.dims, padding.offsets), context.engine,
                floats);
  feature.CopyTo(context, inside);
  memory padded(layout, context.engine);
  dnnl::reorder(dense, padded).execute(context.stream, dense, padded);
  return padded;
}

Feature RunPrimitive(Context& context, const Primitive& p, const ir::Value& value,
                     std::span<Feature* const> inputs) {
  memory dst(p.output, context.engine);
  std::unordered_map<int, memory> args = p.constants;
  for (std::size_t i = p.padding ? 1 : 0; i < p.inputs.size(); ++i) {
    const InputArg& input = p.inputs[i];
    args.insert_or_assign(input.arg, inputs[input.input]->As(context, input.layout));
  }
  if (p.padding) {
    args.insert_or_assign(p.inputs[0].arg, Padded(context, *p.padding, p.inputs[0].layout,
                                                  *inputs[p.inputs[0].input]));
  }
  if (p.accumulate) inputs[*p.accumulate]->CopyTo(context, dst);
  args.insert_or_assign(DNNL_ARG_DST, dst);
  args.insert_or_assign(DNNL_ARG_SCRATCHPAD, memory(p.scratchpad, context.engine));
  p.primitive.execute(context.stream, args);
  return {value, std::move(dst)};
}

// As the interpreter's Store: owned until the last reader.
std::vector<int> CountUses(const ir::Graph& graph) {
  std::vector<int> uses(graph.values.size(), 0);
  const auto count = [&](ir::ValueId id) {
    if (id != ir::kNoValue) ++uses[Index(id)];
  };
  for (const ir::Node& node : graph.nodes) {
    for (const ir::ValueId id : node.inputs) count(id);
  }
  for (const ir::ValueId id : graph.outputs) count(id);
  return uses;
}

}  // namespace

struct Executor::State {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::vector<std::optional<Primitive>> primitives;  // by node
  std::vector<int> uses;                             // by value

  Result<Feature> RunOne(const ir::Graph& graph, std::size_t index, Context& context,
                         std::span<Feature* const> inputs) const {
    const ir::Node& node = graph.nodes[index];
    if (primitives[index]) {
      return RunPrimitive(context, *primitives[index], graph.value(node.outputs[0]), inputs);
    }
    std::vector<const ir::Tensor*> plain;
    for (Feature* f : inputs) plain.push_back(f == nullptr ? nullptr : &f->Plain(context));
    TF2_ASSIGN_OR_RETURN(ir::Tensor y, interp::RunNode(graph, node, plain));
    return Feature(std::move(y));
  }
};

void UseCommonInstructions() {
  // Both names that oneDNN knows.
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    if (std::getenv(name) != nullptr) return;
  }
  dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
}

Executor::Executor(const ir::Graph& graph, Engine engine)
    : graph_(&graph), state_(std::make_unique<State>()) {
  const OneThread one;
  state_->uses = CountUses(graph);
  state_->primitives.resize(graph.nodes.size());
  std::vector<Desc> layouts(graph.values.size());
  for (std::size_t v = 0; v < layouts.size(); ++v) layouts[v] = PlainDesc(graph.values[v].shape);
  for (std::size_t i = 0; i < graph.nodes.size() && engine == Engine::kOneDnn; ++i) {
    const ir::Node& node = graph.nodes[i];
    std::vector<Desc> inputs;
    for (const ir::ValueId id : node.inputs)
      inputs.push_back(id == ir::kNoValue ? Desc() : layouts[Index(id)]);
    try {
      state_->primitives[i] = MakePrimitive(state_->engine, graph, node, inputs);
    } catch (const dnnl::error&) {  // oneDNN does not have it so; the interpreter does
      state_->primitives[i] = std::nullopt;
    }
    if (state_->primitives[i]) layouts[Index(node.outputs[0])] = state_->primitives[i]->output;
  }
}

Executor::~Executor() = default;
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;

bool Executor::IsPrimitive(std::size_t node) const { return state_->primitives[node].has_value(); }

Result<std::vector<ir::Tensor>> Executor::Run(std::span<const ir::Tensor> inputs) const {
  return RunAll(inputs, nullptr);
}

Result<std::vector<ir::Tensor>> Executor::RunAll(std::span<const ir::Tensor> inputs,
                                                 const interp::ValueCallback& on_value) const {
  const ir::Graph& graph = *graph_;
  TF2_RETURN_IF_ERROR(interp::CheckInputs(graph, inputs));
  const OneThread one;
  try {
    Context context{state_->engine, dnnl::stream(state_->engine)};
    std::vector<Feature> features(graph.values.size());
    std::vector<int> uses = state_->uses;
    for (std::size_t v = 0; v < features.size(); ++v) {
      if (graph.values[v].constant != nullptr)
        features[v] = Feature(graph.values[v].constant.get());
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      features[Index(graph.inputs[i])] = Feature(&inputs[i]);
      if (on_value) TF2_RETURN_IF_ERROR(on_value(graph.inputs[i], inputs[i]));
    }
    const auto release = [&](ir::ValueId id) {
      if (id != ir::kNoValue && --uses[Index(id)] <= 0) features[Index(id)] = Feature();
    };
    std::vector<Feature*> args;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const ir::Node& node = graph.nodes[i];
      args.clear();
      for (const ir::ValueId id : node.inputs)
        args.push_back(id == ir::kNoValue ? nullptr : &features[Index(id)]);
      TF2_ASSIGN_OR_RETURN(Feature y, state_->RunOne(graph, i, context, args));
      const ir::ValueId out = node.outputs[0];
      features[Index(out)] = std::move(y);
      if (on_value) TF2_RETURN_IF_ERROR(on_value(out, features[Index(out)].Plain(context)));
      for (const ir::ValueId id : node.inputs) release(id);
      if (uses[Index(out)] == 0) features[Index(out)] = Feature();
    }
    std::vector<ir::Tensor> results;
    for (const ir::ValueId id : graph.outputs)
      results.push_back(features[Index(id)].Plain(context));
    return results;
  } catch (const dnnl::error& e) {
    return Internal("oneDNN failed: {} (status {})", e.what(), static_cast<int>(e.status));
  }
}

Result<ir::Tensor> Executor::RunNode(std::size_t node,
                                     std::span<const ir::Tensor* const> inputs) const {
  const ir::Graph& graph = *graph_;
  const OneThread one;
  try {
    Context context{state_->engine, dnnl::stream(state_->engine)};
    std::vector<Feature> features(inputs.size());
    std::vector<Feature*> args;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const ir::ValueId id = graph.nodes[node].inputs[i];
      const bool constant = graph.IsConstant(id);
      features[i] = Feature(constant ? &graph.constant(id) : inputs[i]);
      args.push_back(id == ir::kNoValue ? nullptr : &features[i]);
    }
    TF2_ASSIGN_OR_RETURN(Feature y, state_->RunOne(graph, node, context, args));
    return y.Plain(context);
  } catch (const dnnl::error& e) {
    return Internal("oneDNN failed: {} (status {})", e.what(), static_cast<int>(e.status));
  }
}

}  // namespace tf2::floatexec
