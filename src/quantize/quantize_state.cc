#include "quantize/quantize_state.h"

#include <array>
#include <cstdio>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/files.h"
#include "base/hash.h"

namespace tf2::quantize {
namespace {

constexpr std::uint32_t kMagic = 0x32535154;  // "TQS2"

template <typename T>
void WriteVector(ByteWriter& out, const std::vector<T>& v) {
  out.Write(static_cast<std::uint64_t>(v.size()));
  out.WriteArray(std::span<const T>(v));
}

template <typename T>
Result<std::vector<T>> ReadVector(ByteReader& in) {
  TF2_ASSIGN_OR_RETURN(const auto n, in.Read<std::uint64_t>());
  return in.ReadArray<T>(n);
}

void WriteLayer(ByteWriter& out, const CompensatedLayer& layer) {
  out.Write(static_cast<std::uint32_t>(layer.layer.terms.size()));
  for (const auto& term : layer.layer.terms) WriteVector(out, term);
  WriteVector(out, layer.layer.scale);
  WriteVector(out, layer.layer.bias);
  WriteVector(out, layer.error);
  out.Write(layer.over_nearest);
}

Result<CompensatedLayer> ReadLayer(ByteReader& in) {
  CompensatedLayer layer;
  TF2_ASSIGN_OR_RETURN(const auto terms, in.Read<std::uint32_t>());
  if (terms > 2) return DataLoss("a layer of {} terms", terms);
  for (std::uint32_t t = 0; t < terms; ++t) {
    TF2_ASSIGN_OR_RETURN(layer.layer.terms.emplace_back(), ReadVector<std::int8_t>(in));
  }
  TF2_ASSIGN_OR_RETURN(layer.layer.scale, ReadVector<double>(in));
  TF2_ASSIGN_OR_RETURN(layer.layer.bias, ReadVector<double>(in));
  TF2_ASSIGN_OR_RETURN(layer.error, ReadVector<double>(in));
  TF2_ASSIGN_OR_RETURN(layer.over_nearest, in.Read<double>());
  return layer;
}

}  // namespace

Result<QuantizeState> QuantizeState::Read(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes, ReadFile(path));
  ByteReader in(bytes);
  TF2_ASSIGN_OR_RETURN(const auto magic, in.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(const auto crc, in.Read<std::uint32_t>());
  if (magic != kMagic || Crc32(std::span(bytes).subspan(in.position())) != crc) {
    return WithHint(DataLoss("not the state of a quantisation, or damaged").At(path),
                    "remove it, or run without --resume");
  }
  QuantizeState state(path);
  TF2_ASSIGN_OR_RETURN(const auto layers, in.Read<std::uint32_t>());
  for (std::uint32_t i = 0; i < layers; ++i) {
    TF2_ASSIGN_OR_RETURN(const auto key, in.Read<std::uint64_t>());
    TF2_ASSIGN_OR_RETURN(const auto index, in.Read<std::uint32_t>());
    TF2_ASSIGN_OR_RETURN(CompensatedLayer layer, ReadLayer(in));
    state.layers_[{key, index}] = std::move(layer);
  }
  TF2_ASSIGN_OR_RETURN(const auto lists, in.Read<std::uint32_t>());
  for (std::uint32_t i = 0; i < lists; ++i) {
    TF2_ASSIGN_OR_RETURN(const auto key, in.Read<std::uint64_t>());
    TF2_ASSIGN_OR_RETURN(const auto count, in.Read<std::uint32_t>());
    std::vector<std::string>& names = state.names_[key];
    for (std::uint32_t n = 0; n < count; ++n) {
      TF2_ASSIGN_OR_RETURN(names.emplace_back(), in.ReadString());
    }
  }
  TF2_ASSIGN_OR_RETURN(const auto measured, in.Read<std::uint32_t>());
  for (std::uint32_t i = 0; i < measured; ++i) {
    TF2_ASSIGN_OR_RETURN(const auto key, in.Read<std::uint64_t>());
    TF2_ASSIGN_OR_RETURN(std::string of, in.ReadString());
    TF2_ASSIGN_OR_RETURN(state.numbers_[std::pair(key, std::move(of))], ReadVector<double>(in));
  }
  return state;
}

std::optional<CompensatedLayer> QuantizeState::Layer(std::uint64_t key, std::uint32_t index) const {
  const auto it = layers_.find({key, index});
  return it == layers_.end() ? std::nullopt : std::optional(it->second);
}

void QuantizeState::PutLayer(std::uint64_t key, std::uint32_t index,
                             const CompensatedLayer& layer) {
  if (!path_.empty()) layers_[{key, index}] = layer;
}

std::optional<std::vector<std::string>> QuantizeState::Names(std::uint64_t key) const {
  const auto it = names_.find(key);
  return it == names_.end() ? std::nullopt : std::optional(it->second);
}

void QuantizeState::PutNames(std::uint64_t key, const std::vector<std::string>& names) {
  if (!path_.empty()) names_[key] = names;
}

std::optional<std::vector<double>> QuantizeState::Numbers(std::uint64_t key,
                                                          const std::string& of) const {
  const auto it = numbers_.find({key, of});
  return it == numbers_.end() ? std::nullopt : std::optional(it->second);
}

void QuantizeState::PutNumbers(std::uint64_t key, const std::string& of,
                               const std::vector<double>& numbers) {
  if (!path_.empty()) numbers_[{key, of}] = numbers;
}

bool QuantizeState::Knows(std::uint64_t key) const {
  const auto it = numbers_.lower_bound({key, ""});
  return names_.contains(key) || (it != numbers_.end() && it->first.first == key);
}

void QuantizeState::KeepOnly(std::uint64_t key) {
  std::erase_if(layers_, [key](const auto& entry) { return entry.first.first != key; });
}

Status QuantizeState::Write() const {
  if (path_.empty()) return {};
  ByteWriter body;
  // Arrays: GCC 12 takes a first single number for one written beyond the empty buffer.
  const std::array<std::uint32_t, 1> count = {static_cast<std::uint32_t>(layers_.size())};
  body.WriteArray(std::span<const std::uint32_t>(count));
  for (const auto& [at, layer] : layers_) {
    body.Write(at.first);
    body.Write(at.second);
    WriteLayer(body, layer);
  }
  body.Write(static_cast<std::uint32_t>(names_.size()));
  for (const auto& [key, names] : names_) {
    body.Write(key);
    body.Write(static_cast<std::uint32_t>(names.size()));
    for (const std::string& name : names) body.WriteString(name);
  }
  body.Write(static_cast<std::uint32_t>(numbers_.size()));
  for (const auto& [of, numbers] : numbers_) {
    body.Write(of.first);
    body.WriteString(of.second);
    WriteVector(body, numbers);
  }
  const std::array<std::uint32_t, 2> head = {kMagic, Crc32(body.bytes())};
  ByteWriter file;
  file.WriteArray(std::span<const std::uint32_t>(head));
  file.WriteBytes(body.bytes());
  return WriteFileAtomically(path_, file.bytes());
}

void QuantizeState::Remove() const {
  if (!path_.empty()) std::remove(path_.c_str());
}

}  // namespace tf2::quantize
