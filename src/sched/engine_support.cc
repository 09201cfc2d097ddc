#include "sched/engine_support.h"

namespace tf2::sched {
namespace {

Status NotOnEngine(std::string what) {
  return WithHint(
      Unsupported("{}: the engine has convolution, pooling, addition, concatenation and "
                  "reshape, each with no activation or ReLU",
                  what),
      "run the artifact on the cpu backend; `tf2 explain MODEL` lists every such layer and what "
      "would help");
}

struct Checker {
  const qnet::Op& op;

  Status operator()(const qnet::Conv& conv) const {
    switch (conv.activation) {
      case qnet::Activation::kNone:
      case qnet::Activation::kRelu:
        return {};
      case qnet::Activation::kClip:
        return NotOnEngine("a convolution with a clip (ReLU6 and its like)");
      case qnet::Activation::kPRelu:
        return NotOnEngine("a convolution with a PReLU");
    }
    return {};
  }
  Status operator()(const qnet::MaxPool&) const { return {}; }
  Status operator()(const qnet::AvgPool&) const { return {}; }
  Status operator()(const qnet::Add&) const { return {}; }
  Status operator()(const qnet::Concat&) const { return {}; }
  Status operator()(const qnet::Reshape&) const { return {}; }
  Status operator()(const qnet::Table& table) const {
    return NotOnEngine(fmt::format("a table ({})", table.function));
  }
  Status operator()(const qnet::Binary&) const {
    return NotOnEngine(fmt::format("element-wise {}", qnet::KindName(op)));
  }
  Status operator()(const qnet::Lrn&) const { return NotOnEngine("local response normalisation"); }
  Status operator()(const qnet::Move&) const { return NotOnEngine("a movement of data"); }
  Status operator()(const qnet::Dilate&) const {
    return NotOnEngine("the zero insertion of a transposed convolution");
  }
  Status operator()(const qnet::Host&) const { return NotOnEngine("a host operator"); }
};

}  // namespace

Status CheckOnEngine(const qnet::Op& op) { return std::visit(Checker{op}, op.params); }

Status CheckOnEngine(const qnet::QNet& net) {
  if (net.inputs.size() == 1) return {};
  return WithHint(Unsupported("the network has {} inputs, the engine takes one", net.inputs.size()),
                  "run the artifact on the cpu backend");
}

}  // namespace tf2::sched
