#include <algorithm>
#include <set>
#include <utility>

#include "verify/minimise_edits.h"

namespace tf2::verify::minimise {
namespace {

// One axis of a window: kernel, stride, padding before, dilation.
struct Axis {
  std::int32_t k, s, p, d;
};
Axis VerticalOf(const qnet::Window& w) { return {w.kh, w.sh, w.ph, w.dh}; }
Axis HorizontalOf(const qnet::Window& w) { return {w.kw, w.sw, w.pw, w.dw}; }

// Size behind `now` on `in` pixels, padded behind as much as `before` was on the way from `old_in`
// to `old_out`; a kernel over the whole input shrinks with it. 0 where nothing is left.
std::int32_t NewSize(const Axis& before, std::int32_t old_in, std::int32_t old_out, Axis& now,
                     std::int32_t in) {
  if (before.k == old_in && before.p == 0 && before.d == 1) now.k = std::min(now.k, in);
  const std::int32_t behind =
      (old_out - 1) * before.s + (before.k - 1) * before.d + 1 - before.p - old_in;
  const std::int32_t pad = std::clamp(behind, 0, (now.k - 1) * now.d);
  const std::int32_t room = in + now.p + pad - (now.k - 1) * now.d - 1;
  return room < 0 ? 0 : room / now.s + 1;
}

// The weights of the first kh x kw taps.
void CropWeights(qnet::Conv& conv, const qnet::Window& window) {
  const auto old_h = static_cast<std::size_t>(conv.window.kh);
  const auto old_w = static_cast<std::size_t>(conv.window.kw);
  for (auto& term : conv.terms) {
    std::vector<std::int8_t> kept;
    for (std::size_t i = 0; i < term.size(); ++i) {
      const auto x = static_cast<std::int32_t>(i % old_w);
      const auto y = static_cast<std::int32_t>(i / old_w % old_h);
      if (y < window.kh && x < window.kw) kept.push_back(term[i]);
    }
    term = std::move(kept);
  }
  conv.window = window;
}

// The divisors of the first oh x ow positions. False where the pool has fewer.
bool CropDivisors(qnet::AvgPool& pool, std::int32_t oh, std::int32_t ow) {
  if (oh > std::ssize(pool.divisor_h) || ow > std::ssize(pool.divisor_w)) return false;
  pool.divisor_h.resize(static_cast<std::size_t>(oh));
  pool.divisor_w.resize(static_cast<std::size_t>(ow));
  std::set<std::int32_t> products;
  for (const std::int32_t a : pool.divisor_h) {
    for (const std::int32_t b : pool.divisor_w) products.insert(a * b);
  }
  std::vector<std::vector<numerics::Scale>> scale;
  for (std::size_t i = 0; i < pool.divisors.size(); ++i) {
    if (products.contains(pool.divisors[i])) scale.push_back(pool.scale[i]);
  }
  pool.divisors.assign(products.begin(), products.end());
  pool.scale = std::move(scale);
  return true;
}

// `op` with `wanted` as its window between tensors whose input has a new size; sets the output's.
bool ResizeWindow(const qnet::QNet& old_net, qnet::QNet& net, qnet::Op& op,
                  const qnet::Window& wanted) {
  const qnet::Tensor& old_in = old_net.tensor(op.inputs[0]);
  const qnet::Tensor& old_out = old_net.tensor(op.output);
  const qnet::Tensor& in = net.tensor(op.inputs[0]);
  const qnet::Window before = *WindowOf(op);
  Axis v = VerticalOf(wanted), h = HorizontalOf(wanted);
  const std::int32_t oh = NewSize(VerticalOf(before), old_in.h(), old_out.h(), v, in.h());
  const std::int32_t ow = NewSize(HorizontalOf(before), old_in.w(), old_out.w(), h, in.w());
  if (oh < 1 || ow < 1) return false;
  const qnet::Window window{v.k, h.k, v.s, h.s, v.p, h.p, v.d, h.d};
  if (auto* conv = std::get_if<qnet::Conv>(&op.params)) CropWeights(*conv, window);
  if (auto* pool = std::get_if<qnet::MaxPool>(&op.params)) pool->window = window;
  if (auto* pool = std::get_if<qnet::AvgPool>(&op.params)) {
    pool->window = window;
    if (!CropDivisors(*pool, oh, ow)) return false;
  }
  qnet::Tensor& out = net.tensor(op.output);
  out.dims = {out.dims[0], oh, ow};
  return true;
}

// [c, h, w] -> [c, h * w, 1] or [c, 1, h * w]; others only where the size did not change.
bool ResizeReshape(const qnet::QNet& old_net, qnet::QNet& net, const qnet::Op& op) {
  const qnet::Tensor& in = net.tensor(op.inputs[0]);
  qnet::Tensor& out = net.tensor(op.output);
  if (in.dims == old_net.tensor(op.inputs[0]).dims) return true;
  if (out.c() != in.c()) return false;
  const std::int32_t pixels = in.h() * in.w();
  out.dims = out.w() == 1 ? std::vector{out.c(), pixels, 1} : std::vector{out.c(), 1, pixels};
  return true;
}

// Lets the sizes follow from the input's; `changed`: operator with a new window.
bool Resize(const qnet::QNet& old_net, qnet::QNet& net, std::size_t changed,
            const qnet::Window& window) {
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    qnet::Op& op = net.ops[i];
    if (const qnet::Window* own = WindowOf(op)) {
      const qnet::Window wanted = i == changed ? window : *own;
      if (!ResizeWindow(old_net, net, op, wanted)) return false;
    } else if (std::holds_alternative<qnet::Reshape>(op.params)) {
      if (!ResizeReshape(old_net, net, op)) return false;
    } else if (std::holds_alternative<qnet::Move>(op.params) ||
               std::holds_alternative<qnet::Host>(op.params)) {
      // Their parameters speak of elements.
      for (const qnet::TensorId id : op.inputs) {
        if (net.tensor(id).dims != old_net.tensor(id).dims) return false;
      }
    } else if (const auto* dilate = std::get_if<qnet::Dilate>(&op.params)) {
      const qnet::Tensor& in = net.tensor(op.inputs[0]);
      qnet::Tensor& out = net.tensor(op.output);
      out.dims = {out.dims[0], (in.h() - 1) * dilate->sh + 1, (in.w() - 1) * dilate->sw + 1};
    } else if (std::holds_alternative<qnet::Binary>(op.params)) {
      const qnet::Tensor& a = net.tensor(op.inputs[0]);
      const qnet::Tensor& b = net.tensor(op.inputs[1]);
      qnet::Tensor& out = net.tensor(op.output);
      out.dims = {out.dims[0], std::max(a.h(), b.h()), std::max(a.w(), b.w())};
    } else {
      const qnet::Tensor& in = net.tensor(op.inputs[0]);
      qnet::Tensor& out = net.tensor(op.output);
      out.dims = {out.dims[0], in.h(), in.w()};
    }
  }
  return true;
}

}  // namespace

const qnet::Window* WindowOf(const qnet::Op& op) {
  if (const auto* conv = std::get_if<qnet::Conv>(&op.params)) return &conv->window;
  if (const auto* pool = std::get_if<qnet::MaxPool>(&op.params)) return &pool->window;
  if (const auto* pool = std::get_if<qnet::AvgPool>(&op.params)) return &pool->window;
  return nullptr;
}

std::optional<FailingCase> Cropped(const FailingCase& c, std::int32_t h, std::int32_t w) {
  const qnet::Tensor in = c.net.tensor(c.net.inputs[0]);
  if (h < 1 || w < 1 || h > in.h() || w > in.w() || (h == in.h() && w == in.w())) return {};
  FailingCase result = c;
  result.input.clear();
  auto value = c.input.begin();
  for (const qnet::TensorId id : c.net.inputs) {
    const qnet::Tensor& own = c.net.tensor(id);
    const bool cut = own.h() == in.h() && own.w() == in.w();
    if (cut) result.net.tensor(id).dims = {own.c(), h, w};
    for (std::int64_t i = 0; i < own.elements(); ++i, ++value) {
      const bool inside = i % own.w() < w && i / own.w() % own.h() < h;
      if (!cut || inside) result.input.push_back(*value);
    }
  }
  if (!Resize(c.net, result.net, result.net.ops.size(), {})) return {};
  return Compacted(result);
}

std::optional<FailingCase> WithWindow(const FailingCase& c, std::size_t op,
                                      const qnet::Window& window) {
  const qnet::Window* before = WindowOf(c.net.ops[op]);
  if (before == nullptr || *before == window || window.kh > before->kh || window.kw > before->kw ||
      window.kh < 1 || window.kw < 1) {
    return {};
  }
  FailingCase result = c;
  if (!Resize(c.net, result.net, op, window)) return {};
  return Compacted(result);
}

}  // namespace tf2::verify::minimise
