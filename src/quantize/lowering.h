// The lowering of a float graph to the operators of a QNet (draft.h), node by node. Private to
// src/quantize: draft.cc drives it, lower_*.cc hold the operators.
//
// A value of the graph is in one of these states:
//   * view: its elements are those of a tensor, in order or gathered by a map (data movement costs
//     nothing until an operator wants the elements in order: one move then);
//   * function: each element is a function of one element of another value (a table, once wanted);
//   * real: only the float graph has it. An integer operator that wants it gets a host operator,
//     made of everything between the value and tensors; an output of the model gets the head.
// A node that cannot be an integer operator leaves its output real, with the reason.
#ifndef TF2_QUANTIZE_LOWERING_H_
#define TF2_QUANTIZE_LOWERING_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "quantize/draft.h"

namespace tf2::quantize {

class Lowering {
 public:
  // `calibration` of the graph; may be null.
  Lowering(const ir::Graph& graph, const Calibration* calibration);
  Result<Draft> Run();

 private:
  using Dims = std::vector<std::int32_t>;

  struct View {
    qnet::TensorId tensor{};
    // For each element of the value the tensor's; null: the same order.
    std::shared_ptr<const std::vector<float>> map;
  };
  struct Function {
    ir::ValueId base{};
    std::vector<std::size_t> nodes;  // in the graph's order
  };
  // What a failed attempt takes back.
  struct Mark {
    std::size_t tensors, ops;
    std::map<ir::ValueId, View> views;
    std::map<ir::ValueId, Function> functions;
    std::map<ir::ValueId, qnet::TensorId> own;
    std::vector<Placement> placements;
  };

  // draft.cc: the driver.
  void FindNeeded();
  Status LowerNode(std::size_t index);
  // The integer operator of the node; an error says why there is none.
  Status LowerKind(const ir::Node& node);
  Mark MarkNow() const {
    return {net_.tensors.size(), net_.ops.size(), views_, functions_, own_, draft_.placements};
  }
  void Rollback(const Mark& mark);
  Status AddOutputs();
  std::optional<qnet::Output> DirectOutput(ir::ValueId id);
  Status AddHead();
  void FinishPlacements();

  // draft.cc: values and tensors.
  Result<Dims> DimsOf(ir::ValueId id) const;
  std::string UniqueTensor(const std::string& base);
  std::string UniqueOp(const std::string& base);
  qnet::TensorId AddTensor(ir::ValueId value, Dims dims);
  // The operator that does a node's work.
  void AddOp(const ir::Node& node, std::vector<qnet::TensorId> inputs, qnet::TensorId output,
             qnet::OpParams params, FloatWeights weights = {});
  // An operator that no node stands for alone.
  void AddHelper(const std::string& name, std::vector<qnet::TensorId> inputs, qnet::TensorId output,
                 qnet::OpParams params, FloatWeights weights = {});
  Placement& PlacementOf(const ir::Node& node) {
    return draft_.placements[static_cast<std::size_t>(&node - graph_.nodes.data())];
  }
  Result<View> ViewOf(const ir::Node& reader, ir::ValueId id);
  // The tensor that holds the value's elements in order, whatever its dims.
  Result<qnet::TensorId> Elements(const ir::Node& reader, ir::ValueId id);
  // The same under the dims of the value's shape, or those given.
  Result<qnet::TensorId> Shaped(const ir::Node& reader, ir::ValueId id);
  Result<qnet::TensorId> ShapedAs(const ir::Node& reader, ir::ValueId id, Dims dims);
  Result<qnet::TensorId> AddHost(ir::ValueId id);
  // Whether integers are at hand without an operator of another kind.
  bool IsReady(ir::ValueId id) const;
  bool Needed(ir::ValueId id) const { return needed_[ir::Index(id)]; }
  bool IsReal(ir::ValueId id) const { return graph_.value(id).dtype == ir::DType::kFloat32; }

  // lower_window.cc
  Status LowerConv(const ir::Node& node);
  Status LowerConvTranspose(const ir::Node& node);
  Status LowerGemm(const ir::Node& node);
  Status LowerMaxPool(const ir::Node& node);
  Status LowerAvgPool(const ir::Node& node);
  Status LowerReduce(const ir::Node& node);
  Status AddMaxPool(const ir::Node& node, const ir::PoolAttrs& a);
  Status AddAvgPool(const ir::Node& node, const ir::PoolAttrs& a);
  // Takes a clip, PReLU or fake quantisation that alone reads the output into the operator. Returns
  // the value that the operator computes.
  ir::ValueId FuseActivation(const ir::Node& node, bool residual, qnet::Conv& conv,
                             FloatWeights& weights);
  Status AddConv(const ir::Node& node, std::vector<qnet::TensorId> inputs, qnet::Conv conv,
                 FloatWeights weights);

  // lower_elementwise.cc
  Status LowerPerChannel(const ir::Node& node);
  Status LowerActivation(const ir::Node& node);
  Result<qnet::Window> PadWindow(const ir::Node& node) const;
  Status LowerBinary(const ir::Node& node, qnet::BinaryKind kind);
  Status LowerLrn(const ir::Node& node);
  Status LowerConcat(const ir::Node& node);
  // Whether the node's output is a function of one element; notes it then.
  bool NoteFunction(std::size_t index);
  Result<View> LowerFunction(const ir::Node& reader, ir::ValueId id);
  // Whether it is per-channel operators one after the other.
  bool IsChain(const Function& function) const;
  Result<View> AddTable(ir::ValueId id, qnet::TensorId x, const Function& function);
  bool IsPerChannel(const ir::Node& node) const;
  std::optional<Dims> BroadcastDims(ir::ValueId id, const ir::Shape& out) const;
  // The bounds of a quantisation followed at once by its dequantisation; the node that ends it.
  struct FakeQuantization {
    std::size_t end = 0;
    float low = 0, high = 0;
  };
  std::optional<FakeQuantization> FakeQuantizationAt(const ir::Node& node) const;
  Status LowerFakeQuantization(const ir::Node& node);
  // Whether values are known that it clips; our own exponents clip what is a little too large.
  bool Clips(const FakeQuantization& fake, ir::ValueId x) const;
  bool NonNegative(ir::ValueId id) const;

  // lower_movement.cc
  Status LowerMovement(const ir::Node& node);
  static bool MovesData(ir::OpKind kind);
  // Of those, the kinds that leave the elements in order.
  static bool KeepsOrder(ir::OpKind kind);

  const ir::Graph& graph_;
  const Calibration* calibration_;
  Draft draft_;
  qnet::QNet& net_ = draft_.net;
  std::map<ir::ValueId, View> views_;
  std::map<ir::ValueId, Function> functions_;
  std::map<ir::ValueId, qnet::TensorId> own_;  // the tensor that quantises the value itself
  std::vector<bool> needed_;                   // by value: a weighted layer depends on it
  std::set<std::string> tensor_names_;
  std::set<std::string> op_names_;
};

// The nodes between `outputs` and `leaves` (values that stand for themselves) as a graph whose
// inputs are the leaves that are met, in the order of their values. `nodes` receives the indices.
struct FloatPart {
  ir::Graph graph;
  std::vector<ir::ValueId> leaves;
  std::vector<std::size_t> nodes;
};
Result<FloatPart> ExtractPart(const ir::Graph& graph, const std::string& name,
                              const std::vector<ir::ValueId>& outputs,
                              const std::map<ir::ValueId, qnet::TensorId>& leaves);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_LOWERING_H_
