#include "import/onnx/model_checks.h"

#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file_kind.h"
#include "import/onnx/node_import.h"
#include "import/onnx/node_order.h"

namespace tf2::import::onnx {
namespace {

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

// "[n?, 3, height, width]".
std::string DescribeShape(const onnx_pb::TensorShape& shape) {
  std::vector<std::string> parts;
  for (const auto& dim : shape.dim()) {
    if (dim.dim_value() > 0) {
      parts.push_back(fmt::format("{}", dim.dim_value()));
    } else {
      parts.push_back(dim.dim_param().empty() ? "?" : dim.dim_param());
    }
  }
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

}  // namespace

Result<onnx_pb::Model> ParseModel(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return WithHint(DataLoss("a protobuf message of more than 2 GiB cannot be an ONNX model"),
                    "save the model with external data");
  }
  onnx_pb::Model model;
  const bool parsed = model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (parsed && model.has_graph()) return model;
  const FileKind kind = GuessFileKind(bytes);
  if (kind.known) {
    return WithHint(DataLoss("this is no ONNX model but {}", kind.description),
                    "give a file that was written by an ONNX exporter (model.onnx)");
  }
  if (!parsed) {
    return WithHint(DataLoss("this is no ONNX model, or it is damaged or cut off"),
                    "export it again; a download may have ended early");
  }
  return WithHint(DataLoss("this is no ONNX model: it has no graph"),
                  "a Caffe network is given by its prototxt, with --weights for the caffemodel");
}

Result<std::int64_t> OpsetOf(const onnx_pb::Model& model) {
  std::int64_t opset = 0;
  for (const auto& id : model.opset_import()) {
    if (IsDefaultDomain(id.domain())) opset = id.version();
  }
  if (opset == 0 && model.opset_import_size() == 0 && model.ir_version() < 3) opset = 1;
  if (opset < 1) return InvalidArgument("the model does not say which operator set it uses");
  if (opset > kNewestOpset) {
    return WithHint(Unsupported("operator set {} is newer than {}", opset, kNewestOpset),
                    "export the model with opset 17");
  }
  return opset;
}

Status CheckOperators(const onnx_pb::Graph& graph, const std::set<std::string>& functions) {
  std::map<std::string, int> unsupported;
  std::size_t first = 0;
  for (int i = graph.node_size(); i-- > 0;) {
    const std::string name = OperatorName(graph.node(i));
    if (FindOperator(name) != nullptr || name == "If" || functions.contains(name)) continue;
    ++unsupported[name];
    first = static_cast<std::size_t>(i);
  }
  if (unsupported.empty()) return {};
  const std::string name = OperatorName(graph.node(static_cast<int>(first)));
  std::string others;
  for (const auto& [other, count] : unsupported) {
    if (other == name) continue;
    others += fmt::format("{}{} ({})", others.empty() ? "" : ", ", other, count);
  }
  const int count = unsupported[name];
  Error error = Unsupported("operator {} is not supported{}{}", name,
                            count > 1 ? fmt::format(" ({} nodes)", count) : "",
                            others.empty() ? "" : "; neither are " + others);
  error.hint = UnsupportedHint(name);
  return std::move(error).At(DescribeNode(graph, first));
}

Result<ir::Shape> InputShape(const onnx_pb::ValueInfo& info, const ir::Shape* given,
                             std::int64_t& batch) {
  const auto& type = info.type().tensor_type();
  if (given != nullptr) {
    if (type.has_shape() && static_cast<std::size_t>(type.shape().dim_size()) != given->size()) {
      return InvalidArgument("the shape {} was given but the model has {}", ir::ToString(*given),
                             DescribeShape(type.shape()));
    }
    return *given;
  }
  if (!type.has_shape()) {
    return WithHint(InvalidArgument("the model states no shape"),
                    fmt::format("give it: --input-shape {}=1x3x224x224", info.name()));
  }
  ir::Shape shape;
  std::string example;
  bool open = false;
  for (const auto& dim : type.shape().dim()) {
    const bool is_batch = shape.empty() && type.shape().dim_size() > 1;
    const bool known = dim.dim_value() > 0;
    if (is_batch && known && dim.dim_value() != 1) batch = dim.dim_value();
    shape.push_back(is_batch ? 1 : dim.dim_value());
    open = open || !(known || is_batch);
    if (!example.empty()) example += "x";
    example += known || is_batch ? fmt::format("{}", shape.back()) : "N";
  }
  if (open) {
    return WithHint(
        InvalidArgument("its shape {} is open", DescribeShape(type.shape())),
        fmt::format("give it: --input-shape {}={} with numbers for N", info.name(), example));
  }
  return shape;
}

}  // namespace tf2::import::onnx
