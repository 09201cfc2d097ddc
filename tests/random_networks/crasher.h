// A case on which executors disagreed, as one file: an artifact (qnet/artifact.h) whose extra
// sections hold the inputs ("inputs", one after the other), the configuration ("arch", JSON) and
// how it was compiled ("options", JSON).
#ifndef TF2_TESTS_RANDOM_NETWORKS_CRASHER_H_
#define TF2_TESTS_RANDOM_NETWORKS_CRASHER_H_

#include <string>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"
#include "tests/random_networks/draw.h"

namespace tf2::random_networks {

struct Crasher {
  Case c;
  arch::Arch arch;
};

Result<Crasher> ReadCrasher(const std::string& path);
// Writes "<what>-<hash of the contents>.tf2" to `folder`, which is made if need be; its path.
Result<std::string> WriteCrasher(const std::string& folder, const std::string& what,
                                 const Crasher& crasher);
// Paths of the crashers in `folder`, sorted; none where there is no such folder.
Result<std::vector<std::string>> ListCrashers(const std::string& folder);

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_CRASHER_H_
