#include "base/hash.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace tf2 {
namespace {

std::vector<std::uint8_t> Bytes(std::string_view text) { return {text.begin(), text.end()}; }

TEST(HashTest, Crc32OfTheCheckString) {
  EXPECT_EQ(Crc32(Bytes("123456789")), 0xcbf43926u);
  EXPECT_EQ(Crc32(Bytes("6789"), Crc32(Bytes("12345"))), 0xcbf43926u);
  EXPECT_EQ(Crc32({}), 0u);
}

TEST(HashTest, Hash64IsStable) {
  EXPECT_EQ(Hash64(""), 0u);
  EXPECT_EQ(Hash64("tf2"), 0x78337b2696ec5cb9u);
  EXPECT_EQ(Hash64("a longer text than a word"), 0x3e16e3e698b5635cu);
}

TEST(HashTest, Hash64SeesLengthsPositionsAndSeeds) {
  std::set<std::uint64_t> seen;
  for (std::size_t n = 0; n < 100; ++n) seen.insert(Hash64(std::string(n, '\0')));
  std::string text(64, 'x');
  for (std::size_t i = 0; i < 64; ++i) {
    text[i] = 'y';
    seen.insert(Hash64(text));
    text[i] = 'x';
  }
  for (std::uint64_t seed = 1; seed < 50; ++seed) seen.insert(Hash64("x", seed));
  EXPECT_EQ(seen.size(), 213u);
}

TEST(HasherTest, PartsDoNotRunTogether) {
  EXPECT_NE(Hasher().Add("ab").Add("c").Digest(), Hasher().Add("a").Add("bc").Digest());
  EXPECT_NE(Hasher().Add("a").Add("").Digest(), Hasher().Add("a").Digest());
  EXPECT_NE(Hasher().Add(std::int64_t{1}).Digest(), Hasher().Add(std::int64_t{2}).Digest());
  EXPECT_EQ(Hasher().Add("a").Hex().size(), 16u);
}

}  // namespace
}  // namespace tf2
