// Shrinks a network on which two executors disagree, until nothing more can be taken away without
// losing the disagreement: what is behind the first wrong operator goes, then what is before it
// (its input becomes the network's), then other operators, channels, pixels, window taps and
// values. As google/xls does for the programs its fuzzer finds.
//
//   before: in -> conv a -> pool b -> conv c (wrong) -> fc d     after: b -> conv c, 1 x 1 pixel
#ifndef TF2_VERIFY_MINIMISE_H_
#define TF2_VERIFY_MINIMISE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qnet/qnet.h"

namespace tf2::verify {

// A network that passes qnet::Verify and an input for it, int8 [c, h, w].
struct FailingCase {
  qnet::QNet net;
  std::vector<std::int8_t> input;
};

// Runs the executors on a case. Gives the name of the first operator that is wrong ("" where that
// is not known: an error, a crash), or nullopt where the disagreement does not show. Must say the
// same for the same case.
using FailureCheck = std::function<std::optional<std::string>(const FailingCase&)>;

struct MinimiseOptions {
  std::int64_t max_checks = 1500;
};

struct Minimised {
  FailingCase smallest;     // `start` itself where nothing could be taken away
  std::int64_t checks = 0;  // calls of the check
  bool reproduced = false;  // whether the check failed on `start` at all
};

// Deterministic: the same start and check give the same result. Stops early after max_checks or
// Ctrl-C.
Minimised Minimise(const FailingCase& start, const FailureCheck& check,
                   const MinimiseOptions& options = {});

}  // namespace tf2::verify

#endif  // TF2_VERIFY_MINIMISE_H_
