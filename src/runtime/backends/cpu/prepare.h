// From a QNet operator to the step that a kernel executes: packed weights, parameters widened to
// what the kernels load. Done once, when a network is loaded. Each Prepared* owns the tables that
// its `step` points to.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PREPARE_H_
#define TF2_RUNTIME_BACKENDS_CPU_PREPARE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/aligned_buffer.h"
#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/memory_plan.h"
#include "runtime/backends/cpu/pack.h"

namespace tf2::runtime::cpu {

// What every Prepare function sees.
struct PrepareContext {
  const qnet::QNet& net;
  const MemoryPlan& plan;
  const KernelSet& kernels;

  const View& view(qnet::TensorId id) const { return plan.views[qnet::Index(id)]; }
  std::uint8_t zero(qnet::TensorId id) const { return plan.zeros[qnet::Index(id)]; }
};

// The parameters of the slots of one or more tables one after the other, in the form that applies.
struct RequantizationTables {
  AlignedVector<FastRequantization> fast;
  AlignedVector<Requantization> general;
};

struct PreparedConv {
  ConvStep step;
  PackedConv packed;
  RequantizationTables tables;
};
PreparedConv PrepareConv(const PrepareContext& context, const qnet::Op& op);

struct PreparedDepthwise {
  DepthwiseStep step;
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> bias;
  AlignedVector<std::int8_t> weights;
  RequantizationTables tables;
};
// Whether PrepareDepthwise applies: one input and one output channel a group.
bool IsDepthwise(const qnet::Conv& conv, const qnet::Tensor& input, const qnet::Tensor& output);
PreparedDepthwise PrepareDepthwise(const PrepareContext& context, const qnet::Op& op);

struct PreparedPool {
  PoolStep step;
  std::vector<PoolRange> rows, columns;
  std::vector<std::int32_t> first_tile;
  RequantizationTables tables;
};
struct PreparedMaxPool : PreparedPool {};
struct PreparedAvgPool : PreparedPool {};
PreparedMaxPool PrepareMaxPool(const PrepareContext& context, const qnet::Op& op);
PreparedAvgPool PrepareAvgPool(const PrepareContext& context, const qnet::Op& op);

struct PreparedBinary {
  BinaryStep step;
  std::vector<std::int32_t> shift_a, shift_b, left, right, limit_32, half_32;
  std::vector<std::int64_t> limit, half;
};
PreparedBinary PrepareAdd(const PrepareContext& context, const qnet::Op& op);
// Nothing where an operator other than an addition has exponents too far apart for 32 bits.
std::optional<PreparedBinary> PrepareBinary(const PrepareContext& context, const qnet::Op& op);

struct PreparedTable {
  TableStep step;
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint16_t> words;
};
PreparedTable PrepareTable(const PrepareContext& context, const qnet::Op& op);

// Normalisation across the channels of a pixel, of int8 to int8, with a table (lrn.h).
struct PreparedLrn {
  LrnStep step;
  std::vector<LrnFactors> factors;
};
PreparedLrn PrepareLrn(const PrepareContext& context, const qnet::Op& op);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PREPARE_H_
