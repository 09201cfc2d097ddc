#include "qnet/artifact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/rng.h"
#include "qnet/test_net.h"

namespace tf2::qnet {
namespace {

using ::testing::HasSubstr;

Artifact Sample() {
  Artifact artifact{testing::EveryOperator(4), {}};
  artifact.extra[kProgramSection] = {1, 2, 3};
  artifact.extra["a.note"] = {};
  return artifact;
}

TEST(Artifact, RoundTripsThroughAFile) {
  const auto scratch = *ScratchDir::Create();
  const std::string path = scratch.File("net.tf2");
  const Artifact artifact = Sample();
  ASSERT_TRUE(WriteArtifact(path, artifact).ok());
  EXPECT_TRUE(IsArtifactFile(path));
  const auto read = ReadArtifact(path);
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(read->net, artifact.net);
  EXPECT_EQ(read->extra, artifact.extra);
  EXPECT_EQ(*ReadFile(path), *SerializeArtifact(*read)) << "the same contents give the same bytes";
}

TEST(Artifact, SectionsAreAlignedAndNibblesPacked) {
  const auto bytes = *SerializeArtifact(Sample());
  for (std::size_t entry = 64; entry < 64 + 7 * 64; entry += 64)
    EXPECT_EQ(bytes[entry + 32] % 64, 0);
  std::size_t packed = 0;
  for (const Op& op : Sample().net.ops) {
    const auto* conv = std::get_if<Conv>(&op.params);
    if (conv == nullptr) continue;
    for (const auto& term : conv->terms)
      packed += conv->kind == WeightKind::kSac ? (term.size() + 1) / 2 : term.size();
  }
  const std::size_t stored = bytes[64 + 64 + 40] + 256u * bytes[64 + 64 + 41];
  EXPECT_EQ(stored, packed);
}

TEST(Artifact, EveryTruncationIsRefused) {
  const auto bytes = *SerializeArtifact(Sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto result = ParseArtifact(std::span(bytes).first(size));
    ASSERT_FALSE(result.ok()) << size;
    ASSERT_EQ(result.error().code, ErrorCode::kDataLoss);
  }
  EXPECT_THAT(ParseArtifact(std::span(bytes).first(bytes.size() - 1)).error().message,
              HasSubstr("(truncated)"));
}

TEST(Artifact, EveryFlippedByteIsRefused) {
  const auto original = *SerializeArtifact(Sample());
  for (std::size_t i = 0; i < original.size(); ++i) {
    auto bytes = original;
    bytes[i] ^= 0x10;
    ASSERT_FALSE(ParseArtifact(bytes).ok()) << "byte " << i;
  }
}

TEST(Artifact, DamageUnderARightChecksumNeverCrashes) {
  const auto original = *SerializeArtifact(Sample());
  Rng rng(1);
  for (int i = 0; i < 20000; ++i) {
    auto bytes = original;
    for (int flips = 0; flips < 3; ++flips)
      bytes[rng.Below(bytes.size())] = static_cast<std::uint8_t>(rng.Next());
    const auto result = ParseArtifact(bytes, Checksums::kIgnore);
    if (result.ok()) {
      ASSERT_TRUE(Verify(result->net).ok());
    }
  }
}

TEST(Artifact, SaysWhatIsWrong) {
  const auto bytes = *SerializeArtifact(Sample());
  auto newer = bytes;
  newer[8] = 5;
  EXPECT_EQ(ParseArtifact(newer).error().message,
            "the artifact has format version 5, this program reads 4");
  newer[8] = 1;
  EXPECT_EQ(ParseArtifact(newer).error().ToString(),
            "the artifact has format version 1, this program reads 4\n  hint: write it again with "
            "`tf2 quantize` (and `tf2 compile`)");
  auto damaged = bytes;
  damaged.back() ^= 1;
  EXPECT_EQ(ParseArtifact(damaged).error().message,
            "the artifact is damaged: wrong checksum of section \"program\"");
  const std::vector<std::uint8_t> text = {'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'};
  EXPECT_EQ(ParseArtifact(text).error().message,
            "not a tf2 artifact: it does not begin with TF2QNET");
  EXPECT_EQ(ParseArtifact({}).error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(ReadArtifact("/nonexistent/net.tf2").error().ToString(),
              HasSubstr("/nonexistent/net.tf2"));
  EXPECT_FALSE(IsArtifactFile("/nonexistent/net.tf2"));
}

TEST(Artifact, RefusesToWriteWhatItWouldNotRead) {
  const auto scratch = *ScratchDir::Create();
  Artifact artifact = Sample();
  artifact.extra["weights"] = {1};
  EXPECT_THAT(SerializeArtifact(artifact).error().message, HasSubstr("reserved"));
  artifact.extra = {{"Name", {1}}};
  EXPECT_THAT(SerializeArtifact(artifact).error().message, HasSubstr("cannot be a section's name"));
  artifact.extra.clear();
  artifact.net.outputs.clear();
  const std::string path = scratch.File("net.tf2");
  EXPECT_FALSE(WriteArtifact(path, artifact).ok());
  EXPECT_FALSE(FileExists(path));
  EXPECT_FALSE(WriteArtifact("/nonexistent/net.tf2", Sample()).ok());
}

TEST(Artifact, AFullDiskIsAMessage) {
  if (!FileExists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Status status = WriteArtifact("/dev/full", Sample());
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().ToString(), HasSubstr("/dev/full"));
}

}  // namespace
}  // namespace tf2::qnet
