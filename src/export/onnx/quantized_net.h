// The integer network as an ONNX model of QuantizeLinear and DequantizeLinear: what the backends
// compute, in a file that other tools run.
#ifndef TF2_EXPORT_ONNX_QUANTIZED_NET_H_
#define TF2_EXPORT_ONNX_QUANTIZED_NET_H_

#include <string>

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::export_onnx {

// How a real value becomes an integer in the exported model.
enum class Rounding : std::uint8_t {
  kHalfUp,    // as docs/semantics.md says: floor(x * 2^Q + 1/2), written out before QuantizeLinear
  kHalfEven,  // QuantizeLinear alone, which rounds halves to even: the pattern that tools look for
};

// The bytes of an ONNX file of `net` (verified). Input: the preprocessed sample, [N, c, h, w] in
// float; how it is made stands in the metadata. Values between the nodes are the real ones, v *
// 2^-Q[c]: each feature that an operator rounds passes a pair QuantizeLinear, DequantizeLinear with
// the scales 2^-Q along axis 1 (one scale where all Q are equal); int16 features are rounded,
// clipped and scaled as floats, since 16-bit pairs need operator set 21 and ONNX Runtime 1.32
// mistakes the type of 8-bit ones there. Weights are the codes as int8; DequantizeLinear gives them
// the scale 1 / 2^s[o] * 2^-Q_out[o] along axis 0, a multiplication by 2^Q_in[c] takes the input's
// exponents back. What they add up to is integers times a power of two, exact in float32 below
// 2^24; the multiplication by alpha[o], the residual and the rounding follow in double (PReLU: in
// float). With kHalfEven alpha[o] is in the scale of the weights, and whoever adds the products
// rounds. Two-term weights are two such tensors and their sum. Errors: kUnsupported for an operator
// that ONNX cannot express, named; kResourceExhausted past 2 GiB.
Result<std::string> ExportQNet(const qnet::QNet& net, Rounding rounding = Rounding::kHalfUp);

}  // namespace tf2::export_onnx

#endif  // TF2_EXPORT_ONNX_QUANTIZED_NET_H_
