#include "import/caffe/weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/file_kind.h"
#include "base/hash.h"
#include "base/rng.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

ir::Shape StoredShape(const caffe_pb::BlobProto& blob) {
  if (blob.has_shape()) return {blob.shape().dim().begin(), blob.shape().dim().end()};
  return {blob.num(), blob.channels(), blob.height(), blob.width()};
}

ir::Shape WithoutOnes(ir::Shape shape) {
  std::erase(shape, 1);
  return shape;
}

std::vector<float> Draw(std::uint64_t seed, std::int64_t count, const Fill& fill) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  // The sum of the four 16-bit parts of a draw has a deviation of 2^16 / sqrt(3).
  const double scale = fill.deviation * 1.7320508075688772 / 65536;
  for (float& v : values) {
    const std::uint64_t bits = rng.Next();
    const auto sum = static_cast<std::int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) +
                                               (bits >> 32 & 0xffff) + (bits >> 48));
    v = static_cast<float>(fill.mean + scale * static_cast<double>(sum - 2 * 0xffff));
  }
  return values;
}

}  // namespace

Status CheckBlobShape(const ir::Shape& shape) {
  std::int64_t count = 1;
  for (std::int64_t d : shape) {
    if (d < 1) return InvalidArgument("a blob of {} has no elements", ir::ToString(shape));
    if (d > ir::kMaxDimension || count > ir::kMaxElements / d)
      return ResourceExhausted("a blob of {} is too large", ir::ToString(shape));
    count *= d;
  }
  return {};
}

Result<Weights> Weights::Parse(std::span<const std::uint8_t> bytes) {
  Weights weights;
  if (bytes.empty()) return weights;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return DataLoss("a protobuf message of more than 2 GiB cannot be a caffemodel");
  auto net = std::make_shared<caffe_pb::NetWeights>();
  const bool parsed = net->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!parsed || net->layer_size() + net->layers_size() == 0) {
    const FileKind kind = GuessFileKind(bytes);
    if (kind.known) {
      Error error = DataLoss("this is no caffemodel but {}", kind.description);
      if (kind.description.find("HDF5") != std::string::npos)
        error.hint = "save the weights as a binary caffemodel: Caffe's net.save";
      return error;
    }
    if (parsed) return DataLoss("this is no caffemodel: it has no layers");
    return WithHint(DataLoss("this is no caffemodel, or it is damaged or cut off"),
                    "a download may have ended early");
  }
  for (const auto& layer : net->layer()) weights.Add(layer.name(), layer.blobs());
  for (const auto& layer : net->layers()) {
    if (layer.has_layer()) {
      weights.Add(layer.layer().name(), layer.layer().blobs());
    } else {
      weights.Add(layer.name(), layer.blobs());
    }
  }
  weights.net_ = std::move(net);
  return weights;
}

Weights Weights::Random(std::uint64_t seed) {
  Weights weights;
  weights.seed_ = seed;
  return weights;
}

void Weights::Add(const std::string& layer, const Blobs& blobs) {
  if (!blobs.empty()) blobs_.insert_or_assign(layer, &blobs);
}

std::size_t Weights::CountOf(const std::string& layer) const {
  const auto it = blobs_.find(layer);
  return it == blobs_.end() ? 0 : static_cast<std::size_t>(it->second->size());
}

const caffe_pb::BlobProto* Weights::Find(const std::string& layer, std::size_t index) const {
  return index < CountOf(layer) ? &blobs_.at(layer)->Get(static_cast<int>(index)) : nullptr;
}

Result<ir::Tensor> Weights::Read(const std::string& layer, std::size_t index,
                                 const ir::Shape& shape, const Fill& fill) const {
  TF2_RETURN_IF_ERROR(CheckBlobShape(shape));
  if (seed_) {
    Hasher hasher;
    hasher.Add(static_cast<std::int64_t>(*seed_)).Add(layer).Add(static_cast<std::int64_t>(index));
    return ir::Tensor::Float(shape, Draw(hasher.Digest(), ir::ElementCount(shape), fill));
  }
  if (net_ == nullptr) {
    return WithHint(InvalidArgument("it needs weights, and no caffemodel was given"),
                    "give the caffemodel with --weights, or try the structure alone with "
                    "--random-weights SEED");
  }
  const caffe_pb::BlobProto* blob = Find(layer, index);
  if (blob == nullptr) {
    const std::size_t count = CountOf(layer);
    if (count > 0)
      return InvalidArgument("the caffemodel has only {} of its blobs, blob {} is missing", count,
                             index);
    return WithHint(
        InvalidArgument("the caffemodel has no weights for it"),
        "prototxt and caffemodel must be of the same network: layers are matched by name");
  }
  const ir::Shape stored = StoredShape(*blob);
  if (WithoutOnes(stored) != WithoutOnes(shape)) {
    return InvalidArgument("blob {} of the caffemodel is {}, the layer needs {}", index,
                           ir::ToString(stored), ir::ToString(shape));
  }
  const bool is_double = blob->data_size() == 0 && blob->double_data_size() > 0;
  const auto held =
      static_cast<std::int64_t>(is_double ? blob->double_data_size() : blob->data_size());
  if (held != ir::ElementCount(shape)) {
    return DataLoss("blob {} of the caffemodel is {} but holds {} numbers", index,
                    ir::ToString(stored), held);
  }
  std::vector<float> data(blob->data().begin(), blob->data().end());
  for (double v : blob->double_data()) {
    if (is_double) data.push_back(static_cast<float>(v));
  }
  const auto bad =
      std::find_if(data.begin(), data.end(), [](float v) { return !std::isfinite(v); });
  if (bad != data.end()) {
    return WithHint(InvalidArgument("blob {} of the caffemodel has {} at {}", index,
                                    std::isnan(*bad) ? "NaN" : "infinity",
                                    ir::ToString(ir::Coordinates(shape, bad - data.begin()))),
                    "the training has diverged or the file is damaged");
  }
  return ir::Tensor::Float(shape, std::move(data));
}

}  // namespace tf2::import::caffe
