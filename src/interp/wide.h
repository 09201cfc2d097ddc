// The interpreter's loops that take longest, compiled for the vectors of several processors. Each
// sum has one order and nothing is contracted, so every processor gets the same bits. For
// src/interp and backends that run what it defines on features of their own layout.
#ifndef TF2_INTERP_WIDE_H_
#define TF2_INTERP_WIDE_H_

#include <cstdint>

namespace tf2::interp {

struct Moments {
  double mean = 0;
  double variance = 0;
};

// What one instruction set has of them.
struct Wide {
  // out [rows, oc] = a [rows, k] * b [k, oc]: each element a sum over k in order, in float.
  void (*multiply)(const float* a, const float* b, std::int64_t rows, std::int64_t k,
                   std::int64_t oc, float* out);
  // Of n >= 1 elements, in double: element i in partial sum i % 16, these added pairwise.
  Moments (*moments)(const float* x, std::int64_t n);
  // y = (x - mean) * factor * gamma + beta in double, rounded once. Parameters advance by `step`
  // elements, 0 or 1; null for none.
  void (*normalize)(const float* x, std::int64_t n, const Moments& of, double factor,
                    const float* gamma, const float* beta, std::int64_t step, float* y);
  // y = exp(x - max) * (1 / sum), n >= 1: exponentials rounded to float, their sum in double with
  // element i in partial sum i % 8, the product in double and rounded. y may be x.
  void (*softmax)(const float* x, std::int64_t n, float* y);
};

// For this processor.
const Wide& WideLoops();

// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta of n >= 1 elements, as `normalize`.
void LayerNormRow(const float* x, std::int64_t n, double epsilon, const float* gamma,
                  const float* beta, float* y);

// Null where the program was built without them; the plain ones never are.
const Wide* PlainWide();
const Wide* Avx2Wide();
const Wide* Avx512Wide();

}  // namespace tf2::interp

#endif  // TF2_INTERP_WIDE_H_
