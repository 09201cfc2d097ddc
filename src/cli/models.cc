#include "cli/models.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/files.h"
#include "import/caffe/caffe_importer.h"
#include "import/onnx/onnx_importer.h"
#include "ir/text.h"
#include "passes/pipeline.h"
#include "program/serialize.h"
#include "sched/compile.h"

namespace tf2::cli {
namespace {

bool EndsWith(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// "1x3x32x32" -> {1, 3, 32, 32}.
Result<ir::Shape> ParseShape(const std::string& text) {
  ir::Shape shape;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('x', at), text.size());
    std::int64_t value = 0;
    const auto [rest, ec] = std::from_chars(text.data() + at, text.data() + end, value);
    if (ec != std::errc() || rest != text.data() + end || value < 1) {
      return WithHint(InvalidArgument("--input-shape: \"{}\" is not a shape", text),
                      "write NAME=1x3x224x224");
    }
    shape.push_back(value);
    at = end + 1;
  }
  return shape;
}

// Shapes by input name; a shape without a name is filed under "" and serves the only input.
Result<std::map<std::string, ir::Shape>> ParseShapes(const std::vector<std::string>& flags) {
  std::map<std::string, ir::Shape> shapes;
  for (const std::string& flag : flags) {
    const std::size_t equals = flag.rfind('=');
    const std::string name = equals == std::string::npos ? "" : flag.substr(0, equals);
    TF2_ASSIGN_OR_RETURN(shapes[name],
                         ParseShape(equals == std::string::npos ? flag : flag.substr(equals + 1)));
  }
  return shapes;
}

Result<ir::Graph> ImportText(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  auto graph = ir::ParseText(text);
  if (!graph.ok()) return std::move(graph.error()).At(path);
  return graph;
}

Error UnknownFormat(const ModelFlags& flags) {
  const std::string& path = flags.path;
  if (IsDirectory(path)) return InvalidArgument("{}: is a folder, not a model file", path);
  if (!std::filesystem::is_regular_file(path))
    return InvalidArgument("{}: is not a regular file", path);
  if (EndsWith(path, ".caffemodel")) {
    return WithHint(InvalidArgument("{}: a caffemodel holds weights only", path),
                    "give the network's .prototxt and this file as --weights");
  }
  if (qnet::IsArtifactFile(path)) {
    return WithHint(
        InvalidArgument("{}: is an artifact, already quantised; a float model is needed here",
                        path),
        "give the .onnx or .prototxt that it was made of");
  }
  return WithHint(Unsupported("{}: not a model format that tf2 reads", path),
                  "tf2 reads .onnx, Caffe's .prototxt (with --weights FILE.caffemodel) and graphs "
                  "written by tf2 import");
}

}  // namespace

Result<ir::Graph> ImportModel(const ModelFlags& flags) {
  TF2_ASSIGN_OR_RETURN(auto shapes, ParseShapes(flags.input_shapes));
  TF2_RETURN_IF_ERROR(passes::CheckPassNames(flags.disabled_passes));
  if (!FileExists(flags.path)) return NotFound("{}: no such file", flags.path);
  if (EndsWith(flags.path, ".onnx")) {
    if (!flags.weights.empty()) {
      return InvalidArgument("--weights belongs to Caffe models; {} holds its own weights",
                             flags.path);
    }
    if (flags.random_weights) {
      return InvalidArgument("--random-weights belongs to Caffe models; {} holds its own weights",
                             flags.path);
    }
    return import::onnx::ImportOnnx(flags.path, {std::move(shapes)});
  }
  if (EndsWith(flags.path, ".prototxt")) {
    std::optional<std::string> weights;
    if (!flags.weights.empty()) weights = flags.weights;
    return import::caffe::ImportCaffe(
        flags.path, weights,
        {.input_shapes = std::move(shapes), .random_weights = flags.random_weights});
  }
  if (EndsWith(flags.path, ".tf2g")) return ImportText(flags.path);
  return UnknownFormat(flags);
}

Result<ir::Graph> ImportAndFuse(const ModelFlags& flags) {
  TF2_ASSIGN_OR_RETURN(ir::Graph graph, ImportModel(flags));
  TF2_RETURN_IF_ERROR(passes::RunPipeline(graph, {flags.disabled_passes}));
  return graph;
}

Status CheckNoModelFlags(const Options& options) {
  if (!options.reference.path.empty()) return {};
  const ModelFlags& m = options.model;
  const char* flag = !m.weights.empty()           ? "--weights"
                     : m.random_weights           ? "--random-weights"
                     : !m.input_shapes.empty()    ? "--input-shape"
                     : !m.disabled_passes.empty() ? "--disable-pass"
                                                  : nullptr;
  if (flag == nullptr) return {};
  return WithHint(
      InvalidArgument("{}: {} belongs to float models; an artifact holds its own", m.path, flag),
      "leave it out, or name the float model to compare with: --float MODEL");
}

Result<qnet::Artifact> OpenArtifact(const std::string& path) {
  if (!FileExists(path)) return NotFound("{}: no such file", path);
  if (EndsWith(path, ".onnx") || EndsWith(path, ".prototxt") || EndsWith(path, ".caffemodel")) {
    return WithHint(InvalidArgument("{}: is a float model; an artifact is needed here", path),
                    "make one with: tf2 quantize MODEL --data PATH -o FILE");
  }
  return qnet::ReadArtifact(path);
}

Result<Compiled> CompileFor(const qnet::Artifact& artifact, const std::string& arch_file) {
  if (arch_file.empty()) {
    TF2_ASSIGN_OR_RETURN(auto sized, sched::CompileSized(artifact.net));
    return Compiled{std::move(sized.program), std::move(sized.arch)};
  }
  TF2_ASSIGN_OR_RETURN(arch::Arch arch, arch::ReadArch(arch_file));
  TF2_ASSIGN_OR_RETURN(program::Program program, ProgramFor(artifact, arch));
  return Compiled{std::move(program), std::move(arch)};
}

Result<program::Program> ProgramFor(const qnet::Artifact& artifact, const arch::Arch& arch) {
  if (const auto section = artifact.extra.find(qnet::kProgramSection);
      section != artifact.extra.end()) {
    auto stored = program::Deserialize(section->second);
    if (!stored.ok()) return std::move(stored.error()).At("the artifact's section program");
    if (program::CheckRunnable(*stored, arch).ok()) return stored;
  }
  return sched::Compile(artifact.net, arch);
}

}  // namespace tf2::cli
