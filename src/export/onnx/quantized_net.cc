#include "export/onnx/quantized_net.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "export/onnx/float_graph.h"
#include "export/onnx/model_writer.h"
#include "qnet/head.h"

namespace tf2::export_onnx {
namespace {

using Ints = std::vector<std::int64_t>;

float PowerOfTwo(int exponent) { return std::ldexp(1.0F, exponent); }

// Integers in a real 1, 2^Q, of each channel.
std::vector<float> StepsInOne(const qnet::Tensor& tensor) {
  std::vector<float> steps;
  for (const int q : tensor.q) steps.push_back(PowerOfTwo(q));
  return steps;
}

// A network while it is exported.
class Exporter {
 public:
  Exporter(const qnet::QNet& net, Rounding rounding)
      : net_(net), rounding_(rounding), writer_(net.name), names_(net.tensors.size()) {}

  Result<std::string> Run();

 private:
  const qnet::Tensor& InputOf(const qnet::Op& op, std::size_t i = 0) const {
    return net_.tensor(op.inputs[i]);
  }
  const qnet::Tensor& OutputOf(const qnet::Op& op) const { return net_.tensor(op.output); }
  const std::string& NameOfInput(const qnet::Op& op, std::size_t i = 0) const {
    return names_[Index(op.inputs[i])];
  }

  // factor[c] as a constant [1, c, 1, 1]; a scalar where all are equal.
  std::string PerChannel(const std::string& name, const std::vector<float>& factor);
  double RowScale(const qnet::Conv& conv, const qnet::Tensor& y, std::size_t o) const;
  std::string PadIntegers(const qnet::Op& op, const qnet::Conv& conv, NodeAttrs& attrs);
  // `value`, rounded to integers and made real again, becomes the tensor `id`. It is real, or with
  // `exact` the number of steps, in double.
  void Quantize(qnet::TensorId id, const std::string& value, bool exact = false);
  std::string Double(const std::string& value);
  std::string Activate(const std::string& name, qnet::Activation activation,
                       const std::string& value);
  // The activation of a convolution, those with a parameter for each channel included.
  std::string Activate(const qnet::Op& op, const qnet::Conv& conv, const std::string& value,
                       bool exact);
  // One number for each channel as [c, 1, 1].
  std::string Channels(const std::string& name, const std::vector<float>& values);
  // The elements of the input of `op` by their indices in `index`, in the shape of its output; the
  // first index past the end gives 0.
  std::string Pick(const qnet::Op& op, const Ints& index, bool zeros);
  // Values of net_.tensors through a float graph: names of its outputs.
  Result<std::vector<std::string>> Emit(const ir::Graph& graph,
                                        const std::vector<std::string>& values);
  // The real weights of one term: codes, scale of the row, exponents of the input.
  std::string Weights(const qnet::Op& op, const qnet::Conv& conv, const ir::Shape& shape);
  // The window's attributes for ONNX, its end padding as the output needs it.
  NodeAttrs WindowAttrs(const qnet::Op& op, const qnet::Window& w) const;

  Status Export(const qnet::Op& op, const qnet::Conv& conv);
  Status Export(const qnet::Op& op, const qnet::MaxPool& pool);
  Status Export(const qnet::Op& op, const qnet::AvgPool& pool);
  Status Export(const qnet::Op& op, const qnet::Add& add);
  Status Export(const qnet::Op& op, const qnet::Concat& concat);
  Status Export(const qnet::Op& op, const qnet::Reshape& reshape);
  Status Export(const qnet::Op& op, const qnet::Table& table);
  Status Export(const qnet::Op& op, const qnet::Binary& binary);
  Status Export(const qnet::Op& op, const qnet::Lrn& lrn);
  Status Export(const qnet::Op& op, const qnet::Move& move);
  Status Export(const qnet::Op& op, const qnet::Dilate& dilate);
  Status Export(const qnet::Op& op, const qnet::Host& host);
  void ExportOutput(const qnet::Output& output, const std::string& name);
  Status ExportHead(const ir::Graph& graph, const std::vector<std::string>& names);
  void AddMetadata();

  void SetName(const qnet::Op& op, std::string name) { names_[Index(op.output)] = std::move(name); }

  const qnet::QNet& net_;
  const Rounding rounding_;
  ModelWriter writer_;
  std::vector<std::string> names_;  // of the real values of each tensor
  std::int64_t batch_ = -1;         // open, but 1 where a float graph has it in its shapes
};

bool AllEqual(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [&](float v) { return v == values[0]; });
}

std::string Exporter::PerChannel(const std::string& name, const std::vector<float>& factor) {
  if (AllEqual(factor)) return writer_.Float(name, factor[0]);
  return writer_.Floats(name, {1, static_cast<std::int64_t>(factor.size()), 1, 1}, factor);
}

std::string Exporter::Double(const std::string& value) {
  constexpr std::int64_t kDouble = 11;  // TensorProto.DataType
  return writer_.Part("Cast", {value}, value + "/double", {{"to", kDouble}});
}

void Exporter::Quantize(qnet::TensorId id, const std::string& value, bool exact) {
  const qnet::Tensor& t = net_.tensor(id);
  const std::string name = writer_.Unique(t.name);
  const auto part = [&name](const char* what) { return name + "/" + what; };
  std::vector<float> step;
  for (const std::int8_t q : t.q) step.push_back(PowerOfTwo(-q));
  const auto in_steps = [&] {
    return writer_.Part("Mul", {value, PerChannel(part("factor"), StepsInOne(t))}, part("steps"));
  };
  const auto half_up = [&] {
    constexpr std::int64_t kFloat = 1;  // TensorProto.DataType
    const std::string half = writer_.Float(part("half"), 0.5F);
    const std::string sum =
        writer_.Part("Add", {exact ? value : in_steps(), exact ? Double(half) : half}, part("sum"));
    const std::string rounded = writer_.Part("Floor", {sum}, part("rounded"));
    return exact ? writer_.Part("Cast", {rounded}, part("float"), {{"to", kFloat}}) : rounded;
  };
  if (t.type == qnet::ElemType::kInt16) {
    const std::string integers = rounding_ == Rounding::kHalfUp
                                     ? half_up()
                                     : writer_.Part("Round", {in_steps()}, part("rounded"));
    const std::string within = writer_.Part(
        "Clip",
        {integers, writer_.Float(part("least"), -32768), writer_.Float(part("most"), 32767)},
        part("integer"));
    names_[Index(id)] = writer_.Node("Mul", {within, PerChannel(part("scale"), step)}, name);
    return;
  }
  const bool one = AllEqual(step);
  const ir::Shape shape = one ? ir::Shape{} : ir::Shape{static_cast<std::int64_t>(step.size())};
  if (one) step.resize(1);
  const std::string scale = writer_.Floats(part("scale"), shape, step);
  const std::string zero =
      writer_.Int8s(part("zero"), shape, std::vector<std::int8_t>(step.size(), std::int8_t{0}));
  const NodeAttrs axis = one ? NodeAttrs() : NodeAttrs{{"axis", std::int64_t{1}}};
  std::string integers;
  switch (rounding_) {
    case Rounding::kHalfUp: {
      const std::string zero_of_one =
          one ? zero : writer_.Int8s(part("zero"), {}, std::vector<std::int8_t>{0});
      integers =
          writer_.Part("QuantizeLinear", {half_up(), writer_.Float(part("one"), 1), zero_of_one},
                       part("integer"));
      break;
    }
    case Rounding::kHalfEven:
      integers = writer_.Part("QuantizeLinear", {value, scale, zero}, part("integer"), axis);
      break;
  }
  names_[Index(id)] = writer_.Node("DequantizeLinear", {integers, scale, zero}, name, axis);
}

std::string Exporter::Activate(const std::string& name, qnet::Activation activation,
                               const std::string& value) {
  switch (activation) {
    case qnet::Activation::kNone:
      return value;
    case qnet::Activation::kRelu:
      return writer_.Part("Relu", {value}, name + "/relu");
    case qnet::Activation::kClip:
    case qnet::Activation::kPRelu:
      break;  // of convolutions only
  }
  TF2_CHECK(false, "no such activation");
}

std::string Exporter::Channels(const std::string& name, const std::vector<float>& values) {
  return writer_.Floats(name, {static_cast<std::int64_t>(values.size()), 1, 1}, values);
}

std::string Exporter::Activate(const qnet::Op& op, const qnet::Conv& conv, const std::string& value,
                               bool exact) {
  const qnet::Tensor& y = OutputOf(op);
  if (conv.activation == qnet::Activation::kClip) {
    std::vector<float> low, high;
    for (std::size_t o = 0; o < y.q.size(); ++o) {
      const int step = exact ? 0 : -y.q[o];
      low.push_back(std::ldexp(static_cast<float>(conv.clip_low[o]), step));
      high.push_back(std::ldexp(static_cast<float>(conv.clip_high[o]), step));
    }
    const auto bound = [&](const char* name, const std::vector<float>& values) {
      const std::string channels = Channels(op.name + name, values);
      return exact ? Double(channels) : channels;
    };
    const std::string above = writer_.Part("Max", {value, bound("/low", low)}, op.name + "/above");
    return writer_.Part("Min", {above, bound("/high", high)}, op.name + "/clip");
  }
  if (conv.activation == qnet::Activation::kPRelu) {
    std::vector<float> slope;
    for (std::size_t o = 0; o < y.q.size(); ++o) {
      const float alpha = conv.scale[o].alpha;
      slope.push_back(alpha == 0 ? 0 : static_cast<float>(conv.alpha_negative[o]) / alpha);
    }
    return writer_.Part("PRelu", {value, Channels(op.name + "/slope", slope)}, op.name + "/prelu");
  }
  return Activate(op.name, conv.activation, value);
}

NodeAttrs Exporter::WindowAttrs(const qnet::Op& op, const qnet::Window& w) const {
  const qnet::Tensor& x = InputOf(op);
  const qnet::Tensor& y = OutputOf(op);
  const auto end = [](std::int64_t in, std::int64_t out, std::int64_t k, std::int64_t s,
                      std::int64_t d, std::int64_t begin) {
    return std::max<std::int64_t>(0, (out - 1) * s + d * (k - 1) + 1 - in - begin);
  };
  NodeAttrs attrs = {{"kernel_shape", Ints{w.kh, w.kw}},
                     {"strides", Ints{w.sh, w.sw}},
                     {"pads", Ints{w.ph, w.pw, end(x.h(), y.h(), w.kh, w.sh, w.dh, w.ph),
                                   end(x.w(), y.w(), w.kw, w.sw, w.dw, w.pw)}}};
  if (w.dh != 1 || w.dw != 1) attrs["dilations"] = Ints{w.dh, w.dw};
  return attrs;
}

// Of the weights of row `o`. To round as we do, sums must be exact: they are integers times a power
// of two, and what remains of the scale multiplies them.
double Exporter::RowScale(const qnet::Conv& conv, const qnet::Tensor& y, std::size_t o) const {
  const numerics::Scale& scale = conv.scale[o];
  return std::ldexp(rounding_ == Rounding::kHalfUp ? 1.0 : scale.alpha, -scale.s - y.q[o]);
}

std::string Exporter::Weights(const qnet::Op& op, const qnet::Conv& conv, const ir::Shape& shape) {
  const qnet::Tensor& x = InputOf(op);
  const qnet::Tensor& y = OutputOf(op);
  std::vector<float> rows;
  for (std::size_t o = 0; o < conv.scale.size(); ++o)
    rows.push_back(static_cast<float>(RowScale(conv, y, o)));
  const ir::Shape oc = {static_cast<std::int64_t>(rows.size())};
  const std::string scale = writer_.Floats(op.name + "/row_scale", oc, rows);
  const std::string zero = writer_.Int8s(op.name + "/row_zero", oc,
                                         std::vector<std::int8_t>(rows.size(), std::int8_t{0}));
  std::string sum;
  for (const std::vector<std::int8_t>& term : conv.terms) {
    const std::string codes = writer_.Int8s(op.name + "/codes", shape, term);
    const std::string real = writer_.Part("DequantizeLinear", {codes, scale, zero},
                                          op.name + "/weights", {{"axis", std::int64_t{0}}});
    sum = sum.empty() ? real : writer_.Part("Add", {sum, real}, op.name + "/weights");
  }
  if (conv.pad_value != 0) return sum;  // the input is the integers
  // 2^Q_in of the channel that each weight meets.
  std::vector<float> input;
  const std::int64_t group_rows = shape[0] / conv.groups;
  bool same = true;  // for every group
  for (std::int64_t g = 0; g < conv.groups; ++g) {
    for (std::int64_t c = 0; c < shape[1]; ++c) {
      input.push_back(PowerOfTwo(x.q[static_cast<std::size_t>(g * shape[1] + c)]));
      same = same && input.back() == input[static_cast<std::size_t>(c)];
    }
  }
  if (same) {
    input.resize(static_cast<std::size_t>(shape[1]));
    return writer_.Part("Mul", {sum, PerChannel(op.name + "/input_scale", input)},
                        op.name + "/weights");
  }
  std::vector<float> by_row;
  for (std::int64_t o = 0; o < shape[0]; ++o) {
    const auto first = input.begin() + o / group_rows * shape[1];
    by_row.insert(by_row.end(), first, first + shape[1]);
  }
  const std::string factor =
      writer_.Floats(op.name + "/input_scale", {shape[0], shape[1], 1, 1}, by_row);
  return writer_.Part("Mul", {sum, factor}, op.name + "/weights");
}

// The input's integers, with those of the padding around them; Conv in ONNX pads with zeros only.
std::string Exporter::PadIntegers(const qnet::Op& op, const qnet::Conv& conv, NodeAttrs& attrs) {
  const std::vector<float> steps = StepsInOne(InputOf(op));
  std::string integers = NameOfInput(op);
  if (!AllEqual(steps) || steps[0] != 1) {
    integers = writer_.Part("Mul", {integers, PerChannel(op.name + "/input_scale", steps)},
                            op.name + "/integers");
  }
  auto& pads = std::get<Ints>(attrs.at("pads"));
  const Ints all = {0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]};
  pads.assign(4, 0);
  return writer_.Part("Pad",
                      {integers, writer_.Ints(op.name + "/pads", all),
                       writer_.Float(op.name + "/pad_value", conv.pad_value)},
                      op.name + "/padded");
}

Status Exporter::Export(const qnet::Op& op, const qnet::Conv& conv) {
  const qnet::Tensor& y = OutputOf(op);
  const ir::Shape shape = {y.c(), InputOf(op).c() / conv.groups, conv.window.kh, conv.window.kw};
  std::vector<float> bias;
  for (std::size_t o = 0; o < conv.beta.size(); ++o) {
    bias.push_back(static_cast<float>(conv.beta[o] * RowScale(conv, y, o)));
  }
  NodeAttrs attrs = WindowAttrs(op, conv.window);
  attrs["group"] = std::int64_t{conv.groups};
  std::string x = NameOfInput(op);
  if (conv.pad_value != 0) x = PadIntegers(op, conv, attrs);
  const std::string weights = Weights(op, conv, shape);
  std::string value =
      writer_.Part("Conv", {x, weights, writer_.Floats(op.name + "/bias", {y.c()}, bias)},
                   op.name + "/conv", attrs);
  // The sums are exact in float, times alpha only in double. What ONNX Runtime cannot do there:
  // PRelu.
  const bool exact = rounding_ == Rounding::kHalfUp && conv.activation != qnet::Activation::kPRelu;
  const auto doubled = [&](const std::string& name) { return exact ? Double(name) : name; };
  value = doubled(value);
  if (rounding_ == Rounding::kHalfUp) {
    std::vector<float> alpha;
    for (std::size_t o = 0; o < conv.scale.size(); ++o)
      alpha.push_back(std::ldexp(static_cast<float>(conv.scale[o].alpha), exact ? y.q[o] : 0));
    value = writer_.Part("Mul", {value, doubled(Channels(op.name + "/alpha", alpha))},
                         op.name + "/scaled");
  }
  if (op.inputs.size() > 1) {
    std::string residual = NameOfInput(op, 1);
    if (exact) {  // in steps of the output
      residual = writer_.Part("Mul", {residual, Channels(op.name + "/steps", StepsInOne(y))},
                              op.name + "/residual_steps");
    }
    value = writer_.Part("Add", {value, doubled(residual)}, op.name + "/residual");
  }
  Quantize(op.output, Activate(op, conv, value, exact), exact);
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::MaxPool& pool) {
  SetName(op, writer_.Part("MaxPool", {NameOfInput(op)}, OutputOf(op).name,
                           WindowAttrs(op, pool.window)));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::AvgPool& pool) {
  const qnet::Tensor& x = InputOf(op);
  const qnet::Tensor& y = OutputOf(op);
  const qnet::Window& w = pool.window;
  const bool whole = y.h() == 1 && y.w() == 1 && w.kh == x.h() && w.kw == x.w() && w.ph == 0 &&
                     w.pw == 0 && w.dh == 1 && w.dw == 1;
  std::string sum;
  if (whole) {
    sum = writer_.Part("ReduceSum", {NameOfInput(op), writer_.Ints(op.name + "/axes", {2, 3})},
                       op.name + "/sum");
  } else {
    const std::vector<float> ones(static_cast<std::size_t>(x.c() * w.kh * w.kw), 1.0F);
    NodeAttrs attrs = WindowAttrs(op, w);
    attrs["group"] = std::int64_t{x.c()};
    const std::string weights = writer_.Floats(op.name + "/ones", {x.c(), 1, w.kh, w.kw}, ones);
    sum = writer_.Part("Conv", {NameOfInput(op), weights}, op.name + "/sum", attrs);
  }
  // The real factor of every position, alpha / 2^s * 2^(Q_in - Q_out).
  std::vector<float> factor;
  for (std::size_t c = 0; c < y.q.size(); ++c) {
    for (const std::int32_t dh : pool.divisor_h) {
      for (const std::int32_t dw : pool.divisor_w) {
        const auto at = std::lower_bound(pool.divisors.begin(), pool.divisors.end(), dh * dw) -
                        pool.divisors.begin();
        const numerics::Scale& scale = pool.scale[static_cast<std::size_t>(at)][c];
        factor.push_back(std::ldexp(static_cast<float>(scale.alpha), x.q[c] - y.q[c] - scale.s));
      }
    }
  }
  const std::string factors =
      AllEqual(factor) ? writer_.Float(op.name + "/factor", factor[0])
                       : writer_.Floats(op.name + "/factor", {1, y.c(), y.h(), y.w()}, factor);
  const std::string mean = writer_.Part("Mul", {sum, factors}, op.name + "/mean");
  Quantize(op.output, Activate(op.name, pool.activation, mean));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::Add& add) {
  const std::string sum =
      writer_.Part("Add", {NameOfInput(op, 0), NameOfInput(op, 1)}, op.name + "/sum");
  Quantize(op.output, Activate(op.name, add.activation, sum));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::Concat&) {
  std::vector<std::string> inputs;
  for (const qnet::TensorId id : op.inputs) inputs.push_back(names_[Index(id)]);
  SetName(op, writer_.Part("Concat", inputs, OutputOf(op).name, {{"axis", std::int64_t{1}}}));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::Reshape&) {
  const qnet::Tensor& y = OutputOf(op);
  const std::string shape = writer_.Ints(op.name + "/shape", {batch_, y.c(), y.h(), y.w()});
  SetName(op, writer_.Part("Reshape", {NameOfInput(op), shape}, y.name));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::Table& table) {
  // Looks each integer up: x * 2^Q + 128 counts the real values of the table.
  const int q = OutputOf(op).q[0];
  std::vector<float> values;
  for (const std::int16_t v : table.values) values.push_back(std::ldexp(static_cast<float>(v), -q));
  const std::string step = writer_.Float(op.name + "/factor", PowerOfTwo(InputOf(op).q[0]));
  const std::string integer = writer_.Part("Mul", {NameOfInput(op), step}, op.name + "/integer");
  const std::string index =
      writer_.Part("Cast",
                   {writer_.Part("Add", {integer, writer_.Float(op.name + "/first", 128)},
                                 op.name + "/position")},
                   op.name + "/index", {{"to", std::int64_t{onnx_pb::Tensor::INT64}}});
  const std::string entries =
      writer_.Floats(op.name + "/values", {static_cast<std::int64_t>(values.size())}, values);
  SetName(op, writer_.Part("Gather", {entries, index}, OutputOf(op).name));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::Binary& binary) {
  const auto name_of = [](qnet::BinaryKind kind) {
    switch (kind) {
      case qnet::BinaryKind::kAdd:
        return "Add";
      case qnet::BinaryKind::kSub:
        return "Sub";
      case qnet::BinaryKind::kMul:
        return "Mul";
      case qnet::BinaryKind::kMax:
        return "Max";
      case qnet::BinaryKind::kMin:
        return "Min";
    }
    TF2_CHECK(false, "no such operator");
  };
  const std::string value = writer_.Part(
      name_of(binary.kind), {NameOfInput(op, 0), NameOfInput(op, 1)}, op.name + "/exact");
  Quantize(op.output, Activate(op.name, binary.activation, value));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::Lrn&) {
  return WithHint(Unsupported("the integer rule of lrn has no ONNX form").At(op.name),
                  "export the float model instead");
}

std::string Exporter::Pick(const qnet::Op& op, const Ints& index, bool zeros) {
  const qnet::Tensor& x = InputOf(op);
  const qnet::Tensor& y = OutputOf(op);
  std::string flat = writer_.Part(
      "Reshape", {NameOfInput(op), writer_.Ints(op.name + "/flat", {batch_, x.elements()})},
      op.name + "/elements");
  if (zeros) {
    flat = writer_.Part("Pad", {flat, writer_.Ints(op.name + "/pads", {0, 0, 0, 1})},
                        op.name + "/with_zero");
  }
  const std::string picked = writer_.Part("Gather", {flat, writer_.Ints(op.name + "/index", index)},
                                          op.name + "/picked", {{"axis", std::int64_t{1}}});
  return writer_.Part(
      "Reshape", {picked, writer_.Ints(op.name + "/shape", {batch_, y.c(), y.h(), y.w()})}, y.name);
}

Status Exporter::Export(const qnet::Op& op, const qnet::Move& move) {
  Ints index = {move.offset};
  for (std::size_t d = 0; d < move.dims.size(); ++d) {
    Ints next;
    for (const std::int64_t at : index) {
      for (std::int64_t i = 0; i < move.dims[d]; ++i) next.push_back(at + i * move.strides[d]);
    }
    index = std::move(next);
  }
  SetName(op, Pick(op, index, false));
  return {};
}

Status Exporter::Export(const qnet::Op& op, const qnet::Dilate& dilate) {
  const qnet::Tensor& x = InputOf(op);
  const qnet::Tensor& y = OutputOf(op);
  Ints index;
  for (std::int64_t c = 0; c < y.c(); ++c) {
    for (std::int64_t h = 0; h < y.h(); ++h) {
      for (std::int64_t w = 0; w < y.w(); ++w) {
        const bool zero = h % dilate.sh != 0 || w % dilate.sw != 0;
        index.push_back(zero ? x.elements() : (c * x.h() + h / dilate.sh) * x.w() + w / dilate.sw);
      }
    }
  }
  SetName(op, Pick(op, index, true));
  return {};
}

Result<std::vector<std::string>> Exporter::Emit(const ir::Graph& graph,
                                                const std::vector<std::string>& values) {
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ir::Value& value = graph.value(graph.inputs[i]);
    inputs.push_back(writer_.Part(
        "Reshape", {values[i], writer_.Ints(values[i] + "/shape", value.shape)}, value.name));
  }
  return EmitGraph(writer_, graph, inputs);
}

Status Exporter::Export(const qnet::Op& op, const qnet::Host& host) {
  const ir::Graph& graph = host.graph.graph();
  std::vector<std::string> inputs;
  for (const qnet::TensorId id : op.inputs) inputs.push_back(names_[Index(id)]);
  auto results = Emit(graph, inputs);
  if (!results.ok()) return std::move(results.error()).At(op.name);
  const qnet::Tensor& y = OutputOf(op);
  const std::string shape = writer_.Ints(op.name + "/shape", {1, y.c(), y.h(), y.w()});
  std::string value = results->front();
  if (graph.value(graph.outputs[0]).dtype == ir::DType::kInt64) {
    value = writer_.Part("Cast", {value}, op.name + "/real",
                         {{"to", std::int64_t{onnx_pb::Tensor::FLOAT}}});
  }
  Quantize(op.output, writer_.Part("Reshape", {value, shape}, op.name + "/result"));
  return {};
}

Status Exporter::ExportHead(const ir::Graph& graph, const std::vector<std::string>& names) {
  std::vector<std::string> inputs;
  for (const qnet::Output& output : net_.outputs) inputs.push_back(names_[Index(output.tensor)]);
  auto results = Emit(graph, inputs);
  if (!results.ok()) return std::move(results.error()).At("the head");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ir::Value& value = graph.value(graph.outputs[i]);
    writer_.Node("Identity", {(*results)[i]}, names[i]);
    writer_.AddOutput(names[i], value.dtype, value.shape);
  }
  return {};
}

void Exporter::ExportOutput(const qnet::Output& output, const std::string& name) {
  std::string value = names_[Index(output.tensor)];
  switch (output.head) {
    case qnet::Head::kNone:
      break;
    case qnet::Head::kSoftmax:
      value =
          writer_.Part("Softmax", {value}, output.name + "/softmax", {{"axis", std::int64_t{1}}});
      break;
  }
  Ints shape = {batch_};
  shape.insert(shape.end(), output.shape.begin(), output.shape.end());
  writer_.Node("Reshape", {value, writer_.Ints(output.name + "/shape", shape)}, name);
  writer_.AddOutput(name, ir::DType::kFloat32, shape);
}

void Exporter::AddMetadata() {
  const Preprocessing& p = net_.preprocessing;
  writer_.AddMetadata("tf2.channel_order", p.order == ChannelOrder::kBgr ? "bgr" : "rgb");
  if (!p.mean.empty()) writer_.AddMetadata("tf2.mean", fmt::format("{}", fmt::join(p.mean, ",")));
  if (!p.std.empty()) writer_.AddMetadata("tf2.std", fmt::format("{}", fmt::join(p.std, ",")));
}

Result<std::string> Exporter::Run() {
  const auto is_host = [](const qnet::Op& op) {
    return std::holds_alternative<qnet::Host>(op.params);
  };
  if (net_.head || std::ranges::any_of(net_.ops, is_host)) batch_ = 1;
  std::vector<std::string> names;
  for (const qnet::TensorId id : net_.inputs) names.push_back(writer_.Unique(net_.tensor(id).name));
  std::vector<std::string> outputs;
  for (const qnet::ModelOutput& output : qnet::ModelOutputs(net_))
    outputs.push_back(writer_.Unique(output.name));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const qnet::Tensor& input = net_.tensor(net_.inputs[i]);
    writer_.AddInput(names[i], ir::DType::kFloat32, {batch_, input.c(), input.h(), input.w()});
    Quantize(net_.inputs[i], names[i]);
  }
  for (const qnet::Op& op : net_.ops) {
    TF2_RETURN_IF_ERROR(
        std::visit([&](const auto& params) { return Export(op, params); }, op.params));
  }
  if (net_.head) {
    TF2_RETURN_IF_ERROR(ExportHead(net_.head->graph(), outputs));
  } else {
    for (std::size_t i = 0; i < outputs.size(); ++i) ExportOutput(net_.outputs[i], outputs[i]);
  }
  AddMetadata();
  return writer_.Finish();
}

}  // namespace

Result<std::string> ExportQNet(const qnet::QNet& net, Rounding rounding) {
  return Exporter(net, rounding).Run();
}

}  // namespace tf2::export_onnx
