// Concat, Flatten, Reshape, Dropout.
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

// The axes of the bottom that a Reshape replaces: [first, last).
Result<std::pair<std::size_t, std::size_t>> ReplacedAxes(const caffe_pb::ReshapeParameter& p,
                                                         std::size_t rank) {
  const auto n = static_cast<std::int64_t>(rank);
  const std::int64_t first = p.axis() < 0 ? p.axis() + n + 1 : p.axis();
  const std::int64_t last = p.num_axes() == -1 ? n : first + p.num_axes();
  if (first < 0 || first > n || last < first || last > n) {
    return InvalidArgument("axis {} and num_axes {} do not fit a bottom of {} axes", p.axis(),
                           p.num_axes(), rank);
  }
  return std::pair(static_cast<std::size_t>(first), static_cast<std::size_t>(last));
}

}  // namespace

Status ImportConcat(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1024));
  const caffe_pb::ConcatParameter& p = l.layer.concat_param();
  if (p.has_concat_dim() && p.has_axis()) return InvalidArgument("it has both axis and concat_dim");
  const std::int64_t axis = p.has_concat_dim() ? std::int64_t{p.concat_dim()} : p.axis();
  return l.EmitResult(ir::OpKind::kConcat, l.bottoms, {{"axis", axis}});
}

Status ImportFlatten(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::FlattenParameter& p = l.layer.flatten_param();
  const ir::Shape x = l.ShapeOf(0);
  TF2_ASSIGN_OR_RETURN(const std::size_t first, ir::NormalizeAxis(p.axis(), x.size()));
  TF2_ASSIGN_OR_RETURN(const std::size_t last, ir::NormalizeAxis(p.end_axis(), x.size()));
  if (last < first)
    return InvalidArgument("end_axis {} comes before axis {}", p.end_axis(), p.axis());
  if (first == 1 && last + 1 == x.size())
    return l.EmitResult(ir::OpKind::kFlatten, {l.bottoms[0]}, {{"axis", std::int64_t{1}}});
  const auto begin = x.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = x.begin() + static_cast<std::ptrdiff_t>(last) + 1;
  ir::Shape shape(x.begin(), begin);
  shape.push_back(ir::ElementCount({begin, end}));
  shape.insert(shape.end(), end, x.end());
  return l.EmitResult(ir::OpKind::kReshape, {l.bottoms[0]}, {{"shape", std::move(shape)}});
}

Status ImportReshape(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::ReshapeParameter& p = l.layer.reshape_param();
  const ir::Shape x = l.ShapeOf(0);
  TF2_ASSIGN_OR_RETURN(const auto axes, ReplacedAxes(p, x.size()));
  const auto [first, last] = axes;
  ir::Shape shape(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(first));
  for (int i = 0; i < p.shape().dim_size(); ++i) {
    std::int64_t dim = p.shape().dim(i);
    const std::size_t source = first + static_cast<std::size_t>(i);
    if (dim == 0) {
      if (source >= x.size())
        return InvalidArgument("dim {} is to be copied from {}", i, ir::ToString(x));
      dim = x[source];
    }
    shape.push_back(dim);
  }
  shape.insert(shape.end(), x.begin() + static_cast<std::ptrdiff_t>(last), x.end());
  l.builder.FollowBatch(l.bottoms[0], shape);
  return l.EmitResult(ir::OpKind::kReshape, {l.bottoms[0]}, {{"shape", std::move(shape)}});
}

Status ImportDropout(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  return l.EmitResult(ir::OpKind::kIdentity, {l.bottoms[0]});
}

}  // namespace tf2::import::caffe
