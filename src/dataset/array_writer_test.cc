// Arrays are written so that array.h, and numpy, read them back to the bit.
#include "dataset/array_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/files.h"
#include "dataset/array.h"

namespace tf2::dataset {
namespace {

Array View(const ArrayHeader& header, const std::vector<std::uint8_t>& bytes) {
  return *ViewArray(header, bytes);
}

TEST(ArrayWriter, NpyIsReadBack) {
  const std::vector<float> values = {0,      -0.0F, 1.5F, std::numeric_limits<float>::denorm_min(),
                                     -3e38F, 7};
  const auto bytes = ToNpy(NamedArray::Floats("x", {2, 3}, values));
  EXPECT_EQ(bytes.size() % 64, 24U);  // the header ends at a multiple of 64
  const auto header = ParseNpyHeader(bytes);
  ASSERT_TRUE(header.ok()) << header.error().ToString();
  EXPECT_EQ(header->type, ElementType::kF32);
  EXPECT_EQ(header->dims, (std::vector<std::int64_t>{2, 3}));
  const Array array = View(*header, bytes);
  EXPECT_EQ(std::memcmp(array.data, values.data(), sizeof(float) * values.size()), 0);
}

TEST(ArrayWriter, NpzIsReadBack) {
  const std::vector<std::int64_t> classes = {1, -2, 3};
  const std::vector<NamedArray> arrays = {
      NamedArray::Int64s("class", {3}, classes),
      {"layer/codes", ElementType::kI16, {1, 2}, {0x00, 0x80, 0xff, 0x7f}}};
  const auto npz = ToNpz(arrays);
  ASSERT_TRUE(npz.ok()) << npz.error().ToString();
  EXPECT_TRUE(IsZip(*npz));
  EXPECT_THAT(*ListZip(*npz), testing::ElementsAre("class.npy", "layer/codes.npy"));
  const auto member = ReadZipMember(*npz, {"layer/codes"});
  ASSERT_TRUE(member.ok() && member->has_value());
  EXPECT_EQ(**member, ToNpy(arrays[1]));
}

TEST(ArrayWriter, NumpyReadsAndRewritesTheSame) {
  const std::string folder = testing::TempDir();
  const std::string path = folder + "tf2_array_writer_test.npz";
  const std::vector<float> values = {1, 2.5F, -3};
  const std::vector<std::int64_t> ints = {5};
  const std::vector<NamedArray> arrays = {NamedArray::Floats("a", {1, 3}, values),
                                          NamedArray::Int64s("b", {1}, ints),
                                          NamedArray::Floats("c", {}, std::span(values).first(1))};
  ASSERT_TRUE(WriteArrays(path, arrays).ok());
  const std::string script =
      "import numpy, sys; z = numpy.load('" + path +
      "'); assert z['a'].dtype == numpy.float32 and z['a'].tolist() == [[1, 2.5, -3]]; "
      "assert z['b'].dtype == numpy.int64 and z['b'].tolist() == [5]; assert z['c'].shape == ()";
  const int numpy = std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null");
  if (numpy != 0) GTEST_SKIP() << "numpy is not here";
  EXPECT_EQ(std::system(("/usr/bin/python3 -c \"" + script + "\"").c_str()), 0);
}

TEST(ReadNumbers, OfBothKindsOfFile) {
  const std::string npz = testing::TempDir() + "tf2_read_numbers_test.npz";
  const std::vector<float> values = {1, 2.5F, -3, 4, 5, 6};
  const std::vector<std::int64_t> ints = {5, -7};
  ASSERT_TRUE(WriteArrays(npz, std::vector{NamedArray::Floats("a", {2, 3}, values),
                                           NamedArray::Int64s("b/c", {2}, ints)})
                  .ok());
  const auto both = ReadNumbers(npz);
  ASSERT_TRUE(both.ok()) << both.error().ToString();
  ASSERT_EQ(both->size(), 2U);
  EXPECT_EQ((*both)[0].name, "a");
  EXPECT_EQ((*both)[0].dims, (std::vector<std::int64_t>{2, 3}));
  EXPECT_THAT((*both)[0].values, testing::ElementsAre(1, 2.5, -3, 4, 5, 6));
  EXPECT_EQ((*both)[1].name, "b/c");
  EXPECT_THAT((*both)[1].values, testing::ElementsAre(5, -7));
  const std::string npy = testing::TempDir() + "tf2_read_numbers_test.npy";
  ASSERT_TRUE(WriteArrays(npy, std::vector{NamedArray::Int64s("x", {2}, ints)}).ok());
  const auto one = ReadNumbers(npy);
  ASSERT_TRUE(one.ok()) << one.error().ToString();
  EXPECT_EQ((*one)[0].name, "");
  ASSERT_TRUE(WriteFileAtomically(npy, std::string_view("text")).ok());
  EXPECT_EQ(ReadNumbers(npy).error().ToString(), npy + ": this is neither a .npy nor a .npz file");
}

TEST(ArrayWriter, Refusals) {
  const std::vector<float> one = {1};
  const NamedArray x = NamedArray::Floats("x", {1}, one);
  EXPECT_EQ(ToNpz(std::vector{x, x}).error().ToString(), "\"x\" cannot name an array of an .npz");
  EXPECT_EQ(CheckArrayPath("out.txt", 1).error().ToString(), "out.txt: name the file .npy or .npz");
  EXPECT_EQ(CheckArrayPath("out.npy", 2).error().ToString(),
            "out.npy: a .npy holds one array, there are 2: name the file .npz");
}

}  // namespace
}  // namespace tf2::dataset
