// PNG through libpng. Its errors leave by longjmp: no object with a destructor lives in the frames
// they cross.
#include <csetjmp>
#include <cstdio>
#include <cstring>

// png.h after <csetjmp>.
#include <png.h>

#include "dataset/picture.h"

namespace tf2::dataset {
namespace {

// State that libpng's callbacks reach.
struct PngDecoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::uint8_t* data = nullptr;
  std::size_t left = 0;
  char message[128] = {};

  ~PngDecoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

extern "C" void OnPngError(png_structp png, png_const_charp text) {
  auto* decoder = static_cast<PngDecoder*>(png_get_error_ptr(png));
  std::snprintf(decoder->message, sizeof(decoder->message), "%s", text);
  png_longjmp(png, 1);
}

extern "C" void OnPngWarning(png_structp, png_const_charp) {}

extern "C" void OnPngRead(png_structp png, png_bytep out, std::size_t size) {
  auto* decoder = static_cast<PngDecoder*>(png_get_io_ptr(png));
  if (size > decoder->left) png_error(png, "truncated");
  std::memcpy(out, decoder->data, size);
  decoder->data += size;
  decoder->left -= size;
}

// Reads the header and asks for grey or RGB of 8 bits; false after an error.
bool ReadHeader(PngDecoder& decoder) {
  if (setjmp(png_jmpbuf(decoder.png)) != 0) return false;
  png_set_read_fn(decoder.png, &decoder, OnPngRead);
  png_set_user_limits(decoder.png, static_cast<png_uint_32>(kMaxPicturePixels),
                      static_cast<png_uint_32>(kMaxPicturePixels));
  constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;
  png_set_chunk_malloc_max(decoder.png, kMaxChunkBytes);
  png_read_info(decoder.png, decoder.info);
  png_set_expand(decoder.png);
  png_set_strip_16(decoder.png);
  png_set_strip_alpha(decoder.png);
  return true;
}

bool Settle(PngDecoder& decoder) {
  if (setjmp(png_jmpbuf(decoder.png)) != 0) return false;
  png_set_interlace_handling(decoder.png);
  png_read_update_info(decoder.png, decoder.info);
  return true;
}

bool ReadRows(PngDecoder& decoder, png_bytepp rows) {
  if (setjmp(png_jmpbuf(decoder.png)) != 0) return false;
  png_read_image(decoder.png, rows);
  png_read_end(decoder.png, nullptr);
  return true;
}

Error Damaged(const PngDecoder& decoder) {
  return DataLoss("the PNG file is damaged: {}", decoder.message);
}

}  // namespace

Result<Picture> DecodePng(std::span<const std::uint8_t> bytes) {
  PngDecoder decoder;
  decoder.data = bytes.data();
  decoder.left = bytes.size();
  decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, OnPngError, OnPngWarning);
  if (decoder.png == nullptr) return ResourceExhausted("out of memory");
  decoder.info = png_create_info_struct(decoder.png);
  if (decoder.info == nullptr) return ResourceExhausted("out of memory");
  if (!ReadHeader(decoder)) return Damaged(decoder);
  const std::int64_t h = png_get_image_height(decoder.png, decoder.info);
  const std::int64_t w = png_get_image_width(decoder.png, decoder.info);
  TF2_RETURN_IF_ERROR(CheckPictureSize(h, w));
  if (!Settle(decoder)) return Damaged(decoder);
  Picture picture;
  picture.c = png_get_channels(decoder.png, decoder.info);
  picture.h = static_cast<std::int32_t>(h);
  picture.w = static_cast<std::int32_t>(w);
  const std::size_t stride = png_get_rowbytes(decoder.png, decoder.info);
  if ((picture.c != 1 && picture.c != 3) ||
      stride != static_cast<std::size_t>(w) * static_cast<std::size_t>(picture.c)) {
    return Unsupported("the PNG file has {} channels", picture.c);
  }
  picture.pixels.resize(stride * static_cast<std::size_t>(h));
  std::vector<png_bytep> rows(static_cast<std::size_t>(h));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = picture.pixels.data() + y * stride;
  if (!ReadRows(decoder, rows.data())) return Damaged(decoder);
  return picture;
}

Result<std::vector<std::uint8_t>> EncodePng(const Picture& picture) {
  TF2_CHECK(picture.c == 1 || picture.c == 3);
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.w);
  image.height = static_cast<png_uint_32>(picture.h);
  image.format = picture.c == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  std::vector<std::uint8_t> bytes;
  if (png_image_write_to_memory(&image, nullptr, &size, 0, picture.pixels.data(), 0, nullptr) !=
      0) {
    bytes.resize(size);
    if (png_image_write_to_memory(&image, bytes.data(), &size, 0, picture.pixels.data(), 0,
                                  nullptr) != 0) {
      bytes.resize(size);
      return bytes;
    }
  }
  return Internal("cannot encode a PNG file: {}", image.message);
}

}  // namespace tf2::dataset
