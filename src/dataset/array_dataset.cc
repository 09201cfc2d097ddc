// Data sets that lie in arrays: .npy, .npz, idx and CIFAR-10.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/files.h"
#include "dataset/sources.h"

namespace tf2::dataset {
namespace {

class ArrayDataset final : public Dataset {
 public:
  std::int64_t size() const override { return selection.count; }

  Result<Sample> Get(std::int64_t i) const override {
    TF2_CHECK(i >= 0 && i < selection.count);
    const std::int64_t at = selection.first + i;
    Sample sample;
    sample.name = fmt::format("{}[{}]", path, at);
    PixelView view = layout.first;
    view.data += at * layout.stride;
    auto x = Preprocess(view, preprocessing, input);
    if (!x.ok()) return std::move(x.error()).At(sample.name);
    sample.x = *std::move(x);
    if (labels.data != nullptr) {
      const double label = LoadElement(labels.type, labels.data + at * labels.strides[0]);
      constexpr double kMaxLabel = 1 << 30;
      if (!(label >= 0 && label <= kMaxLabel) || label != std::floor(label)) {
        return DataLoss("label {} is no class", label).At(sample.name);
      }
      sample.label = static_cast<int>(label);
    }
    return sample;
  }

  std::string Description() const override {
    return fmt::format("{} samples of {} in {}", selection.count, kind, path);
  }

  std::string path;
  std::string kind;
  InputShape input;
  Preprocessing preprocessing;
  Selection selection;
  SampleLayout layout;
  // One dimension; no data without labels.
  Array labels;
  // What the two arrays point into.
  Blob blob;
  Blob labels_blob;
};

using Opened = Result<std::unique_ptr<Dataset>>;

// Samples that have to be in memory for `options`, or everything.
std::int64_t Needed(const DatasetOptions& options) {
  constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
  if (!options.limit || options.skip < 0 || *options.limit < 0) return kAll;
  return *options.limit > kAll - options.skip ? kAll : options.skip + *options.limit;
}

// `head`, or if that is cut short the file up to the samples that are needed.
Result<Blob> OpenNeeded(const std::string& path, Blob head, std::uint64_t prefix) {
  if (head.complete() || head.bytes().size() >= prefix) return head;
  return Blob::Open(path, prefix);
}

// Takes one label per sample; `what` names where they come from.
Status AttachLabels(const Array& labels, const std::string& what, ArrayDataset& set) {
  Array flat = labels;
  while (flat.dims.size() > 1 && flat.dims.back() == 1) {
    flat.dims.pop_back();
    flat.strides.pop_back();
  }
  if (flat.dims.size() != 1 || flat.dims[0] < set.selection.first + set.selection.count) {
    return InvalidArgument("labels {} do not fit {} samples", labels.DimsText(), set.layout.count)
        .At(what);
  }
  set.labels = flat;
  return {};
}

// Settles layout and selection from the array of samples.
Status AttachSamples(const Array& array, const DatasetOptions& options, ArrayDataset& set) {
  TF2_ASSIGN_OR_RETURN(set.layout, MatchLayout(array, options.input));
  TF2_ASSIGN_OR_RETURN(set.selection, Select(set.layout.count, options));
  return {};
}

std::unique_ptr<ArrayDataset> MakeDataset(const std::string& path, std::string kind,
                                          const DatasetOptions& options) {
  auto set = std::make_unique<ArrayDataset>();
  set->path = path;
  set->kind = std::move(kind);
  set->input = options.input;
  set->preprocessing = options.preprocessing;
  return set;
}

// Replaces the last `from` of `text`; empty when there is none.
std::string ReplaceLast(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.rfind(from);
  if (at == std::string::npos) return {};
  return text.replace(at, from.size(), to);
}

// The labels file beside `path`: "images" becomes "labels" and idx3 idx1, packed like it, otherwise
// packed or plain.
std::optional<std::string> LabelsBeside(const std::string& path) {
  const std::filesystem::path whole(path);
  std::string name = ReplaceLast(whole.filename().string(), "images", "labels");
  if (name.empty()) return std::nullopt;
  for (const char* rank : {"idx2", "idx3", "idx4"}) {
    if (std::string other = ReplaceLast(name, rank, "idx1"); !other.empty()) name = other;
  }
  std::string plain = name;
  for (const std::string_view suffix : {".gz", ".xz"}) {
    if (plain.ends_with(suffix)) plain.resize(plain.size() - suffix.size());
  }
  for (const std::string& candidate : {name, plain, plain + ".gz", plain + ".xz"}) {
    std::string beside = (whole.parent_path() / candidate).string();
    if (FileExists(beside)) return beside;
  }
  return std::nullopt;
}

Status AttachLabelsFile(const std::string& file, ArrayDataset& set) {
  TF2_ASSIGN_OR_RETURN(set.labels_blob, Blob::Open(file));
  const auto bytes = set.labels_blob.bytes();
  auto header = IsNpy(bytes) ? ParseNpyHeader(bytes) : ParseIdxHeader(bytes);
  if (!header.ok()) return std::move(header.error()).At(file);
  auto array = ViewArray(*header, bytes);
  if (!array.ok()) return std::move(array.error()).At(file);
  return AttachLabels(*array, file, set);
}

// Common to .npy and idx: one array in a file, labels beside it.
Opened OpenArrayFile(const std::string& path, std::string kind, const ArrayHeader& header,
                     Blob head, const DatasetOptions& options) {
  auto set = MakeDataset(path, std::move(kind), options);
  const std::uint64_t prefix = header.PrefixBytes(Needed(options));
  TF2_ASSIGN_OR_RETURN(set->blob, OpenNeeded(path, std::move(head), prefix));
  // Unpacking stops at `prefix`, which may be the end.
  const bool cut = !set->blob.complete() && prefix < header.offset + header.ElementsBytes();
  TF2_ASSIGN_OR_RETURN(const Array array, ViewArray(header, set->blob.bytes(), !cut));
  TF2_RETURN_IF_ERROR(AttachSamples(array, options, *set));
  if (const auto labels = LabelsBeside(path)) {
    TF2_RETURN_IF_ERROR(AttachLabelsFile(*labels, *set));
  }
  return Opened(std::move(set));
}

}  // namespace

Result<Selection> Select(std::int64_t total, const DatasetOptions& options) {
  if (options.skip < 0) return InvalidArgument("--skip {} is negative", options.skip);
  if (options.limit && *options.limit < 1) {
    return InvalidArgument("--limit {}: give at least 1", *options.limit);
  }
  if (options.skip >= total) {
    return InvalidArgument("nothing is left: --skip {} of {} samples", options.skip, total);
  }
  const std::int64_t left = total - options.skip;
  return Selection{options.skip, std::min(left, options.limit.value_or(left))};
}

Opened OpenNpy(const std::string& path, Blob head, const DatasetOptions& options) {
  TF2_ASSIGN_OR_RETURN(const ArrayHeader header, ParseNpyHeader(head.bytes()));
  return OpenArrayFile(path, "an array", header, std::move(head), options);
}

Opened OpenIdx(const std::string& path, Blob head, const DatasetOptions& options) {
  TF2_ASSIGN_OR_RETURN(const ArrayHeader header, ParseIdxHeader(head.bytes()));
  if (header.dims.size() == 1) {
    return WithHint(InvalidArgument("this idx file holds labels, not pictures"),
                    "name the file with the images; its labels are found beside it");
  }
  return OpenArrayFile(path, "idx data", header, std::move(head), options);
}

Opened OpenCifar(const std::string& path, Blob head, const DatasetOptions& options) {
  auto set = MakeDataset(path, "CIFAR-10", options);
  const std::int64_t needed = Needed(options);
  const bool all = needed > std::numeric_limits<std::int64_t>::max() / kCifarRecordBytes;
  const std::uint64_t prefix =
      all ? kWhole : static_cast<std::uint64_t>(needed * kCifarRecordBytes);
  TF2_ASSIGN_OR_RETURN(set->blob, OpenNeeded(path, std::move(head), prefix));
  TF2_ASSIGN_OR_RETURN(const CifarArrays arrays,
                       ViewCifar(set->blob.bytes(), set->blob.complete()));
  TF2_RETURN_IF_ERROR(AttachSamples(arrays.pixels, options, *set));
  TF2_RETURN_IF_ERROR(AttachLabels(arrays.labels, path, *set));
  return Opened(std::move(set));
}

namespace {

constexpr std::array<std::string_view, 3> kLabelMembers = {"labels", "y", "label"};

std::vector<std::string> SampleMembers(const DatasetOptions& options) {
  if (options.only_member) return {options.member};
  std::vector<std::string> names = {"images", "x", "data", "arr_0"};
  // What is called like labels holds the samples only where nothing else does.
  const bool doubtful = std::ranges::count(kLabelMembers, options.member) != 0;
  if (!options.member.empty()) names.insert(doubtful ? names.end() : names.begin(), options.member);
  return names;
}

std::vector<std::string> LabelMembers(const DatasetOptions& options) {
  std::vector<std::string> names;
  for (const std::string_view name : kLabelMembers) {
    if (std::ranges::count(options.inputs, name) == 0) names.emplace_back(name);
  }
  return names;
}

Error NoSamples(const Blob& zip, const DatasetOptions& options) {
  const auto names = ListZip(zip.bytes());
  if (!names.ok()) return names.error();
  if (options.only_member) {
    return WithHint(
        InvalidArgument("the .npz file has no member \"{}\", only: {}", options.member,
                        fmt::join(*names, ", ")),
        "save an array for each input, under its name; or give --data NAME=PATH for each");
  }
  return WithHint(InvalidArgument("the .npz file has no member 'images' or 'x', only: {}",
                                  fmt::join(*names, ", ")),
                  "save it with numpy.savez(file, images=..., labels=...)");
}

}  // namespace

Opened OpenNpz(const std::string& path, const DatasetOptions& options) {
  auto set = MakeDataset(path, "an array", options);
  TF2_ASSIGN_OR_RETURN(const Blob zip, Blob::Open(path));
  TF2_ASSIGN_OR_RETURN(auto samples, ReadZipMember(zip.bytes(), SampleMembers(options)));
  if (!samples) return NoSamples(zip, options);
  set->blob = Blob::FromBytes(*std::move(samples));
  TF2_ASSIGN_OR_RETURN(const ArrayHeader header, ParseNpyHeader(set->blob.bytes()));
  TF2_ASSIGN_OR_RETURN(const Array array, ViewArray(header, set->blob.bytes()));
  TF2_RETURN_IF_ERROR(AttachSamples(array, options, *set));
  TF2_ASSIGN_OR_RETURN(auto labels, ReadZipMember(zip.bytes(), LabelMembers(options)));
  if (labels) {
    set->labels_blob = Blob::FromBytes(*std::move(labels));
    TF2_ASSIGN_OR_RETURN(const ArrayHeader y, ParseNpyHeader(set->labels_blob.bytes()));
    TF2_ASSIGN_OR_RETURN(const Array y_array, ViewArray(y, set->labels_blob.bytes()));
    TF2_RETURN_IF_ERROR(AttachLabels(y_array, "labels", *set));
  }
  return Opened(std::move(set));
}

}  // namespace tf2::dataset
