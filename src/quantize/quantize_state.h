// What an interrupted quantisation has finished, in a file: so that it goes on where it was.
#ifndef TF2_QUANTIZE_QUANTIZE_STATE_H_
#define TF2_QUANTIZE_QUANTIZE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "quantize/compensate.h"

namespace tf2::quantize {

// Rounded layers by the key of the work that they are part of (a hash of model, data and options)
// and their place in it; lists of names that were chosen, by key; numbers that were measured for a
// choice, by its key and what they are of. Written atomically.
class QuantizeState {
 public:
  // Nothing is kept where `path` is empty.
  explicit QuantizeState(std::string path) : path_(std::move(path)) {}
  // Reads `path`. Errors: kNotFound, kDataLoss.
  static Result<QuantizeState> Read(const std::string& path);

  std::optional<CompensatedLayer> Layer(std::uint64_t key, std::uint32_t index) const;
  void PutLayer(std::uint64_t key, std::uint32_t index, const CompensatedLayer& layer);
  std::optional<std::vector<std::string>> Names(std::uint64_t key) const;
  void PutNames(std::uint64_t key, const std::vector<std::string>& names);
  std::optional<std::vector<double>> Numbers(std::uint64_t key, const std::string& of) const;
  void PutNumbers(std::uint64_t key, const std::string& of, const std::vector<double>& numbers);
  // Whether there are names or numbers of `key`.
  bool Knows(std::uint64_t key) const;
  // Forgets the layers of all work but that of `key`.
  void KeepOnly(std::uint64_t key);

  Status Write() const;
  // After success.
  void Remove() const;

 private:
  std::string path_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, CompensatedLayer> layers_;
  std::map<std::uint64_t, std::vector<std::string>> names_;
  std::map<std::pair<std::uint64_t, std::string>, std::vector<double>> numbers_;
};

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_QUANTIZE_STATE_H_
