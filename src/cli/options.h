// What the command line says: one struct a group of flags, filled by main.cc, read by the commands.
#ifndef TF2_CLI_OPTIONS_H_
#define TF2_CLI_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quantize/effort.h"

namespace tf2::cli {

// A model file (ONNX, prototxt, graph text) or an artifact.
struct ModelFlags {
  std::string path;
  std::string weights;                          // caffemodel
  std::optional<std::uint64_t> random_weights;  // seed of weights for a prototxt that has none
  std::vector<std::string> input_shapes;        // NAME=1x3x224x224, or 1x3x224x224 with one input
  std::vector<std::string> disabled_passes;
};

// Pictures or arrays, and what is done to them.
struct DataFlags {
  std::vector<std::string> paths;  // PATH, or NAME=PATH for each input
  std::int64_t limit = 0;          // 0: all
  std::int64_t skip = 0;
  std::vector<float> mean;
  std::vector<float> std;
  std::string mean_image;
  std::string order;  // rgb, bgr; empty: rgb, or as stored in the artifact
  std::int32_t resize = 0;
  std::int32_t crop = 0;
  std::string labels;

  bool HasPreprocessing() const {
    return !mean.empty() || !std.empty() || !mean_image.empty() || !order.empty() || resize != 0 ||
           crop != 0;
  }
};

// How a detector is evaluated.
struct DetectFlags {
  std::string truth;                            // annotations; empty: it is a classifier
  std::string priors;                           // default boxes, .npy
  std::vector<float> variances = {0.1F, 0.2F};  // of centre and size
  double least_score = 0.01;
  double nms = 0.45;
  double iou = 0.5;
  double recall_score = 0.5;
  int background = 0;
};

struct Options {
  bool json = false;
  bool quiet = false;
  int threads = 0;
  ModelFlags model;
  ModelFlags reference;  // --float MODEL, with the same --weights
  DataFlags data;
  DetectFlags detect;
  std::string output;
  std::string backend;
  std::string isa;
  int bits = 4;
  std::string q_rule = "mse";
  std::optional<double> tune_bound;
  std::string method = "compensate";
  std::string effort;  // empty: normal
  double max_passes = 1;
  double memory_gib = 2;
  bool mirror = false;
  bool equalise = false;
  bool resume = false;
  std::string arch;
  std::string device;
  std::string trace;
  std::int64_t seed = 1;
  int top = 5;
  bool assembler = false;
  bool integers = false;                // of run: outputs before they become real numbers
  std::vector<std::string> links;       // of verify
  int batch = 16;                       // of bench: frames of a call
  double seconds = 1;                   // of bench: for each measurement
  int rounds = 0;                       // of bench: calls of each measurement, instead of seconds
  bool summary = false;                 // of bench: no layers
  bool onnx = false;                    // of export: the format
  bool fuse = false;                    // of export: after the passes
  std::optional<std::string> rounding;  // of export: of an artifact's features; half-up without
};

// What `--effort` may be: a named effort, or one within a time.
struct EffortFlag {
  quantize::Effort most;
  std::optional<double> seconds;
};
// quick, normal (or empty), thorough, or a time above 0 and below 10 million seconds: a number and
// s, m or h. Else nothing.
std::optional<EffortFlag> ParseEffort(const std::string& text);

// The commands; each prints its result on standard output and returns the process's exit status.
int Import(const Options& options);
int Inspect(const Options& options);
int Explain(const Options& options);
int Quantize(const Options& options);
int Run(const Options& options);
int Eval(const Options& options);
int Verify(const Options& options);
int Compile(const Options& options);
int Simulate(const Options& options);
int Build(const Options& options);
int Prove(const Options& options);
int Export(const Options& options);
int Bench(const Options& options);

}  // namespace tf2::cli

#endif  // TF2_CLI_OPTIONS_H_
