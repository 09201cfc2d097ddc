// The rules of a well-formed QNet. Each check names the operator and the rule; an executor that
// runs a verified network needs no checks of its own.
#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "qnet/qnet.h"
#include "qnet/verify_op.h"

namespace tf2::qnet {
namespace {

constexpr std::int32_t kMaxDim = 1 << 24;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;

Status CheckTensor(const Tensor& tensor) {
  if (tensor.name.empty()) return Broken("a tensor has no name");
  if (tensor.type != ElemType::kInt8 && tensor.type != ElemType::kInt16)
    return Broken("unknown element type");
  if (tensor.dims.size() != 3)
    return Broken("{} dimensions instead of [c, h, w]", tensor.dims.size());
  std::int64_t elements = 1;
  for (const std::int32_t dim : tensor.dims) {
    if (dim < 1 || dim > kMaxDim) return Broken("dimension {} is outside 1..{}", dim, kMaxDim);
    elements *= dim;
    if (elements > kMaxElements) return Broken("more than {} elements", kMaxElements);
  }
  if (tensor.q.size() != static_cast<std::size_t>(tensor.c())) {
    return Broken("{} exponents for {} channels", tensor.q.size(), tensor.c());
  }
  for (const int q : tensor.q) {
    if (q < numerics::kMinQ || q > numerics::kMaxQ) {
      return Broken("Q {} is outside {}..{}", q, numerics::kMinQ, numerics::kMaxQ);
    }
  }
  return {};
}

// Single assignment, inputs before use, unique names.
Status CheckOrder(const QNet& net) {
  const auto in_range = [&](TensorId id) {
    return static_cast<std::int32_t>(id) >= 0 && Index(id) < net.tensors.size();
  };
  std::vector<bool> defined(net.tensors.size(), false);
  if (net.inputs.empty()) return Broken("the network has no inputs");
  for (const TensorId id : net.inputs) {
    if (!in_range(id)) return Broken("an input is not a tensor");
    if (net.tensor(id).type != ElemType::kInt8) return Broken("an input is not 8 bits wide");
    if (defined[Index(id)]) return Broken("two inputs are the same tensor");
    defined[Index(id)] = true;
  }
  std::set<std::string_view> names;
  for (const Op& op : net.ops) {
    const std::string where = fmt::format("operator \"{}\"", op.name);
    if (op.name.empty() || !names.insert(op.name).second)
      return Broken("the name is empty or not unique").At(where);
    for (const TensorId id : op.inputs) {
      if (!in_range(id) || !defined[Index(id)])
        return Broken("reads a tensor that is not computed before it").At(where);
    }
    if (!in_range(op.output) || defined[Index(op.output)])
      return Broken("its output is not a new tensor").At(where);
    defined[Index(op.output)] = true;
  }
  if (std::ranges::count(defined, false) != 0) return Broken("a tensor is never computed");
  if (net.outputs.empty()) return Broken("the network has no outputs");
  for (const Output& output : net.outputs) {
    if (!in_range(output.tensor)) return Broken("the output \"{}\" is not a tensor", output.name);
  }
  return {};
}

// A tensor has one value around it.
Status CheckPadding(const QNet& net) {
  std::vector<std::optional<std::int8_t>> around(net.tensors.size());
  for (const Op& op : net.ops) {
    if (!ReadsPadding(net, op)) continue;
    const std::int8_t value = std::get<Conv>(op.params).pad_value;
    std::optional<std::int8_t>& known = around[Index(op.inputs[0])];
    if (known.value_or(value) != value) {
      return Broken("pads %{} with {}, another convolution with {}", net.tensor(op.inputs[0]).name,
                    value, *known)
          .At(fmt::format("{} \"{}\"", KindName(op), op.name));
    }
    known = value;
  }
  return {};
}

Status CheckOutput(const QNet& net, const Output& output) {
  if (output.head != Head::kNone && output.head != Head::kSoftmax) return Broken("unknown head");
  std::int64_t elements = 1;
  for (const std::int64_t dim : output.shape) {
    if (dim < 1 || dim > kMaxElements) return Broken("dimension {}", dim);
    elements *= dim;
    if (elements > kMaxElements) return Broken("more than {} elements", kMaxElements);
  }
  if (elements != net.tensor(output.tensor).elements()) {
    return Broken("its shape has {} elements, its tensor {}", elements,
                  net.tensor(output.tensor).elements());
  }
  return {};
}

// The head graph stands on net.outputs; what it gives back is real or integer.
Status CheckHead(const QNet& net) {
  TF2_RETURN_IF_ERROR(CheckGraphInputs(net, *net.head, net.outputs, &Output::tensor));
  if (net.head->graph().outputs.empty()) return Broken("it has no outputs");
  for (const Output& output : net.outputs) {
    if (output.head != Head::kNone) return Broken("\"{}\" has a head of its own too", output.name);
  }
  return {};
}

Status CheckPreprocessing(const Preprocessing& p, std::int32_t channels) {
  if (p.order != ChannelOrder::kRgb && p.order != ChannelOrder::kBgr)
    return Broken("unknown channel order");
  if (p.resize < 0 || p.resize > kMaxWindow || p.crop < 0 || p.crop > kMaxWindow)
    return Broken("resize or crop out of range");
  for (const auto* values : {&p.mean, &p.std}) {
    if (values->size() > 1 && values->size() != static_cast<std::size_t>(channels)) {
      return Broken("{} means or deviations for {} channels", values->size(), channels);
    }
  }
  const auto finite = [](float v) { return std::isfinite(v); };
  if (!std::ranges::all_of(p.mean, finite) || !std::ranges::all_of(p.mean_image, finite)) {
    return Broken("a mean is not finite");
  }
  if (!std::ranges::all_of(p.std, [](float v) { return std::isfinite(v) && v != 0; })) {
    return Broken("a standard deviation is 0 or not finite");
  }
  std::int64_t elements = p.mean_image_dims.empty() ? 0 : 1;
  for (const std::int32_t dim : p.mean_image_dims) {
    if (dim < 1 || dim > kMaxDim) return Broken("dimension {} of the mean image", dim);
    elements *= dim;
    if (elements > kMaxElements) return Broken("the mean image is too large");
  }
  if (elements != std::ssize(p.mean_image))
    return Broken("the mean image does not have its stated size");
  return {};
}

}  // namespace

Status Verify(const QNet& net) {
  if (net.macs < 0) return Broken("{} multiply-accumulates", net.macs);
  std::set<std::string_view> names;
  for (const Tensor& tensor : net.tensors) {
    const std::string where = fmt::format("tensor %{}", tensor.name);
    if (auto status = CheckTensor(tensor); !status.ok()) return std::move(status.error()).At(where);
    if (!names.insert(tensor.name).second) return Broken("the name is not unique").At(where);
  }
  TF2_RETURN_IF_ERROR(CheckOrder(net));
  for (const Op& op : net.ops) {
    if (auto status = VerifyOp(net, op); !status.ok()) {
      return std::move(status.error()).At(fmt::format("{} \"{}\"", KindName(op), op.name));
    }
  }
  TF2_RETURN_IF_ERROR(CheckPadding(net));
  for (const Output& output : net.outputs) {
    if (auto status = CheckOutput(net, output); !status.ok()) {
      return std::move(status.error()).At(fmt::format("output \"{}\"", output.name));
    }
  }
  if (net.head) {
    if (auto status = CheckHead(net); !status.ok()) return std::move(status.error()).At("head");
  }
  for (const TensorId id : net.inputs) {
    if (auto status = CheckPreprocessing(net.preprocessing, net.tensor(id).c()); !status.ok()) {
      return std::move(status.error()).At("preprocessing");
    }
  }
  return {};
}

}  // namespace tf2::qnet
