// The blobs of a caffemodel by layer name, or random ones in their place.
#ifndef TF2_IMPORT_CAFFE_WEIGHTS_H_
#define TF2_IMPORT_CAFFE_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "import/caffe/caffe.pb.h"
#include "ir/graph.h"

namespace tf2::import::caffe {

// How a blob is drawn where weights are random: roughly normal, at most 3.5 deviations from the
// mean.
struct Fill {
  double mean = 0;
  double deviation = 0;
};

// An error where a blob of `shape` has no or too many elements.
Status CheckBlobShape(const ir::Shape& shape);

class Weights {
 public:
  // Parses a binary caffemodel of any generation; only names and blobs are looked at, so that files
  // of Caffe's forks are read too. Empty bytes give no weights. Errors (kDataLoss): not a
  // caffemodel; says what it looks like.
  static Result<Weights> Parse(std::span<const std::uint8_t> bytes);

  // Weights for every layer, drawn by what the layer asks for. The same seed, layer and blob give
  // the same numbers.
  static Weights Random(std::uint64_t seed);

  bool random() const { return seed_.has_value(); }
  // The number of blobs of a layer; 0 where the file has none for it.
  std::size_t CountOf(const std::string& layer) const;
  // Blob `index` of `layer` as floats of `shape`; `fill` is what it is like where weights are
  // random. The stored shape must be the same but for dimensions of 1: old files pad to four.
  // Errors: missing, another shape, not finite.
  Result<ir::Tensor> Read(const std::string& layer, std::size_t index, const ir::Shape& shape,
                          const Fill& fill) const;

 private:
  using Blobs = google::protobuf::RepeatedPtrField<caffe_pb::BlobProto>;

  void Add(const std::string& layer, const Blobs& blobs);
  const caffe_pb::BlobProto* Find(const std::string& layer, std::size_t index) const;

  std::shared_ptr<const caffe_pb::NetWeights> net_;
  std::unordered_map<std::string, const Blobs*> blobs_;
  std::optional<std::uint64_t> seed_;
};

}  // namespace tf2::import::caffe

#endif  // TF2_IMPORT_CAFFE_WEIGHTS_H_
