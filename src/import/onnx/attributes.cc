#include "import/onnx/attributes.h"

#include <utility>

namespace tf2::import::onnx {
namespace {

using Attribute = onnx_pb::Attribute;

// Old files leave `type` out: then the field that is set decides.
Attribute::Type TypeOf(const Attribute& a) {
  if (a.has_type() && a.type() != Attribute::UNDEFINED) return a.type();
  if (a.has_f()) return Attribute::FLOAT;
  if (a.has_i()) return Attribute::INT;
  if (a.has_s()) return Attribute::STRING;
  if (a.has_t()) return Attribute::TENSOR;
  if (a.has_g()) return Attribute::GRAPH;
  if (a.floats_size() > 0) return Attribute::FLOATS;
  if (a.ints_size() > 0) return Attribute::INTS;
  if (a.strings_size() > 0) return Attribute::STRINGS;
  return Attribute::UNDEFINED;
}

bool IsList(Attribute::Type type) {
  return type == Attribute::INTS || type == Attribute::FLOATS || type == Attribute::STRINGS;
}

}  // namespace

Result<Attributes> Attributes::Of(const onnx_pb::Node& node) {
  Attributes result;
  for (const Attribute& a : node.attribute()) {
    if (!result.attributes_.emplace(a.name(), &a).second)
      return InvalidArgument("attribute {} is there twice", a.name());
    if (!a.ref_attr_name().empty()) {
      return Unsupported("attribute {} refers to the attribute {} of a function", a.name(),
                         a.ref_attr_name());
    }
  }
  return result;
}

Result<const Attribute*> Attributes::Find(std::string_view name, Attribute::Type type) {
  const auto it = attributes_.find(name);
  if (it == attributes_.end()) return static_cast<const Attribute*>(nullptr);
  used_.insert(it->first);
  const Attribute::Type found = TypeOf(*it->second);
  const bool empty_list = found == Attribute::UNDEFINED && IsList(type);
  if (found != type && !empty_list) {
    return InvalidArgument("attribute {} is {}, not {}", name, Attribute::Type_Name(found),
                           Attribute::Type_Name(type));
  }
  return it->second;
}

Result<std::int64_t> Attributes::Int(std::string_view name, std::int64_t fallback) {
  TF2_ASSIGN_OR_RETURN(const Attribute* a, Find(name, Attribute::INT));
  return a == nullptr ? fallback : static_cast<std::int64_t>(a->i());
}

Result<float> Attributes::Float(std::string_view name, float fallback) {
  TF2_ASSIGN_OR_RETURN(const Attribute* a, Find(name, Attribute::FLOAT));
  return a == nullptr ? fallback : a->f();
}

Result<std::string> Attributes::String(std::string_view name, std::string_view fallback) {
  TF2_ASSIGN_OR_RETURN(const Attribute* a, Find(name, Attribute::STRING));
  return a == nullptr ? std::string(fallback) : a->s();
}

Result<std::optional<std::vector<std::int64_t>>> Attributes::Ints(std::string_view name) {
  TF2_ASSIGN_OR_RETURN(const Attribute* a, Find(name, Attribute::INTS));
  if (a == nullptr) return std::optional<std::vector<std::int64_t>>();
  return std::optional(std::vector<std::int64_t>(a->ints().begin(), a->ints().end()));
}

Result<std::optional<std::vector<float>>> Attributes::Floats(std::string_view name) {
  TF2_ASSIGN_OR_RETURN(const Attribute* a, Find(name, Attribute::FLOATS));
  if (a == nullptr) return std::optional<std::vector<float>>();
  return std::optional(std::vector<float>(a->floats().begin(), a->floats().end()));
}

Result<const onnx_pb::Tensor*> Attributes::Tensor(std::string_view name) {
  TF2_ASSIGN_OR_RETURN(const Attribute* a, Find(name, Attribute::TENSOR));
  return a == nullptr ? static_cast<const onnx_pb::Tensor*>(nullptr) : &a->t();
}

Result<const onnx_pb::Graph*> Attributes::Graph(std::string_view name) {
  TF2_ASSIGN_OR_RETURN(const Attribute* a, Find(name, Attribute::GRAPH));
  if (a == nullptr) return InvalidArgument("attribute {} is missing", name);
  return &a->g();
}

Status Attributes::CheckAllUsed() const {
  for (const auto& [name, attribute] : attributes_) {
    if (used_.contains(name)) continue;
    return WithHint(Unsupported("attribute {} is not supported", name),
                    "export the model without it, or with another opset");
  }
  return {};
}

}  // namespace tf2::import::onnx
