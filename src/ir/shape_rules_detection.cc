// Shape rules of the operators that make and use boxes: detection_output, roi_pool, proposal.
#include <algorithm>

#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {

// Rows are as many as could be kept; those of no detection are -1.
Result<Inferred> DetectionOutputShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 2));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, 2));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 2, 3));
  const Shape& priors = c.shape(2);
  if (priors[0] != 1 || priors[1] != 2 || priors[2] % 4 != 0)
    return InvalidArgument("boxes are {}, not [1, 2, 4 for each]", ToString(priors));
  const std::int64_t boxes = priors[2] / 4;
  const std::int64_t classes = c.node.Int("classes");
  const std::int64_t sets = c.node.Int("share_location") != 0 ? 1 : classes;
  if (classes > kMaxElements / (4 * boxes))
    return ResourceExhausted("{} classes for {} boxes are too many", classes, boxes);
  const std::int64_t n = c.shape(0)[0];
  if (c.shape(0) != Shape{n, 4 * boxes * sets} || c.shape(1) != Shape{n, boxes * classes}) {
    return InvalidArgument("locations {} and scores {} do not fit {} boxes and {} classes",
                           ToString(c.shape(0)), ToString(c.shape(1)), boxes, classes);
  }
  std::int64_t each = c.node.Int("nms_top_k");
  each = each < 0 ? boxes : std::min(each, boxes);
  const std::int64_t kept = c.node.Int("keep_top_k");
  const std::int64_t rows = kept < 0 ? each * classes : std::min(kept, each * classes);
  if (rows < 1 || n > kMaxElements / (7 * rows))
    return InvalidArgument("it keeps {} detections of {} samples", rows, n);
  return Inferred{{1, 1, n * rows, 7}};
}

Result<Inferred> RoiPoolShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 4));
  const Shape& regions = c.shape(1);
  if (regions.size() < 2 || ElementCount(regions) != 5 * regions[0])
    return InvalidArgument("regions are {}, not [r, 5]", ToString(regions));
  return Inferred{{regions[0], c.shape(0)[1], c.node.Int("height"), c.node.Int("width")}};
}

Result<Inferred> ProposalShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 4));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, 4));
  const auto anchors =
      static_cast<std::int64_t>(c.node.Floats("ratios").size() * c.node.Floats("scales").size());
  const Shape& scores = c.shape(0);
  if (scores[0] != 1 || scores[1] != 2 * anchors ||
      c.shape(1) != Shape{1, 4 * anchors, scores[2], scores[3]}) {
    return InvalidArgument("scores {} and deltas {} do not fit {} anchors in one picture",
                           ToString(scores), ToString(c.shape(1)), anchors);
  }
  if (ElementCount(c.shape(2)) < 3)
    return InvalidArgument("the picture's size is {}, not height, width and scale",
                           ToString(c.shape(2)));
  return Inferred{{c.node.Int("post_nms"), 5}};
}

}  // namespace tf2::ir
