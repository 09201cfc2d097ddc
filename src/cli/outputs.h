// A model's outputs by name and shape, and their values as arrays in files.
#ifndef TF2_CLI_OUTPUTS_H_
#define TF2_CLI_OUTPUTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/data.h"
#include "cli/options.h"
#include "dataset/array_writer.h"
#include "dataset/detector_outputs.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "runtime/session.h"
#include "verify/evaluate.h"

namespace tf2::cli {

// Shapes without the batch.
std::vector<dataset::OutputForm> OutputForms(const ir::Graph& graph);
std::vector<dataset::OutputForm> OutputForms(const qnet::QNet& net);

// Runs every sample and writes each output as an array [samples, its shape] of float32 to
// options.output.
Status WriteOutputs(const Options& options, const Data& data, const verify::Runner& run,
                    std::vector<dataset::OutputForm> outputs);

// The same for the integers that a network's device gives back, before they become real numbers:
// int8 or int16 [samples, c, h, w], and beside NAME the exponents NAME/q, int8 [c]: a value is
// integer * 2^-q.
Status WriteIntegers(const Options& options, const Data& data, runtime::Session& session);

// Runs a float model of any inputs once, on the arrays of an .npz by the names of the inputs (or
// the .npy of the only one), and writes its outputs to options.output.
Status RunOnArrays(const Options& options, const ir::Graph& graph);
// Whether an input is no sample that a data set gives (floats, batch 1, up to five axes), so that
// RunOnArrays must run the model.
bool NeedsArrays(const ir::Graph& graph);

}  // namespace tf2::cli

#endif  // TF2_CLI_OUTPUTS_H_
