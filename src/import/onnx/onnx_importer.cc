#include "import/onnx/onnx_importer.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
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
using Function = onnx_pb::Function;

// A value of the model with its element type there.
struct Typed {
  ir::ValueId id = ir::kNoValue;
  std::int32_t type = 0;
};

// The names that one graph, sub-graph or function gives values to.
struct Scope {
  std::unordered_map<std::string, Typed> values;
  std::unordered_map<std::string, const onnx_pb::Tensor*> initialisers;
  std::unordered_set<std::string> reads;
  bool sees_outer = true;  // a function sees only its own names
};

std::string FunctionName(const Function& f) {
  onnx_pb::Node call;
  call.set_domain(f.domain());
  call.set_op_type(f.name());
  return OperatorName(call);
}

class ModelImporter {
 public:
  ModelImporter(const onnx_pb::Model& model, const ImportOptions& options, Folder folder)
      : graph_(model.graph()),
        model_(model),
        options_(options),
        folder_(std::move(folder)),
        builder_(options.max_constant_bytes) {}

  Result<ir::Graph> Run() {
    for (const Function& f : model_.functions()) {
      functions_.emplace(FunctionName(f), &f);
      function_names_.insert(FunctionName(f));
    }
    scopes_.emplace_back();
    TF2_RETURN_IF_ERROR(Prepare(graph_));
    TF2_ASSIGN_OR_RETURN(opset_, OpsetOf(model_));
    TF2_RETURN_IF_ERROR(AddInputs());
    TF2_RETURN_IF_ERROR(ImportNodes(graph_));
    for (const auto& output : graph_.output()) {
      TF2_ASSIGN_OR_RETURN(const Typed value, Lookup(output.name()));
      builder_.AddOutput(value.id);
    }
    builder_.SetName(graph_.name().empty() ? "onnx" : graph_.name());
    return builder_.Finish();
  }

 private:
  // Checks the operators of `graph` and notes what it reads, into the innermost scope.
  Status Prepare(const onnx_pb::Graph& graph) {
    TF2_RETURN_IF_ERROR(CheckOperators(graph, function_names_));
    if (graph.sparse_initializer_size() > 0) {
      return WithHint(
          Unsupported("initialiser '{}' is sparse", graph.sparse_initializer(0).values().name()),
          "save the model with dense weights");
    }
    Scope& scope = scopes_.back();
    for (const auto& tensor : graph.initializer()) {
      if (!scope.initialisers.emplace(tensor.name(), &tensor).second)
        return InvalidArgument("two initialisers have the name '{}'", tensor.name());
    }
    // An output that nothing reads need not be made.
    ForEachRead(graph, [&scope](const std::string& name) { scope.reads.insert(name); });
    for (const auto& output : graph.output()) scope.reads.insert(output.name());
    return {};
  }

  Status AddInputs() {
    std::unordered_map<std::string, Typed>& values = scopes_.back().values;
    for (const auto& info : graph_.input()) {
      if (scopes_.back().initialisers.contains(info.name())) continue;
      if (values.contains(info.name()))
        return InvalidArgument("two inputs have the name '{}'", info.name());
      Status status = AddInput(info);
      if (!status.ok()) return std::move(status.error()).At(fmt::format("input '{}'", info.name()));
    }
    for (const auto& [name, shape] : options_.input_shapes) {
      if (values.contains(name) || (name.empty() && values.size() == 1)) continue;
      if (name.empty()) {
        return WithHint(InvalidArgument("the model has {} inputs; say which one the shape is for",
                                        values.size()),
                        "its inputs are " + InputList());
      }
      return WithHint(NotFound("the model has no input '{}' to give a shape", name),
                      "its inputs are " + InputList());
    }
    return {};
  }

  Status AddInput(const onnx_pb::ValueInfo& info) {
    if (!info.type().has_tensor_type()) {
      return WithHint(Unsupported("it is no tensor"),
                      "sequences and optional values cannot be imported: export with tensors only");
    }
    const std::int32_t type = info.type().tensor_type().elem_type();
    TF2_ASSIGN_OR_RETURN(const ir::DType dtype, MapDataType(type));
    auto given = options_.input_shapes.find(info.name());
    if (given == options_.input_shapes.end()) given = options_.input_shapes.find("");
    std::int64_t batch = 1;
    TF2_ASSIGN_OR_RETURN(
        ir::Shape shape,
        InputShape(info, given == options_.input_shapes.end() ? nullptr : &given->second, batch));
    TF2_RETURN_IF_ERROR(CheckedElementCount(shape));
    if (batch != 1) builder_.NoteReplacedBatch(batch);
    scopes_.back().values.emplace(
        info.name(), Typed{builder_.AddInput(info.name(), dtype, std::move(shape)), type});
    return {};
  }

  std::string InputList() const {
    std::string list;
    for (ir::ValueId id : builder_.graph().inputs)
      list += fmt::format("{}'{}'", list.empty() ? "" : ", ", builder_.graph().value(id).name);
    return list;
  }

  // The scope that gives `name` a value, from the innermost outwards; null where none does.
  Scope* ScopeOf(const std::string& name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (scope->values.contains(name) || scope->initialisers.contains(name)) return &*scope;
      if (!scope->sees_outer) return nullptr;
    }
    return nullptr;
  }

  // The value called `name`; initialisers are read when first used.
  Result<Typed> Lookup(const std::string& name) {
    Scope* scope = ScopeOf(name);
    if (scope == nullptr) return InvalidArgument("'{}' has no value", name);
    if (const auto it = scope->values.find(name); it != scope->values.end()) return it->second;
    const onnx_pb::Tensor& proto = *scope->initialisers.at(name);
    auto tensor = ReadTensor(proto, folder_);
    if (!tensor.ok()) return std::move(tensor.error()).At(fmt::format("initialiser '{}'", name));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId id, builder_.AddConstant(name, *std::move(tensor)));
    return scope->values.emplace(name, Typed{id, proto.data_type()}).first->second;
  }

  Status ImportNodes(const onnx_pb::Graph& graph) {
    TF2_ASSIGN_OR_RETURN(const auto order, OrderNodes(graph, [this](const std::string& name) {
                           return ScopeOf(name) != nullptr;
                         }));
    for (std::size_t index : order) {
      Status status = ImportNode(graph.node(static_cast<int>(index)));
      if (!status.ok()) return std::move(status.error()).At(DescribeNode(graph, index));
    }
    return {};
  }

  Status ImportNode(const onnx_pb::Node& node) {
    if (++nodes_ > kMostNodes)
      return ResourceExhausted("the model has more than {} nodes with its functions expanded",
                               kMostNodes);
    if (node.output_size() == 0) return InvalidArgument("it has no output");
    const std::string name = OperatorName(node);
    if (const auto f = functions_.find(name); f != functions_.end())
      return Nested([&] { return CallFunction(node, *f->second); });
    if (name == "If") return Nested([&] { return ImportIf(node); });
    if (node.output(0).empty()) return InvalidArgument("it has no first output");
    TF2_ASSIGN_OR_RETURN(NodeImport n, Describe(node));
    TF2_RETURN_IF_ERROR(FindOperator(name)(n));
    TF2_RETURN_IF_ERROR(n.attrs.CheckAllUsed());
    return Define(node, n);
  }

  Result<NodeImport> Describe(const onnx_pb::Node& node) {
    TF2_ASSIGN_OR_RETURN(Attributes attrs, Attributes::Of(node));
    NodeImport n{.builder = builder_,
                 .attrs = std::move(attrs),
                 .opset = opset_,
                 .op_type = OperatorName(node),
                 .name = node.name().empty() ? fmt::format("{}_{}", node.op_type(), node.output(0))
                                             : node.name(),
                 .inputs = {},
                 .types = {},
                 .outputs = {node.output(0)},
                 .folder = folder_};
    for (const std::string& input : node.input()) {
      Typed value;
      if (!input.empty()) {
        TF2_ASSIGN_OR_RETURN(value, Lookup(input));
      }
      n.inputs.push_back(value.id);
      n.types.push_back(value.type);
    }
    while (!n.inputs.empty() && n.inputs.back() == ir::kNoValue) {  // left out at the end
      n.inputs.pop_back();
      n.types.pop_back();
    }
    for (int i = 1; i < node.output_size(); ++i) {
      const std::string& output = node.output(i);
      n.outputs.push_back(scopes_.back().reads.contains(output) ? output : "");
    }
    return n;
  }

  // Gives the outputs of `node` the values that its importer has made.
  Status Define(const onnx_pb::Node& node, const NodeImport& n) {
    const auto type = [&](ir::ValueId id, std::int32_t stated, std::int32_t fallback) {
      const ir::DType dtype = builder_.DTypeOf(id);
      for (std::int32_t candidate : {stated, fallback}) {
        const auto mapped = MapDataType(candidate);
        if (mapped.ok() && *mapped == dtype) return candidate;
      }
      return static_cast<std::int32_t>(dtype == ir::DType::kFloat32 ? onnx_pb::Tensor::FLOAT
                                                                    : onnx_pb::Tensor::INT64);
    };
    std::unordered_map<std::string, Typed>& values = scopes_.back().values;
    if (n.result != ir::kNoValue)
      values.emplace(node.output(0), Typed{n.result, type(n.result, n.result_type, n.TypeOf(0))});
    for (const auto& [i, output] : n.more) {
      if (n.Reads(i))
        values.emplace(n.outputs[i], Typed{output.id, type(output.id, output.type, 0)});
    }
    for (const std::string& output : n.outputs) {
      if (output.empty() || values.contains(output)) continue;
      if (output == node.output(0) && !scopes_.back().reads.contains(output)) continue;
      return WithHint(Unsupported("output '{}' is read", output),
                      "only the first output of this operator is supported");
    }
    return {};
  }

  // Runs `import` one level deeper.
  template <typename F>
  Status Nested(F&& import) {
    constexpr std::size_t kDeepest = 32;
    if (scopes_.size() > kDeepest)
      return ResourceExhausted("sub-graphs or functions are nested more than {} deep", kDeepest);
    return import();
  }

  // The values called `names` in the innermost scope, which then ends, as the outputs of `node`.
  Status Leave(const onnx_pb::Node& node, const std::vector<std::string>& names) {
    std::vector<Typed> results;
    for (int i = 0; i < std::min(node.output_size(), static_cast<int>(names.size())); ++i) {
      if (node.output(i).empty()) {
        results.emplace_back();
        continue;
      }
      TF2_ASSIGN_OR_RETURN(results.emplace_back(), Lookup(names[static_cast<std::size_t>(i)]));
    }
    scopes_.pop_back();
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::string& output = node.output(static_cast<int>(i));
      if (!output.empty()) scopes_.back().values.emplace(output, results[i]);
    }
    if (static_cast<int>(results.size()) < node.output_size())
      return InvalidArgument("it has {} outputs, what it runs has {}", node.output_size(),
                             results.size());
    return {};
  }

  // The branch that a condition known while importing takes.
  Status ImportIf(const onnx_pb::Node& node) {
    TF2_ASSIGN_OR_RETURN(NodeImport n, Describe(node));
    TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
    const ir::Tensor* condition = builder_.IntsOf(n.inputs[0]);
    if (condition == nullptr || condition->i64.size() != 1) {
      return WithHint(Unsupported("its condition depends on the data"),
                      "export one fixed path through the model; a condition on shapes is resolved "
                      "once --input-shape fixes them");
    }
    TF2_ASSIGN_OR_RETURN(const onnx_pb::Graph* branch,
                         n.attrs.Graph(condition->i64[0] != 0 ? "then_branch" : "else_branch"));
    scopes_.emplace_back();
    TF2_RETURN_IF_ERROR(Prepare(*branch));
    TF2_RETURN_IF_ERROR(ImportNodes(*branch));
    std::vector<std::string> names;
    for (const auto& output : branch->output()) names.push_back(output.name());
    return Leave(node, names);
  }

  // Imports the nodes of a function of the model in place of a call.
  Status CallFunction(const onnx_pb::Node& node, const Function& f) {
    TF2_ASSIGN_OR_RETURN(const onnx_pb::Graph body, BodyOf(node, f));
    Scope scope;
    scope.sees_outer = false;
    for (int i = 0; i < std::min(node.input_size(), f.input_size()); ++i) {
      if (node.input(i).empty()) continue;
      TF2_ASSIGN_OR_RETURN(const Typed value, Lookup(node.input(i)));
      scope.values.emplace(f.input(i), value);
    }
    std::int64_t opset = opset_;
    for (const auto& id : f.opset_import()) {
      if (id.domain().empty() || id.domain() == "ai.onnx") opset = id.version();
    }
    if (opset < 1 || opset > kNewestOpset)
      return Unsupported("function {} uses operator set {}", f.name(), opset);
    scopes_.push_back(std::move(scope));
    const std::int64_t outer_opset = std::exchange(opset_, opset);
    TF2_RETURN_IF_ERROR(Prepare(body));
    for (const std::string& output : f.output()) scopes_.back().reads.insert(output);
    TF2_RETURN_IF_ERROR(ImportNodes(body));
    opset_ = outer_opset;
    return Leave(node, {f.output().begin(), f.output().end()});
  }

  // The nodes of `f` with the attributes of the call in the place of those that refer to them.
  // Inputs that the call leaves out are left out inside too.
  static Result<onnx_pb::Graph> BodyOf(const onnx_pb::Node& call, const Function& f) {
    std::unordered_map<std::string, const onnx_pb::Attribute*> given;
    for (const auto& a : f.attribute_proto()) given[a.name()] = &a;
    for (const auto& a : call.attribute()) given[a.name()] = &a;
    std::set<std::string> absent;
    for (int i = 0; i < f.input_size(); ++i) {
      if (i >= call.input_size() || call.input(i).empty()) absent.insert(f.input(i));
    }
    onnx_pb::Graph body;
    for (const onnx_pb::Node& source : f.node()) {
      onnx_pb::Node& node = *body.add_node();
      node = source;
      if (!call.name().empty()) {
        node.set_name(call.name() + "/" +
                      (source.name().empty() ? source.op_type() : source.name()));
      }
      node.clear_attribute();
      for (const auto& a : source.attribute()) {
        if (a.ref_attr_name().empty()) {
          *node.add_attribute() = a;
        } else if (const auto it = given.find(a.ref_attr_name()); it != given.end()) {
          onnx_pb::Attribute& copy = *node.add_attribute();
          copy = *it->second;
          copy.set_name(a.name());
        }
      }
      for (std::string& input : *node.mutable_input()) {
        if (absent.contains(input)) input.clear();
      }
    }
    return body;
  }

  static constexpr std::int64_t kMostNodes = 1'000'000;

  const onnx_pb::Graph& graph_;
  const onnx_pb::Model& model_;
  const ImportOptions& options_;
  Folder folder_;
  std::int64_t opset_ = 0;
  std::int64_t nodes_ = 0;
  ir::GraphBuilder builder_;
  std::vector<Scope> scopes_;
  std::unordered_map<std::string, const Function*> functions_;
  std::set<std::string> function_names_;
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
