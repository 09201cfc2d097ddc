// Reads a prototxt and brings every generation of Caffe's format to the current one.
#ifndef TF2_IMPORT_CAFFE_NET_READER_H_
#define TF2_IMPORT_CAFFE_NET_READER_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "import/caffe/caffe.pb.h"

namespace tf2::import::caffe {

// Parses the text of a prototxt. Fields that the format does not have, or that tf2 does not know,
// are skipped; one that could change what an imported layer computes is logged. Errors (kDataLoss):
// with line and column; says what the bytes look like where they are no prototxt at all.
Result<caffe_pb::NetParameter> ParseNet(std::string_view text);

// The layers that the network has in its TEST phase, as current layers, in order. Errors: a V0 or
// V1 layer of a type that has no name.
Result<std::vector<caffe_pb::LayerParameter>> TestLayers(const caffe_pb::NetParameter& net);

// "layer 'conv1' (Convolution)".
std::string DescribeLayer(const caffe_pb::LayerParameter& layer);

}  // namespace tf2::import::caffe

#endif  // TF2_IMPORT_CAFFE_NET_READER_H_
