#include "import/caffe/layer_import.h"

#include <utility>

namespace tf2::import::caffe {

Status LayerImport::ExpectBottoms(std::size_t least, std::size_t most) const {
  if (bottoms.size() < least || bottoms.size() > most) {
    return InvalidArgument("it has {} bottoms, {} to {} are legal", bottoms.size(), least, most);
  }
  if (layer.top_size() != 1) return Unsupported("it has {} tops instead of one", layer.top_size());
  return {};
}

Status LayerImport::ExpectImage() const {
  if (ShapeOf(0).size() == 4) return {};
  return WithHint(
      Unsupported("its bottom is {}; only [n, c, h, w] is supported", ir::ToString(ShapeOf(0))),
      "tf2 convolves and pools in two dimensions");
}

Result<ir::ValueId> LayerImport::Weight(std::size_t index, std::string_view part,
                                        const ir::Shape& shape) const {
  TF2_ASSIGN_OR_RETURN(ir::Tensor tensor, weights.Read(layer.name(), index, shape));
  return AddConstant(part, std::move(tensor));
}

Result<ir::ValueId> LayerImport::AddConstant(std::string_view part, ir::Tensor tensor) const {
  return builder.AddConstant(fmt::format("{}/{}", layer.name(), part), std::move(tensor));
}

Result<ir::ValueId> LayerImport::EmitPart(ir::OpKind kind, std::string_view part,
                                          std::vector<ir::ValueId> operands,
                                          ir::AttrMap attrs) const {
  const std::string name = fmt::format("{}/{}", layer.name(), part);
  return builder.Emit(kind, name, name, std::move(operands), std::move(attrs));
}

Status LayerImport::EmitResult(ir::OpKind kind, std::vector<ir::ValueId> operands,
                               ir::AttrMap attrs) {
  TF2_ASSIGN_OR_RETURN(
      result, builder.Emit(kind, layer.name(), value_name, std::move(operands), std::move(attrs)));
  return {};
}

}  // namespace tf2::import::caffe
