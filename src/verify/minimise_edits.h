// The edits that Minimise tries. Each returns a smaller case, or nullopt where it does not apply;
// what comes out need not pass qnet::Verify. Internal to src/verify.
#ifndef TF2_VERIFY_MINIMISE_EDITS_H_
#define TF2_VERIFY_MINIMISE_EDITS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "verify/minimise.h"

namespace tf2::verify::minimise {

// Without the operators that no output needs, and the inputs, as long as one is left; tensors are
// renumbered in their order.
FailingCase Compacted(const FailingCase& c);

// `tensor` is the only output.
std::optional<FailingCase> CutAt(const FailingCase& c, qnet::TensorId tensor);
// Without output number `output`, where there are others.
std::optional<FailingCase> WithoutOutput(const FailingCase& c, std::size_t output);
// `tensor`, with the contents that the interpreter gives it, is the input. Only where nothing else
// that the outputs need comes from the old inputs.
std::optional<FailingCase> StartAt(const FailingCase& c, qnet::TensorId tensor);
// Consumers of operator `op` read its input number `input` instead, where the dims are the same.
std::optional<FailingCase> Bypassed(const FailingCase& c, std::size_t op, std::size_t input);
// Input `input` of operator `op` is its input 0, where the dims are the same.
std::optional<FailingCase> Merged(const FailingCase& c, std::size_t op, std::size_t input);
// A convolution without its residual.
std::optional<FailingCase> WithoutResidual(const FailingCase& c, std::size_t op);
// A convolution, and those that read the same tensor, pad with 0 instead of another value.
std::optional<FailingCase> PaddedWithZeros(const FailingCase& c, std::size_t op);

// Without channels [begin, end) of `tensor`, and whatever must go with them elsewhere.
// minimise_channels.cc.
std::optional<FailingCase> WithoutChannels(const FailingCase& c, qnet::TensorId tensor,
                                           std::int32_t begin, std::int32_t end);

// The top left h x w pixels of the first input, and of those of its size; every size behind
// follows. minimise_size.cc.
std::optional<FailingCase> Cropped(const FailingCase& c, std::int32_t h, std::int32_t w);
// Operator `op` with another window, no larger in kernel than before: the first taps are kept.
std::optional<FailingCase> WithWindow(const FailingCase& c, std::size_t op,
                                      const qnet::Window& window);
// The window of an operator; null where it has none.
const qnet::Window* WindowOf(const qnet::Op& op);

}  // namespace tf2::verify::minimise

#endif  // TF2_VERIFY_MINIMISE_EDITS_H_
