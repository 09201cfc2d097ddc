#include "import/caffe/net_inputs.h"

#include <utility>

#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

ir::Shape DimsOf(const caffe_pb::BlobShape& shape) {
  return {shape.dim().begin(), shape.dim().end()};
}

Status CheckDimensions(const ir::Shape& shape) {
  std::int64_t count = 1;
  for (std::int64_t d : shape) {
    if (d < 1) return InvalidArgument("its shape {} has a dimension of {}", ir::ToString(shape), d);
    if (d > ir::kMaxDimension || count > ir::kMaxElements / d)
      return ResourceExhausted("its shape {} is too large", ir::ToString(shape));
    count *= d;
  }
  return {};
}

}  // namespace

Result<std::vector<NetInput>> NetInputs(const caffe_pb::NetParameter& net) {
  std::vector<NetInput> inputs;
  const int count = net.input_size();
  if (net.input_shape_size() != 0 && net.input_shape_size() != count)
    return InvalidArgument("the network has {} inputs but {} input_shape", count,
                           net.input_shape_size());
  if (net.input_dim_size() != 0 && net.input_dim_size() != 4 * count) {
    return InvalidArgument("the network has {} inputs but {} input_dim; each has four", count,
                           net.input_dim_size());
  }
  for (int i = 0; i < count; ++i) {
    NetInput input{.name = net.input(i), .shape = {}};
    if (net.input_shape_size() > 0) {
      input.shape = DimsOf(net.input_shape(i));
    } else if (net.input_dim_size() > 0) {
      input.shape.assign(net.input_dim().begin() + 4L * i, net.input_dim().begin() + 4L * i + 4);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Result<NetInput> LayerInput(const caffe_pb::LayerParameter& layer, int index) {
  NetInput input{.name = layer.top(index), .shape = {}};
  const auto& shapes = layer.input_param().shape();
  if (!shapes.empty()) {
    if (shapes.size() != 1 && shapes.size() != layer.top_size())
      return InvalidArgument("{} shapes for {} tops", shapes.size(), layer.top_size());
    input.shape = DimsOf(shapes.Get(shapes.size() == 1 ? 0 : index));
  } else if (layer.has_memory_data_param()) {
    const auto& p = layer.memory_data_param();
    input.shape = {p.batch_size(), p.channels(), p.height(), p.width()};
  }
  input.crop = layer.transform_param().crop_size();
  return input;
}

Result<ir::Shape> InputShape(const NetInput& input, const ir::Shape* given, std::int64_t& batch) {
  if (given == nullptr && input.shape.empty()) {
    const std::string size = input.crop > 0 ? fmt::format("{}", input.crop) : "224";
    return WithHint(InvalidArgument("the shape of '{}' is not stated", input.name),
                    fmt::format("give it: --input-shape {}=1x3x{}x{}", input.name, size, size));
  }
  if (given != nullptr && !input.shape.empty() && given->size() != input.shape.size()) {
    return InvalidArgument("the shape {} was given but the network has {}", ir::ToString(*given),
                           ir::ToString(input.shape));
  }
  ir::Shape shape = given != nullptr ? *given : input.shape;
  if (given == nullptr && shape.size() > 1 && shape[0] != 1) {
    batch = shape[0];
    shape[0] = 1;
  }
  TF2_RETURN_IF_ERROR(CheckDimensions(shape));
  return shape;
}

}  // namespace tf2::import::caffe
