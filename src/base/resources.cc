#include "base/resources.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace tf2 {

Result<std::string> FindResource(const std::string& relative) {
  namespace fs = std::filesystem;
  std::vector<fs::path> roots;
  if (const char* home = std::getenv("TF2_HOME"); home != nullptr && *home != '\0') {
    roots.emplace_back(home);
  } else {
    std::error_code ec;
    const fs::path exe = fs::read_symlink("/proc/self/exe", ec);
    for (fs::path dir = exe.parent_path(); !dir.empty() && dir != dir.root_path();
         dir = dir.parent_path()) {
      roots.push_back(dir);
      roots.push_back(dir / "share" / "tf2");
    }
  }
  for (const fs::path& root : roots) {
    std::error_code ec;
    if (fs::exists(root / relative, ec)) return (root / relative).string();
  }
  return WithHint(
      NotFound("cannot find the shipped folder \"{}\"", relative),
      "set TF2_HOME to the folder that holds rtl/ and data/ (the repository, or PREFIX/share/tf2)");
}

}  // namespace tf2
