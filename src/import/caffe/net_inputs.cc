#include "import/caffe/net_inputs.h"

#include <algorithm>
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

// Of top `index`: by shape, or by num, channels, height and width; one for all tops or one each.
Result<ir::Shape> DummyShape(const caffe_pb::DummyDataParameter& p, int index) {
  if (p.shape_size() > 0)
    return DimsOf(p.shape(p.shape_size() == 1 ? 0 : std::min(index, p.shape_size() - 1)));
  ir::Shape shape;
  for (const auto* list : {&p.num(), &p.channels(), &p.height(), &p.width()}) {
    if (list->empty())
      return InvalidArgument(
          "dummy_data_param has neither a shape nor num, channels, height and width");
    shape.push_back(list->Get(std::min(index, list->size() - 1)));
  }
  return shape;
}

// Empty where the size is that of the pictures.
ir::Shape ImageShape(const caffe_pb::LayerParameter& layer) {
  const auto& p = layer.image_data_param();
  const std::int64_t crop = layer.transform_param().crop_size();
  const std::int64_t h = crop > 0 ? crop : p.new_height();
  const std::int64_t w = crop > 0 ? crop : p.new_width();
  if (h == 0 || w == 0) return {};
  return {p.batch_size(), p.is_color() ? 3 : 1, h, w};
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
  } else if (layer.has_dummy_data_param()) {
    TF2_ASSIGN_OR_RETURN(input.shape, DummyShape(layer.dummy_data_param(), index));
  } else if (layer.has_image_data_param()) {
    input.shape = ImageShape(layer);
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
