// Labelled or unlabelled inputs for a network, behind one interface: folders of pictures, single
// pictures, CIFAR-10 binary files, idx files, .npy and .npz arrays, each also compressed with gzip
// or xz. Samples are decoded and preprocessed when they are asked for, so a set never has to fit
// into memory; files that are not compressed are mapped.
//
// What becomes a label: an idx or .npy file whose name has "images" has its labels in the file
// beside it whose name has "labels" (and idx1 for idx3); an .npz holds members images (or x, or the
// input's name) and labels (or y); CIFAR-10 records hold theirs; a picture's class is its
// sub-folder's (a name that begins with a number: that number; a class name or id of `class_names`
// and `class_ids`: its index; otherwise the place among the sorted sub-folders) or else the number
// that begins its file name.
//
// Arrays are [n, c, h, w], [n, h, w] (one channel), [n, d] with d = c*h*w, or one sample without n
// where that fits the expected shape; also [n, c, w] and [n, c, d, h, w], whose axes behind the
// channel hold h*w elements. Integers are pixel values 0..255. Floats are taken as
// preprocessed already, unless a mean, standard deviation or mean image is given: then they are
// pixel values too.
#ifndef TF2_DATASET_DATASET_H_
#define TF2_DATASET_DATASET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/preprocessing.h"
#include "base/result.h"

namespace tf2::dataset {

// The network's input without the batch: [c, h, w]. A vector of d elements is {d, 1, 1}.
struct InputShape {
  std::int64_t c = 0;
  std::int64_t h = 1;
  std::int64_t w = 1;
  std::int64_t elements() const { return c * h * w; }
  bool operator==(const InputShape&) const = default;
};

struct DatasetOptions {
  InputShape input;
  // The input's name: the member of an .npz that is looked for before the usual ones, or after them
  // where it is one of those of labels.
  std::string member;
  // The names of all inputs of the network: none of these members is labels.
  std::vector<std::string> inputs;
  // Nothing but that member will do: the file is to hold all inputs of a network of several.
  bool only_member = false;
  // Samples left out at the start, then samples used at most; the set is the shorter of this and
  // what there is.
  std::int64_t skip = 0;
  std::optional<std::int64_t> limit;
  Preprocessing preprocessing;
  // Names and ids (such as wnids) of the classes, to recognise sub-folders by; may be empty.
  std::vector<std::string> class_names;
  std::vector<std::string> class_ids;
};

// One preprocessed input.
struct Sample {
  // [c, h, w] as in DatasetOptions::input; of joined sets, one after another.
  std::vector<float> x;
  std::optional<int> label;
  // Where it comes from, for messages: "folder/0042_x.jpg", "test.bin[17]".
  std::string name;
};

// Immutable after OpenDataset; every function may be called from many threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  // Samples after `skip` and `limit`; at least 1.
  virtual std::int64_t size() const = 0;
  // Sample `i` of [0, size()). Errors name the sample: a damaged or wrongly sized picture (with the
  // flags that would help), a value that is no number, a failing disk.
  virtual Result<Sample> Get(std::int64_t i) const = 0;
  // What it is, in words: "500 pictures in photos/".
  virtual std::string Description() const = 0;
};

// Opens what `path` names; the kind is told from the contents. Headers, sizes and options are
// checked here, pictures when they are read. Errors: kNotFound, kInvalidArgument (kind unknown,
// options do not fit, nothing left after `skip`), kDataLoss (truncated or damaged),
// kResourceExhausted (a compressed file that unpacks to more than kMaxUnpackedBytes).
Result<std::unique_ptr<Dataset>> OpenDataset(const std::string& path,
                                             const DatasetOptions& options);

// Sets of as many samples, one for each input of a network, as one: sample i is the samples i of
// all one after another, its label that of the first set that has one. `names` are those of the
// inputs. Errors: kInvalidArgument where the sizes differ.
Result<std::unique_ptr<Dataset>> JoinDatasets(std::vector<std::unique_ptr<Dataset>> sets,
                                              const std::vector<std::string>& names);

// Calls fn(i, sample) for i = 0, 1, ... size()-1 in order on the calling thread, while `threads`
// threads (0: as many as sensible) read ahead a few samples. Stops at the first error of a sample
// or of `fn`, and at Ctrl-C (kCancelled).
Status ForEachSample(const Dataset& dataset, int threads,
                     const std::function<Status(std::int64_t i, Sample&& sample)>& fn);

// The same, `batch` samples at a time (fewer at the end).
Status ForEachBatch(const Dataset& dataset, std::size_t batch,
                    const std::function<Status(std::vector<Sample> samples)>& fn);
// The inputs of `samples`, which lose them.
std::vector<std::vector<float>> TakeInputs(std::span<Sample> samples);

}  // namespace tf2::dataset

#endif  // TF2_DATASET_DATASET_H_
