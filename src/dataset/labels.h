// Names of classes from a text file: one name a line, or "index, id, name", "index, name" (tab,
// comma or blank between) or ImageNet's "n01440764 tench, Tinca tinca".
#ifndef TF2_DATASET_LABELS_H_
#define TF2_DATASET_LABELS_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tf2::dataset {

struct Labels {
  // Name of class i.
  std::vector<std::string> names;
  // Its id, such as a wnid; empty where the file has none.
  std::vector<std::string> ids;
};

// Errors: what ReadTextFile gives; kInvalidArgument (empty, binary, an index twice or missing).
Result<Labels> ReadLabels(const std::string& path);
Result<Labels> ParseLabels(std::string_view text);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_LABELS_H_
