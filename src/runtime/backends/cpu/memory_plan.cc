#include "runtime/backends/cpu/memory_plan.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <optional>

namespace tf2::runtime::cpu {
namespace {

constexpr std::int64_t kAlignment = 64;

std::int64_t RoundUp(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::int64_t PixelBytes(const qnet::Tensor& tensor) {
  return std::int64_t{tensor.c()} * qnet::BytesOf(tensor.type);
}

// A tensor that lies inside another one's buffer, `shift` bytes into each pixel.
struct Parent {
  std::size_t tensor = 0;
  std::int64_t shift = 0;
};

// Kernels read whole tiles of channels: with slices of whole tiles nobody reads a byte of a slice
// that another layer, or another thread, writes.
bool IsWholeTiles(std::int64_t bytes) { return bytes % kTile == 0; }

// What convolutions find around each tensor; nullopt where none looks.
using PadValues = std::vector<std::optional<std::int8_t>>;
PadValues PadValuesOf(const qnet::QNet& net) {
  PadValues values(net.tensors.size());
  for (const qnet::Op& op : net.ops) {
    if (qnet::ReadsPadding(net, op))
      values[qnet::Index(op.inputs[0])] = std::get<qnet::Conv>(op.params).pad_value;
  }
  return values;
}

// The tensor at the end of the chain of parents, and the bytes into its pixels.
Parent Root(const std::vector<std::optional<Parent>>& parents, std::size_t tensor) {
  Parent root{tensor, 0};
  while (parents[root.tensor].has_value()) {
    root.shift += parents[root.tensor]->shift;
    root.tensor = parents[root.tensor]->tensor;
  }
  return root;
}

// A tensor put into another one's buffer.
struct Placing {
  std::size_t child, parent;
  std::int64_t shift;
};

// Unless convolutions find different values around them. `pad_values` become those of the buffers.
bool TryPut(PadValues& pad_values, std::vector<std::optional<Parent>>& parents,
            const Placing& placing) {
  const auto& around = pad_values[placing.child];
  auto& root = pad_values[Root(parents, placing.parent).tensor];
  if (root.has_value() && around.has_value() && root != around) return false;
  if (around.has_value()) root = around;
  parents[placing.child] = Parent{placing.parent, placing.shift};
  return true;
}

// Which tensors lie inside which. A concatenation takes in each input that is nowhere else yet,
// later ones first, so that nested concatenations end in one buffer.
std::vector<std::optional<Parent>> FindParents(const qnet::QNet& net, PadValues& pad_values) {
  std::vector<std::optional<Parent>> parents(net.tensors.size());
  const auto put = [&](qnet::TensorId child, qnet::TensorId parent, std::int64_t shift) {
    TryPut(pad_values, parents, {qnet::Index(child), qnet::Index(parent), shift});
  };
  for (auto op = net.ops.rbegin(); op != net.ops.rend(); ++op) {
    if (!std::holds_alternative<qnet::Concat>(op->params)) continue;
    std::int64_t shift = 0;
    for (const qnet::TensorId input : op->inputs) {
      const std::int64_t bytes = PixelBytes(net.tensor(input));
      if (!parents[qnet::Index(input)].has_value() && IsWholeTiles(shift) && IsWholeTiles(bytes))
        put(input, op->output, shift);
      shift += bytes;
    }
  }
  for (const qnet::Op& op : net.ops) {
    if (!std::holds_alternative<qnet::Reshape>(op.params)) continue;
    if (net.tensor(op.inputs[0]).dims == net.tensor(op.output).dims &&
        !parents[qnet::Index(op.output)].has_value()) {
      put(op.output, op.inputs[0], 0);
    }
  }
  return parents;
}

// Operands of a sum that its result may be written over, where its channels are whole tiles:
// kernels read the bytes of a pixel's tile before they write it.
std::vector<qnet::TensorId> Summands(const qnet::QNet& net, const qnet::Op& op) {
  if (std::holds_alternative<qnet::Add>(op.params)) return op.inputs;
  const auto* conv = std::get_if<qnet::Conv>(&op.params);
  if (conv == nullptr || op.inputs.size() != 2) return {};
  // The last tile of a group may reach into the next one, which another thread writes.
  const std::int32_t channels = net.tensor(op.output).c() / conv->groups;
  if (channels > 1 && !IsWholeTiles(channels)) return {};
  return {op.inputs[1]};
}

// Puts the result of each sum where an operand was that nobody reads afterwards: half as many bytes
// pass the caches.
void PutSumsInPlace(const qnet::QNet& net, const Stages& stages, PadValues& pad_values,
                    std::vector<std::optional<Parent>>& parents) {
  const std::size_t tensors = net.tensors.size();
  // The one operator that reads each tensor last, where no other of its stage does.
  std::vector<std::optional<std::size_t>> last_reader(tensors);
  std::vector<std::int64_t> last_read(tensors, -1);
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    const auto at = static_cast<std::int64_t>(stage);
    for (const std::size_t i : stages[stage]) {
      for (const qnet::TensorId input : net.ops[i].inputs) {
        auto& reader = last_reader[qnet::Index(input)];
        std::int64_t& read = last_read[qnet::Index(input)];
        reader = read == at ? std::nullopt : std::optional(i);  // one that reads it twice, too
        read = at;
      }
    }
  }
  // Tensors that share bytes with others already: those may be read later.
  std::vector<bool> shared(tensors, false);
  for (std::size_t i = 0; i < tensors; ++i) {
    if (parents[i].has_value()) shared[i] = shared[parents[i]->tensor] = true;
  }
  for (const qnet::Output& output : net.outputs) shared[qnet::Index(output.tensor)] = true;
  const std::vector<bool> non_negative = NonNegative(net);
  const auto fits = [&](qnet::TensorId from, qnet::TensorId to) {
    const qnet::Tensor& a = net.tensor(from);
    const qnet::Tensor& b = net.tensor(to);
    // Unsigned bytes of 7 bits stay what they are: some kernels are faster on those.
    const bool signs = non_negative[qnet::Index(from)] == non_negative[qnet::Index(to)] &&
                       pad_values[qnet::Index(to)].value_or(0) >= 0;
    return a.type == b.type && a.dims == b.dims && IsWholeTiles(PixelBytes(a)) && signs;
  };
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    const std::size_t result = qnet::Index(net.ops[i].output);
    if (parents[result].has_value()) continue;
    for (const qnet::TensorId summand : Summands(net, net.ops[i])) {
      const std::size_t index = qnet::Index(summand);
      if (last_reader[index] != i || shared[index] || !fits(summand, net.ops[i].output)) continue;
      if (TryPut(pad_values, parents, {result, index, 0})) break;
    }
  }
}

// Memory for one tensor and all that lie inside it.
struct Buffer {
  std::size_t tensor = 0;
  std::int64_t bytes = 0;
  // Stages during which it is alive; -1 is the time before the first one.
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t offset = -1;
  Border border;
  std::int8_t pad_value = 0;  // in the border
  bool non_negative = true;   // everything inside, and the border
};

bool AliveTogether(const Buffer& a, const Buffer& b) {
  return a.first <= b.last && b.first <= a.last;
}

// Lowest offset at which `buffer` meets none of `placed` that is alive with it.
std::int64_t LowestOffset(const Buffer& buffer, const std::vector<const Buffer*>& placed) {
  std::vector<const Buffer*> others;
  for (const Buffer* other : placed) {
    if (AliveTogether(buffer, *other)) others.push_back(other);
  }
  std::ranges::sort(others, {}, [](const Buffer* b) { return b->offset; });
  std::int64_t offset = 0;
  for (const Buffer* other : others) {
    if (offset + buffer.bytes <= other->offset) break;
    offset = std::max(offset, other->offset + other->bytes);
  }
  return offset;
}

// Greedy by size: the largest buffers first, each as low as possible. Returns the peak.
std::int64_t Place(std::vector<Buffer>& buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<const Buffer*> placed;
  std::int64_t peak = 0;
  for (const std::size_t i : order) {
    buffers[i].offset = LowestOffset(buffers[i], placed);
    placed.push_back(&buffers[i]);
    peak = std::max(peak, buffers[i].offset + buffers[i].bytes);
  }
  return peak;
}

std::int64_t LargestLiveSet(const std::vector<Buffer>& buffers, std::int64_t stages) {
  std::int64_t largest = 0;
  for (std::int64_t at = -1; at <= stages; ++at) {
    std::int64_t live = 0;
    for (const Buffer& buffer : buffers) {
      if (buffer.first <= at && at <= buffer.last) live += buffer.bytes;
    }
    largest = std::max(largest, live);
  }
  return largest;
}

std::int64_t RowBytes(const qnet::Tensor& tensor, const Border& border) {
  return (border.left + tensor.w() + border.right) * PixelBytes(tensor);
}

void Widen(Border& border, const Border& other) {
  border.top = std::max(border.top, other.top);
  border.left = std::max(border.left, other.left);
  border.bottom = std::max(border.bottom, other.bottom);
  border.right = std::max(border.right, other.right);
}

// One buffer for each root, alive from the first write to the last read of anything inside it.
std::vector<Buffer> MakeBuffers(const qnet::QNet& net, const Stages& stages,
                                const std::vector<Parent>& roots, const PadValues& pad_values,
                                std::int64_t border_times) {
  const auto end = std::ssize(stages);
  std::vector<Buffer> by_tensor(net.tensors.size());
  for (std::size_t i = 0; i < by_tensor.size(); ++i) {
    by_tensor[i].tensor = i;
    by_tensor[i].first = end;
    by_tensor[i].last = -1;
  }
  const auto touch = [&](qnet::TensorId id, std::int64_t at) {
    Buffer& buffer = by_tensor[roots[qnet::Index(id)].tensor];
    buffer.first = std::min(buffer.first, at);
    buffer.last = std::max(buffer.last, at);
  };
  for (const qnet::TensorId id : net.inputs) touch(id, -1);
  for (std::int64_t at = 0; at < end; ++at) {
    for (const std::size_t i : stages[static_cast<std::size_t>(at)]) {
      const qnet::Op& op = net.ops[i];
      for (const qnet::TensorId input : op.inputs) touch(input, at);
      touch(op.output, at);
      if (const auto border = BorderOf(net, op, border_times)) {
        Widen(by_tensor[roots[qnet::Index(op.inputs[0])].tensor].border, *border);
      }
    }
  }
  for (const qnet::Output& output : net.outputs) touch(output.tensor, end);
  const std::vector<bool> non_negative = NonNegative(net);
  for (std::size_t i = 0; i < net.tensors.size(); ++i) {
    if (!non_negative[i]) by_tensor[roots[i].tensor].non_negative = false;
  }
  std::vector<Buffer> buffers;
  for (Buffer& buffer : by_tensor) {
    if (roots[buffer.tensor].tensor != buffer.tensor) continue;
    const qnet::Tensor& tensor = net.tensors[buffer.tensor];
    buffer.pad_value = pad_values[buffer.tensor].value_or(0);
    if (buffer.pad_value < 0) buffer.non_negative = false;
    const std::int64_t rows = buffer.border.top + tensor.h() + buffer.border.bottom;
    buffer.bytes = RoundUp(rows * RowBytes(tensor, buffer.border) + kSlack, kAlignment);
    buffers.push_back(buffer);
  }
  return buffers;
}

bool HasRelu(qnet::Activation activation) { return activation == qnet::Activation::kRelu; }

}  // namespace

std::optional<Border> BorderOf(const qnet::QNet& net, const qnet::Op& op, std::int64_t times) {
  constexpr std::int64_t kAnyway = 1 << 20;  // bytes that are never too many
  const auto* conv = std::get_if<qnet::Conv>(&op.params);
  if (conv == nullptr) return std::nullopt;
  const qnet::Tensor& in = net.tensor(op.inputs[0]);
  const qnet::Tensor& out = net.tensor(op.output);
  const qnet::Window& w = conv->window;
  const auto after = [](std::int64_t size, std::int64_t outputs, std::int64_t stride,
                        std::int64_t pad, std::int64_t k, std::int64_t dilation) {
    return std::max<std::int64_t>(0, (outputs - 1) * stride - pad + (k - 1) * dilation - size + 1);
  };
  const Border border{w.ph, w.pw, after(in.h(), out.h(), w.sh, w.ph, w.kh, w.dh),
                      after(in.w(), out.w(), w.sw, w.pw, w.kw, w.dw)};
  // In double: the sizes are anything that fits 32 bits.
  const double bytes = static_cast<double>(border.top + in.h() + border.bottom) *
                       static_cast<double>(border.left + in.w() + border.right) * in.c();
  if (bytes > static_cast<double>(times * in.bytes() + kAnyway)) return std::nullopt;
  return border;
}

std::vector<bool> NonNegative(const qnet::QNet& net) {
  std::vector<bool> known(net.tensors.size(), false);
  for (const qnet::Op& op : net.ops) {
    const bool inputs = std::ranges::all_of(
        op.inputs, [&](qnet::TensorId id) { return bool{known[qnet::Index(id)]}; });
    bool result = false;
    if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) {
      result = HasRelu(conv->activation) ||
               (conv->activation == qnet::Activation::kClip &&
                std::ranges::all_of(conv->clip_low, [](std::int16_t low) { return low >= 0; }));
    } else if (const auto* pool = std::get_if<qnet::AvgPool>(&op.params)) {
      result = inputs || HasRelu(pool->activation);
    } else if (const auto* add = std::get_if<qnet::Add>(&op.params)) {
      result = inputs || HasRelu(add->activation);
    } else if (std::holds_alternative<qnet::MaxPool>(op.params) ||
               std::holds_alternative<qnet::Concat>(op.params) ||
               std::holds_alternative<qnet::Lrn>(op.params) ||
               std::holds_alternative<qnet::Reshape>(op.params)) {
      result = inputs;
    }
    known[qnet::Index(op.output)] = result;
  }
  return known;
}

MemoryPlan PlanMemory(const qnet::QNet& net, const Stages& stages, std::int64_t border_times) {
  PadValues pad_values = PadValuesOf(net);
  auto parents = FindParents(net, pad_values);
  PutSumsInPlace(net, stages, pad_values, parents);
  std::vector<Parent> roots(net.tensors.size());
  for (std::size_t i = 0; i < roots.size(); ++i) roots[i] = Root(parents, i);
  std::vector<Buffer> buffers = MakeBuffers(net, stages, roots, pad_values, border_times);

  MemoryPlan plan;
  plan.border_times = border_times;
  plan.peak_bytes = Place(buffers);
  plan.live_bytes = LargestLiveSet(buffers, std::ssize(stages));
  plan.arena_bytes = plan.peak_bytes;
  plan.fills.resize(stages.size() + 1);
  std::vector<View> root_views(net.tensors.size());
  std::vector<std::uint8_t> root_zeros(net.tensors.size());
  for (const Buffer& buffer : buffers) {
    plan.buffers.push_back({buffer.offset, buffer.bytes, buffer.first, buffer.last});
    const qnet::Tensor& tensor = net.tensors[buffer.tensor];
    const std::int64_t stride = PixelBytes(tensor);
    const std::int64_t row = RowBytes(tensor, buffer.border);
    const View view{buffer.offset + buffer.border.top * row + buffer.border.left * stride, row,
                    stride};
    const bool bytes = tensor.type == qnet::ElemType::kInt8;
    root_views[buffer.tensor] = view;
    root_zeros[buffer.tensor] = bytes && !buffer.non_negative ? 128 : 0;
    if (buffer.border.empty() || buffer.last < buffer.first) continue;
    plan.fills[static_cast<std::size_t>(buffer.first + 1)].push_back(
        {view, tensor.h(), tensor.w(), buffer.border,
         static_cast<std::uint8_t>(buffer.pad_value + root_zeros[buffer.tensor])});
  }
  for (const Parent& root : roots) {
    View view = root_views[root.tensor];
    view.offset += root.shift;
    plan.views.push_back(view);
    plan.zeros.push_back(root_zeros[root.tensor]);
  }
  return plan;
}

void Fill(const BorderFill& fill, std::uint8_t* arena) {
  const View& view = fill.view;
  const std::int64_t left = fill.border.left * view.stride;
  const std::int64_t right = fill.border.right * view.stride;
  const auto set = [&](std::int64_t offset, std::int64_t bytes) {
    std::memset(arena + offset, fill.value, static_cast<std::size_t>(bytes));
  };
  const std::int64_t first = view.offset - left;
  set(first - fill.border.top * view.row, fill.border.top * view.row);
  for (std::int64_t y = 0; y < fill.h; ++y) {
    set(first + y * view.row, left);
    set(view.offset + y * view.row + fill.w * view.stride, right);
  }
  set(first + fill.h * view.row, fill.border.bottom * view.row);
}

}  // namespace tf2::runtime::cpu
