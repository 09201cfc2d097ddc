// Fuzzes the artifact's reader: whatever it accepts is well-formed, and writing it gives a file
// that reads back equal.
#include "base/result.h"
#include "qnet/artifact.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto first = tf2::qnet::ParseArtifact({data, size}, tf2::qnet::Checksums::kIgnore);
  if (!first.ok()) return 0;
  TF2_CHECK(tf2::qnet::Verify(first->net).ok());
  TF2_CHECK(!tf2::qnet::ToText(first->net).empty());
  const auto bytes = tf2::qnet::SerializeArtifact(*first);
  TF2_CHECK(bytes.ok(), "{}", bytes.error().ToString());
  const auto second = tf2::qnet::ParseArtifact(*bytes);
  TF2_CHECK(second.ok(), "{}", second.error().ToString());
  TF2_CHECK(second->net == first->net && second->extra == first->extra);
  TF2_CHECK(*tf2::qnet::SerializeArtifact(*second) == *bytes);
  return 0;
}
