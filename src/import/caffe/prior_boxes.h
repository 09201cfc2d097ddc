// The default boxes of SSD (Liu et al., "SSD: single shot multibox detector", 2016, section 2.2),
// as Caffe's PriorBox layer makes them.
#ifndef TF2_IMPORT_CAFFE_PRIOR_BOXES_H_
#define TF2_IMPORT_CAFFE_PRIOR_BOXES_H_

#include <cstdint>

#include "base/result.h"
#include "import/caffe/caffe.pb.h"
#include "ir/graph.h"

namespace tf2::import::caffe {

// How many boxes the layer makes for a map [n, c, h, w]. Errors: parameters that are missing or do
// not fit each other.
Result<std::int64_t> CountPriorBoxes(const caffe_pb::PriorBoxParameter& p, const ir::Shape& map);

// [1, 2, 4 * boxes]: xmin, ymin, xmax, ymax of each box as fractions of the picture [n, c, h, w],
// then its variances. Row by row of the map; at each position for each min_size the square of it,
// the square between it and its max_size, and one box for each other aspect ratio. Sizes are cut to
// whole pixels. Errors: as CountPriorBoxes.
Result<ir::Tensor> MakePriorBoxes(const caffe_pb::PriorBoxParameter& p, const ir::Shape& map,
                                  const ir::Shape& picture);

}  // namespace tf2::import::caffe

#endif  // TF2_IMPORT_CAFFE_PRIOR_BOXES_H_
