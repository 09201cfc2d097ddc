// The operators that the importer understands, and advice about some that it does not.
#include <algorithm>
#include <utility>

#include "import/onnx/node_import.h"

namespace tf2::import::onnx {
namespace {

// All families, sorted by name.
const std::vector<OperatorRow>& Operators() {
  static const std::vector<OperatorRow> rows = [] {
    std::vector<OperatorRow> all;
    for (auto family : {ActivationOperators, ElementwiseOperators, IndexOperators, LinearOperators,
                        LossOperators, MovementOperators, NormOperators, QuantizedOperators,
                        ReduceOperators, ResizeOperators, ShapeOperators, WindowOperators}) {
      const std::vector<OperatorRow> rows_of_family = family();
      all.insert(all.end(), rows_of_family.begin(), rows_of_family.end());
    }
    std::sort(all.begin(), all.end(),
              [](const OperatorRow& a, const OperatorRow& b) { return a.name < b.name; });
    return all;
  }();
  return rows;
}

}  // namespace

std::string OperatorName(const onnx_pb::Node& node) {
  const std::string& domain = node.domain();
  if (domain.empty() || domain == "ai.onnx") return node.op_type();
  if (domain.starts_with("qonnx") || domain.starts_with("finn") || domain == "onnx.brevitas")
    return "qonnx." + node.op_type();
  return domain + "." + node.op_type();
}

ImportFunction FindOperator(std::string_view name) {
  const std::vector<OperatorRow>& rows = Operators();
  const auto it = std::lower_bound(
      rows.begin(), rows.end(), name,
      [](const OperatorRow& row, std::string_view wanted) { return row.name < wanted; });
  return it == rows.end() || it->name != name ? nullptr : it->import;
}

std::vector<std::string_view> OperatorNames() {
  std::vector<std::string_view> names;
  for (const OperatorRow& row : Operators()) names.push_back(row.name);
  return names;
}

std::string UnsupportedHint(std::string_view name) {
  struct Advice {
    std::string_view part;  // of the operator's name
    std::string_view text;
  };
  static constexpr Advice kAdvice[] = {
      {"Loop", "loops cannot be imported: export the model unrolled, or with fixed lengths"},
      {"Scan", "loops cannot be imported: export the model unrolled, or with fixed lengths"},
      {"SequenceMap", "loops cannot be imported: export the model unrolled"},
      {"LSTM", "recurrent layers cannot be imported"},
      {"GRU", "recurrent layers cannot be imported"},
      {"RNN", "recurrent layers cannot be imported"},
      {"Sequence", "sequences cannot be imported: export the model with tensors only"},
      {"Optional", "optional values cannot be imported: export the model with tensors only"},
      {"String", "strings cannot be imported: do this step before the network"},
      {"Tfidf", "strings cannot be imported: do this step before the network"},
      {"TfIdf", "strings cannot be imported: do this step before the network"},
      {"Random", "random numbers cannot be imported: export the model for inference"},
      {"Bernoulli", "random numbers cannot be imported: export the model for inference"},
      {"Multinomial", "random numbers cannot be imported: export the model for inference"},
      {"training", "training cannot be imported: export the model for inference"},
      {"NonMaxSuppression",
       "how many boxes it keeps depends on the data: end the model before it and run it behind"},
      {"Unique", "the size of its result depends on the data: end the model before it"},
      {"DFT", "Fourier transforms cannot be imported: do this step before the network"},
      {"STFT", "Fourier transforms cannot be imported: do this step before the network"},
      {"ml.", "classical machine learning cannot be imported; tf2 runs neural networks"},
      {"com.microsoft", "ONNX Runtime alone has it: use the model as it was before its optimiser"},
  };
  for (const Advice& advice : kAdvice) {
    if (name.find(advice.part) != std::string_view::npos) return std::string(advice.text);
  }
  return "replace it or cut the model before it; docs/operators.md lists the operators";
}

}  // namespace tf2::import::onnx
