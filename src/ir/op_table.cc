#include "ir/op_table.h"

#include <algorithm>
#include <array>
#include <utility>

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

std::vector<AttrSpec> With(std::vector<AttrSpec> attrs, AttrSpec more) {
  attrs.push_back(std::move(more));
  return attrs;
}

std::vector<AttrSpec> AttrsOf(OpKind kind) {
  switch (kind) {
    case OpKind::kConv:  // relu: y = max(0, conv + bias + residual)
      return With(With(Window(false), IntAttr("groups", 1, 1)), Flag("relu"));
    case OpKind::kGemm:
      return {Flag("relu")};
    case OpKind::kAdd:  // relu: y = max(0, a + b)
      return {Flag("relu")};
    case OpKind::kBatchNorm:
      return {FloatAttr("epsilon", 1e-5F)};
    case OpKind::kMaxPool:
      return Window(true);
    case OpKind::kAvgPool:
      return With(Window(true), Choice("divisor", "valid", {"valid", "kernel", "caffe"}));
    case OpKind::kConcat:
    case OpKind::kFlatten:
    case OpKind::kSoftmax:
      return {IntAttr("axis", 1)};
    case OpKind::kPad:  // pads: before every axis, then after every axis
      return {RequiredInts("pads"), Choice("mode", "constant", {"constant", "edge", "reflect"}),
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
      AttrSpec to = Choice("to", "f32", {"f32", "i64"});
      to.required = true;
      return {to};
    }
    case OpKind::kMatMul:
    case OpKind::kScale:
    case OpKind::kRelu:
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

constexpr std::size_t kOps = 0
#define TF2_IR_OP(kind, name, min_inputs, max_inputs, outputs) +1
#include "ir/op_table.def"
    ;

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
