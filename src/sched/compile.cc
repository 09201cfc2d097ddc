#include "sched/compile.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "arch/defaults.h"
#include "cost/cost.h"
#include "sched/allocate.h"
#include "sched/build_program.h"
#include "sched/emit.h"
#include "sched/fits.h"
#include "sched/plan.h"
#include "sched/verify.h"

namespace tf2::sched {
namespace {

using program::Program;

// One input layout.
Result<Program> CompileOnce(const qnet::QNet& net, const arch::Arch& arch, bool fold,
                            const Options& options) {
  TF2_ASSIGN_OR_RETURN(const Plan plan, MakePlan(net, arch, fold, options.in_place_residual));
  std::vector<Interval> intervals;
  for (const Buffer& b : plan.buffers) intervals.push_back({b.words, b.first_task, b.last_task});
  const Allocation allocation = Allocate(intervals);
  TF2_RETURN_IF_ERROR(CheckAllocation(intervals, allocation));
  TF2_ASSIGN_OR_RETURN(const Emitted emitted, Emit(net, arch, plan, allocation.offsets));
  TF2_ASSIGN_OR_RETURN(Program program, BuildProgram(net, arch, plan, allocation, emitted));
  TF2_RETURN_IF_ERROR(CheckFits(program, plan, allocation, emitted, arch));
  TF2_RETURN_IF_ERROR(VerifyProgram(program, net, arch));
  return program;
}

// What the program runs on, once its needs are known.
using Finish = std::function<Result<arch::Arch>(const arch::Needs&)>;

// The candidate input layouts, the fastest that fits; the error of the plain one if none does.
Result<Compiled> CompileBest(const qnet::QNet& net, const arch::Arch& arch, const Options& options,
                             const Finish& finish) {
  TF2_RETURN_IF_ERROR(arch::Check(arch));
  const bool can_fold = CanFold(net);
  if (options.folding == Folding::kAlways && !can_fold) {
    return Unsupported(
        "the input cannot be folded: one convolution without groups, padded with 0, must be its "
        "only reader");
  }
  std::optional<Compiled> best;
  std::optional<Error> error;
  std::int64_t best_cycles = 0;
  for (const bool fold : {false, true}) {
    if (fold ? !can_fold || options.folding == Folding::kNever
             : options.folding == Folding::kAlways)
      continue;
    const auto attempt = [&]() -> Result<Compiled> {
      TF2_ASSIGN_OR_RETURN(Program program, CompileOnce(net, arch, fold, options));
      TF2_ASSIGN_OR_RETURN(arch::Arch final_arch, finish(program.needs));
      return Compiled{std::move(program), std::move(final_arch)};
    };
    auto candidate = attempt();
    if (!candidate.ok()) {
      if (!error) error = std::move(candidate.error());
      continue;
    }
    TF2_ASSIGN_OR_RETURN(const cost::FrameCost cost,
                         cost::PredictFrame(candidate->program, candidate->arch));
    if (!best || cost.frame_cycles < best_cycles) {
      best_cycles = cost.frame_cycles;
      best = std::move(*candidate);
    }
  }
  if (!best) return std::move(*error);
  return std::move(*best);
}

}  // namespace

Result<Program> Compile(const qnet::QNet& net, const arch::Arch& arch, const Options& options) {
  TF2_ASSIGN_OR_RETURN(Compiled compiled,
                       CompileBest(net, arch, options,
                                   [&](const arch::Needs&) -> Result<arch::Arch> { return arch; }));
  return std::move(compiled.program);
}

Result<Compiled> CompileSized(const qnet::QNet& net, const arch::Arch& base,
                              const Options& options) {
  arch::Arch unlimited = base;
  const arch::Arch most = arch::UnlimitedArch(base.n, base.c);
  // Shares of UnlimitedArch are for its own beats; narrower beats address less.
  const std::int64_t ratio = most.beat_bits / std::max(1, std::min(base.beat_bits, most.beat_bits));
  unlimited.feature_words = std::min(most.feature_words / ratio,
                                     std::int64_t{1} << (std::clamp(base.field_bits, 1, 32) - 1));
  unlimited.weight_words = most.weight_words / ratio;
  unlimited.param_entries = most.param_entries / ratio;
  unlimited.program_fields = most.program_fields;
  return CompileBest(net, unlimited, options, [&](const arch::Needs& needs) -> Result<arch::Arch> {
    arch::Arch sized = arch::SizedArch(base, needs);
    TF2_RETURN_IF_ERROR(arch::Check(sized));
    return sized;
  });
}

Result<Compiled> CompileForDevice(const qnet::QNet& net, const arch::Device& device,
                                  const Options& options) {
  TF2_ASSIGN_OR_RETURN(const arch::Arch limits, arch::DeviceLimits(device));
  return CompileBest(net, limits, options,
                     [&](const arch::Needs& needs) { return arch::DeviceArch(device, needs); });
}

}  // namespace tf2::sched
