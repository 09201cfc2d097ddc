// Helpers of the tests of src/dataset: files of every kind made in memory.
#ifndef TF2_DATASET_TEST_UTIL_H_
#define TF2_DATASET_TEST_UTIL_H_

#include <lzma.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace tf2::dataset {

using Bytes = std::vector<std::uint8_t>;

inline Bytes ToBytes(std::string_view text) { return {text.begin(), text.end()}; }

// A .npy file of version 1 with the dictionary's values as given.
inline Bytes NpyFile(const std::string& descr, const std::string& fortran, const std::string& shape,
                     std::span<const std::uint8_t> elements) {
  std::string dict =
      "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
  while ((10 + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  ByteWriter writer;
  writer.WriteBytes(ToBytes("\x93NUMPY"));
  writer.Write<std::uint8_t>(1);
  writer.Write<std::uint8_t>(0);
  writer.Write(static_cast<std::uint16_t>(dict.size()));
  writer.WriteBytes(ToBytes(dict));
  writer.WriteBytes(elements);
  return std::move(writer).Take();
}

template <typename T>
Bytes ElementBytesOf(const std::vector<T>& values) {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(values.data());
  return {raw, raw + values.size() * sizeof(T)};
}

// idx with byte elements.
inline Bytes IdxFile(const std::vector<std::uint32_t>& dims,
                     std::span<const std::uint8_t> elements) {
  Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(dims.size())};
  for (const std::uint32_t dim : dims) {
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(dim >> shift));
  }
  bytes.insert(bytes.end(), elements.begin(), elements.end());
  return bytes;
}

inline Bytes Gzip(std::span<const std::uint8_t> plain) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes packed(deflateBound(&stream, plain.size()) + 32);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline Bytes Xz(std::span<const std::uint8_t> plain) {
  Bytes packed(lzma_stream_buffer_bound(plain.size()));
  std::size_t at = 0;
  if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, nullptr, plain.data(), plain.size(),
                              packed.data(), &at, packed.size()) != LZMA_OK) {
    std::abort();
  }
  packed.resize(at);
  return packed;
}

// A zip file of members, deflated or stored.
inline Bytes ZipFile(const std::vector<std::pair<std::string, Bytes>>& members, bool deflated) {
  ByteWriter zip;
  ByteWriter directory;
  for (const auto& [name, bytes] : members) {
    Bytes packed = bytes;
    if (deflated) {
      const Bytes gzip = Gzip(bytes);
      packed.assign(gzip.begin() + 10, gzip.end() - 8);
    }
    const auto offset = static_cast<std::uint32_t>(zip.size());
    const auto fields = [&, size = bytes.size(), crc = Crc32(bytes),
                         name_size = name.size()](ByteWriter& out) {
      out.Write<std::uint16_t>(20);
      out.Write<std::uint16_t>(0);
      out.Write<std::uint16_t>(deflated ? 8 : 0);
      out.Write<std::uint32_t>(0);
      out.Write(crc);
      out.Write(static_cast<std::uint32_t>(packed.size()));
      out.Write(static_cast<std::uint32_t>(size));
      out.Write(static_cast<std::uint16_t>(name_size));
      out.Write<std::uint16_t>(0);
    };
    zip.Write<std::uint32_t>(0x04034b50);
    fields(zip);
    zip.WriteBytes(ToBytes(name));
    zip.WriteBytes(packed);
    directory.Write<std::uint32_t>(0x02014b50);
    directory.Write<std::uint16_t>(20);
    fields(directory);
    directory.Write<std::uint16_t>(0);
    directory.Write<std::uint64_t>(0);
    directory.Write(offset);
    directory.WriteBytes(ToBytes(name));
  }
  const auto start = static_cast<std::uint32_t>(zip.size());
  zip.WriteBytes(directory.bytes());
  zip.Write<std::uint32_t>(0x06054b50);
  zip.Write<std::uint32_t>(0);
  zip.Write(static_cast<std::uint16_t>(members.size()));
  zip.Write(static_cast<std::uint16_t>(members.size()));
  zip.Write(static_cast<std::uint32_t>(directory.size()));
  zip.Write(start);
  zip.Write<std::uint16_t>(0);
  return std::move(zip).Take();
}

}  // namespace tf2::dataset

#endif  // TF2_DATASET_TEST_UTIL_H_
