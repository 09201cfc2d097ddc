#include "export/onnx/model_writer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace tf2::export_onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw data of ONNX is little endian");

// The version of the file format that came with each operator set.
std::int64_t FormatOf(std::int64_t opset) {
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  return 10;
}

std::int32_t TypeOf(ir::DType type) {
  switch (type) {
    case ir::DType::kFloat32:
      return onnx_pb::Tensor::FLOAT;
    case ir::DType::kInt64:
      return onnx_pb::Tensor::INT64;
  }
  TF2_CHECK(false, "no such element type");
}

void SetInfo(onnx_pb::ValueInfo* info, const std::string& name, ir::DType type,
             const ir::Shape& shape) {
  info->set_name(name);
  auto* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(TypeOf(type));
  auto* dims = tensor->mutable_shape();  // present also for a scalar
  for (const std::int64_t d : shape) {
    if (d < 0) {
      dims->add_dim()->set_dim_param("N");
    } else {
      dims->add_dim()->set_dim_value(d);
    }
  }
}

template <typename T>
void SetRaw(onnx_pb::Tensor* tensor, std::span<const T> values) {
  std::string* raw = tensor->mutable_raw_data();
  raw->resize(values.size_bytes());
  if (!values.empty()) std::memcpy(raw->data(), values.data(), values.size_bytes());
}

void SetAttr(onnx_pb::Attribute* attr, const std::string& name, const NodeAttr& value) {
  using Proto = onnx_pb::Attribute;
  attr->set_name(name);
  if (const auto* i = std::get_if<std::int64_t>(&value)) {
    attr->set_type(Proto::INT);
    attr->set_i(*i);
  } else if (const auto* f = std::get_if<float>(&value)) {
    attr->set_type(Proto::FLOAT);
    attr->set_f(*f);
  } else if (const auto* s = std::get_if<std::string>(&value)) {
    attr->set_type(Proto::STRING);
    attr->set_s(*s);
  } else if (const auto* ints = std::get_if<std::vector<std::int64_t>>(&value)) {
    attr->set_type(Proto::INTS);
    attr->mutable_ints()->Add(ints->begin(), ints->end());
  } else if (const auto* floats = std::get_if<std::vector<float>>(&value)) {
    attr->set_type(Proto::FLOATS);
    attr->mutable_floats()->Add(floats->begin(), floats->end());
  }
}

}  // namespace

ModelWriter::ModelWriter(std::string_view graph_name) {
  model_.set_producer_name("tf2");
  model_.mutable_graph()->set_name(graph_name.empty() ? "graph" : std::string(graph_name));
  auto* opset = model_.add_opset_import();
  opset->set_domain("");
  opset->set_version(kBaseOpset);
}

std::string ModelWriter::Unique(std::string_view wanted) {
  std::string name(wanted.empty() ? "value" : wanted);
  for (int i = 2; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

void ModelWriter::AddInput(const std::string& name, ir::DType type, const ir::Shape& shape) {
  SetInfo(model_.mutable_graph()->add_input(), name, type, shape);
}

void ModelWriter::AddOutput(const std::string& name, ir::DType type, const ir::Shape& shape) {
  SetInfo(model_.mutable_graph()->add_output(), name, type, shape);
}

onnx_pb::Tensor* ModelWriter::AddTensor(std::string_view name, std::int32_t type,
                                        const ir::Shape& shape) {
  onnx_pb::Tensor* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(Unique(name));
  tensor->set_data_type(type);
  tensor->mutable_dims()->Add(shape.begin(), shape.end());
  return tensor;
}

std::string ModelWriter::Floats(std::string_view name, const ir::Shape& shape,
                                std::span<const float> values) {
  onnx_pb::Tensor* tensor = AddTensor(name, onnx_pb::Tensor::FLOAT, shape);
  SetRaw(tensor, values);
  return tensor->name();
}

std::string ModelWriter::Ints(std::string_view name, const ir::Shape& shape,
                              std::span<const std::int64_t> values) {
  onnx_pb::Tensor* tensor = AddTensor(name, onnx_pb::Tensor::INT64, shape);
  SetRaw(tensor, values);
  return tensor->name();
}

std::string ModelWriter::Int8s(std::string_view name, const ir::Shape& shape,
                               std::span<const std::int8_t> values) {
  onnx_pb::Tensor* tensor = AddTensor(name, onnx_pb::Tensor::INT8, shape);
  SetRaw(tensor, values);
  return tensor->name();
}

std::string ModelWriter::Node(std::string_view op_type, const std::vector<std::string>& inputs,
                              const std::string& output, const NodeAttrs& attrs) {
  NodeOf(op_type, inputs, {output}, attrs);
  return output;
}

void ModelWriter::NodeOf(std::string_view op_type, const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs, const NodeAttrs& attrs) {
  onnx_pb::Node* node = model_.mutable_graph()->add_node();
  node->set_op_type(std::string(op_type));
  node->set_name(outputs.back());
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& output : outputs) node->add_output(output);
  for (const auto& [name, value] : attrs) SetAttr(node->add_attribute(), name, value);
}

void ModelWriter::RequireOpset(std::int64_t version) {
  auto* opset = model_.mutable_opset_import(0);
  opset->set_version(std::max(opset->version(), version));
}

void ModelWriter::AddMetadata(const std::string& key, const std::string& value) {
  auto* entry = model_.add_metadata_props();
  entry->set_key(key);
  entry->set_value(value);
}

Result<std::string> ModelWriter::Finish() {
  constexpr std::size_t kMaxBytes = (std::size_t{1} << 31) - 1;
  model_.set_ir_version(FormatOf(model_.opset_import(0).version()));
  const std::size_t bytes = model_.ByteSizeLong();
  if (bytes > kMaxBytes) {
    return WithHint(ResourceExhausted("the ONNX file would have {} bytes; the format ends at {}",
                                      bytes, kMaxBytes),
                    "export a smaller model");
  }
  // The same bytes for the same model.
  std::string file;
  {
    google::protobuf::io::StringOutputStream stream(&file);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    if (!model_.SerializeToCodedStream(&coded))
      return Internal("the ONNX model cannot be serialised");
  }
  return file;
}

}  // namespace tf2::export_onnx
