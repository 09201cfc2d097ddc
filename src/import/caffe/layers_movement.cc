// Concat, Slice, Crop, Flatten, Reshape, Permute, ShuffleChannel, Tile, Interp, Upsample,
// Parameter, and the layers that do nothing.
#include <algorithm>
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using Ints = std::vector<std::int64_t>;

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

// Rows and columns [first, first + size) of the bottom.
Result<ir::ValueId> SliceRows(const LayerImport& l, std::int64_t first, std::int64_t h,
                              std::int64_t w) {
  return l.EmitPart(
      ir::OpKind::kSlice, "cropped", {l.bottoms[0]},
      {{"starts", Ints{first, first}}, {"ends", Ints{first + h, first + w}}, {"axes", Ints{2, 3}}});
}

Result<ir::AttrMap> ResizeTo(const LayerImport& l, std::int64_t h, std::int64_t w, bool linear) {
  if (h < 1 || w < 1 || h > ir::kMaxDimension || w > ir::kMaxDimension)
    return InvalidArgument("its top would have {} rows and {} columns", h, w);
  const ir::Shape& x = l.ShapeOf(0);
  return ir::AttrMap{{"sizes", Ints{x[0], x[1], h, w}},
                     {"mode", std::string(linear ? "linear" : "nearest")},
                     {"coordinates", std::string(linear ? "align_corners" : "asymmetric")},
                     {"nearest", std::string("floor")}};
}

// The axes of the bottom in the order of the layer: those named first, then the others.
Result<Ints> Order(const caffe_pb::PermuteParameter& p, std::size_t rank) {
  Ints order;
  for (const std::uint32_t axis : p.order()) {
    if (axis >= rank || std::find(order.begin(), order.end(), axis) != order.end())
      return InvalidArgument(
          "order has {}, which its bottom of {} axes does not have or which is "
          "there twice",
          axis, rank);
    order.push_back(axis);
  }
  for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(rank); ++axis) {
    if (std::find(order.begin(), order.end(), axis) == order.end()) order.push_back(axis);
  }
  return order;
}

// Where each top of a Slice ends.
Result<Ints> SliceEnds(const LayerImport& l, std::int64_t size) {
  const caffe_pb::SliceParameter& p = l.layer.slice_param();
  const std::int64_t tops = l.layer.top_size();
  Ints ends(p.slice_point().begin(), p.slice_point().end());
  if (ends.empty()) {
    if (size % tops != 0) return InvalidArgument("{} do not divide into {} tops", size, tops);
    for (std::int64_t i = 1; i < tops; ++i) ends.push_back(size / tops * i);
  }
  if (static_cast<std::int64_t>(ends.size()) != tops - 1)
    return InvalidArgument("{} slice points for {} tops", ends.size(), tops);
  ends.push_back(size);
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (ends[i] > (i == 0 ? 0 : ends[i - 1])) continue;
    return InvalidArgument("top {} would be empty", i);
  }
  return ends;
}

}  // namespace

Status ImportSlice(LayerImport& l) {
  if (l.bottoms.size() != 1) return InvalidArgument("it has {} bottoms", l.bottoms.size());
  const caffe_pb::SliceParameter& p = l.layer.slice_param();
  if (p.has_slice_dim() && p.has_axis()) return InvalidArgument("it has both axis and slice_dim");
  const std::int64_t given = p.has_slice_dim() ? std::int64_t{p.slice_dim()} : p.axis();
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(given, l.ShapeOf(0).size()));
  TF2_ASSIGN_OR_RETURN(const Ints ends, SliceEnds(l, l.ShapeOf(0)[axis]));
  std::int64_t start = 0;
  for (const std::int64_t end : ends) {
    TF2_RETURN_IF_ERROR(l.EmitResult(ir::OpKind::kSlice, {l.bottoms[0]},
                                     {{"starts", Ints{start}},
                                      {"ends", Ints{end}},
                                      {"axes", Ints{static_cast<std::int64_t>(axis)}}}));
    start = end;
  }
  return {};
}

// The second bottom says the size from `axis` on.
Status ImportCrop(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(2, 2));
  const caffe_pb::CropParameter& p = l.layer.crop_param();
  const ir::Shape x = l.ShapeOf(0);
  const ir::Shape like = l.ShapeOf(1);
  TF2_ASSIGN_OR_RETURN(const std::size_t first, ir::NormalizeAxis(p.axis(), x.size()));
  const std::size_t count = x.size() - first;
  if (like.size() != x.size() ||
      (p.offset_size() > 1 && static_cast<std::size_t>(p.offset_size()) != count))
    return InvalidArgument("{} offsets do not fit bottoms {} and {} from axis {}", p.offset_size(),
                           ir::ToString(x), ir::ToString(like), first);
  Ints starts;
  Ints ends;
  Ints axes;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = first + i;
    const std::int64_t offset =
        p.offset_size() == 0 ? 0 : p.offset(p.offset_size() == 1 ? 0 : static_cast<int>(i));
    if (offset + like[axis] > x[axis])
      return InvalidArgument("offset {} and size {} exceed axis {} of {}", offset, like[axis], axis,
                             ir::ToString(x));
    starts.push_back(offset);
    ends.push_back(offset + like[axis]);
    axes.push_back(static_cast<std::int64_t>(axis));
  }
  return l.EmitResult(ir::OpKind::kSlice, {l.bottoms[0]},
                      {{"starts", starts}, {"ends", ends}, {"axes", axes}});
}

Status ImportPermute(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_ASSIGN_OR_RETURN(Ints order, Order(l.layer.permute_param(), l.ShapeOf(0).size()));
  return l.EmitResult(ir::OpKind::kTranspose, {l.bottoms[0]}, {{"perm", std::move(order)}});
}

// [groups, c / groups] channels become [c / groups, groups].
Status ImportShuffleChannel(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const ir::Shape x = l.ShapeOf(0);
  const std::int64_t groups = l.layer.shuffle_channel_param().group();
  if (groups == 0 || x[1] % groups != 0)
    return InvalidArgument("{} channels do not divide into {} groups", x[1], groups);
  const Ints parted = {x[0], groups, x[1] / groups, x[2], x[3]};
  TF2_ASSIGN_OR_RETURN(const ir::ValueId split, l.EmitPart(ir::OpKind::kReshape, "groups",
                                                           {l.bottoms[0]}, {{"shape", parted}}));
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId turned,
      l.EmitPart(ir::OpKind::kTranspose, "turned", {split}, {{"perm", Ints{0, 2, 1, 3, 4}}}));
  return l.EmitResult(ir::OpKind::kReshape, {turned}, {{"shape", x}});
}

Status ImportTile(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::TileParameter& p = l.layer.tile_param();
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(p.axis(), l.ShapeOf(0).size()));
  if (p.tiles() < 1) return InvalidArgument("tiles is {}", p.tiles());
  Ints repeats(l.ShapeOf(0).size(), 1);
  repeats[axis] = p.tiles();
  return l.EmitResult(ir::OpKind::kTile, {l.bottoms[0]}, {{"repeats", std::move(repeats)}});
}

// Bilinear, with the corners on the corners; a negative padding crops first.
Status ImportInterp(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 2));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::InterpParameter& p = l.layer.interp_param();
  if (p.pad_beg() > 0 || p.pad_end() > 0) return Unsupported("pad_beg or pad_end is positive");
  const std::int64_t crop = -std::int64_t{p.pad_beg()} - std::int64_t{p.pad_end()};
  const std::int64_t h = l.ShapeOf(0)[2] - crop;
  const std::int64_t w = l.ShapeOf(0)[3] - crop;
  if (h < 1 || w < 1) return InvalidArgument("pad_beg and pad_end leave nothing");
  if (p.shrink_factor() == 0 || p.zoom_factor() == 0 || p.zoom_factor() > ir::kMaxDimension)
    return InvalidArgument("shrink_factor is {}, zoom_factor {}", p.shrink_factor(),
                           p.zoom_factor());
  const auto resized = [&p](std::int64_t size) {
    const std::int64_t shrunk = (size - 1) / p.shrink_factor() + 1;
    return shrunk + (shrunk - 1) * (std::int64_t{p.zoom_factor()} - 1);
  };
  std::int64_t oh = p.has_height() ? std::int64_t{p.height()} : resized(h);
  std::int64_t ow = p.has_width() ? std::int64_t{p.width()} : resized(w);
  if (l.bottoms.size() == 2) {
    if (l.ShapeOf(1).size() != 4)
      return InvalidArgument("its second bottom is {}", ir::ToString(l.ShapeOf(1)));
    oh = l.ShapeOf(1)[2];
    ow = l.ShapeOf(1)[3];
  }
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, ResizeTo(l, oh, ow, true));
  ir::ValueId x = l.bottoms[0];
  if (crop != 0) {
    TF2_ASSIGN_OR_RETURN(x, SliceRows(l, -std::int64_t{p.pad_beg()}, h, w));
  }
  return l.EmitResult(ir::OpKind::kResize, {x}, std::move(attrs));
}

// Every element becomes a block.
Status ImportUpsample(LayerImport& l) {
  if (l.bottoms.size() == 2) {
    return WithHint(Unsupported("it puts maxima back to where a Pooling layer took them"),
                    "only an Upsample that repeats elements can be imported");
  }
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::UpsampleParameter& p = l.layer.upsample_param();
  const std::int64_t both = p.has_scale() ? p.scale() : p.has_stride() ? p.stride() : 2;
  const std::int64_t sh = p.has_scale_h() ? p.scale_h() : both;
  const std::int64_t sw = p.has_scale_w() ? p.scale_w() : both;
  if (sh < 1 || sw < 1) return InvalidArgument("scale is {} and {}", sh, sw);
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs,
                       ResizeTo(l, l.ShapeOf(0)[2] * sh, l.ShapeOf(0)[3] * sw, false));
  return l.EmitResult(ir::OpKind::kResize, {l.bottoms[0]}, std::move(attrs));
}

// Of the oldest networks, whose convolutions had no padding of their own.
Status ImportPadding(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const auto& pads = l.layer.convolution_param().pad();
  const std::int64_t pad = pads.empty() ? 0 : pads.Get(0);
  if (pad > ir::kMaxDimension) return Unsupported("pad {} is too large", pad);
  return l.EmitResult(ir::OpKind::kPad, {l.bottoms[0]},
                      {{"pads", Ints{0, 0, pad, pad, 0, 0, pad, pad}}});
}

Status ImportParameter(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(0, 0));
  const auto& dims = l.layer.parameter_param().shape().dim();
  TF2_ASSIGN_OR_RETURN(const ir::ValueId value,
                       l.Weight(0, "value", {dims.begin(), dims.end()}, {0, 1}));
  l.results.push_back(value);
  return {};
}

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
