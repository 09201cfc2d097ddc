// Caffe to the float graph. Reads a network description (prototxt: current, V1 or V0 layers)
// and a binary caffemodel with its weights, and returns a verified graph of the network in its TEST
// phase. What tf2 does not understand is refused with the layer, its type, the parameter and what
// to do about it.
#ifndef TF2_IMPORT_CAFFE_CAFFE_IMPORTER_H_
#define TF2_IMPORT_CAFFE_CAFFE_IMPORTER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::import::caffe {

struct ImportOptions {
  // Complete shapes of network inputs by blob name, batch included; used as given. An input that is
  // not listed takes the shape of the prototxt with its batch (axis 0) set to 1. Needed for Data
  // layers, which state none.
  // The empty name stands for the only input.
  std::map<std::string, ir::Shape> input_shapes;
  // Most bytes that all constants of the graph may take.
  std::int64_t max_constant_bytes = std::int64_t{8} << 30;
  // Draw weights with this seed instead of reading them: to try a structure without its weights.
  // Scaled so that activations keep a mean square near 1 through any depth when the inputs have
  // it; batch normalisations get statistics that fit.
  std::optional<std::uint64_t> random_weights;
};

// Reads the network at `prototxt_path` with the weights at `caffemodel_path`, matched by layer
// name.
//
// Layers: those of the TEST phase. Data layers become inputs, layers that need only labels or
// compute losses and accuracies are left out, SoftmaxWithLoss becomes Softmax. In-place layers get
// values of their own. Outputs: blobs that no layer reads, in order. Errors: kNotFound/kIo for the
// files, kDataLoss for damaged ones, kInvalidArgument for an ill-formed network, missing shape or
// missing weights (names the layer), kUnsupported for what tf2 cannot do.
Result<ir::Graph> ImportCaffe(const std::string& prototxt_path,
                              const std::optional<std::string>& caffemodel_path,
                              const ImportOptions& options = {});

// The same from memory: the text of the prototxt and the bytes of the caffemodel (empty: no
// weights).
Result<ir::Graph> ImportCaffeFromMemory(std::string_view prototxt,
                                        std::span<const std::uint8_t> caffemodel,
                                        const ImportOptions& options = {});

}  // namespace tf2::import::caffe

#endif  // TF2_IMPORT_CAFFE_CAFFE_IMPORTER_H_
