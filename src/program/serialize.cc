#include "program/serialize.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"

namespace tf2::program {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'T', 'F', '2', 'P', 'R', 'O', 'G', 0};
constexpr std::uint32_t kVersion = 2;
constexpr std::int64_t kMaxWords = arch::kMaxBeats;

// ---- fields, one function per struct for both directions
// -----------------------------------------------------------

// Archives call Io(value) for every member in the order of the format.
class Writer {
 public:
  ByteWriter bytes;
  template <WireScalar T>
  void Io(const T& value) {
    bytes.Write(value);
  }
  void Io(const bool& value) { bytes.Write(static_cast<std::uint8_t>(value ? 1 : 0)); }
  void Io(const std::string& text) { bytes.WriteString(text); }
  template <WireScalar T>
  void Io(const std::vector<T>& values) {
    bytes.Write(static_cast<std::uint64_t>(values.size()));
    bytes.WriteArray(std::span<const T>(values));
  }
  template <typename T, typename F>
  void List(const std::vector<T>& items, F&& each) {
    bytes.Write(static_cast<std::uint64_t>(items.size()));
    for (const T& item : items) each(item);
  }
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  const Status& status() const { return status_; }
  bool AtEnd() const { return bytes_.AtEnd(); }

  template <WireScalar T>
  void Io(T& value) {
    Take(bytes_.Read<T>(), value);
  }
  void Io(bool& value) {
    std::uint8_t byte = 0;
    Io(byte);
    if (byte > 1) Fail(DataLoss("a flag is {}", byte));
    value = byte == 1;
  }
  void Io(std::string& text) { Take(bytes_.ReadString(kMaxName), text); }
  template <WireScalar T>
  void Io(std::vector<T>& values) {
    std::uint64_t count = 0;
    Io(count);
    Take(bytes_.ReadArray<T>(count), values);
  }
  template <typename T, typename F>
  void List(std::vector<T>& items, F&& each) {
    std::uint64_t count = 0;
    Io(count);
    // Every item takes bytes: a length that the rest cannot hold is refused before memory is asked
    // for.
    if (status_.ok() && count > bytes_.remaining()) Fail(DataLoss("a list of {} items", count));
    for (std::uint64_t i = 0; i < count && status_.ok(); ++i) {
      items.emplace_back();
      each(items.back());
    }
  }

 private:
  static constexpr std::uint32_t kMaxName = 1 << 12;

  template <typename T>
  void Take(Result<T> result, T& out) {
    if (!status_.ok()) return;
    if (result.ok()) {
      out = *std::move(result);
    } else {
      Fail(std::move(result.error()));
    }
  }
  void Fail(Error error) {
    if (status_.ok()) status_ = std::move(error);
  }

  ByteReader bytes_;
  Status status_;
};

template <typename A, typename N>
void NeedsIo(A& a, N& n) {
  a.Io(n.feature_words);
  a.Io(n.weight_words);
  a.Io(n.param_entries);
  a.Io(n.program_fields);
  a.Io(n.acc_bits);
  a.Io(n.field_bits);
  a.Io(n.count_bits);
  a.Io(n.coord_bits);
  a.Io(n.padding);
  a.Io(n.residual);
  a.Io(n.max_pool);
  a.Io(n.wide);
  a.Io(n.regions);
  a.Io(n.repeat);
}

template <typename A, typename P>
void PlaceIo(A& a, P& p) {
  a.Io(p.tensor);
  a.Io(p.name);
  a.Io(p.c);
  a.Io(p.h);
  a.Io(p.w);
  a.Io(p.base);
  a.Io(p.plane_words);
  a.Io(p.planes);
  a.Io(p.lanes);
  a.Io(p.wide);
  a.Io(p.hi_offset);
  a.Io(p.ready_after);
  a.Io(p.valid_until);
}

template <typename A, typename I>
void InputIo(A& a, I& in) {
  PlaceIo(a, in.place);
  a.Io(in.folded);
  for (auto* v :
       {&in.ic, &in.ih, &in.iw, &in.kh, &in.kw, &in.sh, &in.sw, &in.ph, &in.pw, &in.dh, &in.dw})
    a.Io(*v);
}

template <typename A, typename P>
void ProgramIo(A& a, P& p) {
  a.Io(p.name);
  for (auto* v : {&p.n, &p.c, &p.p, &p.field_bits, &p.beat_bits}) a.Io(*v);
  NeedsIo(a, p.needs);
  a.List(p.layers, [&](auto& layer) {
    a.Io(layer.name);
    a.Io(layer.kind);
    a.Io(layer.op);
    a.Io(layer.copied);
    a.Io(layer.macs);
  });
  a.Io(p.fields);
  a.Io(p.weights);
  a.Io(p.params);
  InputIo(a, p.input);
  a.List(p.outputs, [&](auto& output) {
    a.Io(output.name);
    PlaceIo(a, output.place);
  });
  a.List(p.places, [&](auto& place) { PlaceIo(a, place); });
  a.Io(p.peak_words);
  a.Io(p.lower_bound_words);
  a.Io(p.slot_words);
  a.Io(p.macs);
}

// ---- checks
// --------------------------------------------------------------------------------------------------------

bool In(std::int64_t value, std::int64_t low, std::int64_t high) {
  return value >= low && value <= high;
}

Status CheckPlace(const Program& program, const Place& p) {
  const auto broken = [&](const char* what) { return DataLoss("%{}: {}", p.name, what); };
  if (!In(p.c, 1, 1 << 24) || !In(p.h, 1, 1 << 24) || !In(p.w, 1, 1 << 24))
    return broken("dimensions out of range");
  const std::int64_t pixels = std::int64_t{p.h} * p.w;
  if (!In(p.plane_words, 1, kMaxWords) || p.plane_words != pixels)
    return broken("a plane has another size");
  if (!In(p.planes, 1, kMaxWords) || static_cast<std::int64_t>(p.lanes.size()) != p.c)
    return broken("lanes or planes");
  for (const std::int32_t lane : p.lanes) {
    if (lane < 0 || lane / program.c >= p.planes)
      return broken("a channel lies outside the planes");
  }
  const std::int64_t words = p.planes * p.plane_words;
  if (!In(p.hi_offset, 0, kMaxWords) || p.base < 0 || words > kMaxWords || p.base > kMaxWords ||
      p.base + p.hi_offset + words > program.needs.feature_words) {
    return broken("lies outside the feature memory");
  }
  return {};
}

Status CheckInput(const Program& program) {
  const InputLayout& in = program.input;
  for (const std::int32_t v : {in.ic, in.ih, in.iw, in.kh, in.kw, in.sh, in.sw, in.dh, in.dw}) {
    if (!In(v, 1, 1 << 24)) return DataLoss("the input's geometry is out of range");
  }
  if (!In(in.ph, 0, 1 << 24) || !In(in.pw, 0, 1 << 24))
    return DataLoss("the input's padding is out of range");
  const std::int64_t picture = std::int64_t{in.ic} * in.ih;
  const std::int64_t window = std::int64_t{in.kh} * in.kw;
  if (picture > 1 << 28 || picture * in.iw > 1 << 28 || window > 1 << 24)
    return DataLoss("the input is too large");
  const std::int64_t channels = in.folded ? in.ic * window : in.ic;
  if (in.place.c != channels)
    return DataLoss("the input has {} lanes for {} values", in.place.c, channels);
  if (!in.folded && (in.place.h != in.ih || in.place.w != in.iw || in.sh != 1 || in.sw != 1 ||
                     in.ph != 0 || in.pw != 0)) {
    return DataLoss("the input's layout and its size disagree");
  }
  return CheckPlace(program, in.place);
}

Status CheckGeometry(const Program& p) {
  arch::Arch a;
  a.n = p.n;
  a.c = p.c;
  a.p = p.p;
  a.requant_units = 1;
  a.field_bits = p.field_bits;
  a.count_bits = a.coord_bits = 16;
  a.beat_bits = p.beat_bits;
  a.port_bits = p.beat_bits;
  a.param_entries = 1024;
  a.feature_words = a.weight_words = 64;
  if (Status status = arch::Check(a); !status.ok())
    return DataLoss("impossible lanes: {}", status.error().message);
  return {};
}

}  // namespace

Status Validate(const Program& p) {
  TF2_RETURN_IF_ERROR(CheckGeometry(p));
  if (p.layers.empty() || p.fields.size() != p.layers.size() * kFieldsPerLayer) {
    return DataLoss("{} fields for {} layers", p.fields.size(), p.layers.size());
  }
  const std::size_t word_bytes = static_cast<std::size_t>(p.n) * static_cast<std::size_t>(p.c) / 2;
  if (p.weights.size() % word_bytes != 0) return DataLoss("the last weight word is incomplete");
  const arch::Needs& n = p.needs;
  if (!In(n.feature_words, 1, kMaxWords) || n.weight_words != p.weight_words() ||
      n.param_entries != static_cast<std::int64_t>(p.params.size()) ||
      n.program_fields != static_cast<std::int64_t>(p.fields.size())) {
    return DataLoss("the needs are not those of the contents");
  }
  TF2_ASSIGN_OR_RETURN(const std::vector<Descriptor> descriptors, DecodeAll(p));
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    if (descriptors[i].last != (i + 1 == descriptors.size())) {
      return DataLoss("the mark of the last layer is wrong").At(p.layers[i].name);
    }
  }
  TF2_RETURN_IF_ERROR(CheckInput(p));
  for (const Place& place : p.places) TF2_RETURN_IF_ERROR(CheckPlace(p, place));
  for (const OutputPlace& output : p.outputs) TF2_RETURN_IF_ERROR(CheckPlace(p, output.place));
  return {};
}

std::vector<std::uint8_t> Serialize(const Program& program) {
  Writer body;
  ProgramIo(body, program);
  ByteWriter out;
  out.WriteBytes(kMagic);
  out.Write(kVersion);
  out.Write(Crc32(body.bytes.bytes()));
  out.Write(static_cast<std::uint64_t>(body.bytes.size()));
  out.WriteBytes(body.bytes.bytes());
  return std::move(out).Take();
}

Result<Program> Deserialize(std::span<const std::uint8_t> bytes) {
  ByteReader header(bytes);
  TF2_ASSIGN_OR_RETURN(const auto magic, header.ReadBytes(kMagic.size()));
  if (!std::ranges::equal(magic, kMagic)) return DataLoss("not a compiled program");
  TF2_ASSIGN_OR_RETURN(const auto version, header.Read<std::uint32_t>());
  if (version != kVersion) {
    return WithHint(
        DataLoss("the program's format has version {}, this tf2 reads {}", version, kVersion),
        "compile the network again");
  }
  TF2_ASSIGN_OR_RETURN(const auto crc, header.Read<std::uint32_t>());
  TF2_ASSIGN_OR_RETURN(const auto size, header.Read<std::uint64_t>());
  if (size != header.remaining())
    return DataLoss("the program has {} bytes, its header says {}", header.remaining(), size);
  TF2_ASSIGN_OR_RETURN(const auto body, header.ReadBytes(size));
  if (Crc32(body) != crc) return DataLoss("the program is damaged: its checksum differs");
  Reader reader(body);
  Program program;
  ProgramIo(reader, program);
  if (!reader.status().ok()) return Error(reader.status().error());
  if (!reader.AtEnd()) return DataLoss("the program has bytes past its end");
  TF2_RETURN_IF_ERROR(Validate(program));
  return program;
}

}  // namespace tf2::program
