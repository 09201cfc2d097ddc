// Tensors of an ONNX file as tensors of the graph: element types are mapped, sizes checked before
// anything is allocated, and floats must be finite.
#ifndef TF2_IMPORT_ONNX_TENSOR_READER_H_
#define TF2_IMPORT_ONNX_TENSOR_READER_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "ir/graph.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::import::onnx {

// "FLOAT16"; "type 77" for a number that the format does not define.
std::string DataTypeName(std::int32_t data_type);

// The element type that stands for an ONNX one: every float of 16 bits and more becomes f32, every
// integer and BOOL become i64. The others are refused; the error says which type and why.
Result<ir::DType> MapDataType(std::int32_t data_type);

// The type as the attribute `to` of a cast; 16-bit and 64-bit floats are "f32", unknown types by
// "i64".
std::string CastName(std::int32_t data_type);

// Product of the dimensions; an error for a negative one, a zero one, or more than
// ir::kMaxElements.
Result<std::int64_t> CheckedElementCount(const ir::Shape& shape);

// Reads `tensor`. External data is looked up below `folder`, or refused where there is none.
// Errors: kDataLoss for data that does not fill the shape, kInvalidArgument for NaN or infinity
// (with the index), kUnsupported for a type. A rank of 0 and dimensions of 0 are allowed (an empty
// integer list is a legal shape). Infinite and undefined floats are errors unless `check_finite` is
// false.
Result<ir::Tensor> ReadTensor(const onnx_pb::Tensor& tensor,
                              const std::optional<std::filesystem::path>& folder,
                              bool check_finite = true);

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_TENSOR_READER_H_
