#include "import/onnx/onnx_importer.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/files.h"
#include "import/onnx/model_checks.h"
#include "import/onnx/node_import.h"
#include "import/onnx/node_order.h"
#include "import/onnx/tensor_reader.h"
#include "ir/graph_builder.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::import::onnx {
namespace {

using Folder = std::optional<std::filesystem::path>;

class ModelImporter {
 public:
  ModelImporter(const onnx_pb::Model& model, const ImportOptions& options, Folder folder)
      : graph_(model.graph()),
        model_(model),
        options_(options),
        folder_(std::move(folder)),
        builder_(options.max_constant_bytes) {}

  Result<ir::Graph> Run() {
    TF2_ASSIGN_OR_RETURN(opset_, OpsetOf(model_));
    TF2_RETURN_IF_ERROR(CheckOperators(graph_));
    TF2_RETURN_IF_ERROR(CollectInitialisers());
    TF2_RETURN_IF_ERROR(AddInputs());
    TF2_ASSIGN_OR_RETURN(const auto order, OrderNodes(graph_));
    CollectReads();
    for (std::size_t index : order) {
      Status status = ImportNode(static_cast<int>(index));
      if (!status.ok()) return std::move(status.error()).At(DescribeNode(graph_, index));
    }
    for (const auto& output : graph_.output()) {
      TF2_ASSIGN_OR_RETURN(const ir::ValueId id, Lookup(output.name()));
      builder_.AddOutput(id);
    }
    builder_.SetName(graph_.name().empty() ? "onnx" : graph_.name());
    return builder_.Finish();
  }

 private:
  Status CollectInitialisers() {
    if (graph_.sparse_initializer_size() > 0) {
      return WithHint(
          Unsupported("initialiser '{}' is sparse", graph_.sparse_initializer(0).values().name()),
          "save the model with dense weights");
    }
    for (const auto& tensor : graph_.initializer()) {
      if (!initialisers_.emplace(tensor.name(), &tensor).second)
        return InvalidArgument("two initialisers have the name '{}'", tensor.name());
    }
    return {};
  }

  Status AddInputs() {
    for (const auto& info : graph_.input()) {
      if (initialisers_.contains(info.name())) continue;
      if (values_.contains(info.name()))
        return InvalidArgument("two inputs have the name '{}'", info.name());
      Status status = AddInput(info);
      if (!status.ok()) return std::move(status.error()).At(fmt::format("input '{}'", info.name()));
    }
    for (const auto& [name, shape] : options_.input_shapes) {
      if (values_.contains(name) || (name.empty() && values_.size() == 1)) continue;
      if (name.empty()) {
        return WithHint(InvalidArgument("the model has {} inputs; say which one the shape is for",
                                        values_.size()),
                        "its inputs are " + InputList());
      }
      return WithHint(NotFound("the model has no input '{}' to give a shape", name),
                      "its inputs are " + InputList());
    }
    return {};
  }

  Status AddInput(const onnx_pb::ValueInfo& info) {
    if (!info.type().has_tensor_type()) return Unsupported("it is no tensor");
    TF2_ASSIGN_OR_RETURN(const ir::DType dtype, MapDataType(info.type().tensor_type().elem_type()));
    auto given = options_.input_shapes.find(info.name());
    if (given == options_.input_shapes.end()) given = options_.input_shapes.find("");
    std::int64_t batch = 1;
    TF2_ASSIGN_OR_RETURN(
        ir::Shape shape,
        InputShape(info, given == options_.input_shapes.end() ? nullptr : &given->second, batch));
    TF2_RETURN_IF_ERROR(CheckedElementCount(shape));
    if (batch != 1) builder_.NoteReplacedBatch(batch);
    values_.emplace(info.name(), builder_.AddInput(info.name(), dtype, std::move(shape)));
    return {};
  }

  std::string InputList() const {
    std::string list;
    for (ir::ValueId id : builder_.graph().inputs)
      list += fmt::format("{}'{}'", list.empty() ? "" : ", ", builder_.graph().value(id).name);
    return list;
  }

  // Values that a node or the graph reads: an output that is not among them need not be made.
  void CollectReads() {
    for (const auto& node : graph_.node()) reads_.insert(node.input().begin(), node.input().end());
    for (const auto& output : graph_.output()) reads_.insert(output.name());
  }

  // The value called `name`, which OrderNodes has shown to exist; initialisers are read when first
  // used.
  Result<ir::ValueId> Lookup(const std::string& name) {
    if (const auto it = values_.find(name); it != values_.end()) return it->second;
    const auto found = initialisers_.find(name);
    TF2_CHECK(found != initialisers_.end(), "{}", name);
    auto tensor = ReadTensor(*found->second, folder_);
    if (!tensor.ok()) return std::move(tensor.error()).At(fmt::format("initialiser '{}'", name));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId id, builder_.AddConstant(name, *std::move(tensor)));
    values_.emplace(name, id);
    return id;
  }

  Status ImportNode(int index) {
    const onnx_pb::Node& node = graph_.node(index);
    if (node.output_size() == 0 || node.output(0).empty())
      return InvalidArgument("it has no first output");
    TF2_ASSIGN_OR_RETURN(Attributes attrs, Attributes::Of(node));
    NodeImport n{.builder = builder_,
                 .attrs = std::move(attrs),
                 .opset = opset_,
                 .name = node.name().empty() ? fmt::format("{}_{}", node.op_type(), node.output(0))
                                             : node.name(),
                 .inputs = {},
                 .outputs = {node.output(0)},
                 .folder = folder_};
    for (const std::string& input : node.input()) {
      if (input.empty()) {
        n.inputs.push_back(ir::kNoValue);
        continue;
      }
      TF2_ASSIGN_OR_RETURN(const ir::ValueId id, Lookup(input));
      n.inputs.push_back(id);
    }
    for (int i = 1; i < node.output_size(); ++i)
      n.outputs.push_back(reads_.contains(node.output(i)) ? node.output(i) : "");
    TF2_RETURN_IF_ERROR(FindOperator(node.op_type())(n));
    TF2_RETURN_IF_ERROR(n.attrs.CheckAllUsed());
    TF2_CHECK(n.result != ir::kNoValue, "{}", node.op_type());
    values_.emplace(node.output(0), n.result);
    return {};
  }

  const onnx_pb::Graph& graph_;
  const onnx_pb::Model& model_;
  const ImportOptions& options_;
  Folder folder_;
  std::int64_t opset_ = 0;
  ir::GraphBuilder builder_;
  std::unordered_map<std::string, ir::ValueId> values_;
  std::unordered_map<std::string, const onnx_pb::Tensor*> initialisers_;
  std::unordered_set<std::string> reads_;
};

Result<ir::Graph> Import(std::span<const std::uint8_t> bytes, const ImportOptions& options,
                         Folder folder) {
  TF2_ASSIGN_OR_RETURN(const onnx_pb::Model model, ParseModel(bytes));
  return ModelImporter(model, options, std::move(folder)).Run();
}

}  // namespace

Result<ir::Graph> ImportOnnx(const std::string& path, const ImportOptions& options) {
  TF2_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  auto graph = Import(file.bytes(), options, folder.empty() ? std::filesystem::path(".") : folder);
  if (!graph.ok()) return std::move(graph.error()).At(path);
  return graph;
}

Result<ir::Graph> ImportOnnxFromMemory(std::span<const std::uint8_t> bytes,
                                       const ImportOptions& options) {
  return Import(bytes, options, std::nullopt);
}

}  // namespace tf2::import::onnx
