// The layer types that the importer understands, and advice about some that it does not.
#include <algorithm>
#include <utility>

#include "import/caffe/layer_import.h"

namespace tf2::import::caffe {
namespace {

using enum LayerRole;

constexpr LayerType kTypes[] = {
    {"AbsVal", kCompute, ImportAbsVal},
    {"Accuracy", kLoss, nullptr},
    {"AnnotatedData", kData, nullptr},
    {"ArgMax", kCompute, ImportArgMax},
    {"Axpy", kCompute, ImportAxpy},
    {"BN", kCompute, ImportBN},
    {"BNLL", kCompute, ImportBNLL},
    {"BatchNorm", kCompute, ImportBatchNorm},
    {"Bias", kCompute, ImportBias},
    {"CenterLoss", kLoss, nullptr},
    {"Clip", kCompute, ImportClip},
    {"Concat", kCompute, ImportConcat},
    {"ContrastiveLoss", kLoss, nullptr},
    {"Convolution", kCompute, ImportConvolution},
    {"ConvolutionDepthwise", kCompute, ImportConvolution},
    {"Crop", kCompute, ImportCrop},
    {"Data", kData, nullptr},
    {"Deconvolution", kCompute, ImportDeconvolution},
    {"DepthwiseConvolution", kCompute, ImportConvolution},
    {"DetectionEvaluate", kLoss, nullptr},
    {"DetectionOutput", kCompute, ImportDetectionOutput},
    {"Dropout", kCompute, ImportDropout},
    {"DummyData", kInput, nullptr},
    {"ELU", kCompute, ImportELU},
    {"Eltwise", kCompute, ImportEltwise},
    {"Embed", kCompute, ImportEmbed},
    {"EuclideanLoss", kLoss, nullptr},
    {"Exp", kCompute, ImportExp},
    {"Flatten", kCompute, ImportFlatten},
    {"HDF5Data", kData, nullptr},
    {"HDF5Output", kLoss, nullptr},
    {"HingeLoss", kLoss, nullptr},
    {"ImageData", kData, nullptr},
    {"InfogainLoss", kLoss, nullptr},
    {"InnerProduct", kCompute, ImportInnerProduct},
    {"Input", kInput, nullptr},
    {"Interp", kCompute, ImportInterp},
    {"L1Loss", kLoss, nullptr},
    {"LRN", kCompute, ImportLRN},
    {"Log", kCompute, ImportLog},
    {"MVN", kCompute, ImportMVN},
    {"MemoryData", kData, nullptr},
    {"MultiBoxLoss", kLoss, nullptr},
    {"MultinomialLogisticLoss", kLoss, nullptr},
    {"Normalize", kCompute, ImportNormalize},
    {"PReLU", kCompute, ImportPReLU},
    {"Padding", kCompute, ImportPadding},
    {"Parameter", kCompute, ImportParameter},
    {"Permute", kCompute, ImportPermute},
    {"Pooling", kCompute, ImportPooling},
    {"Power", kCompute, ImportPower},
    {"PriorBox", kCompute, ImportPriorBox},
    {"Proposal", kCompute, ImportProposal},
    {"Python", kCompute, ImportProposal},
    {"ROIPooling", kCompute, ImportROIPooling},
    {"ReLU", kCompute, ImportReLU},
    {"ReLU6", kCompute, ImportReLU6},
    {"Reduction", kCompute, ImportReduction},
    {"Reshape", kCompute, ImportReshape},
    {"SPP", kCompute, ImportSPP},
    {"Scale", kCompute, ImportScale},
    {"ShuffleChannel", kCompute, ImportShuffleChannel},
    {"Sigmoid", kCompute, ImportSigmoid},
    {"SigmoidCrossEntropyLoss", kLoss, nullptr},
    {"Silence", kSilence, nullptr},
    {"Slice", kCompute, ImportSlice},
    {"SmoothL1Loss", kLoss, nullptr},
    {"Softmax", kCompute, ImportSoftmax},
    {"SoftmaxWithLoss", kSoftmaxLoss, ImportSoftmax},
    {"Split", kSplit, nullptr},
    {"Swish", kCompute, ImportSwish},
    {"TanH", kCompute, ImportTanH},
    {"Threshold", kCompute, ImportThreshold},
    {"Tile", kCompute, ImportTile},
    {"TripletLoss", kLoss, nullptr},
    {"Upsample", kCompute, ImportUpsample},
    {"VideoData", kData, nullptr},
    {"WindowData", kData, nullptr},
};

constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
    {"Im2col", "it is a part of a convolution: use a Convolution layer"},
    {"LSTM", "recurrent layers cannot be imported: cut the network before it"},
    {"RNN", "recurrent layers cannot be imported: cut the network before it"},
    {"Recurrent", "recurrent layers cannot be imported: cut the network before it"},
    {"Filter", "the size of its top depends on the data: cut the network before it"},
    {"BatchReindex", "the size of its top depends on the data: cut the network before it"},
    {"PSROIPooling", "cut the network before it and pool the regions outside"},
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
  return "replace it or cut the network before it; docs/howto/import-caffe.md lists the layers";
}

}  // namespace tf2::import::caffe
