#include "dataset/array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/blob.h"
#include "dataset/sources.h"
#include "dataset/test_util.h"

namespace tf2::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Array> ParseNpy(const Bytes& bytes) {
  TF2_ASSIGN_OR_RETURN(const ArrayHeader header, ParseNpyHeader(bytes));
  return ViewArray(header, bytes);
}

TEST(NpyTest, ReadsTypesAndOrders) {
  const Bytes c_order =
      NpyFile("<f4", "False", "(2, 3)", ElementBytesOf<float>({0, 1, 2, 3, 4, 5}));
  const auto array = ParseNpy(c_order);
  ASSERT_TRUE(array.ok()) << array.error().ToString();
  EXPECT_THAT(array->dims, ElementsAre(2, 3));
  EXPECT_THAT(array->strides, ElementsAre(12, 4));
  EXPECT_EQ(LoadElement(array->type, array->data + 12 + 8), 5);

  const Bytes fortran =
      NpyFile("<i8", "True", "(2, 3)", ElementBytesOf<std::int64_t>({0, 3, 1, 4, 2, 5}));
  const auto columns = ParseNpy(fortran);
  EXPECT_THAT(columns->strides, ElementsAre(8, 16));
  EXPECT_EQ(LoadElement(columns->type, columns->data + 8 + 32), 5);
  EXPECT_EQ(ParseNpy(NpyFile("|u1", "False", "(4,)", ToBytes("abcd")))->dims[0], 4);
  EXPECT_EQ(ParseNpy(NpyFile("<f8", "False", "(1,)", Bytes(8)))->type, ElementType::kF64);
}

TEST(NpyTest, RefusesDamage) {
  const Bytes good = NpyFile("|u1", "False", "(4,)", ToBytes("abcd"));
  for (std::size_t n = 0; n < good.size(); ++n) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_FALSE(ParseNpy(cut).ok()) << n;
  }
  EXPECT_THAT(ParseNpy(NpyFile("|O", "False", "(4,)", {})).error().ToString(),
              HasSubstr("elements of type '|O' are not read"));
  EXPECT_FALSE(ParseNpy(NpyFile(">f4", "False", "(1,)", Bytes(4))).ok());
  EXPECT_FALSE(ParseNpy(NpyFile("<f2", "False", "(1,)", Bytes(4))).ok());
  EXPECT_THAT(ParseNpy(NpyFile("|u1", "False", "(0, 4)", {})).error().message,
              HasSubstr("the array [0, 4] is empty"));
  EXPECT_FALSE(ParseNpy(NpyFile("|u1", "False", "()", ToBytes("a"))).ok());
  EXPECT_FALSE(ParseNpy(NpyFile("|u1", "False", "(-1,)", ToBytes("a"))).ok());
  EXPECT_FALSE(ParseNpy(NpyFile("|u1", "Maybe", "(1,)", ToBytes("a"))).ok());
  EXPECT_FALSE(ParseNpy(NpyFile("|u1", "False", "(1 1)", ToBytes("a"))).ok());
  EXPECT_THAT(
      ParseNpy(NpyFile("<f8", "False", "(9999999999, 9999999999)", Bytes(8))).error().message,
      HasSubstr("impossible dimensions"));
  EXPECT_FALSE(ParseNpy(NpyFile("<f8", "False", "(99999999999999999999999, 1)", Bytes(8))).ok());
}

TEST(IdxTest, ReadsAndRefuses) {
  const Bytes good = IdxFile({2, 1, 2}, ToBytes("abcd"));
  const auto header = ParseIdxHeader(good);
  EXPECT_THAT(header->dims, ElementsAre(2, 1, 2));
  EXPECT_TRUE(ViewArray(*header, good).ok());
  EXPECT_THAT(ViewArray(*header, std::span(good).first(18)).error().message,
              HasSubstr("truncated: 18 bytes where an array [2, 1, 2] needs 20"));
  // A prefix holds the first sample.
  EXPECT_THAT(ViewArray(*header, std::span(good).first(18), false)->dims, ElementsAre(1, 1, 2));
  Bytes floats = good;
  floats[2] = 0x0d;
  EXPECT_EQ(ParseIdxHeader(floats).error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(ParseIdxHeader(IdxFile({0, 4}, {})).ok());
  EXPECT_FALSE(ParseIdxHeader(std::span(good).first(10)).ok());
  EXPECT_FALSE(ParseIdxHeader(IdxFile({0xffffffff, 0xffffffff, 0xffffffff}, {})).ok());
}

TEST(CifarTest, SeesRecords) {
  Bytes bytes(2 * 3073);
  bytes[0] = 3;
  bytes[3073] = 9;
  bytes[3074] = 77;
  const auto arrays = ViewCifar(bytes);
  EXPECT_THAT(arrays->pixels.dims, ElementsAre(2, 3, 32, 32));
  EXPECT_EQ(arrays->pixels.data[arrays->pixels.strides[0]], 77);
  EXPECT_EQ(arrays->labels.data[arrays->labels.strides[0]], 9);
  bytes[3073] = 10;
  EXPECT_THAT(ViewCifar(bytes).error().message, HasSubstr("record 1 has label 10"));
  bytes.pop_back();
  EXPECT_FALSE(ViewCifar(bytes).ok());
  bytes.resize(3073);
  EXPECT_FALSE(ViewCifar(std::span(bytes).first(3072), false).ok());
}

TEST(ZipTest, FindsMembers) {
  for (const bool deflated : {false, true}) {
    const Bytes zip = ZipFile({{"a.npy", ToBytes("first")}, {"b", Bytes(5000, 7)}}, deflated);
    EXPECT_TRUE(IsZip(zip));
    EXPECT_THAT(*ListZip(zip), ElementsAre("a.npy", "b"));
    EXPECT_EQ(**ReadZipMember(zip, {"z", "a"}), ToBytes("first"));
    EXPECT_EQ((*ReadZipMember(zip, {"b"}))->size(), 5000u);
    EXPECT_FALSE(ReadZipMember(zip, {"c"})->has_value());
  }
}

TEST(ZipTest, RefusesDamage) {
  const Bytes good = ZipFile({{"a", Bytes(300, 1)}}, true);
  for (std::size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(ReadZipMember(std::span(good).first(n), {"a"}).ok()) << n;
  }
  int survived = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x55;
    const auto member = ReadZipMember(bad, {"a"});
    if (member.ok() && member->has_value()) {
      EXPECT_EQ((*member)->size(), 300u);
      ++survived;
    }
  }
  // Times, versions and the like do not matter; the rest does.
  EXPECT_LT(survived, 60);
}

TEST(BlobTest, UnpacksGzipAndXz) {
  Bytes plain(300000);
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<std::uint8_t>(i * i >> 7);
  for (const Bytes& packed : {Gzip(plain), Xz(plain)}) {
    const auto whole = Unpack(packed);
    ASSERT_TRUE(whole.ok()) << whole.error().ToString();
    EXPECT_TRUE(whole->complete);
    EXPECT_EQ(whole->bytes, plain);
    const auto part = Unpack(packed, 1000);
    EXPECT_FALSE(part->complete);
    EXPECT_EQ(part->bytes, Bytes(plain.begin(), plain.begin() + 1000));
    EXPECT_EQ(Unpack(packed, kWhole, 299999).error().code, ErrorCode::kResourceExhausted);
    EXPECT_TRUE(Unpack(packed, kWhole, 300000).ok());
    EXPECT_EQ(Unpack(std::span(packed).first(packed.size() / 2)).error().code,
              ErrorCode::kDataLoss);
    Bytes damaged = packed;
    damaged[damaged.size() / 2] ^= 1;
    EXPECT_FALSE(Unpack(damaged).ok());
  }
}

TEST(BlobTest, UnpacksSeveralMembers) {
  Bytes packed = Gzip(ToBytes("one"));
  const Bytes second = Gzip(ToBytes("two"));
  packed.insert(packed.end(), second.begin(), second.end());
  EXPECT_EQ(Unpack(packed)->bytes, ToBytes("onetwo"));
}

TEST(LayoutTest, TellsAxes) {
  const auto match = [](std::vector<std::int64_t> dims, InputShape input) {
    Array array;
    array.strides.resize(dims.size());
    array.dims = std::move(dims);
    return MatchLayout(array, input);
  };
  EXPECT_EQ(match({5, 3, 8, 8}, {3, 8, 8})->count, 5);
  EXPECT_EQ(match({5, 8, 8}, {1, 8, 8})->count, 5);
  EXPECT_EQ(match({3, 8, 8}, {3, 8, 8})->count, 1);
  EXPECT_EQ(match({8, 8}, {1, 8, 8})->count, 1);
  EXPECT_EQ(match({5, 192}, {3, 8, 8})->count, 5);
  EXPECT_EQ(match({192}, {3, 8, 8})->count, 1);
  EXPECT_EQ(match({5, 16}, {16, 1, 1})->count, 5);
  EXPECT_EQ(match({5, 1, 8, 8}, {64, 1, 1})->count, 5);
  // A signal and a clip, whose last axes lie in one.
  EXPECT_EQ(match({5, 3, 8}, {3, 8, 1})->count, 5);
  EXPECT_THAT(match({5, 8, 8, 3}, {3, 8, 8}).error().ToString(),
              HasSubstr("transpose(0, 3, 1, 2)"));
  EXPECT_THAT(match({5, 100}, {3, 8, 8}).error().message,
              HasSubstr("an array [5, 100] does not fit the network's input [3, 8, 8]"));
  EXPECT_FALSE(match({1, 5, 3, 8, 8}, {3, 8, 8}).ok());
}

TEST(LayoutTest, ClipsAreReadInOrder) {
  // [n, c, d, h, w] = [2, 1, 2, 2, 3]
  const Bytes bytes = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                       12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
  Array array{bytes.data(), ElementType::kU8, {2, 1, 2, 2, 3}, {12, 12, 6, 3, 1}};
  const InputShape input{1, 2, 6};
  const auto layout = MatchLayout(array, input);
  ASSERT_TRUE(layout.ok()) << layout.error().ToString();
  PixelView second = layout->first;
  second.data += layout->stride;
  EXPECT_EQ(*Preprocess(second, {}, input), std::vector<float>(bytes.begin() + 12, bytes.end()));
  array.strides = {12, 12, 1, 2, 4};  // Fortran's order: no view of [c, d, h * w]
  EXPECT_FALSE(MatchLayout(array, input).ok());
}

}  // namespace
}  // namespace tf2::dataset
