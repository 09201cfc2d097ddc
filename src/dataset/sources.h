// The kinds of data sets behind OpenDataset. Internal to src/dataset.
#ifndef TF2_DATASET_SOURCES_H_
#define TF2_DATASET_SOURCES_H_

#include <memory>
#include <string>

#include "dataset/array.h"
#include "dataset/blob.h"
#include "dataset/dataset.h"

namespace tf2::dataset {

// What an array means as samples: `count` of `shape`, sample i at array.data + i * stride.
struct SampleLayout {
  std::int64_t count = 0;
  std::int64_t stride = 0;
  PixelView first;
};

// Errors: kInvalidArgument, naming the dimensions and what was expected.
Result<SampleLayout> MatchLayout(const Array& array, const InputShape& input);

// The samples [first, first + count) that `options` choose out of `total`; kInvalidArgument when
// none is left.
struct Selection {
  std::int64_t first = 0;
  std::int64_t count = 0;
};
Result<Selection> Select(std::int64_t total, const DatasetOptions& options);

// A folder of pictures, or one picture file.
Result<std::unique_ptr<Dataset>> OpenFolder(const std::string& path, const DatasetOptions& options);
Result<std::unique_ptr<Dataset>> OpenPicture(const std::string& path,
                                             const DatasetOptions& options);

// Files whose first bytes have told the kind. `head` holds at least the header.
Result<std::unique_ptr<Dataset>> OpenNpy(const std::string& path, Blob head,
                                         const DatasetOptions& options);
Result<std::unique_ptr<Dataset>> OpenIdx(const std::string& path, Blob head,
                                         const DatasetOptions& options);
Result<std::unique_ptr<Dataset>> OpenNpz(const std::string& path, const DatasetOptions& options);
Result<std::unique_ptr<Dataset>> OpenCifar(const std::string& path, Blob head,
                                           const DatasetOptions& options);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_SOURCES_H_
