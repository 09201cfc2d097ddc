// The dense linear algebra of the compensated rounding, on OpenBLAS with one thread a call (callers
// run layers, pictures and rows in parallel). Matrices are row-major. Internal to src/quantize.
#ifndef TF2_QUANTIZE_BLAS_H_
#define TF2_QUANTIZE_BLAS_H_

#include <cstddef>
#include <vector>

namespace tf2::quantize {

// Has OpenBLAS use its kernels for Haswell, AVX2 and FMA, where the processor can run them and the
// environment does not name others. Before anything else here.
void UseCommonBlas();

// c[m][n] = a[m][k] * b[k][n]. Exact where all partial sums are integers below 2^24.
void MatMul(std::size_t m, std::size_t n, std::size_t k, const float* a, const float* b, float* c);
// c[m][n] = a[m][k] * b[n][k]^T; `ldb` floats between the rows of b.
void MatMulTransposed(std::size_t m, std::size_t n, std::size_t k, const float* a, std::size_t lda,
                      const float* b, std::size_t ldb, float* c);
// Upper triangle (the rest untouched) of c[n][n] = a[n][k] * a^T.
void Gram(std::size_t n, std::size_t k, const float* a, std::size_t lda, float* c);

// c[m][n] -= a[m][n] * h[n][n], h symmetric.
void SubtractProduct(std::size_t m, std::size_t n, const double* a, const double* h, double* c);
// Solves a[n][n] * x = b for `rhs` right-hand sides, each a row of b[rhs][n], in place; `a`
// (symmetric, only one triangle need be filled) is destroyed. False: not positive definite.
bool SolvePositive(std::size_t n, std::size_t rhs, std::vector<double>& a, double* b);
// u upper triangular with u^T * u = a^-1, in place; entries below the diagonal are 0. False: not
// positive definite.
bool InverseFactor(std::size_t n, std::vector<double>& a);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_BLAS_H_
