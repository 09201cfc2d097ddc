#include "import/onnx/test_model.h"

#include <gtest/gtest.h>

#include <numeric>
#include <sstream>

#include "ir/text.h"

namespace tf2::import::onnx {
namespace {

void SetValue(onnx_pb::Attribute& a, const TestAttr& value) {
  using Type = onnx_pb::Attribute;
  if (const auto* i = std::get_if<std::int64_t>(&value)) {
    a.set_i(*i);
    a.set_type(Type::INT);
  } else if (const auto* f = std::get_if<float>(&value)) {
    a.set_f(*f);
    a.set_type(Type::FLOAT);
  } else if (const auto* s = std::get_if<std::string>(&value)) {
    a.set_s(*s);
    a.set_type(Type::STRING);
  } else if (const auto* ints = std::get_if<std::vector<std::int64_t>>(&value)) {
    a.mutable_ints()->Add(ints->begin(), ints->end());
    a.set_type(Type::INTS);
  } else if (const auto* floats = std::get_if<std::vector<float>>(&value)) {
    a.mutable_floats()->Add(floats->begin(), floats->end());
    a.set_type(Type::FLOATS);
  } else {
    *a.mutable_t() = std::get<onnx_pb::Tensor>(value);
    a.set_type(Type::TENSOR);
  }
}

}  // namespace

TestModel::TestModel(std::int64_t opset) {
  model.set_ir_version(7);
  model.add_opset_import()->set_version(opset);
  model.mutable_graph()->set_name("test");
}

TestModel& TestModel::Input(const std::string& name, const ir::Shape& shape, std::int32_t type) {
  auto* info = model.mutable_graph()->add_input();
  info->set_name(name);
  auto* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape();
  for (std::int64_t d : shape) {
    auto* dim = tensor->mutable_shape()->add_dim();
    if (d == -1) {
      dim->set_dim_param("open");
    } else {
      dim->set_dim_value(d);
    }
  }
  return *this;
}

TestModel& TestModel::Floats(const std::string& name, const ir::Shape& shape,
                             std::vector<float> values) {
  if (values.empty()) {
    values.resize(static_cast<std::size_t>(ir::ElementCount(shape)));
    std::iota(values.begin(), values.end(), 0.0F);
  }
  auto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx_pb::Tensor::FLOAT);
  tensor->mutable_dims()->Add(shape.begin(), shape.end());
  tensor->mutable_float_data()->Add(values.begin(), values.end());
  return *this;
}

TestModel& TestModel::Ints(const std::string& name, const std::vector<std::int64_t>& values) {
  auto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx_pb::Tensor::INT64);
  tensor->add_dims(static_cast<std::int64_t>(values.size()));
  tensor->mutable_int64_data()->Add(values.begin(), values.end());
  return *this;
}

onnx_pb::Node& TestModel::Node(const std::string& op, const std::vector<std::string>& inputs,
                               const std::vector<std::string>& outputs,
                               const std::map<std::string, TestAttr>& attrs) {
  auto* node = model.mutable_graph()->add_node();
  node->set_op_type(op);
  if (!outputs.empty()) node->set_name(outputs[0]);
  for (const auto& i : inputs) node->add_input(i);
  for (const auto& o : outputs) node->add_output(o);
  for (const auto& [name, value] : attrs) {
    auto* a = node->add_attribute();
    a->set_name(name);
    SetValue(*a, value);
  }
  return *node;
}

TestModel& TestModel::Output(const std::string& name) {
  model.mutable_graph()->add_output()->set_name(name);
  return *this;
}

Result<ir::Graph> TestModel::Import(const ImportOptions& options) const {
  const std::string bytes = model.SerializeAsString();
  return ImportOnnxFromMemory({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                              options);
}

std::string TestModel::Text(const ImportOptions& options) const {
  const auto graph = Import(options);
  return graph.ok() ? NodeLines(*graph) : graph.error().ToString();
}

std::string TestModel::Refusal(const ImportOptions& options) const {
  const auto graph = Import(options);
  return graph.ok() ? "" : graph.error().ToString();
}

TestModel OneNode(std::int64_t opset) {
  TestModel m(opset);
  m.Input("x", {1, 4, 6, 6}).Output("y");
  return m;
}

std::string NodeLines(const ir::Graph& graph) {
  std::istringstream text(ir::ToText(graph, ir::ConstantText::kSummary));
  std::string lines;
  for (std::string line; std::getline(text, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start != std::string::npos && line[start] == '%') lines += line.substr(start) + "\n";
  }
  return lines;
}

const ir::Tensor& ConstantOf(const ir::Graph& graph, const std::string& name) {
  static const ir::Tensor none;
  for (const ir::Value& v : graph.values) {
    if (v.name == name && v.constant != nullptr) return *v.constant;
  }
  ADD_FAILURE() << "no constant " << name;
  return none;
}

}  // namespace tf2::import::onnx
