// The QNet interpreter behind the device interface: the oracle as a device, slow and obvious.
#ifndef TF2_RUNTIME_BACKENDS_REFERENCE_REFERENCE_H_
#define TF2_RUNTIME_BACKENDS_REFERENCE_REFERENCE_H_

#include "runtime/device.h"

namespace tf2::runtime {

// Backend "reference". Uses DeviceOptions::threads (over the frames of a batch); materialises every
// tensor.
BackendFactory ReferenceBackend();

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_BACKENDS_REFERENCE_REFERENCE_H_
