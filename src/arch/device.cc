#include "arch/device.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"

namespace tf2::arch {
namespace {

using Json = nlohmann::ordered_json;

const char* const kText[] = {"name",    "family",         "part",
                             "package", "nextpnr_device", "icetime_device"};
const char* const kFigures[] = {"logic_cells", "ebr", "ebr_bits", "spram",
                                "spram_bits",  "dsp", "ios",      "target_mhz"};

Status CheckKeys(const Json& json) {
  for (const char* key : kText) {
    const auto it = json.find(key);
    if (it == json.end() || !it->is_string() || it->get_ref<const std::string&>().empty()) {
      return InvalidArgument("\"{}\" must be a non-empty string", key);
    }
  }
  const auto sources = json.find("sources");
  if (sources == json.end() || !sources->is_object())
    return InvalidArgument("\"sources\" must be an object");
  for (const char* key : kFigures) {
    const auto it = json.find(key);
    if (it == json.end() || !it->is_number() || it->get<double>() < 0 || it->get<double>() > 1e9) {
      return InvalidArgument("\"{}\" must be a number between 0 and 1e9", key);
    }
    const auto source = sources->find(key);
    if (source == sources->end() || !source->is_string() ||
        source->get_ref<const std::string&>().empty()) {
      return InvalidArgument("\"{}\" has no source", key);
    }
  }
  for (const auto& [key, value] : json.items()) {
    const auto is = [&k = key](const char* name) { return k == name; };
    if (!is("sources") && std::ranges::none_of(kText, is) && std::ranges::none_of(kFigures, is)) {
      return InvalidArgument("unknown key \"{}\"", key);
    }
  }
  return {};
}

Status CheckFigures(const Device& d) {
  if (d.family != "ice40") return Unsupported("family \"{}\": ice40 is the only one", d.family);
  if (d.logic_cells < 1) return InvalidArgument("\"logic_cells\" is {}", d.logic_cells);
  if (d.ebr < 1 || d.ebr_bits < 1)
    return InvalidArgument("a device without block RAM cannot hold the engine");
  if ((d.spram == 0) != (d.spram_bits == 0))
    return InvalidArgument("\"spram\" and \"spram_bits\" disagree");
  if (d.target_mhz <= 0) return InvalidArgument("\"target_mhz\" is {}", d.target_mhz);
  return {};
}

}  // namespace

Result<Device> ReadDeviceFile(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, 1 << 20));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object())
    return InvalidArgument("not a JSON object").At(path);
  if (Status status = CheckKeys(json); !status.ok()) return Error(status.error()).At(path);
  const auto text_of = [&](const char* key) { return json.at(key).get<std::string>(); };
  const auto figure_of = [&](const char* key) {
    return static_cast<std::int64_t>(json.at(key).get<double>());
  };
  Device d;
  d.name = text_of("name");
  d.family = text_of("family");
  d.part = text_of("part");
  d.package = text_of("package");
  d.nextpnr_device = text_of("nextpnr_device");
  d.icetime_device = text_of("icetime_device");
  d.logic_cells = figure_of("logic_cells");
  d.ebr = figure_of("ebr");
  d.ebr_bits = figure_of("ebr_bits");
  d.spram = figure_of("spram");
  d.spram_bits = figure_of("spram_bits");
  d.dsp = figure_of("dsp");
  d.ios = figure_of("ios");
  d.target_mhz = json.at("target_mhz").get<double>();
  if (Status status = CheckFigures(d); !status.ok()) return Error(status.error()).At(path);
  const std::size_t slash = path.find_last_of('/');
  const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  if (file != d.name + ".json")
    return InvalidArgument("the file of \"{}\" must be {}.json", d.name, d.name).At(path);
  return d;
}

Result<std::vector<Device>> ReadDevices(const std::string& directory) {
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory));
  std::vector<Device> devices;
  for (const std::string& name : names) {
    if (!name.ends_with(".json")) continue;
    TF2_ASSIGN_OR_RETURN(Device device, ReadDeviceFile(fmt::format("{}/{}", directory, name)));
    devices.push_back(std::move(device));
  }
  std::ranges::sort(devices, {}, &Device::name);
  return devices;
}

Result<Device> FindDevice(const std::string& directory, const std::string& name) {
  TF2_ASSIGN_OR_RETURN(std::vector<Device> devices, ReadDevices(directory));
  std::vector<std::string> names;
  for (Device& device : devices) {
    if (device.name == name) return std::move(device);
    names.push_back(device.name);
  }
  return WithHint(NotFound("unknown device \"{}\"", name),
                  fmt::format("known devices: {}", fmt::join(names, ", ")));
}

}  // namespace tf2::arch
