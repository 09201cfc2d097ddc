#include "cli/outputs.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/progress.h"
#include "cli/output.h"
#include "dataset/array.h"
#include "floatexec/executor.h"
#include "qnet/head.h"
#include "runtime/device.h"

namespace tf2::cli {
namespace {

using dataset::NamedArray;

// Names as members of an .npz: unique and not empty.
std::vector<std::string> MemberNames(const std::vector<dataset::OutputForm>& outputs) {
  std::set<std::string> used;
  std::vector<std::string> names;
  for (const auto& output : outputs) {
    const std::string base = output.name.empty() ? "output" : output.name;
    std::string name = base;
    for (int i = 1; !used.insert(name).second; ++i) name = fmt::format("{}.{}", base, i);
    names.push_back(name);
  }
  return names;
}

// Calls `run` with the inputs, some at a time.
Status ForEachInputs(const Data& data,
                     const std::function<Status(std::span<const std::vector<float>>)>& run) {
  constexpr std::size_t kBatch = 16;
  Progress progress("run", data.set->size());
  return dataset::ForEachBatch(*data.set, kBatch,
                               [&](std::vector<dataset::Sample> samples) -> Status {
                                 TF2_RETURN_IF_ERROR(run(dataset::TakeInputs(samples)));
                                 progress.Advance(static_cast<std::int64_t>(samples.size()));
                                 return {};
                               });
}

void PrintWritten(const Options& options, std::int64_t samples,
                  const std::vector<NamedArray>& arrays) {
  if (options.json) {
    Json object = {{"samples", samples}, {"output", options.output}};
    for (const NamedArray& a : arrays)
      object["arrays"].push_back({{"name", a.name}, {"shape", a.dims}});
    PrintJson(object);
    return;
  }
  std::printf("%ld samples, %zu arrays: %s\n", static_cast<long>(samples), arrays.size(),
              options.output.c_str());
}

std::vector<std::int64_t> WithSamples(std::int64_t samples, std::vector<std::int64_t> shape) {
  shape.insert(shape.begin(), samples);
  return shape;
}

const dataset::Numbers* FindArray(const std::vector<dataset::Numbers>& arrays,
                                  const std::string& name) {
  if (arrays.size() == 1 && arrays[0].name.empty()) return arrays.data();
  const auto it = std::find_if(arrays.begin(), arrays.end(),
                               [&](const dataset::Numbers& a) { return a.name == name; });
  return it == arrays.end() ? nullptr : &*it;
}

Result<ir::Tensor> ToTensor(const dataset::Numbers& numbers, const ir::Value& input) {
  if (numbers.dims != input.shape) {
    return WithHint(
        InvalidArgument("the array is {}, the model's input {} takes {}",
                        ir::ToString(numbers.dims), input.name, ir::ToString(input.shape)),
        "set the input's shape with --input-shape, or reshape the array");
  }
  if (input.dtype == ir::DType::kFloat32) {
    return ir::Tensor::Float(input.shape, {numbers.values.begin(), numbers.values.end()});
  }
  std::vector<std::int64_t> values;
  for (const double v : numbers.values) {
    if (!(std::fabs(v) < 9e18)) return InvalidArgument("the array has {} for an integer", v);
    values.push_back(static_cast<std::int64_t>(v));
  }
  return ir::Tensor::Int(input.shape, std::move(values));
}

Result<std::vector<ir::Tensor>> ReadInputs(const std::string& path, const ir::Graph& graph) {
  TF2_ASSIGN_OR_RETURN(const auto arrays, dataset::ReadNumbers(path));
  std::vector<ir::Tensor> inputs;
  for (const ir::ValueId id : graph.inputs) {
    const ir::Value& input = graph.value(id);
    const dataset::Numbers* array = FindArray(arrays, input.name);
    if (array == nullptr || (graph.inputs.size() > 1 && array->name.empty())) {
      std::vector<std::string> names;
      for (const ir::ValueId other : graph.inputs) names.push_back(graph.value(other).name);
      return WithHint(InvalidArgument("{}: it has no array \"{}\"", path, input.name),
                      fmt::format("give an .npz with the inputs {}", fmt::join(names, ", ")));
    }
    auto tensor = ToTensor(*array, input);
    if (!tensor.ok()) return std::move(tensor.error()).At(path);
    inputs.push_back(*std::move(tensor));
  }
  return inputs;
}

}  // namespace

std::vector<dataset::OutputForm> OutputForms(const ir::Graph& graph) {
  std::vector<dataset::OutputForm> forms;
  for (const ir::ValueId id : graph.outputs) {
    std::vector<std::int64_t> shape = graph.value(id).shape;
    if (!shape.empty() && shape[0] == 1) shape.erase(shape.begin());
    forms.push_back({graph.value(id).name, std::move(shape)});
  }
  return forms;
}

std::vector<dataset::OutputForm> OutputForms(const qnet::QNet& net) {
  std::vector<dataset::OutputForm> forms;
  for (const auto& output : qnet::ModelOutputs(net)) forms.push_back({output.name, output.shape});
  return forms;
}

Status WriteOutputs(const Options& options, const Data& data, const verify::Runner& run,
                    std::vector<dataset::OutputForm> outputs) {
  TF2_RETURN_IF_ERROR(dataset::CheckArrayPath(options.output, outputs.size()));
  TF2_RETURN_IF_ERROR(CheckWritable(options.output));
  std::vector<std::vector<float>> values(outputs.size());
  TF2_RETURN_IF_ERROR(ForEachInputs(data, [&](std::span<const std::vector<float>> x) -> Status {
    TF2_ASSIGN_OR_RETURN(const auto results, run(x));
    for (const verify::Outputs& result : results) {
      for (std::size_t i = 0; i < result.size(); ++i)
        values[i].insert(values[i].end(), result[i].begin(), result[i].end());
    }
    return {};
  }));
  const std::vector<std::string> names = MemberNames(outputs);
  std::vector<NamedArray> arrays;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    arrays.push_back(NamedArray::Floats(
        names[i], WithSamples(data.set->size(), std::move(outputs[i].shape)), values[i]));
  }
  TF2_RETURN_IF_ERROR(dataset::WriteArrays(options.output, arrays));
  PrintWritten(options, data.set->size(), arrays);
  return {};
}

Status WriteIntegers(const Options& options, const Data& data, runtime::Session& session) {
  const qnet::QNet& net = session.net();
  TF2_RETURN_IF_ERROR(dataset::CheckArrayPath(options.output, 2 * net.outputs.size()));
  TF2_RETURN_IF_ERROR(CheckWritable(options.output));
  std::vector<std::vector<std::uint8_t>> values(net.outputs.size());
  TF2_RETURN_IF_ERROR(ForEachInputs(data, [&](std::span<const std::vector<float>> x) -> Status {
    runtime::Batch batch;
    for (const std::vector<float>& sample : x) {
      TF2_ASSIGN_OR_RETURN(const auto quantised, qnet::QuantizeInput(net, sample));
      batch.data.insert(batch.data.end(), quantised.begin(), quantised.end());
      ++batch.count;
    }
    TF2_ASSIGN_OR_RETURN(const auto frames, session.device().Run(std::move(batch)));
    for (const runtime::Frame& frame : frames) {
      for (std::size_t i = 0; i < frame.size(); ++i)
        values[i].insert(values[i].end(), frame[i].begin(), frame[i].end());
    }
    return {};
  }));
  std::vector<dataset::OutputForm> forms;
  for (const qnet::Output& output : net.outputs) forms.push_back({output.name, {}});
  const std::vector<std::string> names = MemberNames(forms);
  std::vector<NamedArray> arrays;
  for (std::size_t i = 0; i < net.outputs.size(); ++i) {
    const qnet::Tensor& t = net.tensor(net.outputs[i].tensor);
    const auto type =
        t.type == qnet::ElemType::kInt8 ? dataset::ElementType::kI8 : dataset::ElementType::kI16;
    arrays.push_back({names[i], type, {data.set->size(), t.c(), t.h(), t.w()}, values[i]});
    arrays.push_back({names[i] + "/q",
                      dataset::ElementType::kI8,
                      {t.c()},
                      std::vector<std::uint8_t>(t.q.begin(), t.q.end())});
  }
  TF2_RETURN_IF_ERROR(dataset::WriteArrays(options.output, arrays));
  PrintWritten(options, data.set->size(), arrays);
  return {};
}

Status RunOnArrays(const Options& options, const ir::Graph& graph) {
  if (options.output.empty()) {
    return WithHint(InvalidArgument("the model's inputs are no pictures: its outputs go to a file"),
                    "give -o FILE.npz, and the inputs by name with --data FILE.npz");
  }
  if (options.data.paths.size() != 1)
    return InvalidArgument("--data: inputs that are no samples all come from one .npz");
  TF2_RETURN_IF_ERROR(dataset::CheckArrayPath(options.output, graph.outputs.size()));
  TF2_RETURN_IF_ERROR(CheckWritable(options.output));
  TF2_ASSIGN_OR_RETURN(const auto inputs, ReadInputs(options.data.paths[0], graph));
  TF2_ASSIGN_OR_RETURN(const auto outputs, floatexec::Executor(graph).Run(inputs));
  const std::vector<std::string> names = MemberNames(OutputForms(graph));
  std::vector<NamedArray> arrays;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ir::Tensor& t = outputs[i];
    arrays.push_back(t.dtype == ir::DType::kFloat32 ? NamedArray::Floats(names[i], t.shape, t.f32)
                                                    : NamedArray::Int64s(names[i], t.shape, t.i64));
  }
  TF2_RETURN_IF_ERROR(dataset::WriteArrays(options.output, arrays));
  PrintWritten(options, 1, arrays);
  return {};
}

bool NeedsArrays(const ir::Graph& graph) {
  const auto is_sample = [&](ir::ValueId id) {
    const ir::Value& value = graph.value(id);
    const std::size_t rank = value.shape.size();
    return value.dtype == ir::DType::kFloat32 && rank >= 2 && rank <= 5 && value.shape[0] == 1;
  };
  return graph.inputs.empty() || !std::ranges::all_of(graph.inputs, is_sample);
}

}  // namespace tf2::cli
