// The program `tf2`: flags and wiring. Every command is a function of one Options (options.h).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/options.h"

namespace {

using tf2::cli::Options;

// A flag whose list stands in one argument, as in 1,2,3, or whose occurrences add up; what follows
// is MODEL's.
template <typename T>
CLI::Option* AddList(CLI::App* app, const std::string& name, std::vector<T>& values,
                     const std::string& what) {
  return app->add_option(name, values, what)->allow_extra_args(false);
}

// A whole number of at least `least`.
CLI::Range AtLeast(std::int64_t least) { return {least, std::numeric_limits<std::int64_t>::max()}; }

// A number of 0...`most`.
CLI::Validator UpTo(double most) {
  const auto check = [most](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= 0 && value <= most) return "";
    return fmt::format("{} is not a number of 0 to {}", text, most);
  };
  return {check, fmt::format("FLOAT in [0 - {}]", most)};
}

void AddModelFlags(CLI::App* app, Options& o, const std::string& what) {
  app->add_option("MODEL", o.model.path, what)->required();
  auto* weights =
      app->add_option("--weights", o.model.weights, "weights of a Caffe model (.caffemodel)");
  app->add_option("--random-weights", o.model.random_weights,
                  "draw a Caffe model's weights with seed N, to try its structure alone")
      ->check(AtLeast(0))
      ->excludes(weights);
  AddList(app, "--input-shape", o.model.input_shapes,
          "shape of an open input: NAME=1x3x224x224, or 1x3x224x224 where there is one input");
  AddList(app, "--disable-pass", o.model.disabled_passes, "leave a graph pass out, by name");
}

void AddArtifact(CLI::App* app, Options& o) {
  app->add_option("MODEL", o.model.path, "artifact")->required();
}

void AddDataFlags(CLI::App* app, Options& o, bool required = true) {
  AddList(app, "--data", o.data.paths,
          "folder of pictures, CIFAR binary, idx, .npy or .npz; each also as .gz or .xz; "
          "NAME=PATH for each input of a model of several")
      ->required(required);
  app->add_option("--limit", o.data.limit, "use at most N samples")->check(AtLeast(1));
  app->add_option("--skip", o.data.skip, "leave the first N samples out")->check(AtLeast(0));
  AddList(app, "--mean", o.data.mean,
          "mean per channel, in units of 0-255, with commas between them: 104,117,123")
      ->delimiter(',');
  AddList(app, "--std", o.data.std, "standard deviation per channel, written like --mean")
      ->delimiter(',');
  app->add_option("--mean-image", o.data.mean_image, "mean image (binaryproto or .npy)");
  app->add_option("--order", o.data.order, "channel order of the model")
      ->check(CLI::IsMember({"rgb", "bgr"}));
  app->add_option("--resize", o.data.resize, "resize the shorter side to N pixels")
      ->check(AtLeast(1));
  app->add_option("--crop", o.data.crop, "crop the centre N x N pixels")->check(AtLeast(1));
  app->add_option("--labels", o.data.labels, "file of class names");
}

void AddReference(CLI::App* app, Options& o) {
  app->add_option("--float", o.reference.path,
                  "float model to compare with (Caffe: with --weights)");
}

void AddDetectFlags(CLI::App* app, Options& o) {
  const CLI::Range fraction(0.0, 1.0);
  auto* truth = app->add_option("--truth", o.detect.truth,
                                "objects of the pictures, to evaluate a detector: COCO's JSON or a "
                                "folder of VOC's .xml");
  app->add_option("--priors", o.detect.priors,
                  "default boxes that the boxes are offsets from: .npy [n, 4], centre x, y, width, "
                  "height in fractions")
      ->needs(truth);
  AddList(app, "--variances", o.detect.variances, "of those offsets: centre,size")
      ->delimiter(',')
      ->needs(truth);
  app->add_option("--score", o.detect.least_score, "leave detections below this score out")
      ->check(fraction)
      ->needs(truth);
  app->add_option("--nms", o.detect.nms, "overlap at which the weaker of two detections goes")
      ->check(fraction)
      ->needs(truth);
  app->add_option("--iou", o.detect.iou, "overlap at which an object is found")
      ->check(fraction)
      ->needs(truth);
  app->add_option("--recall-score", o.detect.recall_score, "score that recall is given at")
      ->check(fraction)
      ->needs(truth);
  app->add_option("--background", o.detect.background, "class that is no object; -1: none is")
      ->check(AtLeast(-1))
      ->needs(truth);
}

void AddBackend(CLI::App* app, Options& o) {
  app->add_option("--backend", o.backend, "reference, cpu or verilator (default cpu)")
      ->check(CLI::IsMember({"reference", "cpu", "verilator"}));
  app->add_option("--isa", o.isa,
                  "instruction set of the cpu backend: portable, avx2, avxvnni, avx512vnni or amx "
                  "(default: the last that the machine has)");
}

void AddArch(CLI::App* app, Options& o) {
  app->add_option("--arch", o.arch,
                  "accelerator configuration (JSON); default 8 x 8 x 1 sized to the network");
}

void AddOutput(CLI::App* app, Options& o, const std::string& what, bool required) {
  auto* option = app->add_option("-o,--output", o.output, what);
  if (required) option->required();
}

void AddRoundingFlags(CLI::App* app, Options& o) {
  app->add_option("--method", o.method,
                  "rounding of weights: compensate (against what the layers before made of the "
                  "data; default) or nearest")
      ->check(CLI::IsMember({"compensate", "nearest"}));
  app->add_option("--max-passes", o.max_passes,
                  "bound on the mean terms of a weight, 1 to 2: layers get a second one by gain")
      ->check(CLI::Range(1.0, 2.0));
  app->add_option(
         "--effort", o.effort,
         "of rounding: quick, normal (the default), thorough; or the time that the command "
         "may take: 90s, 5m, 1h (what layers get then depends on the machine)")
      ->check([](const std::string& text) -> std::string {
        return !text.empty() && tf2::cli::ParseEffort(text)
                   ? ""
                   : text + " is not quick, normal, thorough or a time such as 90s";
      });
  app->add_flag("--mirror", o.mirror, "calibrate on every picture mirrored, too");
  app->add_flag(
      "--equalise", o.equalise,
      "scale and shift channels to fill 8 bits; the features are not those of the model then");
  app->add_option("--memory", o.memory_gib, "GiB of features to hold; more go to a temporary file")
      ->check(UpTo(1e6));
  app->add_flag("--resume", o.resume, "go on with an interrupted run (OUTPUT.state)");
}

struct Command {
  CLI::App* app;
  std::function<int(const Options&)> run;
};

std::vector<Command> AddCommands(CLI::App& app, Options& o) {
  std::vector<Command> commands;
  auto add = [&](const char* name, const char* what, int (*run)(const Options&)) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_flag("--json", o.json, "print JSON (one object, or one a line)");
    sub->add_flag("--quiet", o.quiet, "no progress on the terminal");
    sub->add_option("--threads", o.threads, "threads to use (default: all)")
        ->check(CLI::Range(1, 1024));
    commands.push_back({sub, run});
    return sub;
  };
  const std::string float_model =
      "model file: .onnx, .prototxt (with --weights), or a graph that import wrote";
  const std::string any_model = "model file or artifact";
  CLI::App* sub = add("import", "Read a model file and write its graph as text", tf2::cli::Import);
  AddModelFlags(sub, o, float_model);
  AddOutput(sub, o, "file for the graph (standard output without it)", false);

  sub = add("export", "Write a model for other tools", tf2::cli::Export);
  AddModelFlags(sub, o, any_model);
  sub->add_flag("--onnx", o.onnx, "as an ONNX model");
  sub->add_flag("--fuse", o.fuse, "a float model as it is after the graph passes");
  sub->add_option("--rounding", o.rounding,
                  "of an artifact's features: half-up, exact; half-even, plain QuantizeLinear")
      ->check(CLI::IsMember({"half-up", "half-even"}));
  AddOutput(sub, o, "file to write", true);

  sub = add("inspect", "List the layers of a model or an artifact", tf2::cli::Inspect);
  AddModelFlags(sub, o, any_model);

  sub = add("explain", "Say where each node of a model will run, and why not elsewhere",
            tf2::cli::Explain);
  AddModelFlags(sub, o, float_model);
  AddArch(sub, o);
  sub->add_option("--device", o.device, "FPGA to explain for, instead of --arch");

  sub = add("quantize", "Make an integer network of a model", tf2::cli::Quantize);
  AddModelFlags(sub, o, float_model);
  AddDataFlags(sub, o);
  sub->add_option("--bits", o.bits, "bits of a weight: 4 (powers of two) or 8")
      ->check(CLI::IsMember({4, 8}));
  sub->add_option("--q", o.q_rule, "choice of feature exponents")
      ->check(CLI::IsMember({"floor", "round", "cap", "layer", "mse"}));
  sub->add_option("--tune", o.tune_bound,
                  "lower the exponents of the worst layers as long as that helps, until with 8-bit "
                  "weights the mean divergence from the float network (or squared error over mean "
                  "square) is at most this; 0: no bound")
      ->check(UpTo(1e6));
  AddRoundingFlags(sub, o);
  AddOutput(sub, o, "artifact to write", true);

  sub = add("run", "Classify pictures or arrays", tf2::cli::Run);
  AddModelFlags(sub, o, any_model);
  AddDataFlags(sub, o);
  AddBackend(sub, o);
  AddArch(sub, o);
  sub->add_option("--top", o.top, "classes to print for each sample")->check(AtLeast(1));
  AddOutput(sub, o, "write the outputs of all samples (.npz, or .npy of one output)", false);
  sub->add_flag("--integers", o.integers,
                "with -o: an artifact's integer outputs and their exponents");

  sub = add("eval", "Measure accuracy on labelled data", tf2::cli::Eval);
  AddModelFlags(sub, o, any_model);
  AddDataFlags(sub, o);
  AddBackend(sub, o);
  AddArch(sub, o);
  AddReference(sub, o);
  AddDetectFlags(sub, o);

  sub = add("bench", "Time an artifact, and say what bounds each layer", tf2::cli::Bench);
  AddArtifact(sub, o);
  AddDataFlags(sub, o, false);
  AddBackend(sub, o);
  AddArch(sub, o);
  sub->add_option("--batch", o.batch, "frames of a call for the throughput")
      ->check(CLI::Range(1, 1024));
  sub->add_option("--seconds", o.seconds, "time for each measurement")->check(UpTo(3600));
  sub->add_option("--rounds", o.rounds, "calls of each measurement, instead of --seconds")
      ->check(CLI::Range(1, 1000000));
  sub->add_flag("--summary", o.summary, "without the table of layers");

  sub = add("verify", "Compare every backend with the integer oracle, layer by layer",
            tf2::cli::Verify);
  AddModelFlags(sub, o, "artifact");
  AddDataFlags(sub, o);
  AddReference(sub, o);
  AddArch(sub, o);
  AddList(sub, "--links", o.links, "what to compare: reference,cpu,program,rtl (default all)")
      ->delimiter(',')
      ->check(CLI::IsMember({"reference", "cpu", "program", "rtl"}));

  sub = add("compile", "Schedule an artifact onto an accelerator", tf2::cli::Compile);
  AddArtifact(sub, o);
  AddArch(sub, o);
  sub->add_option("--device", o.device, "FPGA to compile for, instead of --arch");
  sub->add_flag("--asm", o.assembler, "print the program as assembler text");
  AddOutput(sub, o, "artifact to write, with the program in it", false);

  sub = add("simulate", "Run the RTL of the accelerator in Verilator", tf2::cli::Simulate);
  AddArtifact(sub, o);
  AddDataFlags(sub, o);
  AddArch(sub, o);
  sub->add_option("--trace", o.trace, "write a waveform (FST) of the first sample");

  sub = add("build", "Make a bitstream", tf2::cli::Build);
  AddArtifact(sub, o);
  sub->add_option("--device", o.device, "FPGA (data/devices)")->required();
  sub->add_option("--seed", o.seed, "seed of place and route")->check(AtLeast(0));
  AddOutput(sub, o, "bitstream to write (default: beside the artifact)", false);

  sub =
      add("prove", "Decode the bitstream, simulate it on real inputs and compare every output word",
          tf2::cli::Prove);
  AddArtifact(sub, o);
  AddDataFlags(sub, o);
  sub->add_option("--device", o.device, "FPGA whose bitstream can be decoded")
      ->default_str("ice40-hx8k");
  sub->add_option("--seed", o.seed, "seed of place and route")->check(AtLeast(0));
  return commands;
}

int RunProgram(int argc, char** argv) {
  CLI::App app("tf2: from a trained neural network to an FPGA, bit-exactly");
  app.set_version_flag("--version", "tf2 0.1.0");
  app.require_subcommand(1);
  Options options;
  const std::vector<Command> commands = AddCommands(app, options);
  const auto named = [argv](const Command& command) { return command.app->check_name(argv[1]); };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands, named)) {
    std::fprintf(stderr, "tf2: there is no command '%s'\nRun with --help for the commands.\n",
                 argv[1]);
    return 1;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help and --version
    std::fprintf(stderr, "tf2: %s\nRun with --help for more information.\n", e.what());
    return 1;
  }
  tf2::InstallInterruptHandlers();
  if (options.json || options.quiet) tf2::SetProgressEnabled(false);
  options.reference.weights = options.model.weights;
  options.reference.random_weights = options.model.random_weights;
  options.reference.input_shapes = options.model.input_shapes;
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const int status = command.run(options);
    const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    if (written || status != 0) return status;
    std::fputs("tf2: cannot write to standard output: the disk is full or the reader is gone\n",
               stderr);
    return 1;
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return RunProgram(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("tf2: out of memory\n", stderr);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tf2: internal error: %s\n", e.what());
  }
  return 1;
}
