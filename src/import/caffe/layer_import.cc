#include "import/caffe/layer_import.h"

#include <algorithm>
#include <cmath>
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

Result<ir::Tensor> LayerImport::Read(std::size_t index, const ir::Shape& shape,
                                     const Fill& fill) const {
  TF2_RETURN_IF_ERROR(CheckBlobShape(shape));
  TF2_RETURN_IF_ERROR(builder.Reserve(ir::DType::kFloat32, ir::ElementCount(shape)));
  return weights.Read(layer.name(), index, shape, fill);
}

Result<ir::ValueId> LayerImport::Weight(std::size_t index, std::string_view part,
                                        const ir::Shape& shape, const Fill& fill) const {
  TF2_ASSIGN_OR_RETURN(ir::Tensor tensor, Read(index, shape, fill));
  return AddConstant(part, std::move(tensor));
}

Fill LayerImport::KernelFill(double terms) const {
  const double square = moments.empty() ? 1 : std::max(moments[0].Square(), 1e-6);
  return {.mean = 0, .deviation = 1 / std::sqrt(std::max(terms, 1.0) * square)};
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
  const std::string& value_name = value_names.at(results.size());
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId result,
      builder.Emit(kind, layer.name(), value_name, std::move(operands), std::move(attrs)));
  results.push_back(result);
  return {};
}

}  // namespace tf2::import::caffe
