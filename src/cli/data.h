// Opening data sets from flags, with the preprocessing of the flags or of the artifact.
#ifndef TF2_CLI_DATA_H_
#define TF2_CLI_DATA_H_

#include <memory>
#include <string>
#include <vector>

#include "base/preprocessing.h"
#include "base/result.h"
#include "cli/options.h"
#include "dataset/dataset.h"
#include "ir/graph.h"
#include "qnet/qnet.h"

namespace tf2::cli {

struct Data {
  std::unique_ptr<dataset::Dataset> set;
  Preprocessing preprocessing;
  std::vector<std::string> labels;  // class names; empty where none are known
};

// For a float graph: preprocessing from the flags.
Result<Data> OpenData(const DataFlags& flags, const ir::Graph& graph);
// For a network: as stored in it; flags that say something else are refused, since the exponents
// were calibrated so.
Result<Data> OpenData(const DataFlags& flags, const qnet::QNet& net);

// The name of class `index`, or its number.
std::string ClassName(const std::vector<std::string>& labels, std::int64_t index);

}  // namespace tf2::cli

#endif  // TF2_CLI_DATA_H_
