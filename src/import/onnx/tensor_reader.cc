#include "import/onnx/tensor_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little endian");

using Type = onnx_pb::Tensor;

// Bytes that `count` elements take in raw data; two of 4 bits share one.
std::uint64_t RawBytes(std::int32_t data_type, std::int64_t count) {
  const auto n = static_cast<std::uint64_t>(count);
  switch (data_type) {
    case Type::INT4:
    case Type::UINT4:
      return (n + 1) / 2;
    case Type::BOOL:
    case Type::INT8:
    case Type::UINT8:
      return n;
    case Type::FLOAT16:
    case Type::BFLOAT16:
    case Type::INT16:
    case Type::UINT16:
      return 2 * n;
    case Type::FLOAT:
    case Type::INT32:
    case Type::UINT32:
      return 4 * n;
    case Type::DOUBLE:
    case Type::INT64:
    case Type::UINT64:
      return 8 * n;
  }
  TF2_CHECK(false, "MapDataType accepts no other type");
}

float FromHalf(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  float value = 0;
  if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), -24);
  } else if (exponent == 31) {
    value = mantissa != 0 ? std::numeric_limits<float>::quiet_NaN()
                          : std::numeric_limits<float>::infinity();
  } else {
    value = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

float FromBfloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

template <typename T>
T Load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// Element `i` of little-endian `bytes`.
float FloatAt(const char* bytes, std::int32_t data_type, std::size_t i) {
  switch (data_type) {
    case Type::FLOAT:
      return Load<float>(bytes + 4 * i);
    case Type::DOUBLE:
      return static_cast<float>(Load<double>(bytes + 8 * i));
    case Type::FLOAT16:
      return FromHalf(Load<std::uint16_t>(bytes + 2 * i));
    case Type::BFLOAT16:
      return FromBfloat(Load<std::uint16_t>(bytes + 2 * i));
  }
  TF2_CHECK(false, "not a float type");
}

// Half a byte as the integer that it stands for.
std::int64_t FromNibble(std::uint8_t bits, std::int32_t data_type) {
  return data_type == Type::INT4 && bits >= 8 ? bits - 16 : bits;
}

std::int64_t IntAt(const char* bytes, std::int32_t data_type, std::size_t i) {
  switch (data_type) {
    case Type::INT64:
    case Type::UINT64:
      return Load<std::int64_t>(bytes + 8 * i);
    case Type::INT32:
      return Load<std::int32_t>(bytes + 4 * i);
    case Type::UINT32:
      return Load<std::uint32_t>(bytes + 4 * i);
    case Type::INT16:
      return Load<std::int16_t>(bytes + 2 * i);
    case Type::UINT16:
      return Load<std::uint16_t>(bytes + 2 * i);
    case Type::INT8:
      return Load<std::int8_t>(bytes + i);
    case Type::UINT8:
      return Load<std::uint8_t>(bytes + i);
    case Type::BOOL:
      return bytes[i] != 0 ? 1 : 0;
    case Type::INT4:
    case Type::UINT4: {
      const auto both = Load<std::uint8_t>(bytes + i / 2);
      return FromNibble(i % 2 == 0 ? both & 15U : both >> 4U, data_type);
    }
  }
  TF2_CHECK(false, "not an integer type");
}

void FromBytes(std::string_view bytes, std::int32_t data_type, std::size_t count, ir::Tensor& out) {
  if (out.dtype == ir::DType::kFloat32) {
    out.f32.resize(count);
    for (std::size_t i = 0; i < count; ++i) out.f32[i] = FloatAt(bytes.data(), data_type, i);
  } else {
    out.i64.resize(count);
    for (std::size_t i = 0; i < count; ++i) out.i64[i] = IntAt(bytes.data(), data_type, i);
  }
}

// The typed fields; half floats travel in int32_data as their bits, 4-bit integers in pairs.
void FromFields(const onnx_pb::Tensor& tensor, std::size_t count, ir::Tensor& out) {
  switch (tensor.data_type()) {
    case Type::FLOAT:
      out.f32.assign(tensor.float_data().begin(), tensor.float_data().end());
      return;
    case Type::DOUBLE:
      for (double v : tensor.double_data()) out.f32.push_back(static_cast<float>(v));
      return;
    case Type::FLOAT16:
      for (auto v : tensor.int32_data()) out.f32.push_back(FromHalf(static_cast<std::uint16_t>(v)));
      return;
    case Type::BFLOAT16:
      for (auto v : tensor.int32_data())
        out.f32.push_back(FromBfloat(static_cast<std::uint16_t>(v)));
      return;
    case Type::INT64:
      out.i64.assign(tensor.int64_data().begin(), tensor.int64_data().end());
      return;
    case Type::INT32:
    case Type::INT16:
    case Type::UINT16:
    case Type::INT8:
    case Type::UINT8:
      out.i64.assign(tensor.int32_data().begin(), tensor.int32_data().end());
      return;
    case Type::UINT32:
    case Type::UINT64:
      for (auto v : tensor.uint64_data()) out.i64.push_back(static_cast<std::int64_t>(v));
      return;
    case Type::INT4:
    case Type::UINT4:
      for (auto v : tensor.int32_data()) {
        const auto both = static_cast<std::uint32_t>(v);
        for (std::uint32_t shift : {0U, 4U}) {
          if (out.i64.size() < count)
            out.i64.push_back(
                FromNibble(static_cast<std::uint8_t>((both >> shift) & 15U), tensor.data_type()));
        }
      }
      return;
    case Type::BOOL:
      for (auto v : tensor.int32_data()) out.i64.push_back(v != 0 ? 1 : 0);
      return;
  }
  TF2_CHECK(false, "MapDataType accepts no other type");
}

Result<std::uint64_t> ExternalNumber(const std::string& key, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return DataLoss("the {} of the external data is '{}', which is no number", key, text);
  return value;
}

// A regular file below `folder`; links and `..` must not lead out of it.
Result<std::filesystem::path> ExternalPath(const std::filesystem::path& folder,
                                           const std::string& location) {
  namespace fs = std::filesystem;
  const fs::path relative(location);
  const bool climbs = std::find(relative.begin(), relative.end(), fs::path("..")) != relative.end();
  if (location.empty() || relative.is_absolute() || climbs) {
    return WithHint(
        InvalidArgument("external data at '{}' is outside the model's folder", location),
        "external data is only read from files beside the model");
  }
  std::error_code error;
  const fs::path full = fs::canonical(folder / relative, error);
  if (error || !fs::is_regular_file(full, error))
    return NotFound("the external data file '{}' is missing", (folder / relative).string());
  const fs::path root = fs::canonical(folder, error);
  const fs::path inside = full.lexically_relative(root);
  if (error || inside.empty() || *inside.begin() == fs::path(".."))
    return InvalidArgument("external data at '{}' is outside the model's folder", location);
  return full;
}

Result<std::string> ReadExternal(const onnx_pb::Tensor& tensor, std::uint64_t bytes,
                                 const std::optional<std::filesystem::path>& folder) {
  if (!folder) {
    return WithHint(Unsupported("its data lies in another file"),
                    "import the model from a file, or save it with its weights inside");
  }
  std::string location;
  std::uint64_t offset = 0;
  std::uint64_t length = bytes;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") {
      TF2_ASSIGN_OR_RETURN(offset, ExternalNumber("offset", entry.value()));
    }
    if (entry.key() == "length") {
      TF2_ASSIGN_OR_RETURN(length, ExternalNumber("length", entry.value()));
    }
  }
  if (length != bytes)
    return DataLoss("its shape needs {} bytes but its external data has {}", bytes, length);
  TF2_ASSIGN_OR_RETURN(const auto path, ExternalPath(*folder, location));
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error || offset > size || length > size - offset) {
    return DataLoss("the external data file '{}' ends before byte {}", path.string(),
                    offset + length);
  }
  std::string data(length, '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  if (!file.read(data.data(), static_cast<std::streamsize>(length)))
    return IoError("cannot read the external data file '{}'", path.string());
  return data;
}

Status CheckFinite(const ir::Tensor& tensor) {
  const auto bad =
      std::find_if(tensor.f32.begin(), tensor.f32.end(), [](float v) { return !std::isfinite(v); });
  if (bad == tensor.f32.end()) return {};
  return WithHint(
      InvalidArgument("it has {} at {}", std::isnan(*bad) ? "NaN" : "infinity",
                      ir::ToString(ir::Coordinates(tensor.shape, bad - tensor.f32.begin()))),
      "the training has diverged or the file is damaged");
}

// Product of dimensions of which some may be 0.
Result<std::int64_t> CountWithZeros(ir::Shape shape) {
  const auto zeros = std::count(shape.begin(), shape.end(), 0);
  std::replace(shape.begin(), shape.end(), std::int64_t{0}, std::int64_t{1});
  TF2_ASSIGN_OR_RETURN(const std::int64_t count, CheckedElementCount(shape));
  return zeros > 0 ? 0 : count;
}

}  // namespace

std::string DataTypeName(std::int32_t data_type) {
  if (!Type::DataType_IsValid(data_type)) return fmt::format("type {}", data_type);
  return Type::DataType_Name(static_cast<Type::DataType>(data_type));
}

Result<ir::DType> MapDataType(std::int32_t data_type) {
  switch (data_type) {
    case Type::FLOAT:
    case Type::FLOAT16:
    case Type::BFLOAT16:
    case Type::DOUBLE:
      return ir::DType::kFloat32;
    case Type::INT32:
    case Type::INT64:
    case Type::BOOL:
    case Type::INT8:
    case Type::UINT8:
    case Type::INT16:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64:
    case Type::INT4:
    case Type::UINT4:
      return ir::DType::kInt64;
    case Type::FLOAT8E4M3FN:
    case Type::FLOAT8E4M3FNUZ:
    case Type::FLOAT8E5M2:
    case Type::FLOAT8E5M2FNUZ:
    case Type::FLOAT4E2M1:
      return WithHint(Unsupported("element type {} is not supported", DataTypeName(data_type)),
                      "import the float model; `tf2 quantize` makes small weights of it");
    default:
      return Unsupported("element type {} is not supported", DataTypeName(data_type));
  }
}

std::string CastName(std::int32_t data_type) {
  switch (data_type) {
    case Type::FLOAT:
    case Type::FLOAT16:
    case Type::DOUBLE:
      return "f32";
    case Type::BFLOAT16:
      return "bf16";
    case Type::BOOL:
      return "bool";
    case Type::INT8:
    case Type::INT4:
      return "i8";
    case Type::UINT8:
    case Type::UINT4:
      return "u8";
    case Type::INT16:
      return "i16";
    case Type::UINT16:
      return "u16";
    case Type::INT32:
      return "i32";
    case Type::UINT32:
      return "u32";
    default:
      return "i64";
  }
}

Result<std::int64_t> CheckedElementCount(const ir::Shape& shape) {
  if (shape.size() > ir::kMaxRank)
    return Unsupported("it has {} axes; {} are supported", shape.size(), ir::kMaxRank);
  std::int64_t count = 1;
  for (std::int64_t d : shape) {
    if (d <= 0) return InvalidArgument("shape {} has the dimension {}", ir::ToString(shape), d);
    if (__builtin_mul_overflow(count, d, &count) || count > ir::kMaxElements) {
      return ResourceExhausted("shape {} has more than {} elements", ir::ToString(shape),
                               ir::kMaxElements);
    }
  }
  return count;
}

Result<ir::Tensor> ReadTensor(const onnx_pb::Tensor& tensor,
                              const std::optional<std::filesystem::path>& folder,
                              bool check_finite) {
  ir::Tensor out;
  TF2_ASSIGN_OR_RETURN(out.dtype, MapDataType(tensor.data_type()));
  out.shape.assign(tensor.dims().begin(), tensor.dims().end());
  TF2_ASSIGN_OR_RETURN(const std::int64_t count, CountWithZeros(out.shape));
  const std::uint64_t bytes = RawBytes(tensor.data_type(), count);
  const auto elements = static_cast<std::size_t>(count);
  if (tensor.data_location() == Type::EXTERNAL) {
    TF2_ASSIGN_OR_RETURN(const std::string data, ReadExternal(tensor, bytes, folder));
    FromBytes(data, tensor.data_type(), elements, out);
  } else if (tensor.has_raw_data()) {
    if (tensor.raw_data().size() != bytes) {
      return DataLoss("its shape {} of {} needs {} bytes but it has {}", ir::ToString(out.shape),
                      DataTypeName(tensor.data_type()), bytes, tensor.raw_data().size());
    }
    FromBytes(tensor.raw_data(), tensor.data_type(), elements, out);
  } else {
    FromFields(tensor, elements, out);
  }
  const std::size_t held = out.dtype == ir::DType::kFloat32 ? out.f32.size() : out.i64.size();
  if (held != static_cast<std::size_t>(count)) {
    return DataLoss("its shape {} needs {} elements but it has {}", ir::ToString(out.shape), count,
                    held);
  }
  if (check_finite) TF2_RETURN_IF_ERROR(CheckFinite(out));
  return out;
}

}  // namespace tf2::import::onnx
