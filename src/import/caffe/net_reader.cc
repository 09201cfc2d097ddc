#include "import/caffe/net_reader.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include "base/file_kind.h"
#include "base/log.h"

namespace tf2::import::caffe {
namespace {

using caffe_pb::LayerParameter;
using caffe_pb::V0LayerParameter;
using caffe_pb::V1LayerParameter;

// Keeps the first error, and the unknown fields that matter.
class Collector : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!error_.empty()) return;
    error_ = fmt::format("line {}, column {}: {}", line + 1, column + 1, message);
  }

  void AddWarning(int line, google::protobuf::io::ColumnNumber /*column*/,
                  const std::string& message) override {
    if (warnings_ >= kMaxWarnings || !Matters(message)) return;
    ++warnings_;
    LogWarning("prototxt, line {}: skipped: {}", line + 1, message);
  }

  const std::string& error() const { return error_; }

 private:
  static constexpr int kMaxWarnings = 5;

  // Unknown fields of the layers that are imported, less those that only training or speed depends
  // on.
  static bool Matters(const std::string& message) {
    static constexpr std::array kMessages = {"ConcatParameter",     "ConvolutionParameter",
                                             "EltwiseParameter",    "InnerProductParameter",
                                             "PoolingParameter",    "ReLUParameter",
                                             "SoftmaxParameter",    "ReshapeParameter",
                                             "FlattenParameter",    "BatchNormParameter",
                                             "BiasParameter",       "ScaleParameter",
                                             "LRNParameter",        "MVNParameter",
                                             "SliceParameter",      "PReLUParameter",
                                             "PowerParameter",      "NormalizeParameter",
                                             "PriorBoxParameter",   "DetectionOutputParameter",
                                             "InterpParameter",     "UpsampleParameter",
                                             "ROIPoolingParameter", "ProposalParameter"};
    static constexpr std::array kHarmless = {"engine",
                                             "weight_filler",
                                             "bias_filler",
                                             "filler",
                                             "moving_average_fraction",
                                             "stable_prod_grad",
                                             "force_nd_im2col",
                                             "save_output_param",
                                             "visualize",
                                             "visualize_threshold",
                                             "eps_mode"};
    const auto names = [&message](const char* prefix, const char* word) {
      return message.find(std::string(prefix) + word + "\"") != std::string::npos;
    };
    return std::any_of(kMessages.begin(), kMessages.end(),
                       [&](const char* m) { return names("tf2.caffe_pb.", m); }) &&
           std::none_of(kHarmless.begin(), kHarmless.end(),
                        [&](const char* f) { return names("field named \"", f); });
  }

  std::string error_;
  int warnings_ = 0;
};

// The current name of a V1 layer type; empty where it has none.
std::string_view TypeName(V1LayerParameter::LayerType type) {
  switch (type) {
    case V1LayerParameter::NONE:
      return "";
    case V1LayerParameter::ACCURACY:
      return "Accuracy";
    case V1LayerParameter::BNLL:
      return "BNLL";
    case V1LayerParameter::CONCAT:
      return "Concat";
    case V1LayerParameter::CONVOLUTION:
      return "Convolution";
    case V1LayerParameter::DATA:
      return "Data";
    case V1LayerParameter::DROPOUT:
      return "Dropout";
    case V1LayerParameter::EUCLIDEAN_LOSS:
      return "EuclideanLoss";
    case V1LayerParameter::FLATTEN:
      return "Flatten";
    case V1LayerParameter::HDF5_DATA:
      return "HDF5Data";
    case V1LayerParameter::HDF5_OUTPUT:
      return "HDF5Output";
    case V1LayerParameter::IM2COL:
      return "Im2col";
    case V1LayerParameter::IMAGE_DATA:
      return "ImageData";
    case V1LayerParameter::INFOGAIN_LOSS:
      return "InfogainLoss";
    case V1LayerParameter::INNER_PRODUCT:
      return "InnerProduct";
    case V1LayerParameter::LRN:
      return "LRN";
    case V1LayerParameter::MULTINOMIAL_LOGISTIC_LOSS:
      return "MultinomialLogisticLoss";
    case V1LayerParameter::POOLING:
      return "Pooling";
    case V1LayerParameter::RELU:
      return "ReLU";
    case V1LayerParameter::SIGMOID:
      return "Sigmoid";
    case V1LayerParameter::SOFTMAX:
      return "Softmax";
    case V1LayerParameter::SOFTMAX_LOSS:
      return "SoftmaxWithLoss";
    case V1LayerParameter::SPLIT:
      return "Split";
    case V1LayerParameter::TANH:
      return "TanH";
    case V1LayerParameter::WINDOW_DATA:
      return "WindowData";
    case V1LayerParameter::ELTWISE:
      return "Eltwise";
    case V1LayerParameter::POWER:
      return "Power";
    case V1LayerParameter::SIGMOID_CROSS_ENTROPY_LOSS:
      return "SigmoidCrossEntropyLoss";
    case V1LayerParameter::HINGE_LOSS:
      return "HingeLoss";
    case V1LayerParameter::MEMORY_DATA:
      return "MemoryData";
    case V1LayerParameter::ARGMAX:
      return "ArgMax";
    case V1LayerParameter::THRESHOLD:
      return "Threshold";
    case V1LayerParameter::DUMMY_DATA:
      return "DummyData";
    case V1LayerParameter::SLICE:
      return "Slice";
    case V1LayerParameter::MVN:
      return "MVN";
    case V1LayerParameter::ABSVAL:
      return "AbsVal";
    case V1LayerParameter::SILENCE:
      return "Silence";
    case V1LayerParameter::CONTRASTIVE_LOSS:
      return "ContrastiveLoss";
    case V1LayerParameter::EXP:
      return "Exp";
    case V1LayerParameter::DECONVOLUTION:
      return "Deconvolution";
  }
  return "";
}

// The current name of a V0 layer type; the type itself where it has none, to be refused by name.
std::string_view TypeName(std::string_view v0) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"accuracy", "Accuracy"},
      {"bnll", "BNLL"},
      {"concat", "Concat"},
      {"conv", "Convolution"},
      {"data", "Data"},
      {"dropout", "Dropout"},
      {"euclidean_loss", "EuclideanLoss"},
      {"flatten", "Flatten"},
      {"images", "ImageData"},
      {"innerproduct", "InnerProduct"},
      {"lrn", "LRN"},
      {"padding", "Padding"},
      {"pool", "Pooling"},
      {"relu", "ReLU"},
      {"sigmoid", "Sigmoid"},
      {"softmax", "Softmax"},
      {"softmax_loss", "SoftmaxWithLoss"},
      {"split", "Split"},
      {"tanh", "TanH"},
      {"hdf5_data", "HDF5Data"},
      {"hdf5_output", "HDF5Output"},
      {"infogain_loss", "InfogainLoss"},
      {"multinomial_logistic_loss", "MultinomialLogisticLoss"},
      {"window_data", "WindowData"}};
  for (const auto& [old, current] : kNames) {
    if (old == v0) return current;
  }
  return v0;
}

LayerParameter UpgradeV0(const V1LayerParameter& outer) {
  const V0LayerParameter& old = outer.layer();
  LayerParameter layer;
  layer.set_name(old.name());
  layer.set_type(std::string(TypeName(old.type())));
  if (layer.type() == "Convolution") {
    auto* p = layer.mutable_convolution_param();
    p->set_num_output(old.num_output());
    p->set_bias_term(old.biasterm());
    p->add_kernel_size(old.kernelsize());
    p->add_pad(old.pad());
    p->add_stride(old.stride());
    p->set_group(old.group());
  } else if (layer.type() == "InnerProduct") {
    layer.mutable_inner_product_param()->set_num_output(old.num_output());
    layer.mutable_inner_product_param()->set_bias_term(old.biasterm());
  } else if (layer.type() == "Pooling") {
    auto* p = layer.mutable_pooling_param();
    p->set_pool(old.pool());
    p->set_kernel_size(old.kernelsize());
    p->set_pad(old.pad());
    p->set_stride(old.stride());
  } else if (layer.type() == "Padding") {
    layer.mutable_convolution_param()->add_pad(old.pad());
  } else if (layer.type() == "LRN") {
    auto* p = layer.mutable_lrn_param();
    p->set_local_size(old.local_size());
    p->set_alpha(old.alpha());
    p->set_beta(old.beta());
    p->set_k(old.k());
  } else if (layer.type() == "Concat") {
    layer.mutable_concat_param()->set_concat_dim(old.concat_dim());
  } else if (old.cropsize() != 0) {
    layer.mutable_transform_param()->set_crop_size(old.cropsize());
  }
  return layer;
}

LayerParameter UpgradeV1(const V1LayerParameter& old) {
  LayerParameter layer;
  if (old.has_layer()) {
    layer = UpgradeV0(old);
  } else {
    layer.set_name(old.name());
    layer.set_type(std::string(TypeName(old.type())));
  }
  *layer.mutable_bottom() = old.bottom();
  *layer.mutable_top() = old.top();
  *layer.mutable_include() = old.include();
  *layer.mutable_exclude() = old.exclude();
  if (old.has_concat_param()) *layer.mutable_concat_param() = old.concat_param();
  if (old.has_convolution_param()) *layer.mutable_convolution_param() = old.convolution_param();
  if (old.has_inner_product_param())
    *layer.mutable_inner_product_param() = old.inner_product_param();
  if (old.has_pooling_param()) *layer.mutable_pooling_param() = old.pooling_param();
  if (old.has_memory_data_param()) *layer.mutable_memory_data_param() = old.memory_data_param();
  if (old.has_eltwise_param()) *layer.mutable_eltwise_param() = old.eltwise_param();
  if (old.has_relu_param()) *layer.mutable_relu_param() = old.relu_param();
  if (old.has_softmax_param()) *layer.mutable_softmax_param() = old.softmax_param();
  if (old.has_transform_param()) *layer.mutable_transform_param() = old.transform_param();
  if (old.has_image_data_param()) *layer.mutable_image_data_param() = old.image_data_param();
  if (old.has_lrn_param()) *layer.mutable_lrn_param() = old.lrn_param();
  if (old.has_power_param()) *layer.mutable_power_param() = old.power_param();
  if (old.has_argmax_param()) *layer.mutable_argmax_param() = old.argmax_param();
  if (old.has_threshold_param()) *layer.mutable_threshold_param() = old.threshold_param();
  if (old.has_dummy_data_param()) *layer.mutable_dummy_data_param() = old.dummy_data_param();
  if (old.has_slice_param()) *layer.mutable_slice_param() = old.slice_param();
  if (old.has_mvn_param()) *layer.mutable_mvn_param() = old.mvn_param();
  if (old.has_exp_param()) *layer.mutable_exp_param() = old.exp_param();
  return layer;
}

bool Meets(const caffe_pb::NetStateRule& rule, const caffe_pb::NetState& state) {
  const auto has = [&state](const std::string& stage) {
    return std::find(state.stage().begin(), state.stage().end(), stage) != state.stage().end();
  };
  if (rule.has_phase() && rule.phase() != caffe_pb::TEST) return false;
  if (rule.has_min_level() && state.level() < rule.min_level()) return false;
  if (rule.has_max_level() && state.level() > rule.max_level()) return false;
  return std::all_of(rule.stage().begin(), rule.stage().end(), has) &&
         std::none_of(rule.not_stage().begin(), rule.not_stage().end(), has);
}

bool InTestPhase(const LayerParameter& layer, const caffe_pb::NetState& state) {
  const auto meets = [&state](const auto& rule) { return Meets(rule, state); };
  if (layer.include_size() > 0)
    return std::any_of(layer.include().begin(), layer.include().end(), meets);
  return std::none_of(layer.exclude().begin(), layer.exclude().end(), meets);
}

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<caffe_pb::NetParameter> ParseNet(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return DataLoss("a file of more than 2 GiB is no prototxt");
  Collector collector;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.AllowUnknownField(true);
  parser.AllowUnknownExtension(true);
  parser.SetRecursionLimit(32);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  caffe_pb::NetParameter net;
  const bool parsed = parser.Parse(&stream, &net);
  if (parsed && net.layer_size() + net.layers_size() > 0) return net;
  const FileKind kind = GuessFileKind(Bytes(text));
  const bool is_text = kind.description == "text" || kind.description == "a Caffe prototxt";
  if (!is_text) {
    return WithHint(DataLoss("this is no prototxt but {}", kind.description),
                    "give the network's prototxt, and its caffemodel with --weights");
  }
  if (!parsed) return DataLoss("{}", collector.error());
  return WithHint(DataLoss("this prototxt has no layers"),
                  "a solver or a mean file has none either; give the network's deploy.prototxt");
}

Result<std::vector<LayerParameter>> TestLayers(const caffe_pb::NetParameter& net) {
  if (net.layer_size() > 0 && net.layers_size() > 0) {
    return WithHint(InvalidArgument("the network has both `layer` and `layers`"),
                    "upgrade it to one of the two forms");
  }
  std::vector<LayerParameter> all(net.layer().begin(), net.layer().end());
  for (const V1LayerParameter& old : net.layers()) {
    all.push_back(UpgradeV1(old));
    if (all.back().type().empty())
      return InvalidArgument("it has no type").At(fmt::format("layer '{}'", all.back().name()));
  }
  std::erase_if(all, [&net](const LayerParameter& l) { return !InTestPhase(l, net.state()); });
  return all;
}

std::string DescribeLayer(const LayerParameter& layer) {
  return fmt::format("layer '{}' ({})", layer.name(), layer.type());
}

}  // namespace tf2::import::caffe
