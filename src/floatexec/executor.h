// Fast execution of a float graph on oneDNN, for calibration, evaluation and quantisation. Every
// operator that oneDNN has (conv, gemm, pools, relu, add, concat) is a primitive made once,
// with its weights laid out once; all others run the interpreter's kernel. Results equal those of
// interp/ but for the order of float summation.
#ifndef TF2_FLOATEXEC_EXECUTOR_H_
#define TF2_FLOATEXEC_EXECUTOR_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "interp/interpreter.h"
#include "ir/graph.h"

namespace tf2::floatexec {

// Which operators run as primitives. kInterp is the fallback for all, as a reference.
enum class Engine : std::uint8_t { kOneDnn, kInterp };

// Holds oneDNN to AVX2 for the rest of the process, so that results are the same on every processor
// that has it; nothing once a primitive was made, or where the environment says what oneDNN may
// use.
void UseCommonInstructions();

class Executor {
 public:
  // `graph` (verified, shapes inferred) must outlive the executor.
  explicit Executor(const ir::Graph& graph, Engine engine = Engine::kOneDnn);
  ~Executor();
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;

  // As interp::Run and interp::RunAll: one tensor per graph input, every value reported in order,
  // freed after its last reader. Any number of threads may call at the same time; a call uses the
  // thread that makes it, so the results do not depend on the number of threads.
  Result<std::vector<ir::Tensor>> Run(std::span<const ir::Tensor> inputs) const;
  Result<std::vector<ir::Tensor>> RunAll(std::span<const ir::Tensor> inputs,
                                         const interp::ValueCallback& on_value) const;

  // Node `node` of the graph on the values of its run-time inputs (null for constants and absent
  // ones).
  Result<ir::Tensor> RunNode(std::size_t node, std::span<const ir::Tensor* const> inputs) const;

  // Whether the node runs as a primitive.
  bool IsPrimitive(std::size_t node) const;

 private:
  struct State;
  const ir::Graph* graph_;
  std::unique_ptr<State> state_;
};

}  // namespace tf2::floatexec

#endif  // TF2_FLOATEXEC_EXECUTOR_H_
