// What the commands print: one JSON object, or text for a person; errors on standard error.
#ifndef TF2_CLI_OUTPUT_H_
#define TF2_CLI_OUTPUT_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace tf2::cli {

using Json = nlohmann::ordered_json;

// Prints "tf2: <error>" and its hint; the process's exit status: 130 for kCancelled, else 1.
int Fail(const Error& error);

// One JSON object on one line of standard output.
void PrintJson(const Json& object);

// A table with aligned columns: the first left, the others right.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  void AddRow(std::vector<std::string> row);
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// 0.9914 -> "99.14%".
std::string Percent(double fraction);

}  // namespace tf2::cli

#endif  // TF2_CLI_OUTPUT_H_
