#include <algorithm>
#include <utility>

#include "verify/minimise_edits.h"

namespace tf2::verify::minimise {
namespace {

using qnet::Index;
using qnet::TensorId;

// Which channels of each tensor go.
class Removal {
 public:
  explicit Removal(const qnet::QNet& net) : net_(net) {
    for (const qnet::Tensor& tensor : net.tensors)
      gone_.emplace_back(static_cast<std::size_t>(tensor.c()));
  }

  void Mark(TensorId id, std::int32_t channel) {
    if (At(id, channel)) return;
    gone_[Index(id)][static_cast<std::size_t>(channel)] = true;
    changed_ = true;
  }
  bool At(TensorId id, std::int32_t channel) const {
    return gone_[Index(id)][static_cast<std::size_t>(channel)];
  }
  bool Any(TensorId id) const { return std::ranges::count(gone_[Index(id)], true) > 0; }
  bool All(TensorId id) const { return std::ranges::count(gone_[Index(id)], false) == 0; }
  const std::vector<bool>& mask(TensorId id) const { return gone_[Index(id)]; }

  // Marks what must go with what is marked. False where that cannot be said by channels.
  bool Close() {
    do {
      changed_ = false;
      for (const qnet::Op& op : net_.ops) {
        const bool ok =
            std::visit([&](const auto& params) { return Spread(op, params); }, op.params);
        if (!ok) return false;
      }
    } while (changed_);
    return true;
  }

 private:
  void Equal(TensorId a, std::int32_t channel_a, TensorId b, std::int32_t channel_b) {
    if (At(a, channel_a)) Mark(b, channel_b);
    if (At(b, channel_b)) Mark(a, channel_a);
  }
  void EqualAll(TensorId a, TensorId b) {
    for (std::int32_t c = 0; c < net_.tensor(a).c(); ++c) Equal(a, c, b, c);
  }

  bool Spread(const qnet::Op& op, const qnet::Conv& conv) {
    if (op.inputs.size() > 1) EqualAll(op.inputs[1], op.output);
    if (conv.groups == 1) return true;
    const TensorId x = op.inputs[0];
    const std::int32_t in = net_.tensor(x).c() / conv.groups;
    const std::int32_t out = net_.tensor(op.output).c() / conv.groups;
    for (std::int32_t g = 0; g < conv.groups; ++g) {
      bool any = false;
      for (std::int32_t c = 0; c < in; ++c) any |= At(x, g * in + c);
      for (std::int32_t c = 0; c < out; ++c) any |= At(op.output, g * out + c);
      for (std::int32_t c = 0; any && c < in; ++c) Mark(x, g * in + c);
      for (std::int32_t c = 0; any && c < out; ++c) Mark(op.output, g * out + c);
    }
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::MaxPool&) {
    EqualAll(op.inputs[0], op.output);
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::AvgPool&) {
    EqualAll(op.inputs[0], op.output);
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::Add&) {
    for (const TensorId id : op.inputs) EqualAll(id, op.output);
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::Concat&) {
    std::int32_t at = 0;
    for (const TensorId id : op.inputs) {
      for (std::int32_t c = 0; c < net_.tensor(id).c(); ++c) Equal(id, c, op.output, at++);
    }
    return true;
  }
  // The same channels, or a block of flattened channels for each.
  bool Spread(const qnet::Op& op, const qnet::Reshape&) {
    const TensorId x = op.inputs[0];
    const std::int32_t in = net_.tensor(x).c(), out = net_.tensor(op.output).c();
    if (out % in != 0) return !Any(x) && !Any(op.output);
    const std::int32_t block = out / in;
    for (std::int32_t c = 0; c < out; ++c) Equal(x, c / block, op.output, c);
    return true;
  }

  bool Spread(const qnet::Op& op, const qnet::Table&) {
    EqualAll(op.inputs[0], op.output);
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::Dilate&) {
    EqualAll(op.inputs[0], op.output);
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::Lrn& lrn) {
    if (lrn.region == qnet::LrnRegion::kAcross) return Untouched(op);
    EqualAll(op.inputs[0], op.output);
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::Binary&) {
    for (const TensorId id : op.inputs) {
      if (net_.tensor(id).c() == net_.tensor(op.output).c()) {
        EqualAll(id, op.output);
      } else if (Any(id)) {
        return false;
      }
    }
    return true;
  }
  bool Spread(const qnet::Op& op, const qnet::Move&) { return Untouched(op); }
  bool Spread(const qnet::Op& op, const qnet::Host&) { return Untouched(op); }
  // Of an operator whose parameters speak of elements.
  bool Untouched(const qnet::Op& op) const {
    return !Any(op.output) && std::ranges::none_of(op.inputs, [&](TensorId id) { return Any(id); });
  }

  const qnet::QNet& net_;
  std::vector<std::vector<bool>> gone_;
  bool changed_ = false;
};

// Items of `list` that stay, in blocks of `block` items per mask entry.
template <typename T>
std::vector<T> Kept(const std::vector<T>& list, const std::vector<bool>& gone,
                    std::size_t block = 1) {
  std::vector<T> kept;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!gone[i / block]) kept.push_back(list[i]);
  }
  return kept;
}

void Shrink(const qnet::QNet& net, const qnet::Op& op, const Removal& removal, qnet::Conv& conv) {
  const std::vector<bool>& out = removal.mask(op.output);
  const std::vector<bool>& in = removal.mask(op.inputs[0]);
  const auto taps =
      static_cast<std::size_t>(conv.window.kh) * static_cast<std::size_t>(conv.window.kw);
  const std::size_t row = in.size() / static_cast<std::size_t>(conv.groups) * taps;
  for (auto& term : conv.terms) {
    term = Kept(term, out, row);
    if (conv.groups > 1) continue;
    std::vector<bool> per_row;  // [kept row][ic]
    for (std::size_t r = 0; r < term.size() / row; ++r)
      per_row.insert(per_row.end(), in.begin(), in.end());
    term = Kept(term, per_row, taps);
  }
  if (conv.groups > 1) {
    const std::int32_t per_group = net.tensor(op.output).c() / conv.groups;
    conv.groups = static_cast<std::int32_t>(std::ranges::count(out, false)) / per_group;
  }
  conv.beta = Kept(conv.beta, out);
  conv.scale = Kept(conv.scale, out);
  conv.t = Kept(conv.t, out);
  for (auto* list : {&conv.clip_low, &conv.clip_high, &conv.alpha_negative})
    *list = Kept(*list, out);
}

// `op` without the channels that go; false where nothing would be left to compute it from.
bool ShrinkOp(const qnet::QNet& net, const Removal& removal, qnet::Op& op) {
  if (auto* conv = std::get_if<qnet::Conv>(&op.params)) {
    if (removal.All(op.inputs[0])) return false;
    Shrink(net, op, removal, *conv);
  }
  if (auto* pool = std::get_if<qnet::AvgPool>(&op.params)) {
    for (auto& scales : pool->scale) scales = Kept(scales, removal.mask(op.output));
  }
  if (std::holds_alternative<qnet::Concat>(op.params)) {
    std::erase_if(op.inputs, [&](TensorId id) { return removal.All(id); });
  }
  return true;
}

}  // namespace

std::optional<FailingCase> WithoutChannels(const FailingCase& c, TensorId tensor,
                                           std::int32_t begin, std::int32_t end) {
  Removal removal(c.net);
  for (std::int32_t channel = begin; channel < end; ++channel) removal.Mark(tensor, channel);
  const auto all = [&](TensorId id) { return removal.All(id); };
  if (!removal.Close() || std::ranges::any_of(c.net.inputs, all)) return {};
  FailingCase result = c;
  result.net.ops.clear();
  for (qnet::Op op : c.net.ops) {
    if (removal.All(op.output)) continue;
    if (!ShrinkOp(c.net, removal, op)) return {};
    result.net.ops.push_back(std::move(op));
  }
  std::erase_if(result.net.outputs, [&](const qnet::Output& o) { return removal.All(o.tensor); });
  if (result.net.outputs.empty()) return {};
  for (std::size_t i = 0; i < c.net.tensors.size(); ++i) {
    const TensorId id{static_cast<std::int32_t>(i)};
    qnet::Tensor& shrunk = result.net.tensors[i];
    shrunk.q = Kept(shrunk.q, removal.mask(id));
    shrunk.dims[0] = static_cast<std::int32_t>(shrunk.q.size());
  }
  result.input.clear();
  auto contents = c.input.begin();
  for (const TensorId id : c.net.inputs) {
    const qnet::Tensor& in = c.net.tensor(id);
    const auto next = contents + in.elements();
    const auto kept = Kept(std::vector<std::int8_t>(contents, next), removal.mask(id),
                           static_cast<std::size_t>(in.h()) * static_cast<std::size_t>(in.w()));
    result.input.insert(result.input.end(), kept.begin(), kept.end());
    contents = next;
  }
  return Compacted(result);
}

}  // namespace tf2::verify::minimise
