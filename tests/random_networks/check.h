// One case through every executor: interpreter, CPU kernels, program oracle, simulated RTL. Every
// tensor must be equal byte for byte, and the simulated cycles of every layer and of the frame
// those that were predicted.
#ifndef TF2_TESTS_RANDOM_NETWORKS_CHECK_H_
#define TF2_TESTS_RANDOM_NETWORKS_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qnet/interpreter.h"
#include "tests/random_networks/bench.h"
#include "tests/random_networks/draw.h"

namespace tf2::random_networks {

enum class Kind : std::uint8_t { kValues, kCycles, kError };
// "values", "cycles", "error".
const char* KindName(Kind kind);

struct Disagreement {
  Kind kind = Kind::kValues;
  std::string link;   // "cpu avx2", "program", "rtl"
  std::string layer;  // qnet::Op::name; empty where it is not known
  std::string text;   // the first element, or what else is wrong
};

struct Counts {
  std::int64_t inputs = 0;
  std::int64_t cpu_tensors = 0;  // compared
  std::int64_t program_tensors = 0;
  std::int64_t rtl_tensors = 0;
  std::int64_t layers = 0;  // whose cycles were compared
  std::int64_t cycles = 0;  // of those frames
  void Add(const Counts& other);
};

struct Outcome {
  bool ran = false;     // on the RTL; false: the compiler refused it
  std::string refusal;  // why
  std::optional<Disagreement> disagreement;
  Counts counts;
};

// The interpreter's tensors for each input.
using Golden = std::vector<std::vector<qnet::Bytes>>;
Result<Golden> Interpret(const Case& c);

// Both return what cannot be blamed on an executor (Ctrl-C, a simulator that does not load) as an
// error.
Result<Outcome> CheckOnCpu(const Case& c, const Golden& golden, Bench& bench);
Result<Outcome> CheckOnEngine(const Case& c, const Golden& golden,
                              const Configuration& configuration, Bench& bench);

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_CHECK_H_
