#include "dataset/blob.h"

#include <lzma.h>
#include <zlib.h>

#include <algorithm>
#include <array>

namespace tf2::dataset {
namespace {

constexpr std::array<std::uint8_t, 2> kGzipMagic = {0x1f, 0x8b};
constexpr std::array<std::uint8_t, 6> kXzMagic = {0xfd, '7', 'z', 'X', 'Z', 0};
constexpr std::size_t kChunkBytes = std::size_t{1} << 18;
constexpr std::uint64_t kXzMemoryLimit = std::uint64_t{256} << 20;

template <std::size_t N>
bool StartsWith(std::span<const std::uint8_t> bytes, const std::array<std::uint8_t, N>& magic) {
  return bytes.size() >= N && std::equal(magic.begin(), magic.end(), bytes.begin());
}

// What a decoder made of one call.
enum class Step : std::uint8_t { kMore, kEnd, kDamaged, kTooMuchMemory };

// zlib behind the two functions that UnpackWith needs; a new member continues after the end of the
// last.
class GzipDecoder {
 public:
  explicit GzipDecoder(std::span<const std::uint8_t> packed) : rest_(packed) {
    constexpr int kGzipOnly = 16;
    ok_ = inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK;
  }
  ~GzipDecoder() { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  // Writes to `out`; `written` tells how much.
  Step Next(std::span<std::uint8_t> out, std::size_t& written) {
    if (!ok_) return Step::kTooMuchMemory;
    written = 0;
    while (written < out.size()) {
      const std::size_t feed = std::min<std::size_t>(rest_.size(), std::size_t{1} << 30);
      stream_.next_in = const_cast<Bytef*>(rest_.data());
      stream_.avail_in = static_cast<uInt>(feed);
      stream_.next_out = out.data() + written;
      stream_.avail_out = static_cast<uInt>(out.size() - written);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      rest_ = rest_.subspan(feed - stream_.avail_in);
      written = out.size() - stream_.avail_out;
      if (code == Z_MEM_ERROR) return Step::kTooMuchMemory;
      if (code == Z_STREAM_END) {
        if (!IsGzip(rest_)) return Step::kEnd;
        if (inflateReset(&stream_) != Z_OK) return Step::kDamaged;
      } else if (code != Z_OK) {
        return Step::kDamaged;
      }
    }
    return Step::kMore;
  }

 private:
  z_stream stream_ = {};
  std::span<const std::uint8_t> rest_;
  bool ok_ = false;
};

class XzDecoder {
 public:
  explicit XzDecoder(std::span<const std::uint8_t> packed) {
    ok_ = lzma_stream_decoder(&stream_, kXzMemoryLimit, LZMA_CONCATENATED) == LZMA_OK;
    stream_.next_in = packed.data();
    stream_.avail_in = packed.size();
  }
  ~XzDecoder() { lzma_end(&stream_); }
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;

  Step Next(std::span<std::uint8_t> out, std::size_t& written) {
    if (!ok_) return Step::kTooMuchMemory;
    stream_.next_out = out.data();
    stream_.avail_out = out.size();
    lzma_ret code = LZMA_OK;
    while (stream_.avail_out > 0 && code == LZMA_OK) code = lzma_code(&stream_, LZMA_FINISH);
    written = out.size() - stream_.avail_out;
    if (code == LZMA_STREAM_END) return Step::kEnd;
    if (code == LZMA_MEMLIMIT_ERROR || code == LZMA_MEM_ERROR) return Step::kTooMuchMemory;
    return code == LZMA_OK ? Step::kMore : Step::kDamaged;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ok_ = false;
};

Error TooLarge(std::uint64_t max_bytes) {
  return WithHint(ResourceExhausted("unpacks to more than {} bytes", max_bytes),
                  "unpack the file first (gunzip, unxz); plain files may have any size");
}

template <typename Decoder>
Result<Unpacked> UnpackWith(std::span<const std::uint8_t> packed, std::uint64_t prefix,
                            std::uint64_t max_bytes) {
  Decoder decoder(packed);
  Unpacked result;
  std::vector<std::uint8_t>& bytes = result.bytes;
  while (true) {
    if (bytes.size() >= prefix) {
      result.complete = false;
      return result;
    }
    if (bytes.size() > max_bytes) return TooLarge(max_bytes);
    const std::size_t at = bytes.size();
    const std::size_t chunk =
        std::min<std::uint64_t>({std::max(kChunkBytes, at / 2), prefix - at, max_bytes - at + 1});
    bytes.resize(at + chunk);
    std::size_t written = 0;
    const Step step = decoder.Next(std::span(bytes).subspan(at), written);
    bytes.resize(at + written);
    switch (step) {
      case Step::kMore:
        break;
      case Step::kEnd:
        if (bytes.size() > max_bytes) return TooLarge(max_bytes);
        return result;
      case Step::kDamaged:
        return DataLoss("the compressed data are damaged or truncated after {} unpacked bytes",
                        bytes.size());
      case Step::kTooMuchMemory:
        return ResourceExhausted("unpacking needs more than {} MiB of working memory",
                                 kXzMemoryLimit >> 20);
    }
  }
}

}  // namespace

bool IsGzip(std::span<const std::uint8_t> bytes) { return StartsWith(bytes, kGzipMagic); }

bool IsXz(std::span<const std::uint8_t> bytes) { return StartsWith(bytes, kXzMagic); }

Result<Unpacked> Unpack(std::span<const std::uint8_t> packed, std::uint64_t prefix,
                        std::uint64_t max_bytes) {
  if (IsXz(packed)) return UnpackWith<XzDecoder>(packed, prefix, max_bytes);
  return UnpackWith<GzipDecoder>(packed, prefix, max_bytes);
}

Result<std::vector<std::uint8_t>> InflateRaw(std::span<const std::uint8_t> packed,
                                             std::uint64_t size) {
  if (size > kMaxUnpackedBytes) return TooLarge(kMaxUnpackedBytes);
  // Deflate packs at most 1032 to 1: a larger promise cannot be kept, so nothing is allocated for
  // it.
  constexpr std::uint64_t kMaxRatio = 1032;
  if (packed.size() > kMaxUnpackedBytes || size > packed.size() * kMaxRatio) {
    return DataLoss("{} compressed bytes cannot hold {}", packed.size(), size);
  }
  // One byte more, so that data beyond `size` show.
  std::vector<std::uint8_t> bytes(size + 1);
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return ResourceExhausted("out of memory");
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = bytes.data();
  stream.avail_out = static_cast<uInt>(bytes.size());
  const int code = inflate(&stream, Z_FINISH);
  const std::uint64_t written = bytes.size() - stream.avail_out;
  inflateEnd(&stream);
  if (code != Z_STREAM_END || written != size) {
    return DataLoss("the compressed data are damaged or truncated");
  }
  bytes.resize(size);
  return bytes;
}

Result<Blob> Blob::Open(const std::string& path, std::uint64_t prefix) {
  Blob blob;
  TF2_ASSIGN_OR_RETURN(blob.file_, MappedFile::Open(path));
  const auto bytes = blob.file_.bytes();
  if (!IsGzip(bytes) && !IsXz(bytes)) return blob;
  auto unpacked = Unpack(bytes, prefix);
  if (!unpacked.ok()) return std::move(unpacked.error()).At(path);
  blob.unpacked_ = *std::move(unpacked);
  blob.in_memory_ = true;
  blob.file_ = MappedFile();
  return blob;
}

Blob Blob::FromBytes(std::vector<std::uint8_t> bytes) {
  Blob blob;
  blob.unpacked_.bytes = std::move(bytes);
  blob.in_memory_ = true;
  return blob;
}

}  // namespace tf2::dataset
