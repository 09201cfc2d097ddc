#include "dataset/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/files.h"
#include "base/interrupt.h"
#include "dataset/picture.h"
#include "dataset/preprocess.h"
#include "dataset/test_util.h"

namespace tf2::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

const std::string kData = std::string(TF2_SOURCE_DIR) + "/../shared/data";

DatasetOptions Input(std::int64_t c, std::int64_t h, std::int64_t w) {
  DatasetOptions options;
  options.input = {c, h, w};
  return options;
}

class DatasetTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, std::span<const std::uint8_t> bytes) {
    const std::string path = dir_.File(name);
    ASSERT_TRUE(MakeDirectories(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
  }
  // A grey PNG of 2 x 2 pixels of one value.
  void WritePng(const std::string& name, std::uint8_t value) {
    Write(name, *EncodePng({1, 2, 2, Bytes(4, value)}));
  }
  std::unique_ptr<Dataset> Open(const std::string& name, const DatasetOptions& options) {
    auto opened = OpenDataset(dir_.File(name), options);
    EXPECT_TRUE(opened.ok()) << opened.error().ToString();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  Error OpenError(const std::string& name, const DatasetOptions& options) {
    auto opened = OpenDataset(dir_.File(name), options);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? Error() : opened.error();
  }
  ScratchDir dir_ = *ScratchDir::Create();
};

TEST_F(DatasetTest, FolderTakesLabelsFromFileNamesInOrder) {
  WritePng("p/0007_b.png", 70);
  WritePng("p/0003_a.png", 30);
  WritePng("p/x.PNG", 10);
  Write("p/labels.txt", ToBytes("a\nb\n"));
  WritePng("p/.hidden.png", 1);
  const auto set = Open("p", Input(1, 2, 2));
  ASSERT_EQ(set->size(), 3);
  EXPECT_THAT(set->Get(0)->x, ElementsAre(30, 30, 30, 30));
  EXPECT_EQ(set->Get(0)->label, 3);
  EXPECT_EQ(set->Get(1)->label, 7);
  EXPECT_EQ(set->Get(2)->label, std::nullopt);
  EXPECT_THAT(set->Get(1)->name, EndsWith("/p/0007_b.png"));
  EXPECT_THAT(set->Description(), HasSubstr("3 pictures in "));
}

TEST_F(DatasetTest, FolderTakesLabelsFromSubFolders) {
  WritePng("p/dog/1.png", 1);
  WritePng("p/cat/9.png", 2);
  auto options = Input(1, 2, 2);
  auto set = Open("p", options);
  EXPECT_EQ(set->Get(0)->label, 0);  // cat
  EXPECT_EQ(set->Get(1)->label, 1);  // dog
  options.class_names = {"bird", "dog", "cat"};
  set = Open("p", options);
  EXPECT_EQ(set->Get(0)->label, 2);
  EXPECT_EQ(set->Get(1)->label, 1);
  WritePng("q/05_dog/a.png", 1);
  WritePng("q/12/a.png", 1);
  set = Open("q", Input(1, 2, 2));
  EXPECT_EQ(set->Get(0)->label, 5);
  EXPECT_EQ(set->Get(1)->label, 12);
}

TEST_F(DatasetTest, SkipAndLimitChoose) {
  for (int i = 0; i < 5; ++i) WritePng("p/" + std::to_string(i) + ".png", 1);
  auto options = Input(1, 2, 2);
  options.skip = 1;
  options.limit = 3;
  const auto set = Open("p", options);
  EXPECT_EQ(set->size(), 3);
  EXPECT_EQ(set->Get(0)->label, 1);
  EXPECT_EQ(set->Get(2)->label, 3);
  options.limit = 100;
  EXPECT_EQ(Open("p", options)->size(), 4);
  options.skip = 5;
  EXPECT_THAT(OpenError("p", options).message, HasSubstr("nothing is left: --skip 5 of 5"));
  options.skip = -1;
  EXPECT_FALSE(OpenDataset(dir_.File("p"), options).ok());
  options.skip = 0;
  options.limit = 0;
  EXPECT_FALSE(OpenDataset(dir_.File("p"), options).ok());
}

TEST_F(DatasetTest, SinglePictureIsASet) {
  WritePng("7.png", 9);
  const auto set = Open("7.png", Input(3, 2, 2));
  EXPECT_EQ(set->size(), 1);
  EXPECT_EQ(set->Get(0)->x, std::vector<float>(12, 9.f));
  EXPECT_EQ(set->Get(0)->label, 7);
  Write("8.pgm.gz", Gzip(ToBytes("P5 1 1 255\nA")));
  EXPECT_THAT(Open("8.pgm.gz", Input(1, 1, 1))->Get(0)->x, ElementsAre('A'));
}

TEST_F(DatasetTest, BadPicturesNameTheFileAndTheRemedy) {
  Write("p/1_text.jpg", ToBytes("hello"));
  Write("p/2_empty.png", {});
  WritePng("p/3_small.png", 1);
  Bytes cut = *EncodePng({1, 2, 2, Bytes(4, 1)});
  cut.resize(cut.size() / 2);
  Write("p/4_cut.png", cut);
  const auto set = Open("p", Input(1, 4, 4));
  EXPECT_THAT(set->Get(0).error().ToString(), HasSubstr("1_text.jpg: this is not a picture"));
  EXPECT_THAT(set->Get(1).error().ToString(), HasSubstr("2_empty.png: the file is empty"));
  EXPECT_THAT(set->Get(2).error().ToString(), HasSubstr("--resize 4"));
  EXPECT_THAT(set->Get(3).error().ToString(), HasSubstr("4_cut.png: the PNG file is damaged"));
}

TEST_F(DatasetTest, NpyOfEveryType) {
  const auto options = Input(1, 1, 2);
  Write("a.npy", NpyFile("|u1", "False", "(2, 1, 2)", ToBytes("abcd")));
  EXPECT_THAT(Open("a.npy", options)->Get(1)->x, ElementsAre('c', 'd'));
  Write("b.npy", NpyFile("<f8", "True", "(2, 1, 1, 2)", ElementBytesOf<double>({1, 2, 3, 4})));
  EXPECT_THAT(Open("b.npy", options)->Get(0)->x, ElementsAre(1, 3));
  Write("c.npy.xz",
        Xz(NpyFile("<i8", "False", "(3, 2)", ElementBytesOf<std::int64_t>({1, 2, 3, 4, 5, 6}))));
  auto limited = options;
  limited.limit = 2;
  EXPECT_EQ(Open("c.npy.xz", limited)->size(), 2);
  EXPECT_THAT(Open("c.npy.xz", options)->Get(2)->x, ElementsAre(5, 6));
  EXPECT_EQ(Open("c.npy.xz", options)->Get(2)->label, std::nullopt);
}

TEST_F(DatasetTest, NpyWithNanNamesTheSample) {
  Write("a.npy", NpyFile("<f4", "False", "(2, 1, 1)",
                         ElementBytesOf<float>({1, std::numeric_limits<float>::quiet_NaN()})));
  const auto set = Open("a.npy", Input(1, 1, 1));
  EXPECT_TRUE(set->Get(0).ok());
  EXPECT_THAT(set->Get(1).error().ToString(), HasSubstr("a.npy[1]: a value that is no finite"));
}

TEST_F(DatasetTest, NpyFindsLabelsBesideIt) {
  Write("test_images.npy", NpyFile("|u1", "False", "(2, 1, 1)", ToBytes("ab")));
  Write("test_labels.npy", NpyFile("<i8", "False", "(2,)", ElementBytesOf<std::int64_t>({4, 5})));
  EXPECT_EQ(Open("test_images.npy", Input(1, 1, 1))->Get(1)->label, 5);
  Write("test_labels.npy", NpyFile("<i8", "False", "(1,)", ElementBytesOf<std::int64_t>({4})));
  EXPECT_THAT(OpenError("test_images.npy", Input(1, 1, 1)).ToString(),
              HasSubstr("test_labels.npy: labels [1] do not fit 2 samples"));
}

TEST_F(DatasetTest, NpzHoldsImagesAndLabels) {
  const Bytes x = NpyFile("|u1", "False", "(2, 1, 1)", ToBytes("ab"));
  const Bytes y = NpyFile("<i4", "False", "(2,)", ElementBytesOf<std::int32_t>({1, -1}));
  for (const bool deflated : {false, true}) {
    Write("a.npz", ZipFile({{"x.npy", x}, {"y.npy", y}}, deflated));
    const auto set = Open("a.npz", Input(1, 1, 1));
    EXPECT_THAT(set->Get(0)->x, ElementsAre('a'));
    EXPECT_EQ(set->Get(0)->label, 1);
    EXPECT_THAT(set->Get(1).error().message, HasSubstr("label -1 is no class"));
  }
  Write("b.npz", ZipFile({{"w.npy", x}}, false));
  EXPECT_THAT(OpenError("b.npz", Input(1, 1, 1)).ToString(), HasSubstr("only: w.npy"));
}

TEST_F(DatasetTest, NpzHoldsTheInputsOfANetworkByName) {
  const Bytes left = NpyFile("<f4", "False", "(2, 2)", ElementBytesOf<float>({1, 2, 3, 4}));
  const Bytes right = NpyFile("<f4", "False", "(2, 1)", ElementBytesOf<float>({5, 6}));
  const Bytes y = NpyFile("<i4", "False", "(2,)", ElementBytesOf<std::int32_t>({7, 8}));
  Write("two.npz", ZipFile({{"right.npy", right}, {"left.npy", left}, {"y.npy", y}}, true));
  DatasetOptions options = Input(2, 1, 1);
  options.only_member = true;
  const auto open = [&](const std::string& member, std::int64_t c) {
    options.input.c = c;
    options.member = member;
    return Open("two.npz", options);
  };
  std::vector<std::unique_ptr<Dataset>> sets;
  sets.push_back(open("left", 2));
  sets.push_back(open("right", 1));
  const auto joined = JoinDatasets(std::move(sets), {"left", "right"});
  ASSERT_TRUE(joined.ok()) << joined.error().ToString();
  EXPECT_EQ((*joined)->size(), 2);
  const Sample second = *(*joined)->Get(1);
  EXPECT_THAT(second.x, ElementsAre(3, 4, 6));
  EXPECT_EQ(second.label, 8);
  EXPECT_THAT(second.name, HasSubstr("two.npz[1]"));
  EXPECT_THAT((*joined)->Description(), HasSubstr("2 samples of an array in"));

  options.member = "middle";
  EXPECT_THAT(OpenError("two.npz", options).ToString(),
              HasSubstr("no member \"middle\", only: right.npy, left.npy, y.npy"));
  WritePng("folder/a.png", 1);
  EXPECT_THAT(OpenError("folder", options).ToString(), HasSubstr("this is no .npz"));
  EXPECT_THAT(OpenError("folder/a.png", options).ToString(), HasSubstr("--data NAME=PATH"));
}

TEST_F(DatasetTest, AnInputMayBeCalledLikeLabels) {
  const Bytes x = NpyFile("<f4", "False", "(2, 1)", ElementBytesOf<float>({1, 2}));
  const Bytes y = NpyFile("<f4", "False", "(2, 1)", ElementBytesOf<float>({3, 4}));
  Write("xy.npz", ZipFile({{"x.npy", x}, {"y.npy", y}}, false));
  DatasetOptions options = Input(1, 1, 1);
  options.member = "y";
  options.inputs = {"x", "y"};
  options.only_member = true;
  EXPECT_THAT(Open("xy.npz", options)->Get(1)->x, ElementsAre(4));
  EXPECT_FALSE(Open("xy.npz", options)->Get(1)->label.has_value());
  // The only input of a network beside pictures under the usual name: those are the samples.
  options.only_member = false;
  options.inputs = {"y"};
  EXPECT_THAT(Open("xy.npz", options)->Get(1)->x, ElementsAre(2));
  Write("y.npz", ZipFile({{"y.npy", y}}, false));
  EXPECT_THAT(Open("y.npz", options)->Get(1)->x, ElementsAre(4));
}

TEST_F(DatasetTest, JoinedSetsNeedAsManySamples) {
  Write("a.npy", NpyFile("<f4", "False", "(2, 1)", ElementBytesOf<float>({1, 2})));
  Write("b.npy", NpyFile("<f4", "False", "(3, 1)", ElementBytesOf<float>({1, 2, 3})));
  const auto join = [&](std::optional<std::int64_t> limit) {
    DatasetOptions options = Input(1, 1, 1);
    options.limit = limit;
    std::vector<std::unique_ptr<Dataset>> sets;
    sets.push_back(Open("a.npy", options));
    sets.push_back(Open("b.npy", options));
    return JoinDatasets(std::move(sets), {"a", "b"});
  };
  EXPECT_THAT(join({}).error().message, HasSubstr("2 samples for the input \"a\", 3 for \"b\""));
  const auto two = join(2);
  ASSERT_TRUE(two.ok()) << two.error().ToString();
  EXPECT_THAT((*two)->Get(1)->x, ElementsAre(2, 2));
  EXPECT_THAT((*two)->Get(1)->name, HasSubstr("b.npy[1]"));
}

TEST_F(DatasetTest, IdxFindsLabelsBesideIt) {
  Write("t-images-idx3-ubyte.gz", Gzip(IdxFile({3, 1, 2}, ToBytes("abcdef"))));
  Write("t-labels-idx1-ubyte", IdxFile({3}, Bytes{4, 5, 6}));
  auto options = Input(1, 1, 2);
  options.skip = 1;
  options.limit = 1;
  const auto set = Open("t-images-idx3-ubyte.gz", options);
  EXPECT_EQ(set->size(), 1);
  EXPECT_THAT(set->Get(0)->x, ElementsAre('c', 'd'));
  EXPECT_EQ(set->Get(0)->label, 5);
  EXPECT_THAT(OpenError("t-labels-idx1-ubyte", Input(1, 1, 2)).message,
              HasSubstr("holds labels, not pictures"));
}

TEST_F(DatasetTest, CifarIsToldByNameOrSize) {
  Bytes records(4 * 3073, 5);
  records[3073] = 2;
  for (const char* name : {"a.bin", "b"}) {
    Write(name, records);
    const auto set = Open(name, Input(3, 32, 32));
    EXPECT_EQ(set->size(), 4);
    EXPECT_EQ(set->Get(1)->label, 2);
  }
  Write("c.bin.gz", Gzip(records));
  auto options = Input(3, 32, 32);
  options.limit = 3;
  EXPECT_EQ(Open("c.bin.gz", options)->size(), 3);
  records.pop_back();
  Write("d.bin", records);
  EXPECT_THAT(OpenError("d.bin", Input(3, 32, 32)).ToString(),
              HasSubstr("d.bin: 12291 bytes are no multiple of the 3073"));
}

TEST_F(DatasetTest, HostileFilesGiveOneClearError) {
  const auto options = Input(3, 32, 32);
  EXPECT_EQ(OpenError("none", options).code, ErrorCode::kNotFound);
  Write("empty", {});
  EXPECT_THAT(OpenError("empty", options).ToString(), HasSubstr("empty: the file is empty"));
  Write("text.txt", ToBytes("hello\n"));
  EXPECT_THAT(OpenError("text.txt", options).ToString(),
              HasSubstr("this text file is no data set that tf2 reads"));
  Write("noise", Bytes{1, 2, 3, 0xff, 0xfe});
  EXPECT_THAT(OpenError("noise", options).message, HasSubstr("this file is no data set"));
  ASSERT_TRUE(MakeDirectories(dir_.File("folder")).ok());
  EXPECT_THAT(OpenError("folder", options).message, HasSubstr("holds no pictures"));
  Write("cut.npy", ToBytes("\x93NUMPY\x01"));
  EXPECT_THAT(OpenError("cut.npy", options).ToString(), HasSubstr("truncated"));
  Write("bad.gz", Bytes{0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  EXPECT_EQ(OpenError("bad.gz", options).code, ErrorCode::kDataLoss);
  // 100 MB of zeros in 100 KB: the array that it says it holds is smaller, so little is unpacked.
  Write("bomb.npy.gz", Gzip(NpyFile("|u1", "False", "(1, 1, 1)", Bytes(20 << 20))));
  EXPECT_TRUE(OpenDataset(dir_.File("bomb.npy.gz"), Input(1, 1, 1)).ok());
  Write("huge.npy.gz", Gzip(NpyFile("|u1", "False", "(1000000, 1000, 1000)", Bytes(1000))));
  EXPECT_EQ(OpenError("huge.npy.gz", Input(1, 1000, 1000)).code, ErrorCode::kDataLoss);
}

TEST_F(DatasetTest, ForEachSampleKeepsTheOrderAndStopsAtErrors) {
  Bytes pixels(200);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i);
  Write("a.npy", NpyFile("|u1", "False", "(200, 1, 1)", pixels));
  const auto set = Open("a.npy", Input(1, 1, 1));
  for (const int threads : {1, 4}) {
    std::int64_t next = 0;
    const Status status =
        ForEachSample(*set, threads, [&](std::int64_t i, Sample&& sample) -> Status {
          EXPECT_EQ(i, next++);
          EXPECT_EQ(sample.x[0], static_cast<float>(i));
          return {};
        });
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(next, 200);
  }
  int calls = 0;
  const Status stopped = ForEachSample(*set, 3, [&](std::int64_t i, Sample&&) -> Status {
    ++calls;
    if (i == 5) return InvalidArgument("enough");
    return {};
  });
  EXPECT_EQ(stopped.error().message, "enough");
  EXPECT_EQ(calls, 6);
  RequestInterrupt();
  const Status cancelled =
      ForEachSample(*set, 2, [](std::int64_t, Sample&&) -> Status { return {}; });
  ClearInterrupt();
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

TEST_F(DatasetTest, ForEachBatchGivesTheRestAtTheEnd) {
  const Bytes values = {0, 1, 2, 3, 4, 5, 6};
  Write("a.npy", NpyFile("|u1", "False", "(7, 1, 1)", values));
  const auto set = Open("a.npy", Input(1, 1, 1));
  std::vector<std::vector<float>> inputs;
  std::vector<std::size_t> sizes;
  const auto take = [&](std::vector<Sample> samples) -> Status {
    sizes.push_back(samples.size());
    for (auto& x : TakeInputs(samples)) inputs.push_back(std::move(x));
    return sizes.size() < 5 ? Status() : InvalidArgument("enough");
  };
  EXPECT_TRUE(ForEachBatch(*set, 3, take).ok());
  EXPECT_THAT(sizes, ElementsAre(3, 3, 1));
  ASSERT_EQ(inputs.size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(inputs[i][0], static_cast<float>(i));
  EXPECT_TRUE(ForEachBatch(*set, 7, take).ok());
  EXPECT_THAT(sizes, ElementsAre(3, 3, 1, 7)) << "no empty batch";
  EXPECT_EQ(ForEachBatch(*set, 2, take).error().message, "enough");
  EXPECT_EQ(sizes.size(), 5U);
}

TEST(RealDataTest, Cifar10) {
  const std::string path = kData + "/cifar10/test_even.bin.xz";
  if (!FileExists(path)) GTEST_SKIP() << "no " << path;
  const auto set = OpenDataset(path, Input(3, 32, 32));
  ASSERT_TRUE(set.ok()) << set.error().ToString();
  ASSERT_EQ((*set)->size(), 5000);
  EXPECT_EQ((*set)->Get(1)->label, 8);
  const Sample last = *(*set)->Get(4999);
  EXPECT_EQ(last.label, 5);
  double sum = 0;
  for (const float value : last.x) sum += value;
  EXPECT_EQ(sum, 365563);
}

TEST(RealDataTest, Mnist) {
  const std::string path = kData + "/mnist/t10k-images-idx3-ubyte.gz";
  if (!FileExists(path)) GTEST_SKIP() << "no " << path;
  auto options = Input(1, 28, 28);
  options.preprocessing.std = {256};
  const auto set = OpenDataset(path, options);
  ASSERT_TRUE(set.ok()) << set.error().ToString();
  ASSERT_EQ((*set)->size(), 10000);
  EXPECT_EQ((*set)->Get(0)->label, 7);
  const Sample last = *(*set)->Get(9999);
  EXPECT_EQ(last.label, 6);
  double sum = 0;
  for (const float value : last.x) sum += value;
  EXPECT_EQ(sum * 256, 41833);
}

TEST(RealDataTest, Photographs) {
  const std::string path = kData + "/imagenet";
  if (!IsDirectory(path)) GTEST_SKIP() << "no " << path;
  auto options = Input(3, 227, 227);
  options.preprocessing.order = ChannelOrder::kBgr;
  options.preprocessing.mean = {104, 117, 123};
  const auto set = OpenDataset(path, options);
  ASSERT_TRUE(set.ok()) << set.error().ToString();
  ASSERT_EQ((*set)->size(), 500);
  const Sample first = *(*set)->Get(0);
  EXPECT_EQ(first.label, 0);
  EXPECT_EQ((*set)->Get(21)->label, 42);
  // As numpy computes it from Pillow's pixels.
  EXPECT_EQ(Crc32(ElementBytesOf(first.x)), 2001164696u);
}

}  // namespace
}  // namespace tf2::dataset
