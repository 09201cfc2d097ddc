// JPEG through libjpeg-turbo. Its errors leave by longjmp: no object with a destructor lives in the
// frames they cross.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

// jpeglib.h needs size_t and FILE from <cstdio>.
#include <jerror.h>
#include <jpeglib.h>

#include "dataset/picture.h"

namespace tf2::dataset {
namespace {

// A progressive file may repeat scans to burn time; encoders write about ten.
constexpr int kMaxScans = 100;

// State that libjpeg's callbacks reach through cinfo->err.
struct JpegDecoder {
  jpeg_error_mgr errors;  // first: libjpeg's pointer to it is a pointer to this
  jpeg_progress_mgr progress;
  jpeg_decompress_struct info;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool truncated;
};

extern "C" void OnError(j_common_ptr info) {
  auto* decoder = reinterpret_cast<JpegDecoder*>(info->err);
  info->err->format_message(info, decoder->message);
  std::longjmp(decoder->jump, 1);
}

extern "C" void OnMessage(j_common_ptr info, int level) {
  auto* decoder = reinterpret_cast<JpegDecoder*>(info->err);
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) decoder->truncated = true;
}

extern "C" void OnProgress(j_common_ptr info) {
  if (info->is_decompressor == 0) return;
  auto* decoder = reinterpret_cast<JpegDecoder*>(info->err);
  if (decoder->info.input_scan_number <= kMaxScans) return;
  std::snprintf(decoder->message, sizeof(decoder->message), "more than %d scans", kMaxScans);
  std::longjmp(decoder->jump, 1);
}

void Prepare(JpegDecoder& decoder) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = OnError;
  decoder.errors.emit_message = OnMessage;
}

// Reads the header and settles the output's format; false after an error.
bool ReadHeader(JpegDecoder& decoder, const std::uint8_t* data, std::size_t size) {
  if (setjmp(decoder.jump) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.progress.progress_monitor = OnProgress;
  decoder.info.progress = &decoder.progress;
  jpeg_mem_src(&decoder.info, data, size);
  jpeg_read_header(&decoder.info, TRUE);
  switch (decoder.info.jpeg_color_space) {
    case JCS_GRAYSCALE:
      decoder.info.out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      decoder.info.out_color_space = JCS_CMYK;
      break;
    default:
      decoder.info.out_color_space = JCS_RGB;
  }
  jpeg_calc_output_dimensions(&decoder.info);
  return true;
}

// Decodes rows of width * out_color_components bytes into `out`; false after an error.
bool ReadRows(JpegDecoder& decoder, std::uint8_t* out) {
  if (setjmp(decoder.jump) != 0) return false;
  jpeg_start_decompress(&decoder.info);
  const std::size_t stride = std::size_t{decoder.info.output_width} *
                             static_cast<std::size_t>(decoder.info.out_color_components);
  while (decoder.info.output_scanline < decoder.info.output_height) {
    JSAMPROW row = out + stride * decoder.info.output_scanline;
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

// Four bytes a pixel, inverted as Adobe writes them, become three.
std::vector<std::uint8_t> CmykToRgb(const std::vector<std::uint8_t>& cmyk, bool inverted) {
  std::vector<std::uint8_t> rgb(cmyk.size() / 4 * 3);
  for (std::size_t i = 0; i < cmyk.size() / 4; ++i) {
    const int black = inverted ? cmyk[4 * i + 3] : 255 - cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const int ink = inverted ? cmyk[4 * i + c] : 255 - cmyk[4 * i + c];
      rgb[3 * i + c] = static_cast<std::uint8_t>((ink * black + 127) / 255);
    }
  }
  return rgb;
}

// Destroys libjpeg's state at the end of DecodeJpeg.
struct Cleanup {
  jpeg_decompress_struct* info;
  ~Cleanup() { jpeg_destroy_decompress(info); }
};

}  // namespace

Result<Picture> DecodeJpeg(std::span<const std::uint8_t> bytes) {
  JpegDecoder decoder;
  std::memset(&decoder, 0, sizeof(decoder));
  Prepare(decoder);
  const Cleanup cleanup{&decoder.info};
  if (!ReadHeader(decoder, bytes.data(), bytes.size())) {
    return DataLoss("the JPEG file is damaged: {}", decoder.message);
  }
  TF2_RETURN_IF_ERROR(CheckPictureSize(decoder.info.output_height, decoder.info.output_width));
  Picture picture;
  picture.h = static_cast<std::int32_t>(decoder.info.output_height);
  picture.w = static_cast<std::int32_t>(decoder.info.output_width);
  const int components = decoder.info.out_color_components;
  picture.c = components == 1 ? 1 : 3;
  picture.pixels.resize(static_cast<std::size_t>(picture.h) * static_cast<std::size_t>(picture.w) *
                        static_cast<std::size_t>(components));
  if (!ReadRows(decoder, picture.pixels.data())) {
    return DataLoss("the JPEG file is damaged: {}", decoder.message);
  }
  if (decoder.truncated) return DataLoss("the JPEG file is truncated");
  if (components == 4) {
    picture.pixels = CmykToRgb(picture.pixels, decoder.info.saw_Adobe_marker != 0);
  }
  return picture;
}

}  // namespace tf2::dataset
