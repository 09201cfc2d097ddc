// Where the files that ship beside the program are: rtl/, data/devices/. Found from $TF2_HOME, else
// from the program's own place (a build folder inside the repository, or PREFIX/bin with
// PREFIX/share/tf2).
#ifndef TF2_BASE_RESOURCES_H_
#define TF2_BASE_RESOURCES_H_

#include <string>

#include "base/result.h"

namespace tf2 {

// The path of `relative` ("rtl", "data/devices") in the first place that has it. kNotFound names
// the places searched.
Result<std::string> FindResource(const std::string& relative);

}  // namespace tf2

#endif  // TF2_BASE_RESOURCES_H_
