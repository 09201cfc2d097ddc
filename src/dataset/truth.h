// What objects are in which pictures: COCO's annotation files and folders of VOC's. Boxes in pixels
// of the picture.
#ifndef TF2_DATASET_TRUTH_H_
#define TF2_DATASET_TRUTH_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataset/detection.h"

namespace tf2::dataset {

struct TruePicture {
  std::string file_name;  // without folders
  std::int64_t width = 0;
  std::int64_t height = 0;
};

struct Truth {
  std::vector<TruePicture> pictures;  // TrueBox::image is the index of one
  std::vector<TrueBox> boxes;
  std::map<int, std::string> categories;  // names, where they are known
};

// `path` is a JSON file in COCO's annotation format ("images" with id, file_name, width, height;
// "annotations" with image_id, category_id, bbox [x, y, width, height] and maybe iscrowd and
// ignore; "categories" with id and name) or a folder of VOC's .xml files. Class names get the index
// that they have in `labels`. Without labels the classes of COCO files keep their id, and those of
// VOC files get the place among their sorted names, from 1, 0 being the background. Errors:
// kNotFound, kDataLoss for what is neither, with the place in it; kInvalidArgument for the class of
// an object that is not among `labels`.
Result<Truth> ReadTruth(const std::string& path, const std::vector<std::string>& labels);

Result<Truth> ParseCoco(std::string_view json);
// One VOC annotation, appended to `truth`; classes by name in `category_names`, to be numbered by
// the caller (the index there is what TrueBox::category holds).
Status ParseVoc(std::string_view xml, Truth& truth, std::vector<std::string>& category_names);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_TRUTH_H_
