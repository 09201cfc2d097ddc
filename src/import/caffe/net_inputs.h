// The inputs of a Caffe network and their shapes: stated at the top of the prototxt, by Input
// layers or, in part, by data layers.
#ifndef TF2_IMPORT_CAFFE_NET_INPUTS_H_
#define TF2_IMPORT_CAFFE_NET_INPUTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "import/caffe/caffe.pb.h"
#include "ir/graph.h"

namespace tf2::import::caffe {

struct NetInput {
  std::string name;
  ir::Shape shape;        // of the file; empty where it states none
  std::int64_t crop = 0;  // of a data layer: height and width
};

// `input`, `input_shape` and `input_dim` of the network.
Result<std::vector<NetInput>> NetInputs(const caffe_pb::NetParameter& net);

// Top `index` of an Input or data layer.
Result<NetInput> LayerInput(const caffe_pb::LayerParameter& layer, int index);

// The shape of an input: `given` where not null, else that of the file with batch 1. Sets `batch`
// to the batch of the file where it was replaced. Errors: no shape, open or absurd dimensions,
// another rank than the file has.
Result<ir::Shape> InputShape(const NetInput& input, const ir::Shape* given, std::int64_t& batch);

}  // namespace tf2::import::caffe

#endif  // TF2_IMPORT_CAFFE_NET_INPUTS_H_
