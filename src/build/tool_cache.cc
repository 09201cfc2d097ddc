#include "build/tool_cache.h"

#include <filesystem>
#include <sstream>

#include "base/files.h"
#include "base/hash.h"
#include "base/resources.h"
#include "base/subprocess.h"

namespace tf2::build {
namespace fs = std::filesystem;

Result<std::string> CachedFolder(const CacheKey& key, const Maker& make) {
  Hasher hasher;
  for (const std::string& part : key.parts) hasher.Add(part);
  const std::string root = CacheDirectory();
  const std::string folder = root + "/" + key.kind + "-" + hasher.Hex();
  if (IsDirectory(folder)) return folder;
  TF2_RETURN_IF_ERROR(MakeDirectories(root));
  TF2_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(folder + ".lock"));
  if (IsDirectory(folder)) return folder;
  const std::string partial = folder + ".partial";
  std::error_code ec;
  fs::remove_all(partial, ec);
  TF2_RETURN_IF_ERROR(MakeDirectories(partial));
  Status made = make(partial);
  if (made.ok()) {
    fs::rename(partial, folder, ec);
    if (!ec) return folder;
    made = IoError("{}: cannot move the finished result into place: {}", folder, ec.message());
  }
  fs::remove_all(partial, ec);
  return std::move(made.error());
}

Result<std::string> RtlFolder() {
  TF2_ASSIGN_OR_RETURN(const std::string list, FindResource("rtl/sources.f"));
  return fs::path(list).parent_path().string();
}

Result<SourceList> ReadSourceList(const std::string& list) {
  TF2_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(list));
  const fs::path root = fs::path(list).parent_path().parent_path();
  SourceList sources;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#' || line.rfind("//", 0) == 0) continue;
    sources.paths.push_back((root / line).string());
    TF2_ASSIGN_OR_RETURN(sources.contents.emplace_back(), ReadTextFile(sources.paths.back()));
  }
  return sources;
}

Result<std::string> ToolVersion(const std::string& tool, const std::string& flag) {
  TF2_ASSIGN_OR_RETURN(const CommandResult result, RunCommand({tool, flag}));
  return result.output.substr(0, result.output.find('\n'));
}

}  // namespace tf2::build
