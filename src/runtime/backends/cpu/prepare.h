// From a QNet operator to the step that a kernel executes: packed weights, offset tables,
// parameters widened to what the kernels load. Done once, when a network is loaded. Each Prepared*
// owns the tables that its `step` points to.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PREPARE_H_
#define TF2_RUNTIME_BACKENDS_CPU_PREPARE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/aligned_buffer.h"
#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/memory_plan.h"

namespace tf2::runtime::cpu {

// What every Prepare function sees.
struct PrepareContext {
  const qnet::QNet& net;
  const MemoryPlan& plan;
  const KernelSet& kernels;

  const View& view(qnet::TensorId id) const { return plan.views[qnet::Index(id)]; }
};

// Arena offsets of the input pixels under a window, [pixel tile][ky][kx][pixels_per_tile]; taps
// outside the input point to `padding`. The last tile repeats the last pixel.
std::vector<std::int32_t> WindowOffsets(const qnet::Tensor& input, const View& view,
                                        const qnet::Window& window, const qnet::Tensor& output,
                                        int pixels_per_tile, std::int64_t padding);

// The arrays of a Requantization. `channels`: the channel of each slot, -1 for padding.
struct RequantizationTable {
  RequantizationTable(std::span<const numerics::Scale> scale, std::span<const std::uint8_t> t,
                      std::span<const std::int32_t> channels);
  Requantization view(bool relu, bool wide) const;

  std::vector<std::int64_t> alpha, half, s, t;
};

struct PreparedConv {
  ConvStep step;
  std::vector<Panel> panels;
  std::vector<std::int32_t> offsets;
  std::vector<std::int32_t> bias;
  AlignedBuffer weights;
  std::vector<RequantizationTable> table;  // one
};
PreparedConv PrepareConv(const PrepareContext& context, const qnet::Op& op);

struct PreparedDepthwise {
  DepthwiseStep step;
  std::vector<std::int32_t> offsets;
  std::vector<std::int32_t> bias;
  std::vector<std::int16_t> weights;
  std::vector<RequantizationTable> table;  // one
};
// Whether PrepareDepthwise applies: one input and one output channel a group.
bool IsDepthwise(const qnet::Conv& conv, const qnet::Tensor& input, const qnet::Tensor& output);
PreparedDepthwise PrepareDepthwise(const PrepareContext& context, const qnet::Op& op);

struct PreparedMaxPool {
  MaxPoolStep step;
  std::vector<std::int32_t> offsets;
};
PreparedMaxPool PrepareMaxPool(const PrepareContext& context, const qnet::Op& op);

struct PreparedAvgPool {
  AvgPoolStep step;
  std::vector<std::int32_t> offsets;
  std::vector<std::int32_t> divisor;
  std::vector<RequantizationTable> tables;  // one a divisor
  std::vector<Requantization> requantization;
};
PreparedAvgPool PrepareAvgPool(const PrepareContext& context, const qnet::Op& op);

struct PreparedAdd {
  AddStep step;
  std::vector<std::int64_t> shift_a, shift_b, limit, left, half, right;
};
PreparedAdd PrepareAdd(const PrepareContext& context, const qnet::Op& op);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PREPARE_H_
