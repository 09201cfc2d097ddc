// ONNX to the float graph. Reads a binary ModelProto (opsets 1 to 24 of the default domain,
// operators that docs/operators.md lists), gives every value a static shape
// and returns a verified graph. What tf2 does not understand is refused with the node, the
// operator, the attribute and what to do about it.
#ifndef TF2_IMPORT_ONNX_ONNX_IMPORTER_H_
#define TF2_IMPORT_ONNX_ONNX_IMPORTER_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::import::onnx {

struct ImportOptions {
  // Complete shapes of graph inputs by name, batch included; used as given. An input that is not
  // listed takes the shape of the file with its batch (axis 0) set to 1.
  // The empty name stands for the only input.
  std::map<std::string, ir::Shape> input_shapes;
  // Most bytes that all constants of the graph may take.
  std::int64_t max_constant_bytes = std::int64_t{8} << 30;
};

// Reads the model at `path`.
//
// Batch: axis 0 of an input is the batch. Where it is open, or a number other than 1, it becomes 1,
// and a constant target shape of a Reshape that begins with the old batch follows. Other open
// dimensions need `input_shapes`. Numbers: float16, bfloat16 and double weights become float32;
// every integer and bool become int64. 8-bit floats and strings are refused. Weights must be
// finite. Initialisers may also be listed as inputs. External data is read from files beside the
// model, never from outside its folder. Folding: transposes and reshapes of constants are done
// here. The operands of shape arithmetic (Shape, Gather, Concat, ...) are evaluated, so that no
// shape depends on it, but its nodes stay for the passes. If takes the branch of a condition that
// is known then; functions of the model are expanded. Errors: kNotFound/kIo for the file,
// kDataLoss for a damaged one, kInvalidArgument for an ill-formed graph or a missing shape,
// kUnsupported for what tf2 cannot do.
Result<ir::Graph> ImportOnnx(const std::string& path, const ImportOptions& options = {});

// The same for a model in memory. External data is refused.
Result<ir::Graph> ImportOnnxFromMemory(std::span<const std::uint8_t> bytes,
                                       const ImportOptions& options = {});

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_ONNX_IMPORTER_H_
