#include "base/bytes.h"
#include "qnet/artifact_codec.h"

namespace tf2::qnet {
namespace {

struct Encoder {
  ByteWriter structure;
  ByteWriter weights;
  ByteWriter parameters;
  ByteWriter preprocessing;
  ByteWriter graphs;

  template <typename T>
  static void WriteVector(ByteWriter& writer, const std::vector<T>& values) {
    writer.Write(static_cast<std::uint32_t>(values.size()));
    writer.WriteArray(std::span<const T>(values));
  }

  void WriteTensor(const Tensor& tensor) {
    structure.WriteString(tensor.name);
    structure.Write(tensor.type);
    for (const std::int32_t dim : tensor.dims) structure.Write(dim);
    structure.WriteArray(std::span<const std::int8_t>(tensor.q));
  }

  void WriteWindow(const Window& w) {
    for (const std::int32_t v : {w.kh, w.kw, w.sh, w.sw, w.ph, w.pw, w.dh, w.dw})
      structure.Write(v);
  }

  void WriteScale(const numerics::Scale& scale) {
    parameters.Write(scale.alpha);
    parameters.Write(scale.s);
  }

  void operator()(const Conv& conv) {
    WriteWindow(conv.window);
    structure.Write(conv.groups);
    structure.Write(conv.kind);
    structure.Write(conv.activation);
    structure.Write(conv.pad_value);
    structure.Write(static_cast<std::uint8_t>(conv.terms.size()));
    for (const auto& term : conv.terms) WriteCodes(conv.kind, term);
    for (std::size_t o = 0; o < conv.beta.size(); ++o) {
      parameters.Write(conv.beta[o]);
      WriteScale(conv.scale[o]);
      parameters.Write(conv.t.empty() ? std::uint8_t{0} : conv.t[o]);
    }
    for (const auto* list : {&conv.clip_low, &conv.clip_high, &conv.alpha_negative})
      parameters.WriteArray(std::span<const std::int16_t>(*list));
  }

  void WriteCodes(WeightKind kind, const std::vector<std::int8_t>& codes) {
    switch (kind) {
      case WeightKind::kMac:
        weights.WriteArray(std::span<const std::int8_t>(codes));
        return;
      case WeightKind::kSac:
        for (std::size_t i = 0; i < codes.size(); i += 2) {
          const int low = *numerics::SacNibble(codes[i]);
          const int high = i + 1 < codes.size() ? *numerics::SacNibble(codes[i + 1]) : 0;
          weights.Write(static_cast<std::uint8_t>(low | high << 4));
        }
        return;
    }
  }

  void operator()(const MaxPool& pool) { WriteWindow(pool.window); }

  void operator()(const AvgPool& pool) {
    WriteWindow(pool.window);
    structure.Write(pool.activation);
    structure.WriteArray(std::span<const std::int32_t>(pool.divisor_h));
    structure.WriteArray(std::span<const std::int32_t>(pool.divisor_w));
    WriteVector(structure, pool.divisors);
    for (const auto& row : pool.scale) {
      for (const numerics::Scale& scale : row) WriteScale(scale);
    }
  }

  void operator()(const Add& add) { structure.Write(add.activation); }
  void operator()(const Concat&) {}
  void operator()(const Reshape&) {}

  void operator()(const Table& table) {
    structure.WriteString(table.function);
    parameters.WriteArray(std::span<const std::int16_t>(table.values));
  }
  void operator()(const Binary& binary) {
    structure.Write(binary.kind);
    structure.Write(binary.activation);
  }
  void operator()(const Lrn& lrn) {
    structure.Write(lrn.region);
    structure.Write(lrn.size);
    structure.Write(lrn.shift);
    WriteVector(parameters, lrn.factor);
  }
  void operator()(const Move& move) {
    WriteVector(structure, move.dims);
    structure.WriteArray(std::span<const std::int64_t>(move.strides));
    structure.Write(move.offset);
  }
  void operator()(const Dilate& dilate) {
    structure.Write(dilate.sh);
    structure.Write(dilate.sw);
  }
  void operator()(const Host& host) { graphs.WriteString(host.graph.text()); }

  void WriteOp(const Op& op) {
    structure.WriteString(op.name);
    structure.Write(static_cast<std::uint8_t>(op.params.index()));
    WriteVector(structure, op.inputs);
    structure.Write(op.output);
    std::visit(*this, op.params);
  }

  void WriteOutput(const Output& output) {
    structure.Write(output.tensor);
    structure.WriteString(output.name);
    structure.Write(output.head);
    WriteVector(structure, output.shape);
  }

  void WritePreprocessing(const Preprocessing& p) {
    preprocessing.Write(p.order);
    preprocessing.Write(p.resize);
    preprocessing.Write(p.crop);
    WriteVector(preprocessing, p.mean);
    WriteVector(preprocessing, p.std);
    WriteVector(preprocessing, p.mean_image);
    WriteVector(preprocessing, p.mean_image_dims);
  }
};

}  // namespace

std::array<std::vector<std::uint8_t>, kNetSections.size()> EncodeNet(const QNet& net) {
  Encoder encoder;
  encoder.structure.WriteString(net.name);
  encoder.structure.Write(net.macs);
  Encoder::WriteVector(encoder.structure, net.inputs);
  encoder.structure.Write(static_cast<std::uint32_t>(net.tensors.size()));
  for (const Tensor& tensor : net.tensors) encoder.WriteTensor(tensor);
  encoder.structure.Write(static_cast<std::uint32_t>(net.ops.size()));
  for (const Op& op : net.ops) encoder.WriteOp(op);
  encoder.structure.Write(static_cast<std::uint32_t>(net.outputs.size()));
  for (const Output& output : net.outputs) encoder.WriteOutput(output);
  encoder.structure.Write(static_cast<std::uint8_t>(net.head ? 1 : 0));
  if (net.head) encoder.graphs.WriteString(net.head->text());
  encoder.WritePreprocessing(net.preprocessing);
  encoder.preprocessing.Write(static_cast<std::uint32_t>(net.labels.size()));
  for (const std::string& label : net.labels) encoder.preprocessing.WriteString(label);
  return {std::move(encoder.structure).Take(), std::move(encoder.weights).Take(),
          std::move(encoder.parameters).Take(), std::move(encoder.preprocessing).Take(),
          std::move(encoder.graphs).Take()};
}

}  // namespace tf2::qnet
