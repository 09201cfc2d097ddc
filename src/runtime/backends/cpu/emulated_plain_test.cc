// The portable kernels as a processor without SSE2 gets them.
#include "runtime/backends/cpu/emulated.h"

#define TF2_PLAIN_KERNELS
#define PortableKernels PlainPortableKernels
#include "runtime/backends/cpu/kernels_portable.cc"
