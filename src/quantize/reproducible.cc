#include "quantize/reproducible.h"

#include "floatexec/executor.h"
#include "quantize/blas.h"

namespace tf2::quantize {

void UseCommonInstructions() {
  floatexec::UseCommonInstructions();
  UseCommonBlas();
}

}  // namespace tf2::quantize
