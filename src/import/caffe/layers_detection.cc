// PriorBox, DetectionOutput, ROIPooling, Proposal.
#include <algorithm>
#include <cmath>
#include <utility>

#include "import/caffe/layer_import.h"
#include "import/caffe/prior_boxes.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using caffe_pb::PriorBoxParameter;

std::string CodeName(PriorBoxParameter::CodeType code) {
  switch (code) {
    case PriorBoxParameter::CORNER:
      return "corner";
    case PriorBoxParameter::CENTER_SIZE:
      return "center_size";
    case PriorBoxParameter::CORNER_SIZE:
      return "corner_size";
  }
  return "";
}

// Python layers are known by name; this is the one of Faster R-CNN.
Result<caffe_pb::ProposalParameter> ProposalOf(const caffe_pb::LayerParameter& layer) {
  if (layer.type() != "Python") return layer.proposal_param();
  const caffe_pb::PythonParameter& p = layer.python_param();
  if (p.module() != "rpn.proposal_layer" || p.layer() != "ProposalLayer") {
    return WithHint(
        Unsupported("it runs the Python class {} of module {}", p.layer(), p.module()),
        "of the layers in Python only rpn.proposal_layer's ProposalLayer is known: cut the network "
        "before it");
  }
  caffe_pb::ProposalParameter known;
  const std::string& text = p.param_str();
  const std::size_t at = text.find("feat_stride");
  if (at != std::string::npos) {
    const std::size_t digit = text.find_first_of("0123456789", at);
    std::uint32_t stride = 0;
    for (std::size_t i = digit;
         i < text.size() && i < digit + 4 && text[i] >= '0' && text[i] <= '9'; ++i)
      stride = stride * 10 + static_cast<std::uint32_t>(text[i] - '0');
    known.set_feat_stride(stride);
  }
  if (text.find("scales") != std::string::npos)
    return Unsupported("param_str states scales of its own: {}", text);
  return known;
}

}  // namespace

// Boxes depend on shapes alone: a constant.
Status ImportPriorBox(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(2, 2));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  if (l.ShapeOf(1).size() != 4)
    return InvalidArgument("its second bottom is {}, not a picture", ir::ToString(l.ShapeOf(1)));
  TF2_ASSIGN_OR_RETURN(const std::int64_t count,
                       CountPriorBoxes(l.layer.prior_box_param(), l.ShapeOf(0)));
  TF2_RETURN_IF_ERROR(l.builder.Reserve(ir::DType::kFloat32, 8 * count));
  TF2_ASSIGN_OR_RETURN(ir::Tensor boxes,
                       MakePriorBoxes(l.layer.prior_box_param(), l.ShapeOf(0), l.ShapeOf(1)));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId value,
                       l.builder.AddConstant(l.value_names[0], std::move(boxes)));
  l.results.push_back(value);
  return {};
}

Status ImportDetectionOutput(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(3, 3));
  const caffe_pb::DetectionOutputParameter& p = l.layer.detection_output_param();
  if (p.num_classes() == 0) return InvalidArgument("num_classes is missing or 0");
  const std::int64_t top_k = p.nms_param().has_top_k() ? p.nms_param().top_k() : -1;
  std::vector<ir::ValueId> operands;
  for (std::size_t i = 0; i < 2; ++i) {  // both as [n, everything else]
    operands.push_back(l.bottoms[i]);
    if (l.ShapeOf(i).size() == 2) continue;
    TF2_ASSIGN_OR_RETURN(operands[i], l.EmitPart(ir::OpKind::kFlatten, fmt::format("flat{}", i),
                                                 {l.bottoms[i]}, {{"axis", std::int64_t{1}}}));
  }
  operands.push_back(l.bottoms[2]);
  return l.EmitResult(
      ir::OpKind::kDetectionOutput, std::move(operands),
      {{"classes", std::int64_t{p.num_classes()}},
       {"background", std::int64_t{p.background_label_id()}},
       {"share_location", std::int64_t{p.share_location()}},
       {"code", CodeName(p.code_type())},
       {"variance_in_target", std::int64_t{p.variance_encoded_in_target()}},
       {"score_threshold", p.has_confidence_threshold() ? p.confidence_threshold()
                                                        : std::numeric_limits<float>::lowest()},
       {"nms_threshold", p.nms_param().nms_threshold()},
       {"nms_eta", p.nms_param().eta()},
       {"nms_top_k", top_k},
       {"keep_top_k", std::int64_t{p.keep_top_k()}}});
}

Status ImportROIPooling(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(2, 2));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::ROIPoolingParameter& p = l.layer.roi_pooling_param();
  if (p.pooled_h() == 0 || p.pooled_w() == 0)
    return InvalidArgument("pooled_h or pooled_w is missing or 0");
  if (!(p.spatial_scale() > 0) || !std::isfinite(p.spatial_scale()))
    return InvalidArgument("spatial_scale is {}", p.spatial_scale());
  return l.EmitResult(ir::OpKind::kRoiPool, {l.bottoms[0], l.bottoms[1]},
                      {{"height", std::int64_t{p.pooled_h()}},
                       {"width", std::int64_t{p.pooled_w()}},
                       {"scale", p.spatial_scale()}});
}

Status ImportProposal(LayerImport& l) {
  TF2_ASSIGN_OR_RETURN(const caffe_pb::ProposalParameter p, ProposalOf(l.layer));
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(3, 3));
  std::vector<float> ratios(p.ratio().begin(), p.ratio().end());
  std::vector<float> scales(p.scale().begin(), p.scale().end());
  if (ratios.empty()) ratios = {0.5F, 1, 2};
  if (scales.empty()) scales = {8, 16, 32};
  return l.EmitResult(ir::OpKind::kProposal, {l.bottoms[0], l.bottoms[1], l.bottoms[2]},
                      {{"stride", std::int64_t{p.feat_stride()}},
                       {"base_size", std::int64_t{p.base_size()}},
                       {"min_size", std::int64_t{p.min_size()}},
                       {"ratios", std::move(ratios)},
                       {"scales", std::move(scales)},
                       {"pre_nms", std::int64_t{p.pre_nms_topn()}},
                       {"post_nms", std::int64_t{p.post_nms_topn()}},
                       {"nms_threshold", p.nms_thresh()}});
}

}  // namespace tf2::import::caffe
