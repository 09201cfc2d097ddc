#include "sched/plan.h"

#include <algorithm>

#include "sched/engine_support.h"

namespace tf2::sched {
namespace {

using qnet::Index;

std::int64_t RoundUp(std::int64_t value, std::int64_t to) { return (value + to - 1) / to * to; }

std::int32_t Id(qnet::TensorId id) { return static_cast<std::int32_t>(id); }

std::vector<std::int32_t> NaturalLanes(std::int32_t channels) {
  std::vector<std::int32_t> lanes(static_cast<std::size_t>(channels));
  for (std::int32_t i = 0; i < channels; ++i) lanes[static_cast<std::size_t>(i)] = i;
  return lanes;
}

class Planner {
 public:
  Planner(const qnet::QNet& net, const arch::Arch& arch, bool fold, bool in_place)
      : net_(net), arch_(arch), in_place_(in_place) {
    plan_.folded = fold;
  }

  Result<Plan> Run() {
    TF2_RETURN_IF_ERROR(CheckOnEngine(net_));
    CreateTensors();
    CountUses();
    for (std::size_t i = 0; i < net_.ops.size(); ++i) {
      if (Status status = PlanOp(static_cast<std::int32_t>(i)); !status.ok()) {
        return Error(status.error()).At(net_.ops[i].name);
      }
    }
    if (plan_.tasks.empty())
      return Unsupported("the network has no operator for the engine to run");
    PlaceStorage();
    MakeBuffers();
    return std::move(plan_);
  }

 private:
  PlanTensor& T(std::int32_t id) { return plan_.tensors[static_cast<std::size_t>(id)]; }
  PlanTensor& StorageOf(std::int32_t id) { return T(T(id).storage); }

  void CreateTensors() {
    for (const qnet::Tensor& t : net_.tensors) {
      PlanTensor p;
      p.name = t.name;
      p.c = t.c();
      p.h = t.h();
      p.w = t.w();
      p.wide = t.type == qnet::ElemType::kInt16;
      p.storage = static_cast<std::int32_t>(plan_.tensors.size());
      plan_.tensors.push_back(std::move(p));
    }
    PlanTensor& input = T(Id(net_.inputs[0]));
    if (plan_.folded) {
      for (const qnet::Op& op : net_.ops) {
        if (op.inputs[0] != net_.inputs[0]) continue;
        const qnet::Tensor& out = net_.tensor(op.output);
        plan_.folded_window = std::get<qnet::Conv>(op.params).window;
        input.c *= plan_.folded_window.kh * plan_.folded_window.kw;
        input.h = out.h();
        input.w = out.w();
      }
    }
    input.lanes = NaturalLanes(input.c);
    Shape(input);
  }

  // Fixes planes, plane_words and region_words from dims and lanes.
  void Shape(PlanTensor& t) const {
    t.plane_words = std::int64_t{t.h} * t.w;
    t.planes = *std::ranges::max_element(t.lanes) / arch_.c + 1;
    t.region_words = RoundUp(t.planes, arch_.planes_per_tile()) * t.plane_words;
  }

  // last_use_: the last operator that reads a storage tensor through any view; ops.size() for
  // outputs.
  void CountUses() {
    std::vector<std::int32_t> storage(net_.tensors.size());
    for (std::size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<std::int32_t>(i);
    last_use_.assign(net_.tensors.size(), -1);
    const auto use = [&](qnet::TensorId id, std::size_t when) {
      last_use_[static_cast<std::size_t>(storage[Index(id)])] = static_cast<std::int32_t>(when);
    };
    for (std::size_t i = 0; i < net_.ops.size(); ++i) {
      const qnet::Op& op = net_.ops[i];
      const bool view = std::holds_alternative<qnet::Reshape>(op.params);
      if (view) storage[Index(op.output)] = storage[Index(op.inputs[0])];
      // A concatenation makes its inputs live as long as its output: no in-place sum over them.
      const bool keeps = std::holds_alternative<qnet::Concat>(op.params);
      for (const qnet::TensorId id : op.inputs) use(id, keeps ? net_.ops.size() : i);
    }
    for (const qnet::Output& output : net_.outputs) use(output.tensor, net_.ops.size());
    concat_input_.assign(net_.tensors.size(), false);
    for (const qnet::Op& op : net_.ops) {
      if (!std::holds_alternative<qnet::Concat>(op.params)) continue;
      for (const qnet::TensorId id : op.inputs)
        concat_input_[static_cast<std::size_t>(storage[Index(id)])] = true;
    }
  }

  Status PlanOp(std::int32_t index) {
    const qnet::Op& op = net_.ops[static_cast<std::size_t>(index)];
    TF2_RETURN_IF_ERROR(CheckOnEngine(op));
    return std::visit([&](const auto& params) { return PlanKind(index, op, params); }, op.params);
  }

  Task& AddTask(std::int32_t op, std::int32_t input, std::int32_t output,
                std::int32_t residual = -1) {
    plan_.tasks.push_back(
        {.op = op, .copy = false, .input = input, .residual = residual, .output = output});
    T(output).written_by = static_cast<std::int32_t>(plan_.tasks.size()) - 1;
    return plan_.tasks.back();
  }

  // What CheckOnEngine refuses.
  template <typename Params>
  Status PlanKind(std::int32_t, const qnet::Op&, const Params&) {
    return Internal("an operator of the CPU backends reached the planner");
  }

  Status PlanKind(std::int32_t index, const qnet::Op& op, const qnet::Conv&) {
    PlanTensor& out = T(Id(op.output));
    const std::int32_t residual = op.inputs.size() == 2 ? Id(op.inputs[1]) : -1;
    out.lanes = residual >= 0 ? T(residual).lanes : NaturalLanes(out.c);
    Shape(out);
    AddTask(index, Id(op.inputs[0]), Id(op.output), residual);
    if (residual >= 0) TryInPlace(index, op.output, residual, Id(op.inputs[0]));
    return {};
  }

  Status PlanKind(std::int32_t index, const qnet::Op& op, const qnet::MaxPool&) {
    return PlanLaneWise(index, op);
  }
  Status PlanKind(std::int32_t index, const qnet::Op& op, const qnet::AvgPool&) {
    return PlanLaneWise(index, op);
  }
  // Channels stay in their lanes.
  Status PlanLaneWise(std::int32_t index, const qnet::Op& op) {
    PlanTensor& out = T(Id(op.output));
    out.lanes = T(Id(op.inputs[0])).lanes;
    Shape(out);
    AddTask(index, Id(op.inputs[0]), Id(op.output));
    return {};
  }

  Status PlanKind(std::int32_t index, const qnet::Op& op, const qnet::Add&) {
    // The residual is preferably one that the sum can replace.
    const bool first_dies = CanReplace(index, op.output, Id(op.inputs[0]), Id(op.inputs[1]));
    const bool second_dies = CanReplace(index, op.output, Id(op.inputs[1]), Id(op.inputs[0]));
    TF2_ASSIGN_OR_RETURN(const AddForm form,
                         MakeAddForm(net_, op, first_dies && !second_dies ? 1 : 0));
    const auto lane = static_cast<std::size_t>(form.lane_input);
    const std::int32_t input = Id(op.inputs[lane]);
    const std::int32_t residual = Id(op.inputs[1 - lane]);
    PlanTensor& out = T(Id(op.output));
    out.lanes = T(residual).lanes;
    Shape(out);
    AddTask(index, input, Id(op.output), residual);
    TryInPlace(index, op.output, residual, input);
    return {};
  }

  Status PlanKind(std::int32_t index, const qnet::Op& op, const qnet::Concat&) {
    const std::int32_t output = Id(op.output);
    std::int64_t words = 0;
    std::vector<std::int32_t> lanes;
    const std::int64_t plane_words = std::int64_t{T(output).h} * T(output).w;
    for (const qnet::TensorId id : op.inputs) {
      std::int32_t input = Id(id);
      PlanTensor& storage = StorageOf(input);
      const bool taken = storage.parent >= 0 || storage.alias >= 0 || IsAliased(T(input).storage) ||
                         (plan_.folded && T(input).storage == Id(net_.inputs[0]));
      if (taken) {
        TF2_ASSIGN_OR_RETURN(input, AddCopy(index, input));
      }
      PlanTensor& child = StorageOf(input);
      child.parent = output;
      child.parent_offset = words;
      for (const std::int32_t lane : T(input).lanes) {
        lanes.push_back(lane + static_cast<std::int32_t>(words / plane_words * arch_.c));
      }
      words += RoundUp(child.region_words, plane_words * arch_.planes_per_tile());
      T(output).written_by = std::max(T(output).written_by, T(input).written_by);
    }
    T(output).lanes = std::move(lanes);
    Shape(T(output));
    T(output).region_words = std::max(T(output).region_words, words);
    return {};
  }

  Status PlanKind(std::int32_t, const qnet::Op& op, const qnet::Reshape&) {
    const PlanTensor& in = T(Id(op.inputs[0]));
    PlanTensor& out = T(Id(op.output));
    out.storage = in.storage;
    out.written_by = in.written_by;
    const std::int64_t in_pixels = std::int64_t{in.h} * in.w;
    const std::int64_t out_pixels = std::int64_t{out.h} * out.w;
    // Word and lane of element e, in the tensor's [c][h][w] order.
    const auto word = [&](std::int64_t e) {
      return in.lanes[static_cast<std::size_t>(e / in_pixels)] / arch_.c * in.plane_words +
             e % in_pixels;
    };
    const auto lane = [&](std::int64_t e) {
      return in.lanes[static_cast<std::size_t>(e / in_pixels)] % arch_.c;
    };
    for (std::int64_t channel = 0; channel < out.c; ++channel) {
      const std::int64_t first = channel * out_pixels;
      bool nests = word(first) % out_pixels == 0;
      for (std::int64_t i = 0; i < out_pixels && nests; ++i) {
        nests = word(first + i) == word(first) + i && lane(first + i) == lane(first);
      }
      if (!nests) {
        return WithHint(
            Unsupported("reshaping {} x {} x {} to {} x {} x {} moves values between lanes", in.c,
                        in.h, in.w, out.c, out.h, out.w),
            "the engine reshapes in place only: flatten, or a change of height and width");
      }
      out.lanes.push_back(
          static_cast<std::int32_t>(word(first) / out_pixels * arch_.c + lane(first)));
    }
    Shape(out);
    return {};
  }

  // An exact copy of `input` for a concatenation whose operand lies elsewhere already.
  Result<std::int32_t> AddCopy(std::int32_t op, std::int32_t input) {
    if (T(input).wide)
      return Unsupported("%{} is 16 bits wide and needed at two places", T(input).name);
    if (plan_.folded && T(input).storage == Id(net_.inputs[0]))
      return Unsupported("the folded input cannot be copied");
    PlanTensor copy;
    copy.name = fmt::format("{}.copy{}", T(input).name, plan_.tensors.size() - net_.tensors.size());
    copy.c = T(input).c;
    copy.h = T(input).h;
    copy.w = T(input).w;
    copy.lanes = T(input).lanes;
    copy.storage = static_cast<std::int32_t>(plan_.tensors.size());
    Shape(copy);
    plan_.tensors.push_back(std::move(copy));
    last_use_.push_back(static_cast<std::int32_t>(net_.ops.size()));
    const auto output = static_cast<std::int32_t>(plan_.tensors.size()) - 1;
    AddTask(op, input, output).copy = true;
    return output;
  }

  bool IsAliased(std::int32_t storage) const {
    return std::ranges::any_of(plan_.tensors,
                               [&](const PlanTensor& t) { return t.alias == storage; });
  }

  // Whether the output of operator `index` may replace `residual` while `input` is read.
  bool CanReplace(std::int32_t index, qnet::TensorId output, std::int32_t residual,
                  std::int32_t input) {
    const std::int32_t storage = T(residual).storage;
    const auto at = static_cast<std::size_t>(storage);
    const PlanTensor& out = T(Id(output));
    return in_place_ && last_use_[at] == index && !concat_input_[at] &&
           !concat_input_[Index(output)] && T(storage).parent < 0 && T(input).storage != storage &&
           !out.wide && !IsConcat(storage) && T(residual).c == T(storage).c &&
           T(residual).h == T(storage).h;
  }

  bool IsConcat(std::int32_t storage) const {
    return std::ranges::any_of(net_.ops, [&](const qnet::Op& op) {
      return Id(op.output) == storage && std::holds_alternative<qnet::Concat>(op.params);
    });
  }

  void TryInPlace(std::int32_t index, qnet::TensorId output, std::int32_t residual,
                  std::int32_t input) {
    if (CanReplace(index, output, residual, input)) T(Id(output)).alias = T(residual).storage;
  }

  // Roots get buffers; members follow their parents.
  void PlaceStorage() {
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      PlanTensor& t = plan_.tensors[i];
      if (t.storage != static_cast<std::int32_t>(i) || t.parent >= 0 || t.alias >= 0) continue;
      t.buffer = static_cast<std::int32_t>(plan_.buffers.size());
      t.hi_offset = t.wide ? t.region_words : 0;
      plan_.buffers.push_back({.words = t.region_words * (t.wide ? 2 : 1),
                               .first_task = static_cast<std::int32_t>(plan_.tasks.size()),
                               .last_task = -1,
                               .tensor = static_cast<std::int32_t>(i)});
    }
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) Resolve(static_cast<std::int32_t>(i));
  }

  void Resolve(std::int32_t id) {
    PlanTensor& t = T(id);
    if (t.buffer >= 0) return;
    const std::int32_t from = t.storage != id ? t.storage : t.parent >= 0 ? t.parent : t.alias;
    Resolve(from);
    t.buffer = T(from).buffer;
    t.offset = T(from).offset + (t.storage == id && t.parent >= 0 ? t.parent_offset : 0);
    t.hi_offset = T(from).hi_offset;
  }

  void MakeBuffers() {
    const auto touch = [&](std::int32_t tensor, std::int32_t task) {
      Buffer& buffer = plan_.buffers[static_cast<std::size_t>(T(tensor).buffer)];
      buffer.first_task = std::min(buffer.first_task, task);
      buffer.last_task = std::max(buffer.last_task, task);
    };
    touch(Id(net_.inputs[0]), -1);
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
      const Task& task = plan_.tasks[i];
      for (const std::int32_t tensor : {task.input, task.residual, task.output}) {
        if (tensor >= 0) touch(tensor, static_cast<std::int32_t>(i));
      }
    }
    for (const qnet::Output& output : net_.outputs) {
      touch(Id(output.tensor), static_cast<std::int32_t>(plan_.tasks.size()));
    }
  }

  const qnet::QNet& net_;
  const arch::Arch& arch_;
  bool in_place_;
  Plan plan_;
  std::vector<std::int32_t> last_use_;  // per storage tensor
  std::vector<bool> concat_input_;
};

}  // namespace

bool CanFold(const qnet::QNet& net) {
  if (net.inputs.size() != 1) return false;
  std::int32_t readers = 0;
  bool foldable = false;
  for (const qnet::Op& op : net.ops) {
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      if (op.inputs[i] != net.inputs[0]) continue;
      ++readers;
      const auto* conv = std::get_if<qnet::Conv>(&op.params);
      foldable = conv != nullptr && i == 0 && conv->groups == 1 &&
                 (conv->pad_value == 0 || !qnet::ReadsPadding(net, op));
    }
  }
  const bool is_output = std::ranges::any_of(
      net.outputs, [&](const qnet::Output& o) { return o.tensor == net.inputs[0]; });
  return readers == 1 && foldable && !is_output;
}

Result<Plan> MakePlan(const qnet::QNet& net, const arch::Arch& arch, bool fold,
                      bool in_place_residual) {
  return Planner(net, arch, fold, in_place_residual).Run();
}

}  // namespace tf2::sched
