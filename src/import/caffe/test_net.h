// Small Caffe networks for tests: a prototxt and the blobs of its layers, imported from memory.
#ifndef TF2_IMPORT_CAFFE_TEST_NET_H_
#define TF2_IMPORT_CAFFE_TEST_NET_H_

#include <string>
#include <vector>

#include "import/caffe/caffe.pb.h"
#include "import/caffe/caffe_importer.h"

namespace tf2::import::caffe {

struct TestNet {
  std::string prototxt;
  caffe_pb::NetWeights weights;

  // A network with input data: [1, 4, 6, 6] and these layers.
  explicit TestNet(const std::string& layers);
  // The next blob of a layer; without values 0, 1, 2, ...
  TestNet& Blob(const std::string& layer, const ir::Shape& shape, std::vector<float> values = {});

  Result<ir::Graph> Import(const ImportOptions& options = {}) const;
  // The node lines of the graph's text form; the error where it is refused.
  std::string Text(const ImportOptions& options = {}) const;
};

// The lines of ToText that begin with `%`, without indentation.
std::string NodeLines(const ir::Graph& graph);

// The constant called `name`.
const ir::Tensor& ConstantOf(const ir::Graph& graph, const std::string& name);

}  // namespace tf2::import::caffe

#endif  // TF2_IMPORT_CAFFE_TEST_NET_H_
