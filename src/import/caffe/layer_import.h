// One Caffe layer while it is imported: what the importer of its type reads from it, and how it
// puts the result into the graph. The importers (layers_*.cc) are listed in layers.cc.
#ifndef TF2_IMPORT_CAFFE_LAYER_IMPORT_H_
#define TF2_IMPORT_CAFFE_LAYER_IMPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "import/caffe/caffe.pb.h"
#include "import/caffe/weights.h"
#include "ir/graph.h"
#include "ir/graph_builder.h"

namespace tf2::import::caffe {

// What a blob's elements are like when the weights are random, roughly: random weights are scaled
// by it.
struct Moments {
  double mean = 0;
  double variance = 1;

  double Square() const { return variance + mean * mean; }
};

// Of a bias, and of a factor such as a batch normalisation's gamma, where weights are random.
inline constexpr Fill kBiasFill = {0, 0.1};
inline constexpr Fill kFactorFill = {1, 0.1};

struct LayerImport {
  ir::GraphBuilder& builder;
  const caffe_pb::LayerParameter& layer;
  const Weights& weights;
  std::vector<ir::ValueId> bottoms;
  std::vector<Moments> moments;          // of each bottom
  std::vector<std::string> value_names;  // of the tops in the graph
  std::vector<ir::ValueId> results;      // the tops, set by the importer of the type
  std::optional<Moments> moment;         // of the tops; without it that of the first bottom

  // An error where the layer has fewer than `least` or more than `most` bottoms, or not exactly one
  // top.
  Status ExpectBottoms(std::size_t least, std::size_t most) const;
  const ir::Shape& ShapeOf(std::size_t bottom) const { return builder.ShapeOf(bottoms[bottom]); }
  // An error unless the first bottom is [n, c, h, w].
  Status ExpectImage() const;
  // Blob `index` of the layer's weights, of `shape`.
  Result<ir::Tensor> Read(std::size_t index, const ir::Shape& shape, const Fill& fill) const;
  // The same as a constant called `part`.
  Result<ir::ValueId> Weight(std::size_t index, std::string_view part, const ir::Shape& shape,
                             const Fill& fill) const;
  // Weights that give a sum of `terms` products with elements of the first bottom a mean square of
  // 1 (He et al., "Delving deep into rectifiers", 2015, with the bottom's estimate for the 1/2 of
  // ReLU).
  Fill KernelFill(double terms) const;
  Result<ir::ValueId> AddConstant(std::string_view part, ir::Tensor tensor) const;
  // A node of the graph that this layer needs besides; `part` makes its name.
  Result<ir::ValueId> EmitPart(ir::OpKind kind, std::string_view part,
                               std::vector<ir::ValueId> operands, ir::AttrMap attrs = {}) const;
  // The node whose output is the next top.
  Status EmitResult(ir::OpKind kind, std::vector<ir::ValueId> operands, ir::AttrMap attrs = {});
};

// Imports one layer: reads `l`, emits graph nodes, sets l.results.
using ImportFunction = Status (*)(LayerImport& l);

// What the importer does with a layer type.
enum class LayerRole : std::uint8_t {
  kCompute,      // `import` makes its top
  kInput,        // Input: its tops are inputs of the network
  kData,         // a data source: its first top is an input, the others are labels
  kSplit,        // every top is its bottom
  kSilence,      // its bottoms are no outputs of the network
  kLoss,         // left out
  kSoftmaxLoss,  // Softmax of its first bottom, unless a Softmax layer reads that too
  kUnknown,
};

struct LayerType {
  std::string_view name;
  LayerRole role = LayerRole::kUnknown;
  ImportFunction import = nullptr;
};

// The row of a type; role kUnknown where tf2 does not know it.
LayerType FindLayerType(std::string_view name);
// What to do about a layer type that tf2 does not import.
std::string UnsupportedHint(std::string_view name);

Status ImportConvolution(LayerImport& l);
Status ImportDeconvolution(LayerImport& l);
Status ImportInnerProduct(LayerImport& l);
Status ImportEmbed(LayerImport& l);

Status ImportBatchNorm(LayerImport& l);
Status ImportBN(LayerImport& l);
Status ImportScale(LayerImport& l);
Status ImportBias(LayerImport& l);
Status ImportLRN(LayerImport& l);
Status ImportMVN(LayerImport& l);
Status ImportNormalize(LayerImport& l);

Status ImportReLU(LayerImport& l);
Status ImportReLU6(LayerImport& l);
Status ImportPReLU(LayerImport& l);
Status ImportELU(LayerImport& l);
Status ImportSigmoid(LayerImport& l);
Status ImportTanH(LayerImport& l);
Status ImportAbsVal(LayerImport& l);
Status ImportBNLL(LayerImport& l);
Status ImportSwish(LayerImport& l);
Status ImportClip(LayerImport& l);
Status ImportPower(LayerImport& l);
Status ImportExp(LayerImport& l);
Status ImportLog(LayerImport& l);
Status ImportThreshold(LayerImport& l);

Status ImportPooling(LayerImport& l);
Status ImportSPP(LayerImport& l);

Status ImportEltwise(LayerImport& l);
Status ImportAxpy(LayerImport& l);
Status ImportSoftmax(LayerImport& l);
Status ImportArgMax(LayerImport& l);
Status ImportReduction(LayerImport& l);

Status ImportConcat(LayerImport& l);
Status ImportSlice(LayerImport& l);
Status ImportCrop(LayerImport& l);
Status ImportFlatten(LayerImport& l);
Status ImportReshape(LayerImport& l);
Status ImportPermute(LayerImport& l);
Status ImportShuffleChannel(LayerImport& l);
Status ImportTile(LayerImport& l);
Status ImportInterp(LayerImport& l);
Status ImportUpsample(LayerImport& l);
Status ImportParameter(LayerImport& l);
Status ImportPadding(LayerImport& l);
Status ImportDropout(LayerImport& l);

Status ImportPriorBox(LayerImport& l);
Status ImportDetectionOutput(LayerImport& l);
Status ImportROIPooling(LayerImport& l);
Status ImportProposal(LayerImport& l);

}  // namespace tf2::import::caffe

#endif  // TF2_IMPORT_CAFFE_LAYER_IMPORT_H_
