#include "dataset/dataset.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "dataset/picture.h"
#include "dataset/sources.h"

namespace tf2::dataset {
namespace {

// Enough for every header.
constexpr std::uint64_t kHeadBytes = 1 << 16;

bool NamedBin(std::string_view path) {
  return path.ends_with(".bin") || path.ends_with(".bin.gz") || path.ends_with(".bin.xz");
}

// Printable text in the first bytes: for a better message.
bool LooksLikeText(std::span<const std::uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) {
    return (byte >= 32 && byte != 127) || byte == '\n' || byte == '\r' || byte == '\t';
  });
}

Result<std::unique_ptr<Dataset>> OpenFile(const std::string& path, const DatasetOptions& options) {
  TF2_ASSIGN_OR_RETURN(Blob head, Blob::Open(path, kHeadBytes));
  const auto bytes = head.bytes();
  if (bytes.empty()) return InvalidArgument("the file is empty");
  if (NamedBin(path)) return OpenCifar(path, std::move(head), options);
  if (DetectPicture(bytes) != PictureKind::kNone) return OpenPicture(path, options);
  if (IsNpy(bytes)) return OpenNpy(path, std::move(head), options);
  if (IsZip(bytes)) return OpenNpz(path, options);
  if (IsIdx(bytes)) return OpenIdx(path, std::move(head), options);
  if (head.complete() && bytes.size() % kCifarRecordBytes == 0 && bytes[0] <= 9) {
    return OpenCifar(path, std::move(head), options);
  }
  return WithHint(
      InvalidArgument("{} is no data set that tf2 reads",
                      LooksLikeText(bytes.subspan(0, std::min<std::size_t>(bytes.size(), 512)))
                          ? "this text file"
                          : "this file"),
      "data are a folder of pictures, one picture (JPEG, PNG, PGM, PPM), CIFAR-10 binary (.bin), "
      "idx, .npy or .npz, each also as .gz or .xz");
}

Result<std::unique_ptr<Dataset>> OpenMember(const std::string& path,
                                            const DatasetOptions& options) {
  if (!IsDirectory(path)) {
    TF2_ASSIGN_OR_RETURN(const Blob head, Blob::Open(path, kHeadBytes));
    if (IsZip(head.bytes())) return OpenNpz(path, options);
  }
  return WithHint(InvalidArgument("the model has several inputs, and this is no .npz"),
                  "give an .npz with an array for each input, under its name; or --data NAME=PATH "
                  "for each");
}

// Samples decoded by a few threads, handed over in order.
class ReadAhead {
 public:
  ReadAhead(const Dataset& dataset, int threads)
      : dataset_(dataset), slots_(static_cast<std::size_t>(threads) * 2 + 2) {
    for (int k = 0; k < threads; ++k) threads_.emplace_back([this] { Work(); });
  }
  ~ReadAhead() {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Sample `taken_`, `taken_` + 1, ...
  Result<Sample> Next() {
    std::unique_lock lock(mutex_);
    auto& slot = slots_[static_cast<std::size_t>(taken_) % slots_.size()];
    ready_.wait(lock, [&] { return slot.has_value(); });
    Result<Sample> result = std::move(*slot);
    slot.reset();
    ++taken_;
    lock.unlock();
    room_.notify_one();
    return result;
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [&] {
        return stop_ || claimed_ >= dataset_.size() ||
               claimed_ < taken_ + static_cast<std::int64_t>(slots_.size());
      });
      if (stop_ || claimed_ >= dataset_.size()) return;
      const std::int64_t i = claimed_++;
      lock.unlock();
      Result<Sample> sample = dataset_.Get(i);
      lock.lock();
      slots_[static_cast<std::size_t>(i) % slots_.size()] = std::move(sample);
      ready_.notify_one();
    }
  }

  const Dataset& dataset_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::vector<std::optional<Result<Sample>>> slots_;
  std::int64_t claimed_ = 0;
  std::int64_t taken_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<Dataset>> OpenDataset(const std::string& path,
                                             const DatasetOptions& options) {
  TF2_RETURN_IF_ERROR(CheckPreprocessing(options.preprocessing, options.input));
  auto opened = options.only_member ? OpenMember(path, options)
                : IsDirectory(path) ? OpenFolder(path, options)
                                    : OpenFile(path, options);
  if (!opened.ok() && !opened.error().location.starts_with(path)) {
    return std::move(opened.error()).At(path);
  }
  return opened;
}

Status ForEachSample(const Dataset& dataset, int threads,
                     const std::function<Status(std::int64_t i, Sample&& sample)>& fn) {
  constexpr int kMaxReaders = 16;
  const int readers = std::clamp(threads == 0 ? DefaultThreads() : threads, 1, kMaxReaders);
  ReadAhead reader(dataset, readers);
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    TF2_ASSIGN_OR_RETURN(Sample sample, reader.Next());
    TF2_RETURN_IF_ERROR(fn(i, std::move(sample)));
  }
  return {};
}

Status ForEachBatch(const Dataset& dataset, std::size_t batch,
                    const std::function<Status(std::vector<Sample> samples)>& fn) {
  std::vector<Sample> samples;
  TF2_RETURN_IF_ERROR(ForEachSample(dataset, 0, [&](std::int64_t, Sample&& sample) -> Status {
    samples.push_back(std::move(sample));
    return samples.size() < batch ? Status() : fn(std::exchange(samples, {}));
  }));
  return samples.empty() ? Status() : fn(std::move(samples));
}

std::vector<std::vector<float>> TakeInputs(std::span<Sample> samples) {
  std::vector<std::vector<float>> inputs;
  for (Sample& sample : samples) inputs.push_back(std::move(sample.x));
  return inputs;
}

}  // namespace tf2::dataset
