#include "verify/minimise.h"

#include <algorithm>
#include <utility>

#include "base/interrupt.h"
#include "verify/minimise_edits.h"

namespace tf2::verify {
namespace {

using qnet::TensorId;

class Minimiser {
 public:
  Minimiser(const FailingCase& start, const FailureCheck& check, const MinimiseOptions& options)
      : best_(start), check_(check), options_(options) {}

  Minimised Run() {
    Minimised result;
    const auto failing = check_(best_);
    result.reproduced = failing.has_value();
    if (failing) {
      failing_op_ = *failing;
      checks_ = 1;
      while (Round()) {
      }
    }
    result.smallest = std::move(best_);
    result.checks = checks_;
    return result;
  }

 private:
  bool Done() const { return checks_ >= options_.max_checks || Interrupted(); }

  // Keeps `candidate` where the disagreement shows on it, too.
  bool Try(std::optional<FailingCase> candidate) {
    if (!candidate || Done() || candidate->net.ops.empty()) return false;
    if (!qnet::Verify(candidate->net).ok()) return false;
    ++checks_;
    auto failing = check_(*candidate);
    if (!failing) return false;
    best_ = *std::move(candidate);
    failing_op_ = *std::move(failing);
    return true;
  }

  // Every edit once, those that take most away first; whether one helped.
  bool Round() {
    bool any = CutBehind();
    any |= RemoveOutputs();
    any |= CutBefore();
    any |= RemoveOperators();
    any |= RemoveChannels();
    any |= Crop();
    any |= SimplifyWindows();
    any |= SimplifyValues();
    return any && !Done();
  }

  bool CutBehind() {
    for (const qnet::Op& op : best_.net.ops) {
      if (op.name == failing_op_) return Try(minimise::CutAt(best_, op.output));
    }
    // The wrong operator is not known: the shortest prefix that fails.
    for (const qnet::Op& op : best_.net.ops) {
      if (Try(minimise::CutAt(best_, op.output))) return true;
    }
    return false;
  }

  // Where another branch has a part in it, as in the allocation of memory.
  bool RemoveOutputs() {
    bool any = false;
    for (std::size_t i = best_.net.outputs.size(); i-- > 0;) {
      any |= Try(minimise::WithoutOutput(best_, i));
    }
    return any;
  }

  bool CutBefore() {
    for (std::size_t i = best_.net.tensors.size(); i-- > 0;) {
      if (Try(minimise::StartAt(best_, TensorId{static_cast<std::int32_t>(i)}))) return true;
    }
    return false;
  }

  // Of operator `op`: whether something was taken away (then the list has changed).
  bool RemoveAt(std::size_t op) {
    for (std::size_t i = 0; i < best_.net.ops[op].inputs.size(); ++i) {
      if (Try(minimise::Bypassed(best_, op, i)) || Try(minimise::Merged(best_, op, i))) return true;
    }
    return Try(minimise::WithoutResidual(best_, op));
  }

  bool RemoveOperators() {
    bool any = false;
    for (std::size_t op = 0; op < best_.net.ops.size();) {
      if (RemoveAt(op)) {
        any = true;
      } else {
        ++op;
      }
    }
    return any;
  }

  // Calls remove(begin, end) on ever smaller pieces of [0, size()), from the end; both may change.
  template <typename Size, typename Remove>
  bool RemovePieces(Size size, Remove remove, std::int64_t least_piece) {
    bool any = false;
    for (std::int64_t piece = (size() + 1) / 2; piece >= least_piece && !Done(); piece /= 2) {
      for (std::int64_t end = size(); end > 0;) {
        const std::int64_t begin = std::max<std::int64_t>(0, end - piece);
        any |= remove(begin, end);
        end = begin;
      }
    }
    return any;
  }

  bool RemoveChannels() {
    bool any = false;
    for (std::size_t i = 0; i < best_.net.tensors.size(); ++i) {
      const auto alive = [&] { return i < best_.net.tensors.size(); };
      const auto size = [&] { return alive() ? std::int64_t{best_.net.tensors[i].c()} : 0; };
      const auto remove = [&](std::int64_t begin, std::int64_t end) {
        if (end > size() || end - begin == size()) return false;
        return Try(minimise::WithoutChannels(best_, TensorId{static_cast<std::int32_t>(i)},
                                             static_cast<std::int32_t>(begin),
                                             static_cast<std::int32_t>(end)));
      };
      any |= RemovePieces(size, remove, 1);
    }
    return any;
  }

  bool Crop() {
    bool any = false;
    const auto dims = [&] { return best_.net.tensor(best_.net.inputs[0]).dims; };
    while (Try(minimise::Cropped(best_, dims()[1] / 2, dims()[2])) ||
           Try(minimise::Cropped(best_, dims()[1], dims()[2] / 2)) ||
           Try(minimise::Cropped(best_, dims()[1] - 1, dims()[2])) ||
           Try(minimise::Cropped(best_, dims()[1], dims()[2] - 1))) {
      any = true;
    }
    return any;
  }

  // Tries `change` on the window of operator `op` as long as it helps.
  template <typename F>
  bool ChangeWindow(std::size_t op, F change) {
    const qnet::Window* window = minimise::WindowOf(best_.net.ops[op]);
    if (window == nullptr) return false;
    qnet::Window wanted = *window;
    change(wanted);
    return Try(minimise::WithWindow(best_, op, wanted));
  }

  bool SimplifyWindows() {
    bool any = false;
    for (std::size_t op = 0; op < best_.net.ops.size(); ++op) {
      const auto change = [&](auto f) { any |= ChangeWindow(op, f); };
      change([](qnet::Window& w) { w = qnet::Window{}; });
      change([](qnet::Window& w) { w.dh = w.dw = 1; });
      change([](qnet::Window& w) { w.sh = 1; });
      change([](qnet::Window& w) { w.sw = 1; });
      change([](qnet::Window& w) { w.ph = 0; });
      change([](qnet::Window& w) { w.pw = 0; });
      while (ChangeWindow(op, [](qnet::Window& w) { --w.kh; })) any = true;
      while (ChangeWindow(op, [](qnet::Window& w) { --w.kw; })) any = true;
    }
    return any;
  }

  // Zeros pieces of the list that `of` gives for a case (null: the case has none).
  template <typename F>
  bool ZeroPieces(F of) {
    const auto size = [&] { return of(best_) == nullptr ? 0 : std::ssize(*of(best_)); };
    const auto remove = [&](std::int64_t begin, std::int64_t end) {
      FailingCase candidate = best_;
      auto& list = *of(candidate);
      const auto first = list.begin() + begin, last = list.begin() + end;
      if (std::all_of(first, last, [](auto v) { return v == 0; })) return false;
      std::fill(first, last, 0);
      return Try(std::move(candidate));
    };
    return RemovePieces(size, remove, std::max<std::int64_t>(1, size() / 32));
  }

  bool SimplifyValues() {
    bool any = ZeroPieces([](FailingCase& c) { return &c.input; });
    for (std::size_t op = 0; op < best_.net.ops.size(); ++op) {
      if (!std::holds_alternative<qnet::Conv>(best_.net.ops[op].params)) continue;
      const auto conv = [op](FailingCase& c) {
        return std::get_if<qnet::Conv>(&c.net.ops[op].params);
      };
      any |= ZeroPieces([&](FailingCase& c) { return &conv(c)->beta; });
      any |= ZeroPieces([&](FailingCase& c) { return &conv(c)->terms[0]; });
      any |= Try(minimise::PaddedWithZeros(best_, op));
      if (conv(best_)->activation != qnet::Activation::kNone) {
        FailingCase candidate = best_;
        conv(candidate)->activation = qnet::Activation::kNone;
        any |= Try(std::move(candidate));
      }
    }
    return any;
  }

  FailingCase best_;
  std::string failing_op_;
  const FailureCheck& check_;
  const MinimiseOptions options_;
  std::int64_t checks_ = 0;
};

}  // namespace

Minimised Minimise(const FailingCase& start, const FailureCheck& check,
                   const MinimiseOptions& options) {
  return Minimiser(start, check, options).Run();
}

}  // namespace tf2::verify
