// Mean images: Caffe's BlobProto (binaryproto), read from the wire format, and .npy.
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "dataset/array.h"
#include "dataset/blob.h"
#include "dataset/preprocess.h"

namespace tf2::dataset {
namespace {

constexpr std::int64_t kMaxMeanElements = std::int64_t{1} << 28;

Result<std::uint64_t> ReadVarint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    TF2_ASSIGN_OR_RETURN(const auto byte, reader.Read<std::uint8_t>());
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return DataLoss("a varint of more than ten bytes at offset {}", reader.position());
}

// The fields of BlobProto that matter: num, channels, height, width (1-4), data (5), shape (7) and
// double_data (8).
struct BlobProto {
  std::array<std::int64_t, 4> legacy = {0, 0, 0, 0};
  std::vector<std::int64_t> shape;
  std::vector<float> data;
};

template <typename T>
Status AppendPacked(std::span<const std::uint8_t> bytes, std::vector<float>& data) {
  if (bytes.size() % sizeof(T) != 0) return DataLoss("packed numbers of {} bytes", bytes.size());
  data.reserve(data.size() + bytes.size() / sizeof(T));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    data.push_back(static_cast<float>(value));
  }
  return {};
}

// BlobShape: dim = 1, repeated int64, packed or not.
Status ReadShape(std::span<const std::uint8_t> bytes, std::vector<std::int64_t>& dims) {
  ByteReader reader(bytes);
  while (!reader.AtEnd()) {
    TF2_ASSIGN_OR_RETURN(const auto key, ReadVarint(reader));
    if (key == (1 << 3 | 0)) {
      TF2_ASSIGN_OR_RETURN(const auto dim, ReadVarint(reader));
      dims.push_back(static_cast<std::int64_t>(dim));
    } else if (key == (1 << 3 | 2)) {
      TF2_ASSIGN_OR_RETURN(const auto length, ReadVarint(reader));
      TF2_ASSIGN_OR_RETURN(const auto packed, reader.ReadBytes(length));
      ByteReader inner(packed);
      while (!inner.AtEnd()) {
        TF2_ASSIGN_OR_RETURN(const auto dim, ReadVarint(inner));
        dims.push_back(static_cast<std::int64_t>(dim));
      }
    } else {
      return DataLoss("the shape of the blob is damaged");
    }
  }
  return {};
}

Status ReadDelimited(std::uint64_t field, std::span<const std::uint8_t> bytes, BlobProto& blob) {
  if (field == 5) return AppendPacked<float>(bytes, blob.data);
  if (field == 7) return ReadShape(bytes, blob.shape);
  if (field == 8) return AppendPacked<double>(bytes, blob.data);
  return {};
}

Result<BlobProto> ParseBlobProto(std::span<const std::uint8_t> bytes) {
  BlobProto blob;
  ByteReader reader(bytes);
  while (!reader.AtEnd()) {
    TF2_ASSIGN_OR_RETURN(const auto key, ReadVarint(reader));
    const std::uint64_t field = key >> 3;
    switch (key & 7) {
      case 0: {
        TF2_ASSIGN_OR_RETURN(const auto value, ReadVarint(reader));
        if (field >= 1 && field <= 4) blob.legacy[field - 1] = static_cast<std::int64_t>(value);
        break;
      }
      case 1: {
        TF2_ASSIGN_OR_RETURN(const auto view, reader.ReadBytes(8));
        if (field == 8) TF2_RETURN_IF_ERROR(AppendPacked<double>(view, blob.data));
        break;
      }
      case 2: {
        TF2_ASSIGN_OR_RETURN(const auto length, ReadVarint(reader));
        TF2_ASSIGN_OR_RETURN(const auto view, reader.ReadBytes(length));
        TF2_RETURN_IF_ERROR(ReadDelimited(field, view, blob));
        break;
      }
      case 5: {
        TF2_ASSIGN_OR_RETURN(const auto view, reader.ReadBytes(4));
        if (field == 5) TF2_RETURN_IF_ERROR(AppendPacked<float>(view, blob.data));
        break;
      }
      default:
        return DataLoss("wire type {} at offset {}", key & 7, reader.position());
    }
  }
  if (blob.shape.empty()) blob.shape.assign(blob.legacy.begin(), blob.legacy.end());
  return blob;
}

// Stores [c, h, w] after leading dimensions of 1 are dropped.
Status Store(std::vector<std::int64_t> dims, std::vector<float> values, Preprocessing& p) {
  while (dims.size() > 3 && dims.front() == 1) dims.erase(dims.begin());
  if (dims.size() == 2) dims.insert(dims.begin(), 1);
  if (dims.size() != 3) {
    return InvalidArgument("a mean image has 3 dimensions (channels, height, width), not {}",
                           dims.size());
  }
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 1 || dim > kMaxMeanElements / count) {
      return DataLoss("a mean image of {} x {} x {}", dims[0], dims[1], dims[2]);
    }
    count *= dim;
  }
  if (count != static_cast<std::int64_t>(values.size())) {
    return DataLoss("a mean image of {} x {} x {} with {} values", dims[0], dims[1], dims[2],
                    values.size());
  }
  p.mean_image = std::move(values);
  p.mean_image_dims.assign(dims.begin(), dims.end());
  return {};
}

Status StoreNpy(std::span<const std::uint8_t> bytes, Preprocessing& p) {
  TF2_ASSIGN_OR_RETURN(const ArrayHeader header, ParseNpyHeader(bytes));
  TF2_ASSIGN_OR_RETURN(const Array array, ViewArray(header, bytes));
  std::int64_t count = 1;
  for (const std::int64_t dim : array.dims) count *= dim;
  if (count > kMaxMeanElements) return ResourceExhausted("{} elements", count);
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* at = array.data;
    std::int64_t rest = i;
    for (std::size_t k = array.dims.size(); k-- > 0;) {
      at += rest % array.dims[k] * array.strides[k];
      rest /= array.dims[k];
    }
    values.push_back(static_cast<float>(LoadElement(array.type, at)));
  }
  return Store(array.dims, std::move(values), p);
}

Status StoreProto(std::span<const std::uint8_t> bytes, Preprocessing& p) {
  auto blob = ParseBlobProto(bytes);
  if (!blob.ok() || blob->data.empty()) {
    return WithHint(
        InvalidArgument("this is not a mean image: neither Caffe's binaryproto nor .npy"),
        "give one value per channel with --mean instead");
  }
  return Store(std::move(blob->shape), std::move(blob->data), p);
}

}  // namespace

Status ParseMeanImage(std::span<const std::uint8_t> bytes, Preprocessing& preprocessing) {
  return IsNpy(bytes) ? StoreNpy(bytes, preprocessing) : StoreProto(bytes, preprocessing);
}

Status ReadMeanImage(const std::string& path, Preprocessing& preprocessing) {
  TF2_ASSIGN_OR_RETURN(const Blob blob, Blob::Open(path));
  Status status = ParseMeanImage(blob.bytes(), preprocessing);
  if (!status.ok()) return std::move(status.error()).At(path);
  return {};
}

}  // namespace tf2::dataset
