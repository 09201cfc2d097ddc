#include "import/onnx/node_import.h"

#include <utility>

namespace tf2::import::onnx {

Status NodeImport::ExpectInputs(std::size_t least, std::size_t most) const {
  if (inputs.size() < least || inputs.size() > most) {
    return InvalidArgument("it has {} inputs, {} to {} are legal", inputs.size(), least, most);
  }
  for (std::size_t i = 0; i < least; ++i) {
    if (!HasInput(i)) return InvalidArgument("input {} is left out", i);
  }
  return {};
}

Status NodeImport::ExpectOneOutput(std::string_view what) const {
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    if (outputs[i].empty()) continue;
    return WithHint(Unsupported("output {} ('{}', {}) is read", i, outputs[i], what),
                    "only the first output of this operator is supported");
  }
  return {};
}

Result<std::vector<std::int64_t>> NodeImport::KnownInts(std::size_t i,
                                                        std::string_view what) const {
  const ir::Tensor* ints = builder.IntsOf(inputs[i]);
  if (ints != nullptr) return ints->i64;
  if (builder.DTypeOf(inputs[i]) != ir::DType::kInt64)
    return InvalidArgument("{} (input {}) are not integers", what, i);
  return WithHint(Unsupported("{} (input {}) depend on the data", what, i),
                  "export the model with static shapes, or simplify it first");
}

Result<std::optional<std::vector<std::int64_t>>> NodeImport::IntsOf(const char* attr,
                                                                    std::int64_t since,
                                                                    std::size_t i) {
  if (opset < since) return attrs.Ints(attr);
  if (!HasInput(i)) return std::optional<std::vector<std::int64_t>>();
  TF2_ASSIGN_OR_RETURN(std::vector<std::int64_t> ints, KnownInts(i, attr));
  return std::optional(std::move(ints));
}

Result<ir::ValueId> NodeImport::EmitPart(ir::OpKind kind, std::string_view part,
                                         std::vector<ir::ValueId> operands,
                                         ir::AttrMap node_attrs) const {
  const std::string full = fmt::format("{}/{}", name, part);
  return builder.Emit(kind, full, full, std::move(operands), std::move(node_attrs));
}

Status NodeImport::EmitResult(ir::OpKind kind, std::vector<ir::ValueId> operands,
                              ir::AttrMap node_attrs) {
  TF2_ASSIGN_OR_RETURN(result, builder.Emit(kind, name, outputs.empty() ? name : outputs[0],
                                            std::move(operands), std::move(node_attrs)));
  return {};
}

Status NodeImport::EmitOutput(std::size_t i, ir::OpKind kind, std::vector<ir::ValueId> operands,
                              ir::AttrMap node_attrs) {
  if (i == 0) return EmitResult(kind, std::move(operands), std::move(node_attrs));
  TF2_CHECK(Reads(i));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId id,
                       builder.Emit(kind, fmt::format("{}/{}", name, i), outputs[i],
                                    std::move(operands), std::move(node_attrs)));
  SetOutput(i, id);
  return {};
}

Result<ir::ValueId> NodeImport::AsPart(std::string_view part, ImportFunction import) {
  const std::string full = fmt::format("{}/{}", name, part);
  std::vector<std::string> own_outputs = std::exchange(outputs, {full});
  std::string own_name = std::exchange(name, full);
  const Status status = import(*this);
  outputs = std::move(own_outputs);
  name = std::move(own_name);
  if (!status.ok()) return status.error();
  return std::exchange(result, ir::kNoValue);
}

Result<ir::ValueId> NodeImport::AddConstant(std::string_view part, ir::Tensor tensor) const {
  return builder.AddConstant(fmt::format("{}/{}", name, part), std::move(tensor));
}

}  // namespace tf2::import::onnx
