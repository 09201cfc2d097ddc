#include "base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tf2 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(BytesTest, RoundTrip) {
  ByteWriter writer;
  writer.Write<std::uint8_t>(7);
  writer.Write<std::int32_t>(-2);
  writer.Write(1.5f);
  writer.WriteString("hello");
  writer.AlignTo(8);
  const std::vector<std::int16_t> values = {1, -1};
  writer.WriteArray<std::int16_t>(values);
  writer.Patch<std::uint8_t>(0, 9);
  ASSERT_EQ(writer.size(), 28u);

  const std::vector<std::uint8_t> bytes = std::move(writer).Take();
  ByteReader reader(bytes);
  EXPECT_EQ(*reader.Read<std::uint8_t>(), 9);
  EXPECT_EQ(*reader.Read<std::int32_t>(), -2);
  EXPECT_EQ(*reader.Read<float>(), 1.5f);
  EXPECT_EQ(*reader.ReadString(), "hello");
  EXPECT_TRUE(reader.Seek(24).ok());
  EXPECT_THAT(*reader.ReadArray<std::int16_t>(2), ElementsAre(1, -1));
  EXPECT_TRUE(reader.AtEnd());
}

TEST(BytesTest, ScalarsAreLittleEndian) {
  ByteWriter writer;
  writer.Write<std::uint32_t>(0x01020304);
  EXPECT_THAT(writer.bytes(), ElementsAre(4, 3, 2, 1));
}

TEST(BytesTest, TruncationIsAnErrorWithItsOffset) {
  const std::vector<std::uint8_t> bytes = {1, 2, 3};
  ByteReader reader(bytes);
  ASSERT_TRUE(reader.Read<std::uint8_t>().ok());
  const auto result = reader.Read<std::uint32_t>();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(result.error().message, HasSubstr("offset 1"));
  EXPECT_FALSE(reader.ReadArray<std::uint64_t>(0xffffffffffffffffu).ok());
  EXPECT_FALSE(reader.ReadBytes(0xffffffffffffffffu).ok());
  EXPECT_FALSE(reader.Skip(3).ok());
  EXPECT_FALSE(reader.Seek(4).ok());
  EXPECT_EQ(reader.remaining(), 2u);
}

TEST(BytesTest, HugeStringLengthIsRefused) {
  const std::vector<std::uint8_t> bytes = {0xff, 0xff, 0xff, 0x7f, 'a'};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.ReadString().error().code, ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace tf2
