// Runs the tools that tf2 drives (Verilator, yosys, nextpnr, compilers): without a shell, in a
// process group of their own, with output captured, a time limit, and nothing left running after
// Ctrl-C.
#ifndef TF2_BASE_SUBPROCESS_H_
#define TF2_BASE_SUBPROCESS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tf2 {

struct CommandOptions {
  // Folder to run in; empty for the present one.
  std::string working_dir;
  // File that receives standard output and standard error as they come; empty for none. Truncated
  // at the start.
  std::string log_file;
  // Seconds until the whole process group is killed; 0 for no limit.
  double timeout_s = 0;
  // Variables added to or replaced in the environment.
  std::vector<std::pair<std::string, std::string>> env;
  // Debian package named in the hint when the tool is missing; empty: looked up for the tools tf2
  // knows.
  std::string package;
  // Bytes of output kept in CommandResult::output: the last ones.
  std::size_t max_output = std::size_t{4} << 20;
};

struct CommandResult {
  // Exit status, or 128 + the signal that ended it.
  int exit_code = 0;
  // Standard output and standard error, interleaved as they came.
  std::string output;
  double seconds = 0;
};

// Runs argv[0] (searched in PATH unless it has a slash) with standard input from /dev/null and
// waits. A non-zero exit is not an Error here. Errors: kNotFound (tool missing; the hint names the
// package), kCancelled (Ctrl-C), kIo, and kResourceExhausted (time limit); in the last three cases
// the process group has been killed.
Result<CommandResult> RunCommand(const std::vector<std::string>& argv,
                                 const CommandOptions& options = {});

// The same, with a non-zero exit turned into kInternal "TOOL failed with status N" whose message
// ends with the last lines of output and whose location is the log file.
Result<CommandResult> RunCommandChecked(const std::vector<std::string>& argv,
                                        const CommandOptions& options = {});

// Full path of `tool` in PATH, if it is there and executable.
std::optional<std::string> FindTool(std::string_view tool);
// The kNotFound that RunCommand gives for a missing tool: to check for it before long work.
Status RequireTool(std::string_view tool);

}  // namespace tf2

#endif  // TF2_BASE_SUBPROCESS_H_
