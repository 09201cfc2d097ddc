#include "import/caffe/caffe_importer.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "import/caffe/layer_import.h"
#include "import/caffe/net_inputs.h"
#include "import/caffe/net_reader.h"
#include "import/caffe/weights.h"

namespace tf2::import::caffe {
namespace {

using caffe_pb::LayerParameter;

class NetImporter {
 public:
  NetImporter(const caffe_pb::NetParameter& net, const Weights& weights,
              const ImportOptions& options)
      : net_(net), weights_(weights), options_(options), builder_(options.max_constant_bytes) {}

  Result<ir::Graph> Run() {
    TF2_ASSIGN_OR_RETURN(layers_, TestLayers(net_));
    TF2_RETURN_IF_ERROR(CheckTypes());
    TF2_RETURN_IF_ERROR(CheckNames());
    TF2_ASSIGN_OR_RETURN(const auto inputs, NetInputs(net_));
    for (const NetInput& input : inputs) {
      Status status = AddInput(input);
      if (!status.ok()) return std::move(status.error()).At(fmt::format("input '{}'", input.name));
    }
    for (const LayerParameter& layer : layers_) {
      Status status = Import(layer);
      if (!status.ok()) return std::move(status.error()).At(DescribeLayer(layer));
    }
    TF2_RETURN_IF_ERROR(CheckShapesUsed());
    for (const std::string& blob : unread_) builder_.AddOutput(blobs_.at(blob));
    builder_.SetName(net_.name().empty() ? "caffe" : net_.name());
    return builder_.Finish();
  }

 private:
  // One error for all layer types that are not supported.
  Status CheckTypes() const {
    const LayerParameter* first = nullptr;
    std::set<std::string> others;
    for (const LayerParameter& layer : layers_) {
      if (FindLayerType(layer.type()).role != LayerRole::kUnknown) continue;
      if (first == nullptr) first = &layer;
      if (layer.type() != first->type()) others.insert(layer.type());
    }
    if (first == nullptr) return {};
    Error error =
        Unsupported("layer type {} is not supported{}", first->type(),
                    others.empty() ? "" : fmt::format("; neither are {}", fmt::join(others, ", ")));
    error.hint = UnsupportedHint(first->type());
    return std::move(error).At(DescribeLayer(*first));
  }

  // Weights are matched by name, so no two layers with weights may share one.
  Status CheckNames() const {
    std::unordered_set<std::string> names;
    for (const LayerParameter& layer : layers_) {
      if (names.insert(layer.name()).second || weights_.CountOf(layer.name()) == 0) continue;
      return WithHint(InvalidArgument("another layer has the same name"),
                      "weights are matched by name: rename one in the prototxt and the caffemodel")
          .At(DescribeLayer(layer));
    }
    return {};
  }

  Status AddInput(const NetInput& input) {
    auto given = options_.input_shapes.find(input.name);
    if (given == options_.input_shapes.end()) given = options_.input_shapes.find("");
    std::int64_t batch = 1;
    TF2_ASSIGN_OR_RETURN(
        ir::Shape shape,
        InputShape(input, given == options_.input_shapes.end() ? nullptr : &given->second, batch));
    if (batch != 1) builder_.NoteReplacedBatch(batch);
    used_shapes_.insert(input.name);
    const ir::ValueId id = builder_.AddInput(input.name, ir::DType::kFloat32, std::move(shape));
    moments_.emplace(id, Moments());
    return DefineTop(input.name, id);
  }

  Status CheckShapesUsed() const {
    for (const auto& [name, shape] : options_.input_shapes) {
      if (used_shapes_.contains(name) || (name.empty() && used_shapes_.size() == 1)) continue;
      if (name.empty()) {
        return WithHint(InvalidArgument("the network has {} inputs; say which one the shape is for",
                                        used_shapes_.size()),
                        fmt::format("its inputs are {}", fmt::join(used_shapes_, ", ")));
      }
      return WithHint(NotFound("the network has no input '{}' to give a shape", name),
                      fmt::format("its inputs are {}", fmt::join(used_shapes_, ", ")));
    }
    return {};
  }

  Status Import(const LayerParameter& layer) {
    const LayerType type = FindLayerType(layer.type());
    switch (type.role) {
      case LayerRole::kCompute:
        return ImportCompute(layer, type.import);
      case LayerRole::kInput:
      case LayerRole::kData:
        return ImportSource(layer, type.role == LayerRole::kData);
      case LayerRole::kSplit:
        return ImportSplit(layer);
      case LayerRole::kSilence:
        for (const std::string& bottom : layer.bottom()) std::erase(unread_, bottom);
        return {};
      case LayerRole::kLoss:
        return {};
      case LayerRole::kSoftmaxLoss:
        return ImportSoftmaxLoss(layer, type.import);
      case LayerRole::kUnknown:
        break;
    }
    TF2_CHECK(false, "CheckTypes lets no such layer pass");
  }

  Status ImportSource(const LayerParameter& layer, bool data) {
    if (layer.top_size() == 0) return InvalidArgument("it has no top");
    for (int i = 0; i < layer.top_size(); ++i) {
      if (data && i > 0) {
        labels_.insert(layer.top(i));
        continue;
      }
      TF2_ASSIGN_OR_RETURN(const NetInput input, LayerInput(layer, i));
      TF2_RETURN_IF_ERROR(AddInput(input));
    }
    return {};
  }

  Status ImportSplit(const LayerParameter& layer) {
    if (layer.bottom_size() != 1) return InvalidArgument("it has {} bottoms", layer.bottom_size());
    TF2_ASSIGN_OR_RETURN(const ir::ValueId source, UseBottom(layer.bottom(0)));
    for (const std::string& top : layer.top()) TF2_RETURN_IF_ERROR(DefineTop(top, source));
    return {};
  }

  // The loss of training tells where the scores are.
  Status ImportSoftmaxLoss(const LayerParameter& layer, ImportFunction import) {
    if (layer.bottom_size() == 0) return InvalidArgument("it has no bottom");
    const bool has_softmax = std::any_of(layers_.begin(), layers_.end(), [&](const auto& other) {
      return other.type() == "Softmax" && other.bottom_size() > 0 &&
             other.bottom(0) == layer.bottom(0);
    });
    if (has_softmax) return {};
    LayerParameter softmax = layer;
    softmax.mutable_bottom()->DeleteSubrange(1, layer.bottom_size() - 1);
    softmax.clear_top();
    softmax.add_top(layer.top_size() > 0 ? layer.top(0) : layer.name());
    return ImportCompute(softmax, import);
  }

  Status ImportCompute(const LayerParameter& layer, ImportFunction import) {
    if (layer.top_size() == 0) return InvalidArgument("it has no top");
    const bool in_place = layer.bottom_size() > 0 && layer.top(0) == layer.bottom(0);
    LayerImport l{.builder = builder_,
                  .layer = layer,
                  .weights = weights_,
                  .bottoms = {},
                  .moments = {},
                  .value_names = {layer.top().begin(), layer.top().end()},
                  .results = {},
                  .moment = {}};
    if (in_place) l.value_names[0] = layer.name();
    for (const std::string& bottom : layer.bottom()) {
      TF2_ASSIGN_OR_RETURN(const ir::ValueId id, UseBottom(bottom));
      l.bottoms.push_back(id);
      l.moments.push_back(moments_.at(id));
    }
    TF2_RETURN_IF_ERROR(import(l));
    TF2_CHECK(l.results.size() == l.value_names.size(), "{}", layer.type());
    if (in_place) blobs_.erase(layer.top(0));
    for (std::size_t i = 0; i < l.results.size(); ++i) {
      moments_.emplace(l.results[i],
                       l.moment.value_or(l.moments.empty() ? Moments() : l.moments[0]));
      TF2_RETURN_IF_ERROR(DefineTop(layer.top(static_cast<int>(i)), l.results[i]));
    }
    return {};
  }

  Result<ir::ValueId> UseBottom(const std::string& name) {
    if (labels_.contains(name)) {
      return WithHint(Unsupported("it reads the labels '{}'", name),
                      "labels exist in training only: give the network's deploy.prototxt");
    }
    const auto it = blobs_.find(name);
    if (it == blobs_.end())
      return InvalidArgument("it reads '{}', which no layer before it writes", name);
    std::erase(unread_, name);
    return it->second;
  }

  Status DefineTop(const std::string& name, ir::ValueId id) {
    if (!blobs_.emplace(name, id).second)
      return InvalidArgument("it writes '{}', which another layer has written", name);
    unread_.push_back(name);
    return {};
  }

  const caffe_pb::NetParameter& net_;
  const Weights& weights_;
  const ImportOptions& options_;
  ir::GraphBuilder builder_;
  std::vector<LayerParameter> layers_;
  std::unordered_map<std::string, ir::ValueId> blobs_;  // the current value of each blob
  std::vector<std::string> unread_;                     // blobs that nothing has read yet
  std::unordered_map<ir::ValueId, Moments> moments_;
  std::unordered_set<std::string> labels_;
  std::set<std::string> used_shapes_;
};

Error Located(Error error, const std::string& path) { return std::move(error).At(path); }

}  // namespace

Result<ir::Graph> ImportCaffe(const std::string& prototxt_path,
                              const std::optional<std::string>& caffemodel_path,
                              const ImportOptions& options) {
  TF2_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(prototxt_path));
  auto net = ParseNet(text);
  if (!net.ok()) return Located(std::move(net.error()), prototxt_path);
  Weights weights;
  if (options.random_weights) {
    if (caffemodel_path)
      return InvalidArgument("both a caffemodel and random weights were asked for");
    weights = Weights::Random(*options.random_weights);
    LogWarning("{}: weights are random (seed {}): its results mean nothing", prototxt_path,
               *options.random_weights);
  }
  if (caffemodel_path) {
    TF2_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(*caffemodel_path));
    if (file.bytes().empty()) return DataLoss("the file is empty").At(*caffemodel_path);
    auto parsed = Weights::Parse(file.bytes());
    if (!parsed.ok()) return Located(std::move(parsed.error()), *caffemodel_path);
    weights = *std::move(parsed);
  }
  auto graph = NetImporter(*net, weights, options).Run();
  if (!graph.ok()) return Located(std::move(graph.error()), prototxt_path);
  return graph;
}

Result<ir::Graph> ImportCaffeFromMemory(std::string_view prototxt,
                                        std::span<const std::uint8_t> caffemodel,
                                        const ImportOptions& options) {
  TF2_ASSIGN_OR_RETURN(const caffe_pb::NetParameter net, ParseNet(prototxt));
  TF2_ASSIGN_OR_RETURN(Weights weights, Weights::Parse(caffemodel));
  if (options.random_weights) weights = Weights::Random(*options.random_weights);
  return NetImporter(net, weights, options).Run();
}

}  // namespace tf2::import::caffe
