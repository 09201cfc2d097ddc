#include <nlohmann/json.hpp>

#include "arch/arch.h"
#include "base/files.h"

namespace tf2::arch {
namespace {

using Json = nlohmann::ordered_json;

// Calls visit(key, member) for every member of the JSON object, in the order of the table.
template <typename A, typename F>
void ForEachKey(A& a, F&& visit) {
  visit("name", a.name);
  visit("device", a.device);
  visit("N", a.n);
  visit("C", a.c);
  visit("P", a.p);
  visit("AccBits", a.acc_bits);
  visit("FeatureWords", a.feature_words);
  visit("WeightWords", a.weight_words);
  visit("ParamEntries", a.param_entries);
  visit("ProgramFields", a.program_fields);
  visit("FieldBits", a.field_bits);
  visit("CountBits", a.count_bits);
  visit("CoordBits", a.coord_bits);
  visit("BeatBits", a.beat_bits);
  visit("PortBits", a.port_bits);
  visit("R", a.requant_units);
  visit("DualPort", a.dual_port);
  visit("HasPadding", a.has_padding);
  visit("HasResidual", a.has_residual);
  visit("HasMaxPool", a.has_max_pool);
  visit("HasWide", a.has_wide);
  visit("HasRegions", a.has_regions);
  visit("HasRepeat", a.has_repeat);
}

// Each returns what the key must be, or nullptr after it was stored.
const char* Store(const Json& value, std::string& out) {
  if (!value.is_string()) return "a string";
  out = value.get<std::string>();
  return nullptr;
}

const char* Store(const Json& value, bool& out) {
  // The table writes 0 and 1, JSON writes false and true: both are read.
  if (value.is_number_integer() && (value == 0 || value == 1)) {
    out = value == 1;
    return nullptr;
  }
  if (!value.is_boolean()) return "true or false";
  out = value.get<bool>();
  return nullptr;
}

template <typename T>
const char* Store(const Json& value, T& out) {
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  if (!value.is_number_integer()) return "an integer";
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{kMost})
    return "at most 2^30";
  const auto number = value.get<std::int64_t>();
  if (number < 0 || number > kMost) return "between 0 and 2^30";
  out = static_cast<T>(number);
  return nullptr;
}

}  // namespace

std::string ToJson(const Arch& arch) {
  Json json;
  ForEachKey(arch, [&](const char* key, const auto& member) { json[key] = member; });
  return json.dump(2) + "\n";
}

Result<Arch> ParseArch(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return InvalidArgument("the configuration is not JSON");
  if (!json.is_object()) return InvalidArgument("the configuration is not a JSON object");
  Arch arch;
  Status status;
  std::size_t known = 0;
  ForEachKey(arch, [&](const char* key, auto& member) {
    const auto found = json.find(key);
    if (found == json.end()) return;
    ++known;
    const char* wanted = Store(*found, member);
    if (wanted != nullptr && status.ok()) status = InvalidArgument("{} must be {}", key, wanted);
  });
  TF2_RETURN_IF_ERROR(std::move(status));
  if (known != json.size()) {
    for (const auto& item : json.items()) {
      const std::string& key = item.key();
      bool is_known = false;
      ForEachKey(arch, [&](const char* k, auto&) { is_known |= key == k; });
      if (!is_known) {
        return WithHint(InvalidArgument("unknown key \"{}\" in the configuration", key),
                        "the names are those of the configuration table in docs/isa.md");
      }
    }
  }
  TF2_RETURN_IF_ERROR(Check(arch));
  return arch;
}

Result<Arch> ReadArch(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, 1 << 20));
  auto arch = ParseArch(text);
  if (!arch.ok()) return std::move(arch.error()).At(path);
  return arch;
}

}  // namespace tf2::arch
