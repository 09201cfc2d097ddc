// Concatenation along the channel: in [c, h, w] order, the inputs one after the other.
#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunConcat(Inputs inputs) {
  Bytes y;
  for (const Bytes* input : inputs) y.insert(y.end(), input->begin(), input->end());
  return y;
}

}  // namespace tf2::qnet
