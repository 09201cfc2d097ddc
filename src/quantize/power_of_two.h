// Models that arrive with power-of-two weights of their own.
#ifndef TF2_QUANTIZE_POWER_OF_TWO_H_
#define TF2_QUANTIZE_POWER_OF_TWO_H_

#include <vector>

#include "qnet/qnet.h"
#include "quantize/draft.h"

namespace tf2::quantize {

// The inputs that need one Q so that weights which are SAC codes already, every row {0, +-2^k}
// times a scale, survive unchanged: those of convolutions whose rows are codes as they are, but not
// once folded with the Q of `draft`, where the spread of Q adds to that of the weights. Before:
// every Tensor::q set.
std::vector<qnet::TensorId> InputsThatNeedOneQ(const Draft& draft);

// Whether every row of convolution `op`, folded with the Q of `draft`, is SAC codes times a scale:
// its weights are kept as they are. A row of one weight or none always is; a layer of only such
// rows does not count.
bool KeepsItsCodes(const Draft& draft, std::size_t op);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_POWER_OF_TWO_H_
