#include "tests/random_networks/crasher.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/files.h"
#include "base/hash.h"
#include "qnet/artifact.h"

namespace tf2::random_networks {
namespace {

constexpr char kInputs[] = "inputs";
constexpr char kArch[] = "arch";
constexpr char kOptions[] = "options";

std::vector<std::uint8_t> BytesOf(std::string_view text) { return {text.begin(), text.end()}; }

std::string TextOf(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

const char* NameOf(sched::Folding folding) {
  switch (folding) {
    case sched::Folding::kAuto:
      return "auto";
    case sched::Folding::kNever:
      return "never";
    case sched::Folding::kAlways:
      return "always";
  }
  return "";
}

Result<sched::Options> ParseOptions(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const bool ok = json.is_object() && json.contains("folding") && json["folding"].is_string() &&
                  json.contains("in_place_residual") && json["in_place_residual"].is_boolean();
  if (!ok) return DataLoss("the section \"{}\" is damaged", kOptions);
  sched::Options options;
  options.in_place_residual = json["in_place_residual"].get<bool>();
  for (const auto folding :
       {sched::Folding::kAuto, sched::Folding::kNever, sched::Folding::kAlways}) {
    if (json["folding"] == NameOf(folding)) options.folding = folding;
  }
  return options;
}

Result<Crasher> FromArtifact(qnet::Artifact artifact) {
  for (const char* section : {kInputs, kArch, kOptions}) {
    if (!artifact.extra.contains(section)) return DataLoss("no section \"{}\"", section);
  }
  Crasher crasher;
  crasher.c.net = std::move(artifact.net);
  TF2_ASSIGN_OR_RETURN(crasher.arch, arch::ParseArch(TextOf(artifact.extra[kArch])));
  TF2_ASSIGN_OR_RETURN(crasher.c.options, ParseOptions(TextOf(artifact.extra[kOptions])));
  const std::vector<std::uint8_t>& bytes = artifact.extra[kInputs];
  const qnet::QNet& net = crasher.c.net;
  const auto elements = static_cast<std::size_t>(qnet::InputElements(net));
  if (bytes.empty() || bytes.size() % elements != 0)
    return DataLoss("{} bytes of inputs, {} each", bytes.size(), elements);
  for (auto at = bytes.begin(); at != bytes.end(); at += static_cast<std::ptrdiff_t>(elements))
    crasher.c.inputs.emplace_back(at, at + static_cast<std::ptrdiff_t>(elements));
  return crasher;
}

}  // namespace

Result<Crasher> ReadCrasher(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, qnet::ReadArtifact(path));
  auto crasher = FromArtifact(std::move(artifact));
  if (!crasher.ok()) return std::move(crasher.error()).At(path);
  return crasher;
}

Result<std::string> WriteCrasher(const std::string& folder, const std::string& what,
                                 const Crasher& crasher) {
  qnet::Artifact artifact{crasher.c.net, {}};
  std::vector<std::uint8_t>& inputs = artifact.extra[kInputs];
  for (const auto& input : crasher.c.inputs)
    inputs.insert(inputs.end(), input.begin(), input.end());
  artifact.extra[kArch] = BytesOf(arch::ToJson(crasher.arch));
  const nlohmann::ordered_json options = {
      {"folding", NameOf(crasher.c.options.folding)},
      {"in_place_residual", crasher.c.options.in_place_residual}};
  artifact.extra[kOptions] = BytesOf(options.dump());
  TF2_RETURN_IF_ERROR(MakeDirectories(folder));
  TF2_ASSIGN_OR_RETURN(const auto bytes, qnet::SerializeArtifact(artifact));
  const std::string path = fmt::format("{}/{}-{:08x}.tf2", folder, what, Crc32(bytes));
  TF2_RETURN_IF_ERROR(WriteFileAtomically(path, bytes));
  return path;
}

Result<std::vector<std::string>> ListCrashers(const std::string& folder) {
  std::vector<std::string> paths;
  if (!IsDirectory(folder)) return paths;
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  for (const std::string& name : names) {
    if (name.ends_with(".tf2")) paths.push_back(fmt::format("{}/{}", folder, name));
  }
  return paths;
}

}  // namespace tf2::random_networks
