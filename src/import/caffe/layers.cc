// The layer types that the importer understands, and advice about some that it does not.
#include <algorithm>
#include <utility>

#include "import/caffe/layer_import.h"

namespace tf2::import::caffe {
namespace {

using enum LayerRole;

constexpr LayerType kTypes[] = {
    {"Accuracy", kLoss, nullptr},
    {"BatchNorm", kCompute, ImportBatchNorm},
    {"Bias", kCompute, ImportBias},
    {"Concat", kCompute, ImportConcat},
    {"ContrastiveLoss", kLoss, nullptr},
    {"Convolution", kCompute, ImportConvolution},
    {"Data", kData, nullptr},
    {"Dropout", kCompute, ImportDropout},
    {"DummyData", kData, nullptr},
    {"Eltwise", kCompute, ImportEltwise},
    {"EuclideanLoss", kLoss, nullptr},
    {"Flatten", kCompute, ImportFlatten},
    {"HDF5Data", kData, nullptr},
    {"HDF5Output", kLoss, nullptr},
    {"HingeLoss", kLoss, nullptr},
    {"ImageData", kData, nullptr},
    {"InfogainLoss", kLoss, nullptr},
    {"InnerProduct", kCompute, ImportInnerProduct},
    {"Input", kInput, nullptr},
    {"MemoryData", kData, nullptr},
    {"MultinomialLogisticLoss", kLoss, nullptr},
    {"Pooling", kCompute, ImportPooling},
    {"ReLU", kCompute, ImportReLU},
    {"Reshape", kCompute, ImportReshape},
    {"Scale", kCompute, ImportScale},
    {"SigmoidCrossEntropyLoss", kLoss, nullptr},
    {"Silence", kSilence, nullptr},
    {"Softmax", kCompute, ImportSoftmax},
    {"SoftmaxWithLoss", kSoftmaxLoss, ImportSoftmax},
    {"Split", kSplit, nullptr},
    {"WindowData", kData, nullptr},
};

constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
    {"LRN", "local response normalisation cannot be imported: retrain with BatchNorm or without"},
    {"PReLU", "of the activations only ReLU can be imported: retrain the network with it"},
    {"ELU", "of the activations only ReLU can be imported: retrain the network with it"},
    {"Sigmoid", "of the activations only ReLU can be imported: retrain the network with it"},
    {"TanH", "of the activations only ReLU can be imported: retrain the network with it"},
    {"DetectionOutput", "cut the network before its detection layers and decode the boxes outside"},
    {"PriorBox", "cut the network before its detection layers and decode the boxes outside"},
    {"Permute", "cut the network before its detection layers and decode the boxes outside"},
    {"Python", "layers in Python cannot be imported: cut the network before it"},
};

}  // namespace

LayerType FindLayerType(std::string_view name) {
  const auto* const it = std::find_if(std::begin(kTypes), std::end(kTypes),
                                      [name](const LayerType& row) { return row.name == name; });
  return it == std::end(kTypes) ? LayerType{} : *it;
}

std::string UnsupportedHint(std::string_view name) {
  for (const auto& [type, text] : kAdvice) {
    if (type == name) return std::string(text);
  }
  return "replace it or cut the network before it; docs/semantics.md lists the layers";
}

}  // namespace tf2::import::caffe
