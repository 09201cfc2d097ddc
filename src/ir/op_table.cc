#include "ir/op_table.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

#include "ir/functions.h"

namespace tf2::ir {
namespace {

using Ints = std::vector<std::int64_t>;

AttrSpec Flag(std::string_view name) {
  return {
      .name = name, .type = AttrType::kInt, .default_value = std::int64_t{0}, .min = 0, .max = 1};
}

AttrSpec IntAttr(std::string_view name, std::int64_t value, std::int64_t min = INT64_MIN) {
  return {.name = name, .type = AttrType::kInt, .default_value = value, .min = min};
}

AttrSpec FloatAttr(std::string_view name, float value) {
  return {.name = name, .type = AttrType::kFloat, .default_value = value};
}

AttrSpec IntsAttr(std::string_view name, Ints value, std::size_t count = 0,
                  std::int64_t min = INT64_MIN) {
  return {.name = name,
          .type = AttrType::kInts,
          .default_value = std::move(value),
          .count = count,
          .min = min};
}

AttrSpec RequiredInts(std::string_view name, std::size_t count = 0, std::int64_t min = INT64_MIN) {
  return {.name = name,
          .type = AttrType::kInts,
          .required = true,
          .default_value = Ints{},
          .count = count,
          .min = min};
}

AttrSpec Choice(std::string_view name, std::string value, std::vector<std::string> allowed) {
  return {.name = name,
          .type = AttrType::kString,
          .default_value = std::move(value),
          .allowed = std::move(allowed)};
}

// kernel: kh, kw. strides: sh, sw. dilations: dh, dw. pads: top, left, bottom, right.
std::vector<AttrSpec> Window(bool has_kernel) {
  std::vector<AttrSpec> attrs = {IntsAttr("strides", {1, 1}, 2, 1),
                                 IntsAttr("pads", {0, 0, 0, 0}, 4, 0),
                                 IntsAttr("dilations", {1, 1}, 2, 1)};
  if (has_kernel) {
    attrs.push_back(RequiredInts("kernel", 2, 1));
    attrs.push_back(Flag("ceil"));
  }
  return attrs;
}

// The same with three numbers: kd, kh, kw and front, top, left, back, bottom, right.
std::vector<AttrSpec> Window3d(bool has_kernel) {
  std::vector<AttrSpec> attrs = {IntsAttr("strides", {1, 1, 1}, 3, 1),
                                 IntsAttr("pads", {0, 0, 0, 0, 0, 0}, 6, 0),
                                 IntsAttr("dilations", {1, 1, 1}, 3, 1)};
  if (has_kernel) {
    attrs.push_back(RequiredInts("kernel", 3, 1));
    attrs.push_back(Flag("ceil"));
  }
  return attrs;
}

AttrSpec RequiredChoice(std::string_view name, std::vector<std::string> allowed) {
  AttrSpec spec = Choice(name, "", std::move(allowed));
  spec.required = true;
  return spec;
}

AttrSpec RequiredInt(std::string_view name, std::int64_t min = INT64_MIN) {
  AttrSpec spec = IntAttr(name, 0, min);
  spec.required = true;
  return spec;
}

template <typename T>
std::vector<std::string> Names(const T& names) {
  return {names.begin(), names.end()};
}

std::vector<AttrSpec> ResizeAttrs() {
  // sizes: of the output, every axis. scales: output / input, every axis; none: from the sizes.
  // roi: starts then ends, of tf_crop_and_resize.
  return {RequiredInts("sizes", 0, 1),
          {.name = "scales", .type = AttrType::kFloats, .default_value = std::vector<float>{}},
          {.name = "roi", .type = AttrType::kFloats, .default_value = std::vector<float>{}},
          Choice("mode", "nearest", {"nearest", "linear", "cubic"}),
          Choice("coordinates", "half_pixel",
                 {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                  "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"}),
          Choice("nearest", "round_prefer_floor",
                 {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}),
          FloatAttr("cubic_a", -0.75F),
          Flag("exclude_outside"),
          Flag("antialias"),
          FloatAttr("outside", 0)};
}

std::vector<AttrSpec> With(std::vector<AttrSpec> attrs, AttrSpec more) {
  attrs.push_back(std::move(more));
  return attrs;
}

AttrSpec FloatsAttr(std::string_view name, std::vector<float> value) {
  return {.name = name, .type = AttrType::kFloats, .default_value = std::move(value)};
}

// stride: pixels between positions. Anchors: a square of base_size by ratio (height to width), then
// times scale. min_size: of a region, in pixels of the picture before scaling.
std::vector<AttrSpec> ProposalAttrs() {
  AttrSpec post_nms = IntAttr("post_nms", 300, 1);
  post_nms.max = std::int64_t{1} << 20;
  return {IntAttr("stride", 16, 1),
          IntAttr("base_size", 16, 1),
          IntAttr("min_size", 16, 0),
          FloatsAttr("ratios", {0.5F, 1, 2}),
          FloatsAttr("scales", {8, 16, 32}),
          IntAttr("pre_nms", 6000, 1),
          post_nms,
          FloatAttr("nms_threshold", 0.7F)};
}

// code: what the locations mean. nms_top_k, keep_top_k: -1 for no limit. nms_eta below 1 lowers the
// threshold after each box that is kept.
std::vector<AttrSpec> DetectionAttrs() {
  return {RequiredInt("classes", 1),
          IntAttr("background", 0),
          IntAttr("share_location", 1, 0),
          Choice("code", "corner", {"corner", "center_size", "corner_size"}),
          Flag("variance_in_target"),
          FloatAttr("score_threshold", 0),
          FloatAttr("nms_threshold", 0.3F),
          FloatAttr("nms_eta", 1),
          IntAttr("nms_top_k", -1, -1),
          IntAttr("keep_top_k", -1, -1)};
}

std::vector<AttrSpec> AttrsOf(OpKind kind) {
  switch (kind) {
    case OpKind::kConv:  // relu: y = max(0, conv + bias + residual); pad_value: around the input
      return With(With(With(Window(false), IntAttr("groups", 1, 1)), Flag("relu")),
                  FloatAttr("pad_value", 0));
    case OpKind::kGemm:
    case OpKind::kAdd:  // relu: y = max(0, a + b)
      return {Flag("relu")};
    case OpKind::kBatchNorm:
      return {FloatAttr("epsilon", 1e-5F)};
    case OpKind::kMaxPool:
      return Window(true);
    case OpKind::kAvgPool:
      return With(Window(true), Choice("divisor", "valid", {"valid", "kernel", "caffe"}));
    case OpKind::kConv3d:
      return With(Window3d(false), IntAttr("groups", 1, 1));
    case OpKind::kConvTranspose:  // output_padding: rows and columns more at the end
      return With(With(Window(false), IntAttr("groups", 1, 1)),
                  IntsAttr("output_padding", {0, 0}, 2, 0));
    case OpKind::kConvTranspose3d:
      return With(With(Window3d(false), IntAttr("groups", 1, 1)),
                  IntsAttr("output_padding", {0, 0, 0}, 3, 0));
    case OpKind::kEinsum: {
      AttrSpec equation = RequiredChoice("equation", {});
      return {equation};
    }
    case OpKind::kUnary:
      return {RequiredChoice("fn", Names(UnaryFnNames())), FloatAttr("alpha", 0),
              FloatAttr("beta", 0)};
    case OpKind::kClip:
      return {FloatAttr("min", std::numeric_limits<float>::lowest()),
              FloatAttr("max", std::numeric_limits<float>::max())};
    case OpKind::kBinary:
      return {RequiredChoice("fn", Names(BinaryFnNames()))};
    case OpKind::kQuantizeLinear:  // min, max: of the integers
      return {IntAttr("axis", 1), IntAttr("min", -128), IntAttr("max", 127)};
    case OpKind::kDequantizeLinear:
      return {IntAttr("axis", 1)};
    case OpKind::kMultiThreshold:
      return {FloatAttr("out_scale", 1), FloatAttr("out_bias", 0)};
    case OpKind::kMaxPoolIndices:  // column_major: counts down the columns of each plane
      return With(Window(true), Flag("column_major"));
    case OpKind::kMaxPool3d:
      return Window3d(true);
    case OpKind::kAvgPool3d:
      return With(Window3d(true), Choice("divisor", "valid", {"valid", "kernel", "caffe"}));
    case OpKind::kLrn:  // region: `size` channels around, or a square of `size` within the channel
      return {IntAttr("size", 5, 1), FloatAttr("alpha", 1e-4F), FloatAttr("beta", 0.75F),
              FloatAttr("bias", 1), Choice("region", "across", {"across", "within"})};
    case OpKind::kGroupNorm:
      return {IntAttr("groups", 1, 1), FloatAttr("epsilon", 1e-5F)};
    case OpKind::kLayerNorm:
      return {IntAttr("axis", -1), FloatAttr("epsilon", 1e-5F)};
    case OpKind::kMvn: {
      AttrSpec variance = Flag("variance");
      variance.default_value = std::int64_t{1};
      return {RequiredInts("axes"), variance, FloatAttr("epsilon", 1e-9F)};
    }
    case OpKind::kL2Normalize:
      return {RequiredInts("axes"), FloatAttr("epsilon", 0)};
    case OpKind::kReduce: {  // axes: none are all
      AttrSpec keep = Flag("keep");
      keep.default_value = std::int64_t{1};
      return {RequiredChoice("fn", Names(ReduceFnNames())), IntsAttr("axes", {}), keep};
    }
    case OpKind::kArgMax:
    case OpKind::kArgMin: {
      AttrSpec keep = Flag("keep");
      keep.default_value = std::int64_t{1};
      return {IntAttr("axis", 0), keep, Flag("last")};
    }
    case OpKind::kTopK: {
      AttrSpec largest = Flag("largest");
      largest.default_value = std::int64_t{1};
      return {RequiredInt("k", 1), IntAttr("axis", -1), largest,
              RequiredChoice("result", {"values", "indices"})};
    }
    case OpKind::kCumSum:
      return {IntAttr("axis", 0), Flag("exclusive"), Flag("reverse")};
    case OpKind::kTranspose:  // axis d of y is axis perm[d] of x
      return {RequiredInts("perm", 0, 0)};
    case OpKind::kExpand:  // shape: of y; x broadcasts to it
      return {RequiredInts("shape", 0, 0)};
    case OpKind::kTile:
      return {RequiredInts("repeats", 0, 0)};
    case OpKind::kResize:
      return ResizeAttrs();
    case OpKind::kDepthToSpace:  // mode: channels are [bh, bw, c] (dcr) or [c, bh, bw] (crd)
      return {RequiredInt("block", 1), Choice("mode", "dcr", {"dcr", "crd"})};
    case OpKind::kSpaceToDepth:  // channels become [bh, bw, c]
      return {RequiredInt("block", 1)};
    case OpKind::kTrilu: {
      AttrSpec upper = Flag("upper");
      upper.default_value = std::int64_t{1};
      return {upper, IntAttr("k", 0)};
    }
    case OpKind::kOneHot:
      return {IntAttr("axis", -1), RequiredInt("depth", 1)};
    case OpKind::kGatherElements:
      return {IntAttr("axis", 0)};
    case OpKind::kGatherNd:
      return {IntAttr("batch_dims", 0, 0)};
    case OpKind::kScatterElements:
      return {IntAttr("axis", 0),
              Choice("reduction", "none", {"none", "add", "mul", "max", "min"})};
    case OpKind::kScatterNd:
      return {Choice("reduction", "none", {"none", "add", "mul", "max", "min"})};
    case OpKind::kReverseSequence:
      return {IntAttr("batch_axis", 1, 0), IntAttr("time_axis", 0, 0)};
    case OpKind::kGridSample:
      return {Choice("mode", "linear", {"linear", "nearest", "cubic"}),
              Choice("padding", "zeros", {"zeros", "border", "reflection"}), Flag("align_corners")};
    case OpKind::kRoiAlign: {
      AttrSpec scale = FloatAttr("scale", 1);
      return {Choice("mode", "avg", {"avg", "max"}),
              IntAttr("height", 1, 1),
              IntAttr("width", 1, 1),
              IntAttr("sampling", 0, 0),
              scale,
              FloatAttr("offset", 0.5F)};
    }
    case OpKind::kRoiPool: {
      AttrSpec height = RequiredInt("height", 1);
      AttrSpec width = RequiredInt("width", 1);
      height.max = width.max = 4096;
      return {height, width, FloatAttr("scale", 1)};
    }
    case OpKind::kProposal:
      return ProposalAttrs();
    case OpKind::kDetectionOutput:
      return DetectionAttrs();
    case OpKind::kConcat:
    case OpKind::kFlatten:
    case OpKind::kSoftmax:
    case OpKind::kLogSoftmax:
    case OpKind::kHardmax:
      return {IntAttr("axis", 1)};
    case OpKind::kPad:  // pads: before every axis, then after every axis
      return {RequiredInts("pads"),
              Choice("mode", "constant", {"constant", "edge", "reflect", "wrap"}),
              FloatAttr("value", 0)};
    case OpKind::kReshape:  // shape, unless it is the second input: 0 copies the dimension, -1 is
                            // inferred
      return {IntsAttr("shape", {}, 0, -1), Flag("allowzero")};
    case OpKind::kGather:
      return {IntAttr("axis", 0)};
    case OpKind::kUnsqueeze:
      return {RequiredInts("axes")};
    case OpKind::kSqueeze:  // none: every axis of size one
      return {IntsAttr("axes", {})};
    case OpKind::kSlice:  // no axes: the first ones; no steps: ones
      return {RequiredInts("starts"), RequiredInts("ends"), IntsAttr("axes", {}),
              IntsAttr("steps", {})};
    case OpKind::kCast: {
      // Floats other than f32 round, integers other than i64 wrap, bool is 0 or 1.
      return {RequiredChoice(
          "to", {"f32", "bf16", "i64", "bool", "i8", "u8", "i16", "u16", "i32", "u32"})};
    }
    case OpKind::kMatMul:
    case OpKind::kScale:
    case OpKind::kRelu:
    case OpKind::kPrelu:
    case OpKind::kWhere:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
    case OpKind::kGlobalMaxPool:
    case OpKind::kGlobalAvgPool:
    case OpKind::kIdentity:
    case OpKind::kShape:
      return {};
  }
  TF2_CHECK(false, "no such operator");
}

constexpr OpKind kKinds[] = {
#define TF2_IR_OP(kind, name, min_inputs, max_inputs, outputs) OpKind::kind,
#include "ir/op_table.def"
};
constexpr std::size_t kOps = std::size(kKinds);

OpRow MakeRow(OpKind kind, std::string_view name, std::size_t min_inputs, std::size_t max_inputs,
              std::size_t outputs) {
  OpRow row{kind, name, min_inputs, max_inputs, outputs, AttrsOf(kind)};
  std::sort(row.attrs.begin(), row.attrs.end(),
            [](const AttrSpec& a, const AttrSpec& b) { return a.name < b.name; });
  return row;
}

const std::array<OpRow, kOps>& Rows() {
  static const std::array<OpRow, kOps> rows = {
#define TF2_IR_OP(kind, name, min_inputs, max_inputs, outputs) \
  MakeRow(OpKind::kind, name, min_inputs, max_inputs, outputs),
#include "ir/op_table.def"
  };
  return rows;
}

Status CheckInts(const AttrSpec& spec, const Ints& values) {
  if (spec.count != 0 && values.size() != spec.count) {
    return InvalidArgument("attribute {} has {} elements, not {}", spec.name, values.size(),
                           spec.count);
  }
  for (std::int64_t v : values) {
    if (v < spec.min || v > spec.max)
      return InvalidArgument("attribute {} may not contain {}", spec.name, v);
  }
  return {};
}

Status CheckValue(const AttrSpec& spec, const Attr& value) {
  if (value.index() != static_cast<std::size_t>(spec.type)) {
    return InvalidArgument("attribute {} is of type {}, not {}", spec.name,
                           NameOf(AttrType(value.index())), NameOf(spec.type));
  }
  switch (spec.type) {
    case AttrType::kInt: {
      const std::int64_t v = std::get<std::int64_t>(value);
      if (v < spec.min || v > spec.max)
        return InvalidArgument("attribute {} may not be {}", spec.name, v);
      return {};
    }
    case AttrType::kString: {
      const auto& s = std::get<std::string>(value);
      if (!spec.allowed.empty() &&
          std::find(spec.allowed.begin(), spec.allowed.end(), s) == spec.allowed.end()) {
        return InvalidArgument("attribute {} may not be \"{}\"", spec.name, s);
      }
      return {};
    }
    case AttrType::kInts:
      return CheckInts(spec, std::get<Ints>(value));
    case AttrType::kFloat:
    case AttrType::kFloats:
      return {};
  }
  TF2_CHECK(false, "no such attribute type");
}

}  // namespace

const AttrSpec* OpRow::Find(std::string_view attr) const {
  const auto it =
      std::find_if(attrs.begin(), attrs.end(), [&](const AttrSpec& s) { return s.name == attr; });
  return it == attrs.end() ? nullptr : &*it;
}

std::span<const OpRow> OpTable() { return Rows(); }

const OpRow& RowOf(OpKind kind) {
  TF2_CHECK(static_cast<std::size_t>(kind) < kOps);
  return Rows()[static_cast<std::size_t>(kind)];
}

std::string_view NameOf(OpKind kind) { return RowOf(kind).name; }

std::optional<OpKind> OpByName(std::string_view name) {
  for (const OpRow& row : Rows()) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

std::string_view NameOf(AttrType type) {
  switch (type) {
    case AttrType::kInt:
      return "int";
    case AttrType::kFloat:
      return "float";
    case AttrType::kString:
      return "string";
    case AttrType::kInts:
      return "ints";
    case AttrType::kFloats:
      return "floats";
  }
  TF2_CHECK(false, "no such attribute type");
}

std::string_view NameOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "f32";
    case DType::kInt64:
      return "i64";
  }
  TF2_CHECK(false, "no such element type");
}

Status CheckAttrs(const Node& node) {
  const OpRow& row = RowOf(node.kind);
  for (const auto& [name, value] : node.attrs) {
    const AttrSpec* spec = row.Find(name);
    if (spec == nullptr)
      return InvalidArgument("{} has no attribute {}", row.name, name).At(node.name);
    if (Status s = CheckValue(*spec, value); !s.ok())
      return std::move(s.error()).At(fmt::format("{}: {}", node.name, row.name));
  }
  for (const AttrSpec& spec : row.attrs) {
    if (spec.required && !node.attrs.contains(std::string(spec.name))) {
      return InvalidArgument("{} needs the attribute {}", row.name, spec.name).At(node.name);
    }
  }
  return {};
}

}  // namespace tf2::ir
