// Ctrl-C that ends work cleanly: the first SIGINT or SIGTERM sets a flag that long loops poll, the
// second ends the process at once (status 130) after killing the tools that RunCommand has running.
#ifndef TF2_BASE_INTERRUPT_H_
#define TF2_BASE_INTERRUPT_H_

#include "base/result.h"

namespace tf2 {

// Installs the handlers; called once by main.
void InstallInterruptHandlers();
// True after the first signal. Cheap: for inner loops.
bool Interrupted();
// kCancelled "interrupted" after the first signal, else success.
Status CheckInterrupted();
// Sets and clears the flag: for servers that stop themselves, and for tests.
void RequestInterrupt();
void ClearInterrupt();

namespace internal {
// Process groups that the second signal kills; used by RunCommand. Async-signal-safe reading.
void AddChildGroup(int pgid);
void RemoveChildGroup(int pgid);
}  // namespace internal

}  // namespace tf2

#endif  // TF2_BASE_INTERRUPT_H_
