#include "build/simulator.h"

#include <vector>

#include "base/files.h"
#include "base/parallel.h"
#include "base/subprocess.h"
#include "build/tool_cache.h"
#include "codegen/rtl/top.h"

namespace tf2::build {
namespace {

constexpr double kCompilerTimeoutS = 1200;
constexpr char kLibrary[] = "simulator.so";

// Everything that one simulator is made of.
struct Recipe {
  std::string kind;                   // prefix of the cache folder
  std::string top;                    // (System)Verilog of module tf2_top
  std::vector<std::string> sources;   // further files, by path
  std::vector<std::string> contents;  // of those and of the harness: for the key
  std::string harness;                // folder of sim_harness.{h,cc}
  std::string arch_json;
  std::vector<std::string> verilator_flags;
  std::vector<std::string> compiler_flags;
  bool trace = false;
};

CommandOptions InFolder(const std::string& folder) {
  CommandOptions options;
  options.working_dir = folder;
  options.timeout_s = kCompilerTimeoutS;
  return options;
}

std::vector<std::string> VerilatorCommand(const Recipe& recipe) {
  std::vector<std::string> argv = {
      "verilator",  "--cc",           "-O3", "--x-assign",   "fast",    "--x-initial", "fast",
      "--noassert", "--unroll-count", "2",   "--top-module", "tf2_top", "--Mdir",      "obj"};
  argv.insert(argv.end(), recipe.verilator_flags.begin(), recipe.verilator_flags.end());
  argv.insert(argv.end(), recipe.sources.begin(), recipe.sources.end());
  argv.emplace_back("tf2_top.sv");
  return argv;
}

// Compiles what Verilator wrote, its library and the harness, several files at once, and links
// them.
Status CompileLibrary(const Recipe& recipe, const std::string& root, const std::string& folder) {
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> written, ListDirectory(folder + "/obj"));
  std::vector<std::string> files;
  for (const std::string& name : written) {
    if (name.size() > 4 && name.ends_with(".cpp")) files.push_back("obj/" + name);
  }
  files.push_back(root + "/include/verilated.cpp");
  files.push_back(root + "/include/verilated_threads.cpp");
  if (recipe.trace) files.push_back(root + "/include/verilated_fst_c.cpp");
  files.push_back(recipe.harness + "/sim_harness.cc");
  const CommandOptions options = InFolder(folder);
  auto compile = [&](std::int64_t i) -> Status {
    std::vector<std::string> argv = {"g++",
                                     "-std=c++20",
                                     "-O2",
                                     "-fPIC",
                                     "-w",
                                     "-DTF2_MODEL=Vtf2_top",
                                     "-DTF2_MODEL_HEADER=\"Vtf2_top.h\"",
                                     "-Iobj",
                                     "-I" + root + "/include",
                                     "-I" + root + "/include/vltstd",
                                     "-I" + recipe.harness};
    argv.insert(argv.end(), recipe.compiler_flags.begin(), recipe.compiler_flags.end());
    argv.insert(argv.end(),
                {"-c", files[static_cast<std::size_t>(i)], "-o", fmt::format("{}.o", i)});
    TF2_ASSIGN_OR_RETURN(const auto done, RunCommandChecked(argv, options));
    return {};
  };
  TF2_RETURN_IF_ERROR(ParallelForStatus(static_cast<std::int64_t>(files.size()), 0, compile));
  std::vector<std::string> link = {"g++", "-shared", "-o", kLibrary};
  for (std::size_t i = 0; i < files.size(); ++i) link.push_back(fmt::format("{}.o", i));
  link.insert(link.end(), {"-lz", "-pthread"});
  TF2_ASSIGN_OR_RETURN(const auto linked, RunCommandChecked(link, options));
  return {};
}

Status MakeSimulator(const Recipe& recipe, const std::string& folder) {
  TF2_RETURN_IF_ERROR(RequireTool("verilator"));
  TF2_RETURN_IF_ERROR(WriteFileAtomically(folder + "/tf2_top.sv", recipe.top));
  TF2_RETURN_IF_ERROR(WriteFileAtomically(folder + "/arch.json", recipe.arch_json));
  const CommandOptions options = InFolder(folder);
  TF2_ASSIGN_OR_RETURN(const auto verilated, RunCommandChecked(VerilatorCommand(recipe), options));
  TF2_ASSIGN_OR_RETURN(const auto where,
                       RunCommandChecked({"verilator", "--getenv", "VERILATOR_ROOT"}));
  const std::string root = where.output.substr(0, where.output.find('\n'));
  return CompileLibrary(recipe, root, folder);
}

Result<std::string> Make(const Recipe& recipe) {
  CacheKey key{recipe.kind, {recipe.top, recipe.arch_json}};
  for (const auto* list : {&recipe.contents, &recipe.verilator_flags, &recipe.compiler_flags}) {
    key.parts.insert(key.parts.end(), list->begin(), list->end());
    key.parts.emplace_back("|");
  }
  TF2_ASSIGN_OR_RETURN(key.parts.emplace_back(), ToolVersion("verilator", "--version"));
  auto make = [&recipe](const std::string& folder) { return MakeSimulator(recipe, folder); };
  TF2_ASSIGN_OR_RETURN(const std::string folder, CachedFolder(key, make));
  return folder + "/" + kLibrary;
}

// The harness and the widths that it must know.
Status AddHarness(const arch::Arch& arch, const std::string& rtl, Recipe& recipe) {
  recipe.harness = rtl + "/tb";
  recipe.arch_json = arch::ToJson(arch);
  for (const char* name : {"/sim_harness.h", "/sim_harness.cc"}) {
    TF2_ASSIGN_OR_RETURN(recipe.contents.emplace_back(), ReadTextFile(recipe.harness + name));
  }
  recipe.compiler_flags.push_back(fmt::format("-DTF2_BEAT_BITS={}", arch.beat_bits));
  recipe.compiler_flags.push_back(fmt::format("-DTF2_PORT_BITS={}", arch.port_bits));
  return {};
}

// Verilog of a top that gives the decoded chip the port it cannot have.
std::string DecodedTop(const std::string& chip) {
  return chip + R"(
module tf2_top (
  input clk_i, input rst_ni, input in_valid_i, input in_data_i, output in_ready_o,
  output out_valid_o, output out_data_o, input out_ready_i, output running_o, output layer_done_o
);
  assign layer_done_o = 1'b0;
  chip u_chip (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(in_valid_i), .in_data_i(in_data_i), .in_ready_o(in_ready_o),
    .out_valid_o(out_valid_o), .out_data_o(out_data_o), .out_ready_i(out_ready_i), .running_o(running_o)
  );
endmodule
)";
}

}  // namespace

Result<std::string> BuildSimulator(const arch::Arch& arch, const SimulatorOptions& options) {
  TF2_ASSIGN_OR_RETURN(const std::string rtl, RtlFolder());
  TF2_ASSIGN_OR_RETURN(SourceList sources, ReadSourceList(rtl + "/sources.f"));
  Recipe recipe;
  recipe.kind = "sim";
  recipe.top = codegen::rtl::TopModule(arch, codegen::rtl::Target::kSimulation);
  recipe.sources = std::move(sources.paths);
  recipe.contents = std::move(sources.contents);
  TF2_RETURN_IF_ERROR(AddHarness(arch, rtl, recipe));
  recipe.trace = options.trace;
  if (options.trace) {
    recipe.verilator_flags = {"--trace-fst"};
    recipe.compiler_flags.insert(recipe.compiler_flags.end(), {"-DVM_TRACE=1", "-DVM_TRACE_FST=1"});
  }
  return Make(recipe);
}

Result<std::string> BuildDecodedSimulator(const arch::Arch& arch, const std::string& verilog) {
  TF2_ASSIGN_OR_RETURN(const std::string rtl, RtlFolder());
  Recipe recipe;
  recipe.kind = "decoded";
  recipe.top = DecodedTop(verilog);
  recipe.verilator_flags = {"-Wno-fatal", "-Wno-lint", "-Wno-style"};
  recipe.sources = {rtl + "/ice40/sb_ram40_4k.v"};
  TF2_ASSIGN_OR_RETURN(recipe.contents.emplace_back(), ReadTextFile(recipe.sources[0]));
  TF2_RETURN_IF_ERROR(AddHarness(arch, rtl, recipe));
  return Make(recipe);
}

}  // namespace tf2::build
