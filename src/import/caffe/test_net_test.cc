#include "import/caffe/test_net.h"

#include <gtest/gtest.h>

#include <numeric>
#include <sstream>

#include "ir/text.h"

namespace tf2::import::caffe {

TestNet::TestNet(const std::string& layers)
    : prototxt("input: \"data\" input_dim: 1 input_dim: 4 input_dim: 6 input_dim: 6\n" + layers) {}

TestNet& TestNet::Blob(const std::string& layer, const ir::Shape& shape,
                       std::vector<float> values) {
  if (values.empty()) {
    values.resize(static_cast<std::size_t>(ir::ElementCount(shape)));
    std::iota(values.begin(), values.end(), 0.0F);
  }
  caffe_pb::LayerWeights* owner = nullptr;
  for (auto& l : *weights.mutable_layer()) {
    if (l.name() == layer) owner = &l;
  }
  if (owner == nullptr) {
    owner = weights.add_layer();
    owner->set_name(layer);
  }
  auto* blob = owner->add_blobs();
  blob->mutable_shape()->mutable_dim()->Add(shape.begin(), shape.end());
  blob->mutable_data()->Add(values.begin(), values.end());
  return *this;
}

Result<ir::Graph> TestNet::Import(const ImportOptions& options) const {
  const std::string bytes = weights.SerializeAsString();
  return ImportCaffeFromMemory(
      prototxt, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, options);
}

std::string TestNet::Text(const ImportOptions& options) const {
  const auto graph = Import(options);
  return graph.ok() ? NodeLines(*graph) : graph.error().ToString();
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

}  // namespace tf2::import::caffe
