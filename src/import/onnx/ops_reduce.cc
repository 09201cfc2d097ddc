// Reductions, arg-max, top-k, cumulative sums.
#include <numeric>
#include <utility>

#include "import/onnx/node_import.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

struct ReduceRow {
  std::string_view op_type;
  const char* fn;
  std::int64_t axes_are_input_since;
};

constexpr ReduceRow kReduce[] = {
    {"ReduceL1", "l1", 18},          {"ReduceL2", "l2", 18},
    {"ReduceLogSum", "log_sum", 18}, {"ReduceLogSumExp", "log_sum_exp", 18},
    {"ReduceMax", "max", 18},        {"ReduceMean", "mean", 18},
    {"ReduceMin", "min", 18},        {"ReduceProd", "prod", 18},
    {"ReduceSum", "sum", 13},        {"ReduceSumSquare", "sum_square", 18},
};

Status ImportReduce(NodeImport& n) {
  const ReduceRow* row = kReduce;
  while (row->op_type != n.op_type) ++row;
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, n.opset < row->axes_are_input_since ? 1 : 2));
  TF2_ASSIGN_OR_RETURN(auto axes, n.IntsOf("axes", row->axes_are_input_since, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t keep, n.attrs.Int("keepdims", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t noop, n.attrs.Int("noop_with_empty_axes", 0));
  if ((!axes || axes->empty()) && noop != 0)
    return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
  ir::AttrMap attrs = {{"fn", std::string(row->fn)}, {"keep", std::int64_t{keep != 0}}};
  if (axes && !axes->empty()) attrs["axes"] = *std::move(axes);
  return n.EmitResult(ir::OpKind::kReduce, {n.inputs[0]}, std::move(attrs));
}

Status ImportArg(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 0));
  TF2_ASSIGN_OR_RETURN(const std::int64_t keep, n.attrs.Int("keepdims", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t last, n.attrs.Int("select_last_index", 0));
  n.result_type = onnx_pb::Tensor::INT64;
  return n.EmitResult(
      n.op_type == "ArgMax" ? ir::OpKind::kArgMax : ir::OpKind::kArgMin, {n.inputs[0]},
      {{"axis", axis}, {"keep", std::int64_t{keep != 0}}, {"last", std::int64_t{last != 0}}});
}

Status ImportTopK(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 10 ? n.ExpectInputs(1, 1) : n.ExpectInputs(2, 2));
  std::int64_t k = 0;
  if (n.opset < 10) {
    TF2_ASSIGN_OR_RETURN(k, n.attrs.Int("k", 0));
  } else {
    TF2_ASSIGN_OR_RETURN(const Ints known, n.KnownInts(1, "k"));
    if (known.size() != 1) return InvalidArgument("k is not a single number");
    k = known[0];
  }
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", -1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t largest, n.attrs.Int("largest", 1));
  n.attrs.Ignore("sorted");  // the order is free where it is 0
  ir::AttrMap attrs = {{"k", k}, {"axis", axis}, {"largest", std::int64_t{largest != 0}}};
  if (n.Reads(1)) {
    attrs["result"] = std::string("indices");
    TF2_RETURN_IF_ERROR(n.EmitOutput(1, ir::OpKind::kTopK, {n.inputs[0]}, attrs));
  }
  attrs["result"] = std::string("values");
  return n.EmitResult(ir::OpKind::kTopK, {n.inputs[0]}, attrs);
}

Status ImportCumSum(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const Ints axis, n.KnownInts(1, "the axis"));
  if (axis.size() != 1) return InvalidArgument("the axis is not a single number");
  TF2_ASSIGN_OR_RETURN(const std::int64_t exclusive, n.attrs.Int("exclusive", 0));
  TF2_ASSIGN_OR_RETURN(const std::int64_t reverse, n.attrs.Int("reverse", 0));
  return n.EmitResult(ir::OpKind::kCumSum, {n.inputs[0]},
                      {{"axis", axis[0]},
                       {"exclusive", std::int64_t{exclusive != 0}},
                       {"reverse", std::int64_t{reverse != 0}}});
}

Status ImportGlobalLpPool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t p, n.attrs.Int("p", 2));
  if (p != 1 && p != 2) return Unsupported("attribute p is {}; 1 and 2 are supported", p);
  if (n.ShapeOf(0).size() < 3)
    return InvalidArgument("its input is {}, not [n, c, ...]", ir::ToString(n.ShapeOf(0)));
  Ints axes(n.ShapeOf(0).size() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return n.EmitResult(ir::OpKind::kReduce, {n.inputs[0]},
                      {{"fn", std::string(p == 1 ? "l1" : "l2")}, {"axes", std::move(axes)}});
}

}  // namespace

std::vector<OperatorRow> ReduceOperators() {
  std::vector<OperatorRow> rows = {
      {"ArgMax", ImportArg},    {"ArgMin", ImportArg},
      {"CumSum", ImportCumSum}, {"GlobalLpPool", ImportGlobalLpPool},
      {"TopK", ImportTopK},
  };
  for (const ReduceRow& row : kReduce) rows.push_back({row.op_type, ImportReduce});
  return rows;
}

}  // namespace tf2::import::onnx
