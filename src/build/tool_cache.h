// Results of slow tools, kept by the hash of everything they depend on. A result is a folder under
// the cache folder (base/files.h, CacheDirectory); it appears there only when complete, so an
// interrupted or failed run leaves nothing that a later one would take for a result.
#ifndef TF2_BUILD_TOOL_CACHE_H_
#define TF2_BUILD_TOOL_CACHE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tf2::build {

// What a result depends on: named texts (generated sources, command lines, versions of tools).
struct CacheKey {
  std::string kind;  // prefix of the folder's name: "sim", "ice40"
  std::vector<std::string> parts;
};

// Makes the result in the (empty) folder it is given.
using Maker = std::function<Status(const std::string& folder)>;

// The folder of the result, made now if it is not there. One process at a time makes one result;
// others wait for it. Errors: those of `make`; the folder's.
Result<std::string> CachedFolder(const CacheKey& key, const Maker& make);

// The folder of the hardware's sources, rtl/.
Result<std::string> RtlFolder();

// Contents of the files that `list` (a .f file, one path a line relative to the parent of its
// folder) names, and their full paths.
struct SourceList {
  std::vector<std::string> paths;
  std::vector<std::string> contents;
};
Result<SourceList> ReadSourceList(const std::string& list);

// First line that `tool --version` (or -V) prints: part of the key.
Result<std::string> ToolVersion(const std::string& tool, const std::string& flag);

}  // namespace tf2::build

#endif  // TF2_BUILD_TOOL_CACHE_H_
