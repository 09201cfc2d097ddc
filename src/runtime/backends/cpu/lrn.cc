#include "runtime/backends/cpu/lrn.h"

#include <algorithm>
#include <vector>

#include "numerics/numerics.h"

namespace tf2::runtime::cpu {
namespace {

// One pixel; `squares` has room for its channels.
void NormalizePixel(const LrnStep& step, const std::uint8_t* in, std::uint8_t* out,
                    std::vector<std::uint32_t>& squares) {
  const std::int64_t before = (step.size - 1) / 2;
  const std::int64_t after = step.size / 2;
  const std::int64_t n = step.channels;
  for (std::int64_t c = 0; c < n; ++c) {
    const std::int32_t v = in[c] - step.zero_in;
    squares[static_cast<std::size_t>(c)] = static_cast<std::uint32_t>(v * v);
  }
  std::uint32_t sum = 0;  // of the window around c
  for (std::int64_t c = 0; c < std::min(after, n); ++c) sum += squares[static_cast<std::size_t>(c)];
  for (std::int64_t c = 0; c < n; ++c) {
    if (c + after < n) sum += squares[static_cast<std::size_t>(c + after)];
    const std::int32_t v = in[c] - step.zero_in;
    const std::int64_t y = numerics::RoundShift(v * step.factors[sum], step.shift);
    out[c] = static_cast<std::uint8_t>(numerics::Sat8(y) + step.zero_out);
    if (c >= before) sum -= squares[static_cast<std::size_t>(c - before)];
  }
}

}  // namespace

bool HasLrnTable(const qnet::Lrn& lrn) { return qnet::LargestLrnSum(lrn) <= 32 * 128 * 128; }

// As numerics::LrnScaled has it, the factors of smaller sums brought to the units of the largest.
void SetLrnTable(const qnet::Lrn& lrn, LrnStep& step) {
  const std::uint32_t largest = qnet::LargestLrnSum(lrn);
  const int bits = numerics::LrnSlotOf(largest).bits;
  step.size = lrn.size;
  step.shift = lrn.shift + bits;
  for (std::uint32_t sum = 0; sum <= largest; ++sum) {
    const numerics::LrnSlot slot = numerics::LrnSlotOf(sum);
    const std::int64_t low = lrn.factor[slot.index];
    const std::int64_t next = lrn.factor[slot.index + 1];
    const std::int64_t factor = low * (std::int64_t{1} << slot.bits) + (next - low) * slot.rest;
    step.factors.push_back(factor * (std::int64_t{1} << (bits - slot.bits)));
  }
}

void RunLrn(const LrnStep& step, std::uint8_t* arena, Range pixels) {
  std::vector<std::uint32_t> squares(static_cast<std::size_t>(step.channels));
  const auto at = [&](const View& view, std::int64_t pixel) {
    return arena + view.offset + pixel / step.width * view.row + pixel % step.width * view.stride;
  };
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p) {
    NormalizePixel(step, at(step.input, p), at(step.output, p), squares);
  }
}

}  // namespace tf2::runtime::cpu
