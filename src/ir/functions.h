// The functions that the operators unary, binary and reduce compute, named by their attribute `fn`.
// One list each, so that every evaluator switches over the same names.
#ifndef TF2_IR_FUNCTIONS_H_
#define TF2_IR_FUNCTIONS_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "ir/graph.h"

namespace tf2::ir {

// a is alpha, b is beta.
#define TF2_IR_UNARY_FNS(X)                                                            \
  X(kAbs, "abs")        /* |x|; integers too */                                        \
  X(kNeg, "neg")        /* -x; integers too */                                         \
  X(kSign, "sign")      /* -1, 0, 1; integers too */                                   \
  X(kNot, "not")        /* x == 0; integers only */                                    \
  X(kBitNot, "bit_not") /* ~x; integers only */                                        \
  X(kFloor, "floor")                                                                   \
  X(kCeil, "ceil")                                                                     \
  X(kRound, "round")           /* half to even */                                      \
  X(kReciprocal, "reciprocal") /* 1 / x */                                             \
  X(kSqrt, "sqrt")                                                                     \
  X(kExp, "exp")                                                                       \
  X(kLog, "log")                                                                       \
  X(kErf, "erf")                                                                       \
  X(kSin, "sin")                                                                       \
  X(kCos, "cos")                                                                       \
  X(kTan, "tan")                                                                       \
  X(kAsin, "asin")                                                                     \
  X(kAcos, "acos")                                                                     \
  X(kAtan, "atan")                                                                     \
  X(kSinh, "sinh")                                                                     \
  X(kCosh, "cosh")                                                                     \
  X(kTanh, "tanh")                                                                     \
  X(kAsinh, "asinh")                                                                   \
  X(kAcosh, "acosh")                                                                   \
  X(kAtanh, "atanh")                                                                   \
  X(kSigmoid, "sigmoid")                  /* 1 / (1 + exp(-x)) */                      \
  X(kHardSigmoid, "hard_sigmoid")         /* clamp(a x + b, 0, 1) */                   \
  X(kHardSwish, "hard_swish")             /* x clamp(x / 6 + 1 / 2, 0, 1) */           \
  X(kSilu, "silu")                        /* x sigmoid(x) */                           \
  X(kGelu, "gelu")                        /* x / 2 (1 + erf(x / sqrt 2)) */            \
  X(kGeluTanh, "gelu_tanh")               /* its approximation by tanh */              \
  X(kMish, "mish")                        /* x tanh(softplus(x)) */                    \
  X(kElu, "elu")                          /* x < 0 ? a (exp(x) - 1) : x */             \
  X(kCelu, "celu")                        /* max(0, x) + min(0, a (exp(x / a) - 1)) */ \
  X(kSelu, "selu")                        /* b (x < 0 ? a (exp(x) - 1) : x) */         \
  X(kSoftplus, "softplus")                /* log(1 + exp(x)) */                        \
  X(kSoftsign, "softsign")                /* x / (1 + |x|) */                          \
  X(kLeakyRelu, "leaky_relu")             /* x < 0 ? a x : x */                        \
  X(kThresholdedRelu, "thresholded_relu") /* x > a ? x : 0 */                          \
  X(kShrink, "shrink")                    /* x < -a ? x + b : x > a ? x - b : 0 */     \
  X(kIsNan, "is_nan")                     /* an integer, 0 or 1 */                     \
  X(kIsInf, "is_inf")                     /* the same; a: +inf counts, b: -inf counts */

enum class UnaryFn : std::uint8_t {
#define TF2_IR_FN(id, name) id,
  TF2_IR_UNARY_FNS(TF2_IR_FN)
#undef TF2_IR_FN
};

// Comparisons and logic give integers, 0 or 1; logic and bits take integers; the rest takes both.
#define TF2_IR_BINARY_FNS(X)                                         \
  X(kPow, "pow")                                                     \
  X(kMod, "mod")   /* with the sign of the divisor, as Python's % */ \
  X(kFmod, "fmod") /* with the sign of the dividend, as C's fmod */  \
  X(kMax, "max")                                                     \
  X(kMin, "min")                                                     \
  X(kEqual, "equal")                                                 \
  X(kLess, "less")                                                   \
  X(kLessOrEqual, "less_equal")                                      \
  X(kGreater, "greater")                                             \
  X(kGreaterOrEqual, "greater_equal")                                \
  X(kAnd, "and")                                                     \
  X(kOr, "or")                                                       \
  X(kXor, "xor")                                                     \
  X(kBitAnd, "bit_and")                                              \
  X(kBitOr, "bit_or")                                                \
  X(kBitXor, "bit_xor")                                              \
  X(kShiftLeft, "shift_left")   /* by 64 and more: 0 */              \
  X(kShiftRight, "shift_right") /* of unsigned numbers */

enum class BinaryFn : std::uint8_t {
#define TF2_IR_FN(id, name) id,
  TF2_IR_BINARY_FNS(TF2_IR_FN)
#undef TF2_IR_FN
};

#define TF2_IR_REDUCE_FNS(X)   \
  X(kSum, "sum")               \
  X(kMean, "mean")             \
  X(kMax, "max")               \
  X(kMin, "min")               \
  X(kProd, "prod")             \
  X(kL1, "l1")                 \
  X(kL2, "l2")                 \
  X(kLogSum, "log_sum")        \
  X(kLogSumExp, "log_sum_exp") \
  X(kSumSquare, "sum_square")

enum class ReduceFn : std::uint8_t {
#define TF2_IR_FN(id, name) id,
  TF2_IR_REDUCE_FNS(TF2_IR_FN)
#undef TF2_IR_FN
};

// The names, in the order of the enums.
std::span<const std::string_view> UnaryFnNames();
std::span<const std::string_view> BinaryFnNames();
std::span<const std::string_view> ReduceFnNames();
std::string_view NameOf(UnaryFn fn);

// The function of a verified node of the kind.
UnaryFn UnaryFnOf(const Node& node);
BinaryFn BinaryFnOf(const Node& node);
ReduceFn ReduceFnOf(const Node& node);

// Whether the result is 0 or 1 as an integer, whatever the type of the operands.
bool GivesTruth(UnaryFn fn);
bool GivesTruth(BinaryFn fn);
// Whether only integers have it.
bool TakesIntegers(UnaryFn fn);
bool TakesIntegers(BinaryFn fn);
// Whether integers have it too.
bool AllowsIntegers(UnaryFn fn);

// kFmod and kMod of integers; b is not 0.
inline std::int64_t Fmod(std::int64_t a, std::int64_t b) {
  return b == -1 ? 0 : a % b;  // INT64_MIN % -1 would overflow
}
inline std::int64_t FloorMod(std::int64_t a, std::int64_t b) {
  const std::int64_t r = Fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

}  // namespace tf2::ir

#endif  // TF2_IR_FUNCTIONS_H_
