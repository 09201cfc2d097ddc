#include "cli/data.h"

#include "dataset/labels.h"
#include "dataset/preprocess.h"

namespace tf2::cli {
namespace {

Result<dataset::InputShape> InputShapeOf(const ir::Graph& graph) {
  if (graph.inputs.size() != 1) {
    return Unsupported("the model has {} inputs; data are given to models with one",
                       graph.inputs.size());
  }
  const ir::Shape& shape = graph.value(graph.inputs[0]).shape;
  if (shape.empty() || shape[0] != 1) {
    return WithHint(Unsupported("the model's input {} has no batch of 1", ir::ToString(shape)),
                    "set the batch with --input-shape, as in 1x3x224x224");
  }
  if (shape.size() == 2) return dataset::InputShape{shape[1], 1, 1};
  if (shape.size() == 4) return dataset::InputShape{shape[1], shape[2], shape[3]};
  return Unsupported("the model's input {} is neither [1, c, h, w] nor [1, n]",
                     ir::ToString(shape));
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

Result<Data> Open(const DataFlags& flags, const dataset::InputShape& shape,
                  Preprocessing preprocessing, dataset::Labels labels) {
  if (!flags.labels.empty()) {
    TF2_ASSIGN_OR_RETURN(labels, dataset::ReadLabels(flags.labels));
  }
  dataset::DatasetOptions options;
  options.input = shape;
  options.skip = flags.skip;
  if (flags.limit > 0) options.limit = flags.limit;
  options.preprocessing = preprocessing;
  options.class_names = labels.names;
  options.class_ids = labels.ids;
  TF2_ASSIGN_OR_RETURN(auto set, dataset::OpenDataset(flags.path, options));
  return Data{std::move(set), std::move(preprocessing), std::move(labels.names)};
}

}  // namespace

Result<Data> OpenData(const DataFlags& flags, const ir::Graph& graph) {
  TF2_ASSIGN_OR_RETURN(const dataset::InputShape shape, InputShapeOf(graph));
  TF2_ASSIGN_OR_RETURN(Preprocessing preprocessing, FromFlags(flags));
  return Open(flags, shape, std::move(preprocessing), {});
}

Result<Data> OpenData(const DataFlags& flags, const qnet::QNet& net) {
  TF2_ASSIGN_OR_RETURN(const Preprocessing given, FromFlags(flags));
  if (flags.HasPreprocessing() && given != net.preprocessing) {
    return WithHint(InvalidArgument("the artifact was quantised with other preprocessing ({})",
                                    dataset::Describe(net.preprocessing)),
                    "leave --mean, --std, --mean-image, --order, --resize and --crop out, or give "
                    "them to tf2 quantize");
  }
  const qnet::Tensor& input = net.tensor(net.input);
  return Open(flags, {input.c(), input.h(), input.w()}, net.preprocessing, {net.labels, {}});
}

std::string ClassName(const std::vector<std::string>& labels, std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  return i < labels.size() ? labels[i] : std::to_string(index);
}

}  // namespace tf2::cli
