// tf2 eval --truth: a detector against annotated pictures.
#ifndef TF2_CLI_EVAL_DETECTOR_H_
#define TF2_CLI_EVAL_DETECTOR_H_

#include "cli/options.h"

namespace tf2::cli {

// As the commands of options.h.
int EvalDetector(const Options& options);

}  // namespace tf2::cli

#endif  // TF2_CLI_EVAL_DETECTOR_H_
