// Convolution, average pooling, addition and copies in one form: rows of codes over input channels,
// with parameters for one or several rectangles of the output.
#ifndef TF2_SCHED_CONV_FORM_H_
#define TF2_SCHED_CONV_FORM_H_

#include <cstdint>
#include <vector>

#include "sched/plan.h"
#include "sched/window_loops.h"

namespace tf2::sched {

struct RowParams {
  std::int64_t beta = 0;
  numerics::Scale scale;
  std::int32_t t = 0;
};

struct ConvRegion {
  Rect rect;
  std::vector<RowParams> rows;  // per output channel
};

struct ConvForm {
  const PlanTensor* input = nullptr;
  const PlanTensor* output = nullptr;
  const PlanTensor* residual = nullptr;
  qnet::Window window;
  std::int32_t group_inputs = 1;   // input channels a row reads
  std::int32_t group_outputs = 1;  // rows that read the same
  bool relu = false;
  std::int8_t pad_value = 0;  // around the input
  // Codes [term][row][group input][ky][kx]; with `taps_first` [row][ky][kx] become the group input
  // (folded). nullptr: every code is 1 and a row reads its own channel.
  const qnet::Conv* conv = nullptr;
  bool folded = false;
  std::vector<ConvRegion> regions;

  std::int32_t terms() const {
    return conv == nullptr ? 1 : static_cast<std::int32_t>(conv->terms.size());
  }
  // Code of output channel `row` for group input `ic` at (ky, kx).
  int Code(std::int32_t term, std::int32_t row, std::int32_t ic, std::int32_t ky,
           std::int32_t kx) const;
};

// The form of a task whose operator is a convolution, average pooling or addition, or which is a
// copy. Refuses int8 weights.
Result<ConvForm> MakeConvForm(const qnet::QNet& net, const Plan& plan, const Task& task);

}  // namespace tf2::sched

#endif  // TF2_SCHED_CONV_FORM_H_
