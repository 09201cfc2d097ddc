// Which tensors the last integer layers store in 16 bits.
#ifndef TF2_QUANTIZE_WIDE_OUTPUTS_H_
#define TF2_QUANTIZE_WIDE_OUTPUTS_H_

#include "qnet/qnet.h"

namespace tf2::quantize {

// Makes 16 bits wide every tensor that only outputs and host operators read (directly, or through
// concatenations, reshapes and moves that are all wide themselves) and that an operator computes
// which can. Max pooling and dilation keep 8 bits.
void WidenOutputs(qnet::QNet& net);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_WIDE_OUTPUTS_H_
