#include "dataset/picture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

// jpeglib.h needs size_t and FILE from <cstdio>.
#include <jpeglib.h>

#include "base/files.h"
#include "base/rng.h"
#include "dataset/test_util.h"

namespace tf2::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Picture Gradient(int c, int h, int w) {
  Picture picture{c, h, w, {}};
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      for (int k = 0; k < c; ++k) {
        picture.pixels.push_back(static_cast<std::uint8_t>(y * 3 + x * 2 + k * 40));
      }
    }
  }
  return picture;
}

Bytes EncodeJpeg(const Picture& picture, bool progressive) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = static_cast<JDIMENSION>(picture.w);
  info.image_height = static_cast<JDIMENSION>(picture.h);
  info.input_components = picture.c;
  info.in_color_space = picture.c == 1 ? JCS_GRAYSCALE : picture.c == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 98, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(picture.pixels.data()) +
                   info.next_scanline * static_cast<std::size_t>(picture.w * picture.c);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  Bytes bytes(data, data + size);
  jpeg_destroy_compress(&info);
  std::free(data);
  return bytes;
}

void ExpectClose(const Picture& a, const Picture& b, int tolerance) {
  ASSERT_EQ(a.c, b.c);
  ASSERT_EQ(a.h, b.h);
  ASSERT_EQ(a.w, b.w);
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    ASSERT_NEAR(a.pixels[i], b.pixels[i], tolerance) << i;
  }
}

TEST(JpegTest, DecodesGreyAndColour) {
  for (const bool progressive : {false, true}) {
    for (const int c : {1, 3}) {
      const Picture picture = Gradient(c, 20, 31);
      const auto decoded = DecodePicture(EncodeJpeg(picture, progressive));
      ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
      ExpectClose(*decoded, picture, 12);
    }
  }
}

TEST(JpegTest, ConvertsCmyk) {
  Picture white{4, 8, 8, Bytes(256, 0xff)};  // as Adobe writes it: inverted
  const auto decoded = DecodeJpeg(EncodeJpeg(white, false));
  ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
  EXPECT_EQ(decoded->c, 3);
  EXPECT_NEAR(decoded->pixels[0], 255, 2);
}

TEST(JpegTest, RefusesTruncationAtEveryLength) {
  const Bytes whole = EncodeJpeg(Gradient(3, 40, 40), false);
  for (std::size_t n = 0; n + 3 < whole.size(); n += 7) {
    EXPECT_FALSE(DecodeJpeg(std::span(whole).first(n)).ok()) << n;
  }
  EXPECT_THAT(DecodeJpeg(std::span(whole).first(whole.size() - 60)).error().message,
              HasSubstr("truncated"));
}

TEST(JpegTest, RefusesGiantDimensions) {
  Bytes bytes = EncodeJpeg(Gradient(1, 8, 8), false);
  for (std::size_t i = 0; i + 8 < bytes.size(); ++i) {
    if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) {
      for (const std::size_t k : {5u, 7u}) bytes[i + k] = 0xea;  // 59,9xx pixels a side
      break;
    }
  }
  EXPECT_EQ(DecodeJpeg(bytes).error().code, ErrorCode::kResourceExhausted);
}

TEST(PngTest, RoundTrips) {
  for (const int c : {1, 3}) {
    const Picture picture = Gradient(c, 13, 17);
    const auto decoded = DecodePicture(*EncodePng(picture));
    ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
    EXPECT_EQ(decoded->c, c);
    EXPECT_EQ(decoded->h, 13);
    EXPECT_EQ(decoded->pixels, picture.pixels);
  }
}

TEST(PngTest, RefusesDamage) {
  const Bytes whole = *EncodePng(Gradient(3, 20, 20));
  for (std::size_t n = 0; n + 12 < whole.size(); n += 5) {
    EXPECT_FALSE(DecodePng(std::span(whole).first(n)).ok()) << n;
  }
  Bytes flipped = whole;
  flipped[20] ^= 0x40;
  EXPECT_THAT(DecodePng(flipped).error().message, HasSubstr("the PNG file is damaged"));
}

TEST(PnmTest, ReadsAllFourKinds) {
  EXPECT_THAT(DecodePicture(ToBytes("P2\n# c\n2 1\n255\n7 255\n"))->pixels, ElementsAre(7, 255));
  EXPECT_THAT(DecodePicture(ToBytes("P3 1 1 15 0 7 15"))->pixels, ElementsAre(0, 119, 255));
  EXPECT_THAT(DecodePicture(ToBytes("P5 2 1 255\nab"))->pixels, ElementsAre('a', 'b'));
  const auto colour = DecodePicture(ToBytes("P6\n1 1\n255\nabc"));
  EXPECT_EQ(colour->c, 3);
  EXPECT_THAT(colour->pixels, ElementsAre('a', 'b', 'c'));
  Bytes deep = ToBytes("P5 1 1 65535\n");
  deep.insert(deep.end(), {0x80, 0x00});
  EXPECT_THAT(DecodePicture(deep)->pixels, ElementsAre(128));
}

TEST(PnmTest, RefusesDamage) {
  for (const char* text :
       {"P5 2 1 255\na", "P5 0 1 255\n", "P5 1 1 0\na", "P5 1 1 65536\na", "P5 99999999999 1 255\n",
        "P5 -1 1 255\na", "P5 1", "P2 1 2 255 5", "P2 2 1 255 5 x", "P5 60000 60000 255\n"}) {
    EXPECT_FALSE(DecodePicture(ToBytes(text)).ok()) << text;
  }
}

TEST(PictureTest, RefusesWhatIsNoPicture) {
  EXPECT_EQ(DecodePicture({}).error().message, "the file is empty");
  EXPECT_THAT(DecodePicture(ToBytes("hello, world")).error().ToString(),
              HasSubstr("pictures are JPEG, PNG, PGM or PPM"));
}

TEST(PictureTest, SurvivesRandomDamage) {
  Rng rng(1);
  const std::vector<Bytes> files = {EncodeJpeg(Gradient(3, 24, 24), false),
                                    EncodeJpeg(Gradient(3, 24, 24), true),
                                    *EncodePng(Gradient(3, 24, 24)), ToBytes("P3 2 2 9 1 2 3 4 5")};
  for (int round = 0; round < 400; ++round) {
    Bytes bytes = rng.Pick(files);
    for (int k = 0; k < 3; ++k)
      bytes[rng.Below(bytes.size())] = static_cast<std::uint8_t>(rng.Next());
    const auto decoded = DecodePicture(bytes);
    if (decoded.ok()) {
      EXPECT_EQ(decoded->pixels.size(), static_cast<std::size_t>(decoded->h) *
                                            static_cast<std::size_t>(decoded->w * decoded->c));
    }
  }
}

TEST(PictureTest, PhotographsDecodeAsElsewhere) {
  const std::string folder = std::string(TF2_SOURCE_DIR) + "/../shared/data/imagenet";
  if (!IsDirectory(folder)) GTEST_SKIP() << "no " << folder;
  // Pixels of the first 20 files as Pillow 9.4 decodes them.
  std::uint32_t crc = 0;
  int count = 0;
  const std::vector<std::string> names = *ListDirectory(folder);
  for (const std::string& name : names) {
    if (!name.ends_with(".jpg") || count == 20) continue;
    const auto picture = DecodePicture(*ReadFile(fmt::format("{}/{}", folder, name)));
    ASSERT_TRUE(picture.ok()) << name << picture.error().ToString();
    crc = Crc32(picture->pixels, crc);
    ++count;
  }
  EXPECT_EQ(crc, 3900082358u);
}

}  // namespace
}  // namespace tf2::dataset
