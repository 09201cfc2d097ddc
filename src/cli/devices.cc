#include "cli/devices.h"

#include "base/parallel.h"
#include "build/simulator.h"
#include "cli/models.h"
#include "program/serialize.h"
#include "runtime/backends/cpu/cpu.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/backends/verilator/verilator.h"

namespace tf2::cli {

std::vector<runtime::BackendFactory> Backends() {
  return {runtime::ReferenceBackend(), runtime::CpuBackend(), runtime::VerilatorBackend()};
}

int Threads(const Options& options) {
  return options.threads > 0 ? options.threads : DefaultThreads();
}

Status CheckNoBackend(const Options& options) {
  if (options.backend.empty()) return {};
  return WithHint(InvalidArgument("--backend {} runs artifacts; {} is a float model",
                                  options.backend, options.model.path),
                  "leave --backend out, or make an artifact with tf2 quantize");
}

Result<std::unique_ptr<runtime::Device>> OpenSimulator(const arch::Arch& arch,
                                                       const std::string& trace) {
  runtime::DeviceOptions options;
  TF2_ASSIGN_OR_RETURN(options.simulator, build::BuildSimulator(arch, {.trace = !trace.empty()}));
  options.trace_file = trace;
  return runtime::OpenDevice("verilator", options, Backends());
}

Result<runtime::Session> OpenSession(qnet::Artifact artifact, const Options& options,
                                     const std::string& backend) {
  if (backend == "verilator") {
    TF2_ASSIGN_OR_RETURN(const Compiled compiled, CompileFor(artifact, options.arch));
    artifact.extra[qnet::kProgramSection] = program::Serialize(compiled.program);
    TF2_ASSIGN_OR_RETURN(auto device, OpenSimulator(compiled.arch, options.trace));
    return runtime::Session::Open(std::move(artifact), std::move(device));
  }
  runtime::DeviceOptions device_options;
  device_options.threads = options.threads;
  device_options.isa = options.isa;
  TF2_ASSIGN_OR_RETURN(auto device, runtime::OpenDevice(backend.empty() ? "cpu" : backend,
                                                        device_options, Backends()));
  return runtime::Session::Open(std::move(artifact), std::move(device));
}

}  // namespace tf2::cli
