// Convolutions of a QNet as matrix products of floats that hold integers exactly: the same bytes as
// qnet::RunOp, much faster. Internal to src/quantize.
#ifndef TF2_QUANTIZE_FAST_CONV_H_
#define TF2_QUANTIZE_FAST_CONV_H_

#include <cstdint>
#include <vector>

#include "qnet/interpreter.h"
#include "qnet/qnet.h"
#include "quantize/columns.h"

namespace tf2::quantize {

// One convolution, its codes made ready once. Thread-safe.
class FastConv {
 public:
  // Whether `op` is a convolution with no activation, a ReLU or a clip.
  static bool Has(const qnet::Op& op);
  // `op`, which Has, is an operator of `net` whose numbers are complete; both outlive this.
  FastConv(const qnet::QNet& net, const qnet::Op& op);

  // Contents of the output of one sample. `residual` is null where the operator has none.
  qnet::Bytes Run(const std::int8_t* x, const std::int8_t* residual) const;

 private:
  // Taps [first, last) of a group, so few that every partial sum stays below 2^24.
  struct Part {
    std::size_t first = 0;
    std::size_t last = 0;
    std::vector<float> codes;  // [oc / groups][last - first]
  };

  void Accumulate(std::size_t group, const float* columns, std::size_t count,
                  std::vector<float>& product, std::vector<std::int32_t>& acc) const;

  const qnet::QNet& net_;
  const qnet::Op& op_;
  const qnet::Conv& conv_;
  ColumnShape shape_;
  std::size_t oc_;                        // of one group
  std::vector<std::vector<Part>> parts_;  // by group
};

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_FAST_CONV_H_
