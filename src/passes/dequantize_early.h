// Integers become numbers where they are made: a dequantize_linear before what moves elements, and
// one for all readers.
//
// before                                          after
//   %q = quantize_linear(%x, %s)                    %q = quantize_linear(%x, %s)
//   %f = flatten(%q)                                %early = dequantize_linear(%q, %s)
//   %a = dequantize_linear(%f, %s)                  %a = flatten(%early)
//   %b = dequantize_linear(%f, %s)                  (readers of %b read %a)
//
// What stands between the two is a movement of data, or a max pooling on the integers as floats:
// dequantising is monotone. Exact. Only with one scale and one zero point for the whole tensor.
// Models with integer operators (ONNX Runtime's QOperator format) are of this kind; rounding then
// sees one quantisation of %x, which it takes out.
#ifndef TF2_PASSES_DEQUANTIZE_EARLY_H_
#define TF2_PASSES_DEQUANTIZE_EARLY_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of dequantize_linear moved or dropped.
Result<int> DequantizeEarly(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_DEQUANTIZE_EARLY_H_
