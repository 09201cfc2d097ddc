// Every case of Debian's libonnx-testdata: passed, refused with a reason, never wrong.
#include <gtest/gtest.h>

#include <cstdio>

#include "base/files.h"
#include "tests/conformance/case.h"

namespace tf2::conformance {
namespace {

constexpr const char* kRoot = "/usr/share/libonnx-testdata/data/";

struct Count {
  int passed = 0, refused = 0, failed = 0;
};

// Runs the cases of one folder of the data.
Count RunFolder(const std::string& folder) {
  Count count;
  const auto names = ListDirectory(kRoot + folder);
  if (!names.ok()) {
    ADD_FAILURE() << names.error().ToString();
    return count;
  }
  for (const std::string& name : *names) {
    const std::string path = kRoot + folder + "/" + name;
    if (!FileExists(path + "/model.onnx")) continue;
    const auto test = ReadCase(path, name);
    // Sequences and optionals are no tensors: their files do not parse as one.
    const Verdict verdict =
        test.ok() ? Run(*test) : Verdict{Outcome::kRefused, test.error().message};
    if (verdict.outcome == Outcome::kPassed) {
      ++count.passed;
      if (LevelAll()) std::printf("  %s passed\n", name.c_str());
    }
    if (verdict.outcome == Outcome::kRefused) {
      ++count.refused;
      EXPECT_FALSE(verdict.reason.empty()) << name;
      if (LevelAll()) std::printf("  %s refused: %s\n", name.c_str(), verdict.reason.c_str());
    }
    if (verdict.outcome == Outcome::kFailed) {
      ++count.failed;
      ADD_FAILURE() << name << ": " << verdict.reason;
    }
  }
  std::printf("%s: %d passed, %d refused, %d failed\n", folder.c_str(), count.passed, count.refused,
              count.failed);
  return count;
}

// The smallest number of cases that must pass, by folder: what the operators cover today.
class OnnxCases : public testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(OnnxCases, PassOrAreRefused) {
  const auto [folder, least] = GetParam();
  if (!IsDirectory(kRoot)) GTEST_SKIP() << "libonnx-testdata is not installed";
  EXPECT_GE(RunFolder(folder).passed, least);
}

INSTANTIATE_TEST_SUITE_P(LibonnxTestdata, OnnxCases,
                         testing::Values(std::pair("node", 828), std::pair("simple", 7),
                                         std::pair("pytorch-operator", 35),
                                         std::pair("pytorch-converted", 82)));

}  // namespace
}  // namespace tf2::conformance
