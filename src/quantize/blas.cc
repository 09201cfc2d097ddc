#include "quantize/blas.h"

#include <cblas.h>

#include <cstddef>
#include <cstdlib>
#include <semaphore>

extern "C" {
// LAPACK, column-major. potrf: Cholesky factor; potrs: solves with it; potri: inverse from it.
void dpotrf_(const char* uplo, const int* n, double* a, const int* lda, int* info);
void dpotrs_(const char* uplo, const int* n, const int* nrhs, const double* a, const int* lda,
             double* b, const int* ldb, int* info);
void dpotri_(const char* uplo, const int* n, double* a, const int* lda, int* info);

// OpenBLAS built for several processors chooses its kernels with these when it is loaded; there is
// no call that names one, but for the environment. Null where it was built for one processor.
[[gnu::weak]] void gotoblas_dynamic_init();
[[gnu::weak]] void gotoblas_dynamic_quit();
// Ends the threads of a build that has some.
[[gnu::weak]] int blas_thread_shutdown_();
}

namespace tf2::quantize {
namespace {

// OpenBLAS starts threads when it is loaded, which look for work for tens of milliseconds, at the
// expense of whatever the program does first. It gets none: calls are computed by their callers.
// (Debian's build without threads is not safe to be called by several.)
[[maybe_unused]] const bool stopped = [] {
  openblas_set_num_threads(1);
  if (blas_thread_shutdown_ != nullptr) blas_thread_shutdown_();
  return true;
}();

// Held during a call of OpenBLAS 0.3.21, which crashes when some two hundred threads are in it.
class Turn {
 public:
  Turn() { free_.acquire(); }
  ~Turn() { free_.release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  static constexpr std::ptrdiff_t kMost = 64;
  static inline std::counting_semaphore<kMost> free_{kMost};
};

blasint Int(std::size_t n) { return static_cast<blasint>(n); }

}  // namespace

void UseCommonBlas() {
#if defined(__x86_64__)
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  if (gotoblas_dynamic_init == nullptr || gotoblas_dynamic_quit == nullptr) return;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
  if (setenv(kVariable, "Haswell", 0) != 0) return;
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
#endif
}

void MatMul(std::size_t m, std::size_t n, std::size_t k, const float* a, const float* b, float* c) {
  const Turn turn;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, Int(m), Int(n), Int(k), 1.0F, a, Int(k), b,
              Int(n), 0.0F, c, Int(n));
}

void MatMulTransposed(std::size_t m, std::size_t n, std::size_t k, const float* a, std::size_t lda,
                      const float* b, std::size_t ldb, float* c) {
  const Turn turn;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, Int(m), Int(n), Int(k), 1.0F, a, Int(lda), b,
              Int(ldb), 0.0F, c, Int(n));
}

void Gram(std::size_t n, std::size_t k, const float* a, std::size_t lda, float* c) {
  const Turn turn;
  cblas_ssyrk(CblasRowMajor, CblasUpper, CblasNoTrans, Int(n), Int(k), 1.0F, a, Int(lda), 0.0F, c,
              Int(n));
}

void SubtractProduct(std::size_t m, std::size_t n, const double* a, const double* h, double* c) {
  const Turn turn;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, Int(m), Int(n), Int(n), -1.0, a, Int(n), h,
              Int(n), 1.0, c, Int(n));
}

bool SolvePositive(std::size_t n, std::size_t rhs, std::vector<double>& a, double* b) {
  const Turn turn;
  // Column-major LAPACK reads rows of b as its columns, and the upper triangle as its lower.
  const int size = Int(n);
  const int count = Int(rhs);
  int info = 0;
  dpotrf_("L", &size, a.data(), &size, &info);
  if (info != 0) return false;
  dpotrs_("L", &size, &count, a.data(), &size, b, &size, &info);
  return info == 0;
}

bool InverseFactor(std::size_t n, std::vector<double>& a) {
  const Turn turn;
  const int size = Int(n);
  int info = 0;
  dpotrf_("L", &size, a.data(), &size, &info);
  if (info != 0) return false;
  dpotri_("L", &size, a.data(), &size, &info);
  if (info != 0) return false;
  // The inverse is in the row-major upper triangle; its factor L (column-major lower) with
  // inverse = L * L^T is the transpose of u, that is u row-major.
  dpotrf_("L", &size, a.data(), &size, &info);
  for (std::size_t i = 1; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) a[i * n + j] = 0;
  }
  return info == 0;
}

}  // namespace tf2::quantize
