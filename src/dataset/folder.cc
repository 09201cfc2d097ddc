// Folders of pictures, and single pictures.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "dataset/picture.h"
#include "dataset/sources.h"

namespace tf2::dataset {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 8;

struct Entry {
  // Below the folder of the set.
  std::string relative;
  std::optional<int> label;
};

class PictureDataset final : public Dataset {
 public:
  std::int64_t size() const override { return static_cast<std::int64_t>(entries.size()); }

  Result<Sample> Get(std::int64_t i) const override {
    TF2_CHECK(i >= 0 && i < size());
    const Entry& entry = entries[static_cast<std::size_t>(i)];
    Sample sample;
    sample.name = entry.relative.empty() ? path : path + "/" + entry.relative;
    sample.label = entry.label;
    // Blob's errors name the file.
    TF2_ASSIGN_OR_RETURN(const Blob blob, Blob::Open(sample.name));
    auto x = Decode(blob.bytes());
    if (!x.ok()) return std::move(x.error()).At(sample.name);
    sample.x = *std::move(x);
    return sample;
  }

  std::string Description() const override {
    return fmt::format("{} picture{} in {}", entries.size(), entries.size() == 1 ? "" : "s", path);
  }

  std::string path;
  std::vector<Entry> entries;
  InputShape input;
  Preprocessing preprocessing;

 private:
  Result<std::vector<float>> Decode(std::span<const std::uint8_t> bytes) const {
    TF2_ASSIGN_OR_RETURN(const Picture picture, DecodePicture(bytes));
    const PixelView view = {picture.pixels.data(),
                            ElementType::kU8,
                            {picture.c, picture.h, picture.w},
                            1,
                            std::int64_t{picture.w} * picture.c,
                            picture.c};
    return Preprocess(view, preprocessing, input);
  }
};

std::string Lower(std::string text) {
  for (char& ch : text) ch = static_cast<char>(std::tolower(static_cast<unsigned char>(ch)));
  return text;
}

bool LooksLikePicture(const fs::path& file) {
  fs::path name = file.filename();
  if (name.string().starts_with(".")) return false;
  std::string suffix = Lower(name.extension().string());
  if (suffix == ".gz" || suffix == ".xz") suffix = Lower(name.stem().extension().string());
  constexpr std::array<std::string_view, 6> kSuffixes = {".jpg", ".jpeg", ".png",
                                                         ".pgm", ".ppm",  ".pnm"};
  return std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
}

// The number that begins `name`: up to six digits.
std::optional<int> LeadingNumber(std::string_view name) {
  constexpr std::size_t kMaxDigits = 6;
  std::size_t digits = 0;
  int value = 0;
  while (digits < name.size() && std::isdigit(static_cast<unsigned char>(name[digits])) != 0) {
    if (digits == kMaxDigits) return std::nullopt;
    value = value * 10 + (name[digits++] - '0');
  }
  if (digits == 0) return std::nullopt;
  return value;
}

// Labels of the sub-folders `names` (sorted): see dataset.h.
std::map<std::string, int> LabelFolders(const std::vector<std::string>& names,
                                        const DatasetOptions& options) {
  std::map<std::string, int> labels;
  for (const auto* known : {&options.class_ids, &options.class_names}) {
    for (std::size_t i = 0; i < known->size(); ++i)
      labels.emplace((*known)[i], static_cast<int>(i));
  }
  const auto all = [&](const auto& test) {
    return !names.empty() && std::all_of(names.begin(), names.end(), test);
  };
  std::map<std::string, int> result;
  const bool known = all([&](const std::string& name) { return labels.count(name) != 0; });
  const bool numbered =
      all([](const std::string& name) { return LeadingNumber(name).has_value(); });
  for (std::size_t i = 0; i < names.size(); ++i) {
    result[names[i]] = known      ? labels[names[i]]
                       : numbered ? *LeadingNumber(names[i])
                                  : static_cast<int>(i);
  }
  return result;
}

// Paths of all pictures below `root`, relative to it, sorted.
Result<std::vector<std::string>> FindPictures(const std::string& root) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator it(root, fs::directory_options::follow_directory_symlink, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      const bool hidden = it->path().filename().string().starts_with(".");
      if (hidden || it.depth() >= kMaxDepth) it.disable_recursion_pending();
    } else if (LooksLikePicture(it->path())) {
      found.push_back(it->path().lexically_relative(root).string());
    }
  }
  if (error) return IoError("cannot list the folder: {}", error.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<std::unique_ptr<Dataset>> OpenFolder(const std::string& path,
                                            const DatasetOptions& options) {
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> found, FindPictures(path));
  if (found.empty()) {
    return WithHint(InvalidArgument("the folder holds no pictures (.jpg, .png, .pgm, .ppm)"),
                    "for CIFAR-10, idx or .npy data name the file itself");
  }
  TF2_ASSIGN_OR_RETURN(const Selection selection,
                       Select(static_cast<std::int64_t>(found.size()), options));
  const auto folder_of = [](const std::string& relative) {
    const std::size_t slash = relative.find('/');
    return slash == std::string::npos ? std::string() : relative.substr(0, slash);
  };
  std::vector<std::string> folders;
  for (const std::string& relative : found) {
    std::string folder = folder_of(relative);
    if (!folder.empty()) folders.push_back(std::move(folder));
  }
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  const auto labels = LabelFolders(folders, options);
  auto set = std::make_unique<PictureDataset>();
  set->path = path;
  while (set->path.size() > 1 && set->path.ends_with('/')) set->path.pop_back();
  set->input = options.input;
  set->preprocessing = options.preprocessing;
  for (std::int64_t i = 0; i < selection.count; ++i) {
    const std::string& relative = found[static_cast<std::size_t>(selection.first + i)];
    const std::string folder = folder_of(relative);
    set->entries.push_back(
        {relative, folder.empty() ? LeadingNumber(relative) : std::optional(labels.at(folder))});
  }
  return Result<std::unique_ptr<Dataset>>(std::move(set));
}

Result<std::unique_ptr<Dataset>> OpenPicture(const std::string& path,
                                             const DatasetOptions& options) {
  TF2_RETURN_IF_ERROR(Select(1, options));
  auto set = std::make_unique<PictureDataset>();
  set->path = path;
  set->input = options.input;
  set->preprocessing = options.preprocessing;
  set->entries.push_back({{}, LeadingNumber(fs::path(path).filename().string())});
  return Result<std::unique_ptr<Dataset>>(std::move(set));
}

}  // namespace tf2::dataset
