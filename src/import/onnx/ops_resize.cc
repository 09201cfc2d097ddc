// Resize and Upsample.
#include <algorithm>
#include <cmath>
#include <utility>

#include "import/onnx/node_import.h"
#include "import/onnx/tensor_reader.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;

// What Resize and Upsample ask for, every axis.
struct Target {
  Ints sizes;
  Floats scales;
};

Result<std::int64_t> OutputSize(std::int64_t in, double scale) {
  const double size = std::floor(static_cast<double>(in) * scale);
  if (!(scale > 0) || !(size >= 1) || size > static_cast<double>(ir::kMaxDimension))
    return InvalidArgument("a scale of {} makes no legal size of {}", scale, in);
  return static_cast<std::int64_t>(size);
}

Result<Target> FromScales(const ir::Shape& x, Floats scales) {
  if (scales.size() != x.size())
    return InvalidArgument("{} scales for {}", scales.size(), ir::ToString(x));
  Target target;
  for (std::size_t d = 0; d < x.size(); ++d) {
    TF2_ASSIGN_OR_RETURN(target.sizes.emplace_back(), OutputSize(x[d], scales[d]));
  }
  target.scales = std::move(scales);
  return target;
}

// The known floats of input i; `what` says what they are.
Result<Floats> KnownFloats(const NodeImport& n, std::size_t i, const char* what) {
  const ir::Tensor* known = n.builder.KnownOf(n.inputs[i]);
  if (known != nullptr && known->dtype == ir::DType::kFloat32) return known->f32;
  return WithHint(Unsupported("{} (input {}) depend on the data", what, i),
                  "export the model with static shapes, or simplify it first");
}

// Values of the listed axes, spread over all; `fallback` for the others.
template <typename T>
Result<std::vector<T>> Spread(const std::vector<T>& values, const std::optional<Ints>& axes,
                              std::vector<T> fallback) {
  if (!axes) return values;
  if (values.size() != axes->size())
    return InvalidArgument("{} numbers for {} axes", values.size(), axes->size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis((*axes)[i], fallback.size()));
    fallback[axis] = values[i];
  }
  return fallback;
}

// Sizes under keep_aspect_ratio_policy: one scale for all listed axes.
Result<Target> KeepAspect(const ir::Shape& x, const Ints& sizes, const std::vector<bool>& listed,
                          bool larger) {
  double scale = larger ? 0 : HUGE_VAL;
  for (std::size_t d = 0; d < x.size(); ++d) {
    if (!listed[d]) continue;
    const double s = static_cast<double>(sizes[d]) / static_cast<double>(x[d]);
    scale = larger ? std::max(scale, s) : std::min(scale, s);
  }
  Target target{x, Floats(x.size(), 1)};
  for (std::size_t d = 0; d < x.size(); ++d) {
    if (!listed[d]) continue;
    const double size = std::floor(scale * static_cast<double>(x[d]) + 0.5);
    if (!(size >= 1) || size > static_cast<double>(ir::kMaxDimension))
      return InvalidArgument("a scale of {} makes no legal size of {}", scale, x[d]);
    target.sizes[d] = static_cast<std::int64_t>(size);
    target.scales[d] = static_cast<float>(scale);
  }
  return target;
}

Result<Target> FromSizes(NodeImport& n, const std::optional<Ints>& axes) {
  const ir::Shape x = n.ShapeOf(0);
  TF2_ASSIGN_OR_RETURN(const Ints given, n.KnownInts(3, "the sizes"));
  TF2_ASSIGN_OR_RETURN(const Ints sizes, Spread(given, axes, Ints(x)));
  if (sizes.size() != x.size())
    return InvalidArgument("{} sizes for {}", sizes.size(), ir::ToString(x));
  TF2_ASSIGN_OR_RETURN(const std::string policy,
                       n.attrs.String("keep_aspect_ratio_policy", "stretch"));
  if (policy == "stretch") return Target{sizes, {}};
  if (policy != "not_larger" && policy != "not_smaller")
    return InvalidArgument("attribute keep_aspect_ratio_policy is '{}'", policy);
  std::vector<bool> listed(x.size(), !axes);
  if (axes) {
    for (std::int64_t a : *axes) {
      TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(a, x.size()));
      listed[axis] = true;
    }
  }
  return KeepAspect(x, sizes, listed, policy == "not_smaller");
}

Result<Target> ResizeTarget(NodeImport& n, const std::optional<Ints>& axes) {
  const ir::Shape x = n.ShapeOf(0);
  const std::size_t at = n.opset < 11 ? 1 : 2;
  const bool has_sizes = n.HasInput(3);
  if (!has_sizes) {
    if (!n.HasInput(at)) return InvalidArgument("it has neither scales nor sizes");
    n.attrs.Ignore("keep_aspect_ratio_policy");  // of sizes
    TF2_ASSIGN_OR_RETURN(const Floats given, KnownFloats(n, at, "the scales"));
    TF2_ASSIGN_OR_RETURN(Floats scales, Spread(given, axes, Floats(x.size(), 1)));
    return FromScales(x, std::move(scales));
  }
  return FromSizes(n, axes);
}

// "cubic" of ONNX and "bilinear" of old files among the modes of the graph.
Result<std::string> Mode(NodeImport& n) {
  TF2_ASSIGN_OR_RETURN(std::string mode, n.attrs.String("mode", "nearest"));
  if (mode == "bilinear") mode = "linear";
  if (mode != "nearest" && mode != "linear" && mode != "cubic")
    return Unsupported("attribute mode is '{}'; nearest, linear and cubic are supported", mode);
  return mode;
}

Status EmitResize(NodeImport& n, Target target, ir::AttrMap attrs) {
  attrs["sizes"] = std::move(target.sizes);
  if (!target.scales.empty()) attrs["scales"] = std::move(target.scales);
  n.result_type = n.TypeOf(0);
  if (n.builder.DTypeOf(n.inputs[0]) == ir::DType::kFloat32)
    return n.EmitResult(ir::OpKind::kResize, {n.inputs[0]}, std::move(attrs));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, n.EmitPart(ir::OpKind::kCast, "float", {n.inputs[0]},
                                                       {{"to", std::string("f32")}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y,
                       n.EmitPart(ir::OpKind::kResize, "resized", {x}, std::move(attrs)));
  return n.EmitResult(ir::OpKind::kCast, {y}, {{"to", CastName(n.TypeOf(0))}});
}

Status AddCropAttrs(NodeImport& n, const std::optional<Ints>& axes, ir::AttrMap& attrs) {
  if (!n.HasInput(1)) return InvalidArgument("tf_crop_and_resize needs a roi");
  TF2_ASSIGN_OR_RETURN(const Floats roi, KnownFloats(n, 1, "the numbers of roi"));
  const std::size_t rank = n.ShapeOf(0).size();
  const auto half = static_cast<std::ptrdiff_t>(roi.size() / 2);
  TF2_ASSIGN_OR_RETURN(Floats full,
                       Spread(Floats(roi.begin(), roi.begin() + half), axes, Floats(rank, 0)));
  TF2_ASSIGN_OR_RETURN(const Floats ends,
                       Spread(Floats(roi.begin() + half, roi.end()), axes, Floats(rank, 1)));
  full.insert(full.end(), ends.begin(), ends.end());
  attrs["roi"] = std::move(full);
  return {};
}

Status ImportResize(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 11 ? n.ExpectInputs(2, 2) : n.ExpectInputs(1, 4));
  TF2_ASSIGN_OR_RETURN(const std::optional<Ints> axes, n.attrs.Ints("axes"));
  TF2_ASSIGN_OR_RETURN(Target target, ResizeTarget(n, axes));
  TF2_ASSIGN_OR_RETURN(const std::string mode, Mode(n));
  const char* fallback = n.opset < 11 ? "asymmetric" : "half_pixel";
  TF2_ASSIGN_OR_RETURN(const std::string coordinates,
                       n.attrs.String("coordinate_transformation_mode", fallback));
  // Before opset 11 the nearest element is that before the position.
  TF2_ASSIGN_OR_RETURN(
      const std::string nearest,
      n.attrs.String("nearest_mode", n.opset < 11 ? "floor" : "round_prefer_floor"));
  TF2_ASSIGN_OR_RETURN(const float cubic_a, n.attrs.Float("cubic_coeff_a", -0.75F));
  TF2_ASSIGN_OR_RETURN(const std::int64_t excludes, n.attrs.Int("exclude_outside", 0));
  TF2_ASSIGN_OR_RETURN(const std::int64_t antialias, n.attrs.Int("antialias", 0));
  TF2_ASSIGN_OR_RETURN(const float outside, n.attrs.Float("extrapolation_value", 0));
  ir::AttrMap attrs = {{"mode", mode},
                       {"coordinates", coordinates},
                       {"nearest", nearest},
                       {"cubic_a", cubic_a},
                       {"exclude_outside", std::int64_t{excludes != 0}},
                       {"antialias", std::int64_t{antialias != 0}},
                       {"outside", outside}};
  if (coordinates == "tf_crop_and_resize") TF2_RETURN_IF_ERROR(AddCropAttrs(n, axes, attrs));
  return EmitResize(n, std::move(target), std::move(attrs));
}

Status ImportUpsample(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 9 ? n.ExpectInputs(1, 1) : n.ExpectInputs(2, 2));
  Floats scales;
  if (n.opset >= 9) {
    TF2_ASSIGN_OR_RETURN(scales, KnownFloats(n, 1, "the scales"));
  } else if (n.opset >= 7) {
    TF2_ASSIGN_OR_RETURN(auto given, n.attrs.Floats("scales"));
    scales = given.value_or(Floats{});
  } else {
    TF2_ASSIGN_OR_RETURN(const float height, n.attrs.Float("height_scale", 1));
    TF2_ASSIGN_OR_RETURN(const float width, n.attrs.Float("width_scale", 1));
    scales = {1, 1, height, width};
  }
  TF2_ASSIGN_OR_RETURN(Target target, FromScales(n.ShapeOf(0), std::move(scales)));
  TF2_ASSIGN_OR_RETURN(const std::string mode, Mode(n));
  return EmitResize(n, std::move(target),
                    {{"mode", mode},
                     {"coordinates", std::string("asymmetric")},
                     {"nearest", std::string("floor")}});
}

}  // namespace

std::vector<OperatorRow> ResizeOperators() {
  return {{"Resize", ImportResize}, {"Upsample", ImportUpsample}};
}

}  // namespace tf2::import::onnx
