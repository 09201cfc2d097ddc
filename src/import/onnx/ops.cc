// The operators that the importer understands, and advice about some that it does not.
#include <algorithm>
#include <array>
#include <utility>

#include "import/onnx/node_import.h"

namespace tf2::import::onnx {
namespace {

constexpr std::array<std::pair<std::string_view, ImportFunction>, 31> kOperators = {{
    {"Add", ImportAdd},
    {"AveragePool", ImportAveragePool},
    {"BatchNormalization", ImportBatchNormalization},
    {"Cast", ImportCast},
    {"Clip", ImportClip},
    {"Concat", ImportConcat},
    {"Constant", ImportConstant},
    {"ConstantOfShape", ImportConstantOfShape},
    {"Conv", ImportConv},
    {"Div", ImportDiv},
    {"Dropout", ImportDropout},
    {"Flatten", ImportFlatten},
    {"Gather", ImportGather},
    {"Gemm", ImportGemm},
    {"GlobalAveragePool", ImportGlobalAveragePool},
    {"GlobalMaxPool", ImportGlobalMaxPool},
    {"Identity", ImportIdentity},
    {"MatMul", ImportMatMul},
    {"MaxPool", ImportMaxPool},
    {"Mul", ImportMul},
    {"Pad", ImportPad},
    {"Relu", ImportRelu},
    {"Reshape", ImportReshape},
    {"Shape", ImportShape},
    {"Slice", ImportSlice},
    {"Softmax", ImportSoftmax},
    {"Squeeze", ImportSqueeze},
    {"Sub", ImportSub},
    {"Sum", ImportSum},
    {"Transpose", ImportTranspose},
    {"Unsqueeze", ImportUnsqueeze},
}};

}  // namespace

ImportFunction FindOperator(std::string_view op_type) {
  const auto* const it = std::find_if(kOperators.begin(), kOperators.end(),
                                      [op_type](const auto& row) { return row.first == op_type; });
  return it == kOperators.end() ? nullptr : it->second;
}

std::string UnsupportedHint(std::string_view op_type) {
  struct Advice {
    std::string_view part;  // of the operator's name
    std::string_view text;
  };
  static constexpr Advice kAdvice[] = {
      {"Quant",
       "the model is quantised already: import the float model, `tf2 quantize` makes the integers"},
      {"QLinear",
       "the model is quantised already: import the float model, `tf2 quantize` makes the integers"},
      {"Integer",
       "the model is quantised already: import the float model, `tf2 quantize` makes the integers"},
      {"Loop", "control flow cannot be imported: export one fixed path through the model"},
      {"If", "control flow cannot be imported: export one fixed path through the model"},
      {"Scan", "control flow cannot be imported: export one fixed path through the model"},
      {"LSTM", "recurrent layers cannot be imported"},
      {"GRU", "recurrent layers cannot be imported"},
      {"RNN", "recurrent layers cannot be imported"},
      {"LogSoftmax", "end the model with Softmax, or at the values before it"},
      {"LRN",
       "local response normalisation cannot be imported: retrain with BatchNormalization or "
       "without"},
      {"Relu", "of the activations only Relu can be imported: retrain the model with it"},
      {"Sigmoid", "of the activations only Relu can be imported: retrain the model with it"},
      {"Tanh", "of the activations only Relu can be imported: retrain the model with it"},
      {"HardSwish", "of the activations only Relu can be imported: retrain the model with it"},
      {"Elu", "of the activations only Relu can be imported: retrain the model with it"},
  };
  for (const Advice& advice : kAdvice) {
    if (op_type.find(advice.part) != std::string_view::npos) return std::string(advice.text);
  }
  return "replace it or cut the model before it; docs/semantics.md lists the operators";
}

}  // namespace tf2::import::onnx
