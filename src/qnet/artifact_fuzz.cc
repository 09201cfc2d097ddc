// Fuzzes the artifact's reader: whatever it accepts is well-formed, and writing it gives a file
// that reads back equal. Input that begins with the magic is the file itself; other input is a list
// of changes (offset, byte) to a good file, so that no corpus is needed to get past the header.
#include <algorithm>
#include <string_view>

#include "base/result.h"
#include "qnet/artifact.h"
#include "qnet/test_net.h"

namespace {

using tf2::qnet::Artifact;

std::vector<std::uint8_t> GoodFile() {
  Artifact artifact{tf2::qnet::testing::EveryOperator(1), {}};
  artifact.extra[tf2::qnet::kProgramSection] = {1, 2, 3, 4};
  return *SerializeArtifact(artifact);
}

std::vector<std::uint8_t> FileOf(std::span<const std::uint8_t> data) {
  constexpr std::string_view kMagic = "TF2QNET\n";
  if (data.size() >= kMagic.size() && std::ranges::equal(data.first(kMagic.size()), kMagic)) {
    return {data.begin(), data.end()};
  }
  static const std::vector<std::uint8_t> good = GoodFile();
  std::vector<std::uint8_t> file = good;
  for (; data.size() >= 3; data = data.subspan(3)) {
    file[(data[0] + 256U * data[1]) % file.size()] = data[2];
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tf2::qnet::ParseArtifact;
  const auto first = ParseArtifact(FileOf({data, size}), tf2::qnet::Checksums::kIgnore);
  if (!first.ok()) return 0;
  TF2_CHECK(tf2::qnet::Verify(first->net).ok());
  TF2_CHECK(!tf2::qnet::ToText(first->net).empty());
  const auto bytes = SerializeArtifact(*first);
  TF2_CHECK(bytes.ok(), "{}", bytes.error().ToString());
  const auto second = ParseArtifact(*bytes);
  TF2_CHECK(second.ok(), "{}", second.error().ToString());
  TF2_CHECK(second->net == first->net && second->extra == first->extra);
  TF2_CHECK(*SerializeArtifact(*second) == *bytes);
  return 0;
}
