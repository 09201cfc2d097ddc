#include "build/ice40.h"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/files.h"
#include "base/resources.h"
#include "base/subprocess.h"
#include "build/decoded_verilog.h"
#include "build/tool_cache.h"
#include "codegen/rtl/top.h"

namespace tf2::build {
namespace {

using Json = nlohmann::json;

// Longest that synthesis or routing may take.
constexpr double kToolTimeoutS = 1800;

struct Inputs {
  std::string top;        // generated SystemVerilog
  SourceList sources;     // rtl/sources.f
  std::string synthesis;  // yosys commands after reading
  std::string pins;       // data/devices/<name>.pcf
};

// Synthesis for the iCE40. wreduce and alumacc before the rest keep the adder trees as narrow as
// their operands; dfflegalize leaves resets and enables that few flip-flops share to LUTs, since
// each takes a control set of a whole tile and a design that fills the device would not place.
std::string SynthesisScript(const arch::Device& device) {
  const std::string synth = fmt::format("synth_ice40 -top tf2_top -device {}{} -run ",
                                        device.nextpnr_device.starts_with("up") ? "u" : "hx",
                                        device.dsp > 0 ? " -dsp" : "");
  return "hierarchy -check -top tf2_top\nproc\nopt_expr\nopt_clean\nwreduce "
         "*tf2_adder_tree*\nalumacc *tf2_adder_tree*\n" +
         synth + "begin:map_ffs\n" +
         "dfflegalize -mince 8 -minsrst 8 -cell $_DFF_?_ 0 -cell $_DFFE_?P_ 0 -cell $_DFF_?P?_ 0 "
         "-cell $_DFFE_?P?P_ 0 "
         "-cell $_SDFF_?P?_ 0 -cell $_SDFFCE_?P?P_ 0 -cell $_DLATCH_?_ x\n" +
         synth + "map_ffs:\n";
}

Result<Inputs> ReadInputs(const arch::Arch& arch, const arch::Device& device) {
  Inputs inputs;
  inputs.top = codegen::rtl::TopModule(arch, codegen::rtl::Target::kDevice,
                                       device.spram > 0 && !arch.dual_port);
  TF2_ASSIGN_OR_RETURN(const std::string rtl, RtlFolder());
  TF2_ASSIGN_OR_RETURN(inputs.sources, ReadSourceList(rtl + "/sources.f"));
  inputs.synthesis = SynthesisScript(device);
  TF2_ASSIGN_OR_RETURN(const std::string devices, FindResource("data/devices"));
  TF2_ASSIGN_OR_RETURN(inputs.pins, ReadTextFile(devices + "/" + device.name + ".pcf"));
  return inputs;
}

// Runs one tool and appends what it printed to the log.
Status RunLogged(const std::vector<std::string>& argv, const std::string& folder,
                 std::string& log) {
  CommandOptions options;
  options.working_dir = folder;
  options.timeout_s = kToolTimeoutS;
  TF2_ASSIGN_OR_RETURN(const CommandResult result, RunCommand(argv, options));
  log += fmt::format("$ {}\n{}\n", fmt::join(argv, " "), result.output);
  if (result.exit_code == 0) return {};
  std::string tail = result.output;
  if (tail.size() > 1500) tail.erase(0, tail.size() - 1500);
  return WithHint(
      ResourceExhausted("{} failed with status {}:\n{}", argv[0], result.exit_code, tail),
      "the design may not fit or not route: try another --seed, a smaller network or a larger "
      "device");
}

Status MakeBitstream(const Inputs& inputs, const arch::Device& device, std::int64_t seed,
                     const std::string& folder) {
  for (const char* tool : {"yosys", "nextpnr-ice40", "icepack"})
    TF2_RETURN_IF_ERROR(RequireTool(tool));
  const auto start = std::chrono::steady_clock::now();
  std::string script;
  for (const std::string& path : inputs.sources.paths)
    script += fmt::format("read_verilog -sv {}\n", path);
  script += "read_verilog -sv tf2_top.sv\n" + inputs.synthesis + "write_json tf2_top.json\n";
  TF2_RETURN_IF_ERROR(WriteFileAtomically(folder + "/tf2_top.sv", inputs.top));
  TF2_RETURN_IF_ERROR(WriteFileAtomically(folder + "/synth.ys", script));
  TF2_RETURN_IF_ERROR(WriteFileAtomically(folder + "/pins.pcf", inputs.pins));
  std::string log;
  Status status = RunLogged({"yosys", "-q", "-l", "yosys.log", "synth.ys"}, folder, log);
  if (status.ok()) {
    status = RunLogged({"nextpnr-ice40", "--" + device.nextpnr_device, "--package", device.package,
                        "--json", "tf2_top.json", "--pcf", "pins.pcf", "--asc", "tf2_top.asc",
                        "--report", "report.json", "--seed", std::to_string(seed), "--freq",
                        fmt::format("{}", device.target_mhz), "--timing-allow-fail"},
                       folder, log);
  }
  if (status.ok()) status = RunLogged({"icepack", "tf2_top.asc", "tf2_top.bin"}, folder, log);
  if (!status.ok()) return status;
  TF2_RETURN_IF_ERROR(WriteFileAtomically(folder + "/build.log", log));
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  return WriteFileAtomically(folder + "/seconds", fmt::format("{:.1f}\n", spent.count()));
}

std::int64_t Used(const Json& report, const char* what) {
  const auto& cells = report.at("utilization");
  return cells.contains(what) ? cells.at(what).at("used").get<std::int64_t>() : 0;
}

// Numbers of nextpnr's report; the engine has one clock, the slowest counts if the tool names
// several.
Status ReadReport(const std::string& text, Ice40Build& result) {
  try {
    const Json report = Json::parse(text);
    result.lc = Used(report, "ICESTORM_LC");
    result.ram = Used(report, "ICESTORM_RAM");
    result.spram = Used(report, "ICESTORM_SPRAM");
    result.dsp = Used(report, "ICESTORM_DSP");
    for (const auto& clock : report.at("fmax")) {
      const double mhz = clock.at("achieved").get<double>();
      if (result.fmax_mhz == 0 || mhz < result.fmax_mhz) result.fmax_mhz = mhz;
    }
  } catch (const Json::exception& e) {
    return Internal("nextpnr's report cannot be read: {}", e.what());
  }
  return {};
}

}  // namespace

Result<Ice40Build> BuildIce40(const arch::Arch& arch, const arch::Device& device,
                              std::int64_t seed) {
  if (device.family != "ice40")
    return Unsupported("{}: no flow for family {}", device.name, device.family);
  TF2_ASSIGN_OR_RETURN(const Inputs inputs, ReadInputs(arch, device));
  CacheKey key{"ice40",
               {inputs.top, inputs.synthesis, inputs.pins, device.name, device.package,
                fmt::format("{} {}", seed, device.target_mhz)}};
  for (const std::string& text : inputs.sources.contents) key.parts.push_back(text);
  TF2_ASSIGN_OR_RETURN(key.parts.emplace_back(), ToolVersion("yosys", "-V"));
  TF2_ASSIGN_OR_RETURN(key.parts.emplace_back(), ToolVersion("nextpnr-ice40", "--version"));
  auto make = [&](const std::string& folder) {
    return MakeBitstream(inputs, device, seed, folder);
  };
  TF2_ASSIGN_OR_RETURN(const std::string folder, CachedFolder(key, make));
  Ice40Build result;
  result.bitstream = folder + "/tf2_top.bin";
  result.ascii = folder + "/tf2_top.asc";
  result.log = folder + "/build.log";
  TF2_ASSIGN_OR_RETURN(const std::string report, ReadTextFile(folder + "/report.json"));
  TF2_RETURN_IF_ERROR(ReadReport(report, result));
  TF2_ASSIGN_OR_RETURN(const std::string seconds, ReadTextFile(folder + "/seconds"));
  result.seconds = std::stod(seconds);
  return result;
}

Result<std::string> DecodeIce40(const Ice40Build& build, const arch::Device& device) {
  if (build.spram > 0 || build.dsp > 0) {
    return WithHint(
        Unsupported("{}: the bitstream uses {} SPRAMs and {} DSPs, which icebox_vlog leaves out",
                    device.name, build.spram, build.dsp),
        "prove on ice40-hx8k, which has neither");
  }
  TF2_ASSIGN_OR_RETURN(const ScratchDir scratch, ScratchDir::Create());
  TF2_ASSIGN_OR_RETURN(const std::string devices, FindResource("data/devices"));
  const std::string asc = scratch.File("decoded.asc");
  TF2_ASSIGN_OR_RETURN(const auto unpacked, RunCommandChecked({"iceunpack", build.bitstream, asc}));
  CommandOptions options;
  options.max_output = std::size_t{256} << 20;
  TF2_ASSIGN_OR_RETURN(const CommandResult decoded,
                       RunCommandChecked({"icebox_vlog", "-s", "-n", "chip", "-p",
                                          devices + "/" + device.name + ".pcf", asc},
                                         options));
  return MergePortDeclarations(decoded.output);
}

}  // namespace tf2::build
