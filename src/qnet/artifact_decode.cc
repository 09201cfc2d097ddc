#include <array>

#include "base/bytes.h"
#include "qnet/artifact_codec.h"

namespace tf2::qnet {
namespace {

constexpr std::uint32_t kMaxGraphBytes = 0xffffffff;
constexpr std::int64_t kMaxCodes = std::int64_t{1} << 32;

// Reads what Encoder (artifact_encode.cc) writes. Counts are checked against the bytes that remain
// before anything of that size is allocated; ranges that only the executors need are left to
// Verify.
class Decoder {
 public:
  explicit Decoder(const NetSections& sections)
      : structure_(sections[0]),
        weights_(sections[1]),
        parameters_(sections[2]),
        preprocessing_(sections[3]),
        graphs_(sections[4]) {}

  Result<QNet> Decode() {
    TF2_ASSIGN_OR_RETURN(net_.name, structure_.ReadString());
    TF2_ASSIGN_OR_RETURN(net_.macs, structure_.Read<std::int64_t>());
    TF2_ASSIGN_OR_RETURN(net_.inputs, ReadVector<TensorId>(structure_));
    TF2_ASSIGN_OR_RETURN(const auto tensors, ReadCount(structure_, 18));
    for (std::uint32_t i = 0; i < tensors; ++i) TF2_RETURN_IF_ERROR(ReadTensor());
    TF2_ASSIGN_OR_RETURN(const auto ops, ReadCount(structure_, 13));
    for (std::uint32_t i = 0; i < ops; ++i) {
      if (auto status = ReadOp(); !status.ok())
        return std::move(status.error()).At(fmt::format("operator {}", i));
    }
    TF2_ASSIGN_OR_RETURN(const auto outputs, ReadCount(structure_, 13));
    for (std::uint32_t i = 0; i < outputs; ++i) TF2_RETURN_IF_ERROR(ReadOutput());
    TF2_ASSIGN_OR_RETURN(const auto head, structure_.Read<std::uint8_t>());
    if (head > 1) return DataLoss("a head of kind {}", head);
    if (head == 1) {
      TF2_ASSIGN_OR_RETURN(net_.head, ReadGraph("head"));
    }
    TF2_RETURN_IF_ERROR(ReadPreprocessing());
    for (const ByteReader* reader :
         {&structure_, &weights_, &parameters_, &preprocessing_, &graphs_}) {
      if (!reader->AtEnd()) return DataLoss("{} bytes too many in a section", reader->remaining());
    }
    return std::move(net_);
  }

 private:
  // A number of items of which each takes at least `bytes_each` of what remains.
  static Result<std::uint32_t> ReadCount(ByteReader& reader, std::size_t bytes_each) {
    TF2_ASSIGN_OR_RETURN(const auto count, reader.Read<std::uint32_t>());
    if (count > reader.remaining() / bytes_each)
      return DataLoss("a count of {} at offset {}", count, reader.position());
    return count;
  }

  template <typename T>
  static Result<std::vector<T>> ReadVector(ByteReader& reader) {
    TF2_ASSIGN_OR_RETURN(const auto count, reader.Read<std::uint32_t>());
    return reader.ReadArray<T>(count);
  }

  Status ReadTensor() {
    Tensor tensor;
    TF2_ASSIGN_OR_RETURN(tensor.name, structure_.ReadString());
    TF2_ASSIGN_OR_RETURN(tensor.type, structure_.Read<ElemType>());
    TF2_ASSIGN_OR_RETURN(tensor.dims, structure_.ReadArray<std::int32_t>(3));
    if (tensor.c() < 1) return DataLoss("a tensor of {} channels", tensor.c());
    TF2_ASSIGN_OR_RETURN(tensor.q,
                         structure_.ReadArray<std::int8_t>(static_cast<std::uint64_t>(tensor.c())));
    net_.tensors.push_back(std::move(tensor));
    return {};
  }

  Result<Window> ReadWindow() {
    Window w;
    for (std::int32_t* v : {&w.kh, &w.kw, &w.sh, &w.sw, &w.ph, &w.pw, &w.dh, &w.dw}) {
      TF2_ASSIGN_OR_RETURN(*v, structure_.Read<std::int32_t>());
    }
    if (w.kh < 1 || w.kw < 1) return DataLoss("a kernel of {} x {}", w.kh, w.kw);
    return w;
  }

  Result<numerics::Scale> ReadScale() {
    numerics::Scale scale;
    TF2_ASSIGN_OR_RETURN(scale.alpha, parameters_.Read<std::int16_t>());
    TF2_ASSIGN_OR_RETURN(scale.s, parameters_.Read<std::uint8_t>());
    return scale;
  }

  Result<std::vector<std::int8_t>> ReadCodes(WeightKind kind, std::int64_t count) {
    const auto n = static_cast<std::uint64_t>(count);
    switch (kind) {
      case WeightKind::kMac:
        return weights_.ReadArray<std::int8_t>(n);
      case WeightKind::kSac: {
        TF2_ASSIGN_OR_RETURN(const auto packed, weights_.ReadBytes((n + 1) / 2));
        std::vector<std::int8_t> codes(n);
        std::array<std::int8_t, 16> values{};
        constexpr std::uint8_t kReserved = 15;
        for (std::uint8_t nibble = 0; nibble < kReserved; ++nibble) {
          values[nibble] = *numerics::SacValue(nibble);
        }
        bool reserved = false;
        for (std::size_t i = 0; i < n; ++i) {
          const int nibble = i % 2 == 0 ? packed[i / 2] & 0xf : packed[i / 2] >> 4;
          reserved |= nibble == kReserved;
          codes[i] = values[static_cast<std::size_t>(nibble)];
        }
        if (reserved) return DataLoss("a reserved weight code");
        if (n % 2 == 1 && packed.back() >> 4 != 0) return DataLoss("a weight beyond the last");
        return codes;
      }
    }
    return DataLoss("weights of kind {}", static_cast<int>(kind));
  }

  // Codes of one term: oc * ic/groups * kh * kw, or an error where that is no plausible number.
  Result<std::int64_t> CodesPerTerm(const Op& op, const Conv& conv) const {
    if (op.inputs.empty() || conv.groups < 1)
      return DataLoss("a convolution without input or groups");
    std::int64_t count = net_.tensor(op.output).c();
    for (const std::int64_t factor :
         {net_.tensor(op.inputs[0]).c() / conv.groups, conv.window.kh, conv.window.kw}) {
      if (factor < 1 || factor > kMaxCodes / count) return DataLoss("the number of weights");
      count *= factor;
    }
    return count;
  }

  Status ReadParams(const Op& op, Conv& conv) {
    TF2_ASSIGN_OR_RETURN(conv.window, ReadWindow());
    TF2_ASSIGN_OR_RETURN(conv.groups, structure_.Read<std::int32_t>());
    TF2_ASSIGN_OR_RETURN(conv.kind, structure_.Read<WeightKind>());
    TF2_ASSIGN_OR_RETURN(conv.activation, structure_.Read<Activation>());
    TF2_ASSIGN_OR_RETURN(conv.pad_value, structure_.Read<std::int8_t>());
    TF2_ASSIGN_OR_RETURN(const auto terms, structure_.Read<std::uint8_t>());
    TF2_ASSIGN_OR_RETURN(const std::int64_t count, CodesPerTerm(op, conv));
    for (int i = 0; i < terms; ++i) {
      TF2_ASSIGN_OR_RETURN(auto codes, ReadCodes(conv.kind, count));
      conv.terms.push_back(std::move(codes));
    }
    for (std::int32_t o = 0; o < net_.tensor(op.output).c(); ++o) {
      TF2_ASSIGN_OR_RETURN(const auto beta, parameters_.Read<std::int32_t>());
      TF2_ASSIGN_OR_RETURN(const auto scale, ReadScale());
      TF2_ASSIGN_OR_RETURN(const auto t, parameters_.Read<std::uint8_t>());
      conv.beta.push_back(beta);
      conv.scale.push_back(scale);
      if (op.inputs.size() > 1) {
        conv.t.push_back(t);
      } else if (t != 0) {
        return DataLoss("a residual shift without a residual");
      }
    }
    const auto channels = static_cast<std::uint64_t>(net_.tensor(op.output).c());
    if (conv.activation == Activation::kClip) {
      TF2_ASSIGN_OR_RETURN(conv.clip_low, parameters_.ReadArray<std::int16_t>(channels));
      TF2_ASSIGN_OR_RETURN(conv.clip_high, parameters_.ReadArray<std::int16_t>(channels));
    }
    if (conv.activation == Activation::kPRelu) {
      TF2_ASSIGN_OR_RETURN(conv.alpha_negative, parameters_.ReadArray<std::int16_t>(channels));
    }
    return {};
  }

  Status ReadParams(const Op&, MaxPool& pool) {
    TF2_ASSIGN_OR_RETURN(pool.window, ReadWindow());
    return {};
  }

  Status ReadParams(const Op& op, AvgPool& pool) {
    const Tensor& out = net_.tensor(op.output);
    if (out.h() < 1 || out.w() < 1) return DataLoss("an output of {} x {}", out.h(), out.w());
    TF2_ASSIGN_OR_RETURN(pool.window, ReadWindow());
    TF2_ASSIGN_OR_RETURN(pool.activation, structure_.Read<Activation>());
    TF2_ASSIGN_OR_RETURN(pool.divisor_h,
                         structure_.ReadArray<std::int32_t>(static_cast<std::uint64_t>(out.h())));
    TF2_ASSIGN_OR_RETURN(pool.divisor_w,
                         structure_.ReadArray<std::int32_t>(static_cast<std::uint64_t>(out.w())));
    TF2_ASSIGN_OR_RETURN(pool.divisors, ReadVector<std::int32_t>(structure_));
    for (std::size_t i = 0; i < pool.divisors.size(); ++i) {
      std::vector<numerics::Scale>& row = pool.scale.emplace_back();
      for (std::int32_t c = 0; c < out.c(); ++c) {
        TF2_ASSIGN_OR_RETURN(row.emplace_back(), ReadScale());
      }
    }
    return {};
  }

  Status ReadParams(const Op&, Add& add) {
    TF2_ASSIGN_OR_RETURN(add.activation, structure_.Read<Activation>());
    return {};
  }
  Status ReadParams(const Op&, Concat&) { return {}; }
  Status ReadParams(const Op&, Reshape&) { return {}; }

  Status ReadParams(const Op&, Table& table) {
    TF2_ASSIGN_OR_RETURN(table.function, structure_.ReadString());
    TF2_ASSIGN_OR_RETURN(table.values, parameters_.ReadArray<std::int16_t>(256));
    return {};
  }
  Status ReadParams(const Op&, Binary& binary) {
    TF2_ASSIGN_OR_RETURN(binary.kind, structure_.Read<BinaryKind>());
    TF2_ASSIGN_OR_RETURN(binary.activation, structure_.Read<Activation>());
    return {};
  }
  Status ReadParams(const Op&, Lrn& lrn) {
    TF2_ASSIGN_OR_RETURN(lrn.region, structure_.Read<LrnRegion>());
    TF2_ASSIGN_OR_RETURN(lrn.size, structure_.Read<std::int32_t>());
    TF2_ASSIGN_OR_RETURN(lrn.shift, structure_.Read<std::uint8_t>());
    TF2_ASSIGN_OR_RETURN(lrn.factor, ReadVector<std::int32_t>(parameters_));
    return {};
  }
  Status ReadParams(const Op&, Move& move) {
    TF2_ASSIGN_OR_RETURN(move.dims, ReadVector<std::int32_t>(structure_));
    TF2_ASSIGN_OR_RETURN(move.strides, structure_.ReadArray<std::int64_t>(move.dims.size()));
    TF2_ASSIGN_OR_RETURN(move.offset, structure_.Read<std::int64_t>());
    return {};
  }
  Status ReadParams(const Op&, Dilate& dilate) {
    TF2_ASSIGN_OR_RETURN(dilate.sh, structure_.Read<std::int32_t>());
    TF2_ASSIGN_OR_RETURN(dilate.sw, structure_.Read<std::int32_t>());
    return {};
  }
  Status ReadParams(const Op& op, Host& host) {
    TF2_ASSIGN_OR_RETURN(host.graph, ReadGraph(op.name));
    return {};
  }

  Result<FloatGraph> ReadGraph(const std::string& where) {
    TF2_ASSIGN_OR_RETURN(std::string text, graphs_.ReadString(kMaxGraphBytes));
    auto graph = FloatGraph::Parse(std::move(text), where);
    if (!graph.ok()) return DataLoss("the float graph of {}", graph.error().ToString());
    return graph;
  }

  // The alternative of OpParams with this index.
  static Result<OpParams> EmptyParams(std::uint8_t index) {
    switch (index) {
      case 0:
        return OpParams(Conv{});
      case 1:
        return OpParams(MaxPool{});
      case 2:
        return OpParams(AvgPool{});
      case 3:
        return OpParams(Add{});
      case 4:
        return OpParams(Concat{});
      case 5:
        return OpParams(Reshape{});
      case 6:
        return OpParams(Table{});
      case 7:
        return OpParams(Binary{});
      case 8:
        return OpParams(Lrn{});
      case 9:
        return OpParams(Move{});
      case 10:
        return OpParams(Dilate{});
      case 11:
        return OpParams(Host{});
    }
    return DataLoss("an operator of kind {}", index);
  }

  Status ReadOp() {
    static_assert(std::variant_size_v<OpParams> == 12);
    Op op;
    TF2_ASSIGN_OR_RETURN(op.name, structure_.ReadString());
    TF2_ASSIGN_OR_RETURN(const auto kind, structure_.Read<std::uint8_t>());
    TF2_ASSIGN_OR_RETURN(op.params, EmptyParams(kind));
    TF2_ASSIGN_OR_RETURN(op.inputs, ReadVector<TensorId>(structure_));
    TF2_ASSIGN_OR_RETURN(op.output, structure_.Read<TensorId>());
    for (const TensorId id : op.inputs) {
      if (Index(id) >= net_.tensors.size()) return DataLoss("an input that is no tensor");
    }
    if (Index(op.output) >= net_.tensors.size()) return DataLoss("an output that is no tensor");
    TF2_RETURN_IF_ERROR(
        std::visit([&](auto& params) { return ReadParams(op, params); }, op.params));
    net_.ops.push_back(std::move(op));
    return {};
  }

  Status ReadOutput() {
    Output output;
    TF2_ASSIGN_OR_RETURN(output.tensor, structure_.Read<TensorId>());
    TF2_ASSIGN_OR_RETURN(output.name, structure_.ReadString());
    TF2_ASSIGN_OR_RETURN(output.head, structure_.Read<Head>());
    TF2_ASSIGN_OR_RETURN(output.shape, ReadVector<std::int64_t>(structure_));
    net_.outputs.push_back(std::move(output));
    return {};
  }

  Status ReadPreprocessing() {
    Preprocessing& p = net_.preprocessing;
    TF2_ASSIGN_OR_RETURN(p.order, preprocessing_.Read<ChannelOrder>());
    TF2_ASSIGN_OR_RETURN(p.resize, preprocessing_.Read<std::int32_t>());
    TF2_ASSIGN_OR_RETURN(p.crop, preprocessing_.Read<std::int32_t>());
    TF2_ASSIGN_OR_RETURN(p.mean, ReadVector<float>(preprocessing_));
    TF2_ASSIGN_OR_RETURN(p.std, ReadVector<float>(preprocessing_));
    TF2_ASSIGN_OR_RETURN(p.mean_image, ReadVector<float>(preprocessing_));
    TF2_ASSIGN_OR_RETURN(p.mean_image_dims, ReadVector<std::int32_t>(preprocessing_));
    TF2_ASSIGN_OR_RETURN(const auto labels, ReadCount(preprocessing_, 4));
    for (std::uint32_t i = 0; i < labels; ++i) {
      TF2_ASSIGN_OR_RETURN(net_.labels.emplace_back(), preprocessing_.ReadString());
    }
    return {};
  }

  ByteReader structure_;
  ByteReader weights_;
  ByteReader parameters_;
  ByteReader preprocessing_;
  ByteReader graphs_;
  QNet net_;
};

}  // namespace

Result<QNet> DecodeNet(const NetSections& sections) { return Decoder(sections).Decode(); }

}  // namespace tf2::qnet
