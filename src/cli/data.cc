#include "cli/data.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/files.h"
#include "dataset/labels.h"
#include "dataset/preprocess.h"

namespace tf2::cli {
namespace {

// One input of a model.
struct Input {
  std::string name;
  dataset::InputShape shape;
};

Result<Input> InputOf(const ir::Value& value) {
  const ir::Shape& shape = value.shape;
  if (shape.empty() || shape[0] != 1) {
    return WithHint(Unsupported("the model's input {} has no batch of 1", ir::ToString(shape)),
                    "set the batch with --input-shape, as in 1x3x224x224");
  }
  switch (shape.size()) {
    case 2:
      return Input{value.name, {shape[1], 1, 1}};
    case 3:
      return Input{value.name, {shape[1], shape[2], 1}};
    case 4:
      return Input{value.name, {shape[1], shape[2], shape[3]}};
    case 5:
      return Input{value.name, {shape[1], shape[2], shape[3] * shape[4]}};
    default:
      return Unsupported(
          "the model's input {} is none of [1, n], [1, c, w], [1, c, h, w] and [1, c, d, h, w]",
          ir::ToString(shape));
  }
}

Result<std::vector<Input>> InputsOf(const ir::Graph& graph) {
  std::vector<Input> inputs;
  for (const ir::ValueId id : graph.inputs) {
    TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), InputOf(graph.value(id)));
  }
  if (inputs.empty()) return Unsupported("the model has no input");
  return inputs;
}

std::vector<Input> InputsOf(const qnet::QNet& net) {
  std::vector<Input> inputs;
  for (const qnet::TensorId id : net.inputs) {
    const qnet::Tensor& tensor = net.tensor(id);
    inputs.push_back({tensor.name, {tensor.c(), tensor.h(), tensor.w()}});
  }
  return inputs;
}

// The path after "NAME=" where `text` begins with the input's name.
std::optional<std::string> PathFor(const Input& input, const std::string& text) {
  const std::string start = input.name + "=";
  if (!text.starts_with(start)) return {};
  return text.substr(start.size());
}

// Of each input; one file may hold the arrays of all.
Result<std::vector<std::string>> PathsFor(const std::vector<Input>& inputs,
                                          const std::vector<std::string>& flags) {
  std::vector<std::string> names;
  names.reserve(inputs.size());
  for (const Input& input : inputs) names.push_back(input.name);
  const auto named = [&](const std::string& flag) {
    return std::ranges::any_of(inputs,
                               [&](const Input& i) { return PathFor(i, flag).has_value(); });
  };
  if (flags.size() == 1) {
    const bool exists = FileExists(flags[0]) || IsDirectory(flags[0]);
    const bool names_one = named(flags[0]) || (!exists && flags[0].find('=') != std::string::npos);
    if ((inputs.size() == 1 && exists) || !names_one)
      return std::vector<std::string>(inputs.size(), flags[0]);
  }
  for (const std::string& flag : flags) {
    if (named(flag)) continue;
    return WithHint(InvalidArgument("--data {} names none of the model's inputs", flag),
                    fmt::format("write NAME=PATH; the inputs are {}", fmt::join(names, ", ")));
  }
  std::vector<std::string> paths;
  for (const Input& input : inputs) {
    std::vector<std::string> own;
    for (const std::string& flag : flags) {
      if (auto path = PathFor(input, flag)) own.push_back(*std::move(path));
    }
    if (own.size() != 1) {
      return WithHint(
          InvalidArgument("--data is given {} times for the input \"{}\"", own.size(), input.name),
          fmt::format("give NAME=PATH once for each of {}", fmt::join(names, ", ")));
    }
    paths.push_back(std::move(own[0]));
  }
  return paths;
}

Result<Preprocessing> FromFlags(const DataFlags& flags) {
  Preprocessing p;
  if (!flags.order.empty()) {
    TF2_ASSIGN_OR_RETURN(p.order, dataset::ParseOrder(flags.order));
  }
  p.resize = flags.resize;
  p.crop = flags.crop;
  p.mean = flags.mean;
  p.std = flags.std;
  if (!flags.mean_image.empty()) {
    TF2_RETURN_IF_ERROR(dataset::ReadMeanImage(flags.mean_image, p));
  }
  return p;
}

Result<Data> Open(const DataFlags& flags, const std::vector<Input>& inputs,
                  Preprocessing preprocessing, dataset::Labels labels) {
  if (!flags.labels.empty()) {
    TF2_ASSIGN_OR_RETURN(labels, dataset::ReadLabels(flags.labels));
  }
  dataset::DatasetOptions options;
  options.skip = flags.skip;
  if (flags.limit > 0) options.limit = flags.limit;
  options.preprocessing = preprocessing;
  options.class_names = labels.names;
  options.class_ids = labels.ids;
  TF2_ASSIGN_OR_RETURN(const auto paths, PathsFor(inputs, flags.paths));
  options.only_member = inputs.size() > 1 && flags.paths.size() == 1;
  std::vector<std::unique_ptr<dataset::Dataset>> sets;
  for (const Input& input : inputs) options.inputs.push_back(input.name);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    options.input = inputs[i].shape;
    options.member = inputs[i].name;
    TF2_ASSIGN_OR_RETURN(sets.emplace_back(), dataset::OpenDataset(paths[i], options));
  }
  TF2_ASSIGN_OR_RETURN(auto set, dataset::JoinDatasets(std::move(sets), options.inputs));
  return Data{std::move(set), std::move(preprocessing), std::move(labels.names)};
}

}  // namespace

Result<Data> OpenData(const DataFlags& flags, const ir::Graph& graph) {
  TF2_ASSIGN_OR_RETURN(const auto inputs, InputsOf(graph));
  TF2_ASSIGN_OR_RETURN(Preprocessing preprocessing, FromFlags(flags));
  return Open(flags, inputs, std::move(preprocessing), {});
}

Result<Data> OpenData(const DataFlags& flags, const qnet::QNet& net) {
  TF2_ASSIGN_OR_RETURN(const Preprocessing given, FromFlags(flags));
  if (flags.HasPreprocessing() && given != net.preprocessing) {
    return WithHint(InvalidArgument("the artifact was quantised with other preprocessing ({})",
                                    dataset::Describe(net.preprocessing)),
                    "leave --mean, --std, --mean-image, --order, --resize and --crop out, or give "
                    "them to tf2 quantize");
  }
  return Open(flags, InputsOf(net), net.preprocessing, {net.labels, {}});
}

std::string ClassName(const std::vector<std::string>& labels, std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  return i < labels.size() ? labels[i] : std::to_string(index);
}

}  // namespace tf2::cli
