// Rules of one operator. Internal to src/qnet.
#ifndef TF2_QNET_VERIFY_OP_H_
#define TF2_QNET_VERIFY_OP_H_

#include <utility>

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

// Largest kernel, stride, dilation and padding.
inline constexpr std::int32_t kMaxWindow = 1 << 15;

template <typename... A>
Error Broken(fmt::format_string<A...> f, A&&... a) {
  return InvalidArgument(f, std::forward<A>(a)...);
}

// Inputs, windows, parameter vectors, ranges and the accumulator's bound. The tensors of `net` are
// well-formed and `op` names existing ones. The error states the rule, not the operator.
Status VerifyOp(const QNet& net, const Op& op);

}  // namespace tf2::qnet

#endif  // TF2_QNET_VERIFY_OP_H_
