// Two feature maps, element by element with broadcasting: the exact real result, rounded once.
#include <algorithm>

#include "qnet/ops.h"

namespace tf2::qnet {
namespace {

// One operand at a position of the output.
struct Operand {
  std::int32_t v = 0;
  int q = 0;
};

// Where 1 stands for the output's dimension, index 0.
Operand OperandAt(const Tensor& tensor, const Bytes& bytes, std::int64_t c, std::int64_t h,
                  std::int64_t w) {
  c = tensor.c() == 1 ? 0 : c;
  h = tensor.h() == 1 ? 0 : h;
  w = tensor.w() == 1 ? 0 : w;
  const std::int64_t i = (c * tensor.h() + h) * tensor.w() + w;
  return {Int8At(bytes, i), tensor.q[static_cast<std::size_t>(c)]};
}

// floor(exact * 2^q + 1/2). Rounding is monotone, so the larger of two is the larger rounded.
std::int64_t Exact(BinaryKind kind, const Operand& a, const Operand& b, int q) {
  switch (kind) {
    case BinaryKind::kAdd:
      return numerics::AddExact(a.v, a.q, b.v, b.q, q);
    case BinaryKind::kSub:
      return numerics::AddExact(a.v, a.q, -b.v, b.q, q);
    case BinaryKind::kMul:
      return numerics::MulExact(a.v, a.q, b.v, b.q, q);
    case BinaryKind::kMax:
      return std::max(numerics::AddExact(a.v, a.q, 0, a.q, q),
                      numerics::AddExact(b.v, b.q, 0, b.q, q));
    case BinaryKind::kMin:
      return std::min(numerics::AddExact(a.v, a.q, 0, a.q, q),
                      numerics::AddExact(b.v, b.q, 0, b.q, q));
  }
  return 0;
}

}  // namespace

Bytes RunBinary(const QNet& net, const Op& op, const Binary& binary, Inputs inputs) {
  const Tensor& a = net.tensor(op.inputs[0]);
  const Tensor& b = net.tensor(op.inputs[1]);
  const Tensor& out = net.tensor(op.output);
  Bytes y(static_cast<std::size_t>(out.bytes()));
  std::int64_t i = 0;
  for (std::int64_t c = 0; c < out.c(); ++c) {
    for (std::int64_t h = 0; h < out.h(); ++h) {
      for (std::int64_t w = 0; w < out.w(); ++w, ++i) {
        const std::int64_t u =
            Exact(binary.kind, OperandAt(a, *inputs[0], c, h, w), OperandAt(b, *inputs[1], c, h, w),
                  out.q[static_cast<std::size_t>(c)]);
        StoreSaturated(y, out.type, binary.activation, i, u);
      }
    }
  }
  return y;
}

}  // namespace tf2::qnet
