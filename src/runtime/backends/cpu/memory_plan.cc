#include "runtime/backends/cpu/memory_plan.h"

#include <algorithm>
#include <cstddef>
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

std::int64_t Pixels(const qnet::Tensor& tensor) { return std::int64_t{tensor.h()} * tensor.w(); }

// A tensor that lies inside another one's buffer, `shift` bytes into each pixel.
struct Parent {
  std::size_t tensor = 0;
  std::int64_t shift = 0;
};

// Kernels read whole tiles of channels: with slices of whole tiles nobody reads a byte of a slice
// that another layer, or another thread, writes.
bool IsWholeTiles(std::int64_t bytes) { return bytes % kTile == 0; }

// Which tensors lie inside which. A concatenation takes in each input that is nowhere else yet,
// later ones first, so that nested concatenations end in one buffer.
std::vector<std::optional<Parent>> FindParents(const qnet::QNet& net) {
  std::vector<std::optional<Parent>> parents(net.tensors.size());
  for (auto op = net.ops.rbegin(); op != net.ops.rend(); ++op) {
    if (!std::holds_alternative<qnet::Concat>(op->params)) continue;
    std::int64_t shift = 0;
    for (const qnet::TensorId input : op->inputs) {
      const std::int64_t bytes = PixelBytes(net.tensor(input));
      auto& parent = parents[qnet::Index(input)];
      if (!parent.has_value() && IsWholeTiles(shift) && IsWholeTiles(bytes)) {
        parent = Parent{qnet::Index(op->output), shift};
      }
      shift += bytes;
    }
  }
  for (const qnet::Op& op : net.ops) {
    if (!std::holds_alternative<qnet::Reshape>(op.params)) continue;
    const qnet::Tensor& from = net.tensor(op.inputs[0]);
    const qnet::Tensor& to = net.tensor(op.output);
    auto& parent = parents[qnet::Index(op.output)];
    if (from.c() == to.c() && !parent.has_value()) parent = Parent{qnet::Index(op.inputs[0]), 0};
  }
  return parents;
}

// Memory for one tensor and all that lie inside it.
struct Buffer {
  std::size_t tensor = 0;
  std::int64_t bytes = 0;
  // Operators during which it is alive; -1 is the time before the first one.
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t offset = -1;
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

std::int64_t LargestLiveSet(const std::vector<Buffer>& buffers, std::int64_t ops) {
  std::int64_t largest = 0;
  for (std::int64_t at = -1; at <= ops; ++at) {
    std::int64_t live = 0;
    for (const Buffer& buffer : buffers) {
      if (buffer.first <= at && at <= buffer.last) live += buffer.bytes;
    }
    largest = std::max(largest, live);
  }
  return largest;
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

// One buffer for each root, alive from the first write to the last read of anything inside it.
std::vector<Buffer> MakeBuffers(const qnet::QNet& net, const std::vector<Parent>& roots) {
  const auto ops = static_cast<std::int64_t>(net.ops.size());
  std::vector<Buffer> by_tensor(net.tensors.size());
  for (std::size_t i = 0; i < by_tensor.size(); ++i) by_tensor[i] = {i, 0, ops, -1, -1};
  const auto touch = [&](qnet::TensorId id, std::int64_t at) {
    Buffer& buffer = by_tensor[roots[qnet::Index(id)].tensor];
    buffer.first = std::min(buffer.first, at);
    buffer.last = std::max(buffer.last, at);
  };
  touch(net.input, -1);
  for (std::int64_t at = 0; at < ops; ++at) {
    const qnet::Op& op = net.ops[static_cast<std::size_t>(at)];
    for (const qnet::TensorId input : op.inputs) touch(input, at);
    touch(op.output, at);
  }
  for (const qnet::Output& output : net.outputs) touch(output.tensor, ops);
  std::vector<Buffer> buffers;
  for (Buffer& buffer : by_tensor) {
    if (roots[buffer.tensor].tensor != buffer.tensor) continue;
    const qnet::Tensor& tensor = net.tensors[buffer.tensor];
    const std::int64_t stride = RoundUp(PixelBytes(tensor), kGroup);
    buffer.bytes = RoundUp(Pixels(tensor) * stride + kSlack, kAlignment);
    buffers.push_back(buffer);
  }
  return buffers;
}

}  // namespace

MemoryPlan PlanMemory(const qnet::QNet& net) {
  const auto parents = FindParents(net);
  std::vector<Parent> roots(net.tensors.size());
  for (std::size_t i = 0; i < roots.size(); ++i) roots[i] = Root(parents, i);
  std::vector<Buffer> buffers = MakeBuffers(net, roots);

  MemoryPlan plan;
  plan.peak_bytes = Place(buffers);
  plan.live_bytes = LargestLiveSet(buffers, static_cast<std::int64_t>(net.ops.size()));
  for (const qnet::Tensor& tensor : net.tensors) {
    plan.constant_bytes =
        std::max(plan.constant_bytes, RoundUp(PixelBytes(tensor) + kSlack, kAlignment));
  }
  plan.zeros = 0;
  plan.floors = plan.constant_bytes;
  const std::int64_t base = 2 * plan.constant_bytes;
  plan.arena_bytes = base + plan.peak_bytes;
  std::vector<View> root_views(net.tensors.size());
  for (const Buffer& buffer : buffers) {
    root_views[buffer.tensor] = {base + buffer.offset,
                                 RoundUp(PixelBytes(net.tensors[buffer.tensor]), kGroup)};
  }
  for (const Parent& root : roots) {
    View view = root_views[root.tensor];
    view.offset += root.shift;
    plan.views.push_back(view);
  }
  return plan;
}

}  // namespace tf2::runtime::cpu
