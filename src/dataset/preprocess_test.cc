#include "dataset/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/files.h"
#include "dataset/test_util.h"

namespace tf2::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// A planar picture whose element (c, y, x) is 100c + 10y + x.
struct Planar {
  Planar(std::int64_t c, std::int64_t h, std::int64_t w) {
    for (std::int64_t k = 0; k < c; ++k) {
      for (std::int64_t y = 0; y < h; ++y) {
        for (std::int64_t x = 0; x < w; ++x) {
          bytes.push_back(static_cast<std::uint8_t>(100 * k + 10 * y + x));
        }
      }
    }
    view = {bytes.data(), ElementType::kU8, {c, h, w}, h * w, w, 1};
  }
  Bytes bytes;
  PixelView view;
};

TEST(PreprocessTest, CropsTheCentreRoundingDown) {
  const Planar picture(1, 4, 5);
  EXPECT_THAT(*Preprocess(picture.view, {}, {1, 1, 2}), ElementsAre(11, 12));
  EXPECT_THAT(*Preprocess(picture.view, {}, {1, 2, 1}), ElementsAre(12, 22));
}

TEST(PreprocessTest, AppliesOrderMeanAndStdInThatOrder) {
  const Planar picture(3, 1, 1);
  Preprocessing p;
  p.order = ChannelOrder::kBgr;
  p.mean = {10, 20, 30};
  p.std = {2, 4, 5};
  EXPECT_THAT(*Preprocess(picture.view, p, {3, 1, 1}),
              ElementsAre((200 - 10) / 2.f, (100 - 20) / 4.f, (0 - 30) / 5.f));
  p.mean = {1};
  p.std = {};
  EXPECT_THAT(*Preprocess(picture.view, p, {3, 1, 1}), ElementsAre(199, 99, -1));
}

TEST(PreprocessTest, ConvertsBetweenGreyAndColour) {
  const Planar grey(1, 1, 2);
  EXPECT_THAT(*Preprocess(grey.view, {}, {3, 1, 2}), ElementsAre(0, 1, 0, 1, 0, 1));
  const Planar colour(3, 1, 1);
  EXPECT_THAT(*Preprocess(colour.view, {}, {1, 1, 1}),
              ElementsAre(FloatNear(0.587f * 100 + 0.114f * 200, 1e-4f)));
  EXPECT_THAT(Preprocess(Planar(2, 4, 4).view, {}, {3, 4, 4}).error().message,
              HasSubstr("2 channel(s) where the network's input has 3"));
}

TEST(PreprocessTest, ResizesWithHalfPixelCentres) {
  const Planar picture(1, 2, 2);  // 0 1 / 10 11
  Preprocessing p;
  p.resize = 4;
  const std::vector<float> expected = {0,    0.25f, 0.75f, 1,    2.5f, 2.75f,  3.25f,  3.5f,
                                       7.5f, 7.75f, 8.25f, 8.5f, 10,   10.25f, 10.75f, 11};
  EXPECT_THAT(*Preprocess(picture.view, p, {1, 4, 4}), Pointwise(FloatNear(1e-5f), expected));
  const Planar wide(1, 2, 4);
  p.resize = 1;
  // Shorter side 1, longer 2: source x 0.5 and 2.5, y 0.5.
  EXPECT_THAT(*Preprocess(wide.view, p, {1, 1, 2}), ElementsAre(5.5f, 7.5f));
  // Its centre: floor((2 - 1) / 2) = 0.
  EXPECT_THAT(*Preprocess(wide.view, p, {1, 1, 1}), ElementsAre(5.5f));
}

TEST(PreprocessTest, CropsTheMeanImageLikewise) {
  const Planar picture(1, 3, 3);
  Preprocessing p;
  p.mean_image = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  p.mean_image_dims = {1, 3, 3};
  ASSERT_TRUE(CheckPreprocessing(p, {1, 1, 1}).ok());
  EXPECT_THAT(*Preprocess(picture.view, p, {1, 1, 1}), ElementsAre(11 - 4));
  EXPECT_THAT(*Preprocess(picture.view, p, {1, 1, 2}), ElementsAre(10 - 3, 11 - 4));
}

TEST(PreprocessTest, FlattensForNetworksThatTakeVectors) {
  const Planar picture(1, 2, 2);
  EXPECT_THAT(*Preprocess(picture.view, {}, {4, 1, 1}), ElementsAre(0, 1, 10, 11));
  Preprocessing p;
  p.mean = {1};
  p.std = {2};
  EXPECT_THAT(*Preprocess(picture.view, p, {4, 1, 1}), ElementsAre(-.5f, 0, 4.5f, 5));
  p.mean = {1, 2, 3, 4};
  EXPECT_FALSE(Preprocess(picture.view, p, {4, 1, 1}).ok());
}

TEST(PreprocessTest, FloatsPassUnchangedAndMustBeFinite) {
  std::vector<float> values = {0.5f, -2, 3};
  PixelView view = {
      reinterpret_cast<const std::uint8_t*>(values.data()), ElementType::kF32, {3, 1, 1}, 4, 4, 4};
  Preprocessing p;
  p.order = ChannelOrder::kBgr;
  EXPECT_THAT(*Preprocess(view, p, {3, 1, 1}), ElementsAre(0.5f, -2, 3));
  p.mean = {1};
  EXPECT_THAT(*Preprocess(view, p, {3, 1, 1}), ElementsAre(2, -3, -.5f));
  values[1] = std::nanf("");
  EXPECT_THAT(Preprocess(view, {}, {3, 1, 1}).error().message, HasSubstr("no finite number"));
  values[1] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(Preprocess(view, {}, {3, 1, 1}).ok());
}

TEST(PreprocessTest, TooSmallSaysWhatToDo) {
  const Planar picture(1, 4, 6);
  const Error error = Preprocess(picture.view, {}, {1, 8, 8}).error();
  EXPECT_EQ(error.message, "6 x 4 pixels are smaller than the network's input of 8 x 8");
  EXPECT_THAT(error.hint, HasSubstr("--resize 8"));
  Preprocessing p;
  p.resize = 5;
  EXPECT_THAT(Preprocess(picture.view, p, {1, 8, 8}).error().message,
              HasSubstr("6 x 4 pixels, resized to 8 x 5, are smaller"));
}

TEST(CheckPreprocessingTest, NamesTheFlag) {
  const InputShape input = {3, 8, 8};
  Preprocessing p;
  p.crop = 9;
  EXPECT_THAT(CheckPreprocessing(p, input).error().message, HasSubstr("--crop 9 does not fit"));
  p.crop = 8;
  EXPECT_TRUE(CheckPreprocessing(p, input).ok());
  p.mean = {1, 2};
  EXPECT_THAT(CheckPreprocessing(p, input).error().message, HasSubstr("--mean has 2 values"));
  p.mean = {std::nanf("")};
  EXPECT_FALSE(CheckPreprocessing(p, input).ok());
  p.mean = {};
  p.std = {1, 0, 1};
  EXPECT_THAT(CheckPreprocessing(p, input).error().message, HasSubstr("--std has a value of 0"));
  p.std = {};
  p.resize = -1;
  EXPECT_FALSE(CheckPreprocessing(p, input).ok());
  p.resize = 0;
  p.mean_image = std::vector<float>(12, 0.f);
  p.mean_image_dims = {3, 2, 2};
  EXPECT_THAT(CheckPreprocessing(p, input).error().message,
              HasSubstr("the mean image is 3 x 2 x 2"));
  EXPECT_FALSE(CheckPreprocessing({}, {0, 1, 1}).ok());
  EXPECT_FALSE(CheckPreprocessing({}, {1 << 20, 1 << 20, 1 << 20}).ok());
}

TEST(ParseTest, NumbersAndOrder) {
  EXPECT_THAT(*ParseNumbers("104,117.5,-3", "--mean"), ElementsAre(104, 117.5f, -3));
  for (const char* text : {"", "1,", ",1", "1,x", "1 2", "nan", "1e99"}) {
    EXPECT_FALSE(ParseNumbers(text, "--mean").ok()) << text;
  }
  EXPECT_EQ(*ParseOrder("bgr"), ChannelOrder::kBgr);
  EXPECT_FALSE(ParseOrder("grb").ok());
}

TEST(MeanImageTest, ReadsNpyAndBinaryproto) {
  const ScratchDir dir = *ScratchDir::Create();
  Preprocessing p;
  ASSERT_TRUE(WriteFileAtomically(dir.File("m.npy"), NpyFile("<f8", "True", "(1, 1, 2, 2)",
                                                             ElementBytesOf<double>({1, 3, 2, 4})))
                  .ok());
  ASSERT_TRUE(ReadMeanImage(dir.File("m.npy"), p).ok());
  EXPECT_THAT(p.mean_image_dims, ElementsAre(1, 2, 2));
  EXPECT_THAT(p.mean_image, ElementsAre(1, 2, 3, 4));
  // num 1, channels 2, height 1, width 1, unpacked and packed data.
  ByteWriter proto;
  proto.WriteBytes(ToBytes(std::string("\x08\x01\x10\x02\x18\x01\x20\x01\x2d", 9)));
  proto.Write(7.f);
  proto.WriteBytes(ToBytes("\x2a\x04"));
  proto.Write(8.f);
  ASSERT_TRUE(WriteFileAtomically(dir.File("m.binaryproto"), proto.bytes()).ok());
  ASSERT_TRUE(ReadMeanImage(dir.File("m.binaryproto"), p).ok());
  EXPECT_THAT(p.mean_image_dims, ElementsAre(2, 1, 1));
  EXPECT_THAT(p.mean_image, ElementsAre(7, 8));
}

TEST(MeanImageTest, RefusesOtherFiles) {
  const ScratchDir dir = *ScratchDir::Create();
  Preprocessing p;
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("\x2a\xff\xff\xff\xff\x7f", 6),
        std::string("\x08\x01\x10\x02\x18\x01\x20\x01\x2a\x04\0\0\0\0", 14)}) {
    ASSERT_TRUE(WriteFileAtomically(dir.File("m"), text).ok());
    EXPECT_FALSE(ReadMeanImage(dir.File("m"), p).ok());
  }
  EXPECT_TRUE(p.mean_image.empty());
}

TEST(MeanImageTest, ReadsCaffesFile) {
  const std::string path =
      std::string(TF2_SOURCE_DIR) + "/../shared/data/models/caffe_cifar10_quick/mean.binaryproto";
  if (!FileExists(path)) GTEST_SKIP() << "no " << path;
  Preprocessing p;
  const Status status = ReadMeanImage(path, p);
  ASSERT_TRUE(status.ok()) << status.error().ToString();
  EXPECT_THAT(p.mean_image_dims, ElementsAre(3, 32, 32));
  double sum = 0;
  for (const float value : p.mean_image) sum += value;
  // CIFAR-10's mean over everything is about 121.
  EXPECT_NEAR(sum / 3072, 121, 2);
}

}  // namespace
}  // namespace tf2::dataset
