// The command line of the benchmark programs: flags of positive numbers, --isa, and at most one
// artifact; their main().
#ifndef TF2_BENCH_OPTIONS_H_
#define TF2_BENCH_OPTIONS_H_

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/result.h"

namespace tf2::bench {

struct CommandLine {
  std::string artifact;                // empty: none
  std::string isa;                     // empty: the fastest
  std::map<std::string, int> numbers;  // by flag, "--threads"
};

// `numbers`: the flags that there are, with their defaults. Errors: kInvalidArgument.
inline Result<CommandLine> ParseCommandLine(int argc, char** argv,
                                            std::map<std::string, int> numbers) {
  CommandLine line{"", "", std::move(numbers)};
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (!flag.starts_with("-")) {
      if (!line.artifact.empty()) return InvalidArgument("a second artifact: {}", flag);
      line.artifact = flag;
      continue;
    }
    const auto number = line.numbers.find(flag);
    if (flag != "--isa" && number == line.numbers.end())
      return InvalidArgument("unknown flag {}", flag);
    if (++i == argc) return InvalidArgument("{} needs a value", flag);
    if (flag == "--isa") {
      line.isa = argv[i];
      continue;
    }
    const char* const end = argv[i] + std::strlen(argv[i]);
    if (std::from_chars(argv[i], end, number->second).ptr != end || number->second < 1)
      return InvalidArgument("{} {}: not a positive number", flag, argv[i]);
  }
  return line;
}

// The exit status of a program that ends with `status`.
inline int Exit(const Status& status) {
  if (status.ok()) return 0;
  fmt::print(stderr, "{}\n", status.error().ToString());
  return 1;
}

}  // namespace tf2::bench

#endif  // TF2_BENCH_OPTIONS_H_
