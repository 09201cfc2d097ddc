// The operators of the interpreter, a file each. Internal to src/qnet: inputs are those of a
// verified operator.
#ifndef TF2_QNET_OPS_H_
#define TF2_QNET_OPS_H_

#include <span>

#include "qnet/interpreter.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

using Inputs = std::span<const Bytes* const>;

Bytes RunConv(const QNet& net, const Op& op, const Conv& conv, Inputs inputs);
Bytes RunMaxPool(const QNet& net, const Op& op, const MaxPool& pool, Inputs inputs);
Bytes RunAvgPool(const QNet& net, const Op& op, const AvgPool& pool, Inputs inputs);
Bytes RunAdd(const QNet& net, const Op& op, const Add& add, Inputs inputs);
Bytes RunConcat(Inputs inputs);
Bytes RunReshape(Inputs inputs);
Bytes RunTable(const QNet& net, const Op& op, const Table& table, Inputs inputs);
Bytes RunBinary(const QNet& net, const Op& op, const Binary& binary, Inputs inputs);
Bytes RunLrn(const QNet& net, const Op& op, const Lrn& lrn, Inputs inputs);
Bytes RunMove(const QNet& net, const Op& op, const Move& move, Inputs inputs);
Bytes RunDilate(const QNet& net, const Op& op, const Dilate& dilate, Inputs inputs);
Result<Bytes> RunHost(const QNet& net, const Op& op, const Host& host, Inputs inputs,
                      ThreadPool* pool);

// Element `i` of an int8 tensor.
inline std::int8_t Int8At(const Bytes& bytes, std::int64_t i) {
  return static_cast<std::int8_t>(bytes[static_cast<std::size_t>(i)]);
}

// Saturates `u` to the tensor's width, applies the activation (one of all channels) and stores it
// as element `i`.
inline void StoreSaturated(Bytes& bytes, ElemType type, Activation activation, std::int64_t i,
                           std::int64_t u) {
  if (activation == Activation::kRelu && u < 0) u = 0;
  const auto at = static_cast<std::size_t>(i);
  switch (type) {
    case ElemType::kInt8:
      bytes[at] = static_cast<std::uint8_t>(numerics::Sat8(u));
      return;
    case ElemType::kInt16: {
      const auto wide = static_cast<std::uint16_t>(numerics::Sat16(u));
      bytes[2 * at] = static_cast<std::uint8_t>(wide & 0xff);
      bytes[2 * at + 1] = static_cast<std::uint8_t>(wide >> 8);
      return;
    }
  }
}

}  // namespace tf2::qnet

#endif  // TF2_QNET_OPS_H_
