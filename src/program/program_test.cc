#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "program/assembler.h"
#include "program/descriptor.h"
#include "program/execute.h"
#include "program/pack.h"
#include "program/serialize.h"

namespace tf2::program {
namespace {

using ::testing::HasSubstr;

Descriptor RandomDescriptor(Rng& rng, std::int32_t bits) {
  Descriptor d;
  d.opcode = rng.Chance(0.5) ? Opcode::kConv : Opcode::kMaxPool;
  for (bool Descriptor::*flag : {&Descriptor::relu, &Descriptor::residual, &Descriptor::wide,
                                 &Descriptor::last, &Descriptor::padding, &Descriptor::repeat}) {
    d.*flag = rng.Chance(0.5);
  }
  d.pad_low = d.padding && d.opcode == Opcode::kConv && rng.Chance(0.5);
  const std::int64_t span = std::int64_t{1} << bits;
  for (std::size_t i = 1; FieldName(i) != nullptr; ++i) {
    const std::string name = FieldName(i);
    const bool count = name.starts_with("n_");
    const bool is_signed = name.starts_with("d_") || name == "f_base" || name == "r_off" ||
                           name == "o_row" || name == "o_tile" || name == "y0" || name == "x0";
    FieldRef(d, i) = count       ? rng.Between(1, span)
                     : is_signed ? rng.Between(-span / 2, span / 2 - 1)
                                 : rng.Between(0, span - 1);
  }
  return d;
}

TEST(Descriptor, RoundTripsAtEveryWidth) {
  Rng rng(7);
  for (std::int32_t bits = 16; bits <= 32; ++bits) {
    for (int i = 0; i < 50; ++i) {
      const Descriptor d = RandomDescriptor(rng, bits);
      const auto fields = Encode(d, bits);
      ASSERT_TRUE(fields.ok()) << fields.error().ToString();
      const auto back = Decode(*fields, bits);
      ASSERT_TRUE(back.ok()) << back.error().ToString();
      EXPECT_EQ(*back, d);
      EXPECT_LE(FieldBitsNeeded(d), bits);
    }
  }
}

TEST(Descriptor, FieldsLieWhereTheManualSaysSo) {
  Descriptor d;
  d.opcode = Opcode::kMaxPool;
  d.relu = d.last = d.repeat = true;
  d.f_base = -3;
  d.o_base = 7;
  d.count[kTile] = 5;
  d.delta[kIc] = -1;
  d.r_off = 12;
  d.in_w = 9;
  d.o_plane = 33;
  const auto f = Encode(d, 16);
  ASSERT_TRUE(f.ok());
  EXPECT_EQ((*f)[0], 1u | 1u << 4 | 1u << 7 | 1u << 9);
  EXPECT_EQ((*f)[1], 0xFFFDu);
  EXPECT_EQ((*f)[2], 7u);
  EXPECT_EQ((*f)[5], 0u);
  EXPECT_EQ((*f)[10], 4u);
  EXPECT_EQ((*f)[11], 0xFFFFu);
  EXPECT_EQ((*f)[17], 12u);
  EXPECT_EQ((*f)[28], 9u);
  EXPECT_EQ((*f)[29], 33u);
  EXPECT_STREQ(FieldName(0), "ctl");
  EXPECT_STREQ(FieldName(29), "o_plane");
  EXPECT_EQ(FieldName(30), nullptr);
}

TEST(Descriptor, RefusesValuesOutOfRangeByName) {
  Descriptor d;
  d.delta[kOx] = 32768;
  EXPECT_EQ(Encode(d, 16).error().message,
            "field d_ox is 32768, a field of 16 bits holds -32768 to 32767");
  d = {};
  d.count[kKy] = 0;
  EXPECT_EQ(Encode(d, 16).error().message, "field n_ky is 0, a field of 16 bits holds 1 to 65536");
  d = {};
  d.o_base = -1;
  EXPECT_FALSE(Encode(d, 16).ok());
}

TEST(Descriptor, DecodeRefusesWhatItDoesNotKnow) {
  Fields f = *Encode(Descriptor{}, 16);
  Fields bad = f;
  bad[0] = 2;
  EXPECT_THAT(Decode(bad, 16).error().message, HasSubstr("unknown opcode 2"));
  bad = f;
  bad[0] = 1u << 11;
  EXPECT_THAT(Decode(bad, 16).error().message, HasSubstr("unknown bits in ctl"));
  bad = f;
  bad[31] = 1;
  EXPECT_THAT(Decode(bad, 16).error().message, HasSubstr("reserved fields"));
  bad = f;
  bad[3] = 0x10000;
  EXPECT_THAT(Decode(bad, 16).error().message, HasSubstr("wider than 16 bits"));
}

TEST(Descriptor, LowPaddingIsOfConvolutionsThatPad) {
  Descriptor d;
  d.padding = d.pad_low = true;
  const Fields f = *Encode(d, 16);
  EXPECT_EQ(f[0], 1u << 8 | 1u << 10);
  EXPECT_EQ(*Decode(f, 16), d);
  const auto refused = [](const Descriptor& wrong, std::uint32_t ctl, const char* message) {
    EXPECT_THAT(Encode(wrong, 16).error().message, HasSubstr(message));
    Fields fields = *Encode(Descriptor{}, 16);
    fields[0] = ctl;
    EXPECT_THAT(Decode(fields, 16).error().message, HasSubstr(message));
  };
  d.padding = false;
  refused(d, 1u << 10, "low padding of a layer without padding");
  d.padding = true;
  d.opcode = Opcode::kMaxPool;
  refused(d, 1u | 1u << 8 | 1u << 10, "low padding of a layer that is no convolution");
}

TEST(Assembler, RoundTripsRandomLayers) {
  Rng rng(3);
  std::vector<AssembledLayer> layers;
  layers.reserve(40);
  for (int i = 0; i < 40; ++i) {
    layers.push_back({{fmt::format("layer \"{}\" \\ ;\n\\n x", i), "conv", i, -1, i * 1000},
                      RandomDescriptor(rng, 32)});
  }
  const std::string text = Disassemble(layers);
  const auto back = Assemble(text);
  ASSERT_TRUE(back.ok()) << back.error().ToString();
  EXPECT_EQ(*back, layers);
  EXPECT_EQ(Disassemble(*back), text);
}

TEST(Assembler, ErrorsAreLocated) {
  const std::pair<const char*, const char*> cases[] = {
      {"leyer", "line 1, column 1: expected \"layer\", found \"leyer\""},
      {"layer x", "line 1, column 7: expected a quoted name"},
      {"layer \"x", "line 1, column 7: a name without closing quote"},
      {"layer \"x\" \"conv\" op=1 macs=2", "line 1, column 23: expected copied=NUMBER"},
      {"layer \"x\" \"conv\" op=z", "line 1, column 18: expected a number, found \"z\""},
      {"layer \"x\" \"conv\" op=1 copied=-1 macs=2\n  jump",
       "line 2, column 3: unknown operation \"jump\""},
      {"layer \"x\" \"conv\" op=1 copied=-1 macs=2\n  conv n_xx 1",
       "line 2, column 8: unknown field \"n_xx\""},
      {"layer \"x\" \"conv\" op=1 copied=-1 macs=2\n  conv n_kx 1x",
       "line 2, column 13: expected a number, found \"1x\""},
      {"layer \"x\" \"conv\" op=1 copied=-1 macs=2\n  conv ; end", "the layer has no \"end\""},
  };
  for (const auto& [text, message] : cases) {
    const auto layers = Assemble(text);
    ASSERT_FALSE(layers.ok()) << text;
    EXPECT_THAT(layers.error().ToString(), HasSubstr(message)) << text;
  }
}

// A program of one 1 x 1 layer on 8 lanes: 8 channels of 1 x 2 pixels, identity weights.
Program TinyProgram() {
  Program p;
  p.name = "tiny";
  p.field_bits = 16;
  p.beat_bits = 16;
  p.layers.push_back({"copy", "conv", 0, -1, 128});
  Descriptor d;
  d.count[kOx] = 2;
  d.delta[kOx] = 1;
  d.o_base = 2;
  d.last = true;
  const Fields f = *Encode(d, 16);
  p.fields.assign(f.begin(), f.end());
  p.weights.assign(32, 0x77);
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t nibble = i * 8 + i;
    p.weights[nibble / 2] = nibble % 2 == 0 ? 0x70 : 0x07;
  }
  p.params.assign(8, std::uint64_t{1} << 14 << 32 | std::uint64_t{14} << 48);
  Place in;
  in.tensor = 0;
  in.name = "x";
  in.c = 8;
  in.w = 2;
  in.plane_words = 2;
  in.planes = 1;
  for (std::int32_t i = 0; i < 8; ++i) in.lanes.push_back(i);
  in.valid_until = 1;
  p.input.place = in;
  p.input.ic = 8;
  p.input.ih = 1;
  p.input.iw = 2;
  Place out = in;
  out.tensor = 1;
  out.name = "y";
  out.base = 2;
  out.ready_after = 0;
  p.outputs.push_back({"y", out});
  p.places.push_back(out);
  p.needs.feature_words = 4;
  p.needs.weight_words = 1;
  p.needs.param_entries = 8;
  p.needs.program_fields = 32;
  p.needs.acc_bits = 17;
  p.needs.field_bits = 16;
  return p;
}

arch::Arch TinyArch() {
  arch::Arch a;
  a.field_bits = 16;
  a.beat_bits = 16;
  a.port_bits = 16;
  a.acc_bits = 24;
  a.feature_words = 8;
  return a;
}

TEST(Execute, CopiesAFrame) {
  const Program p = TinyProgram();
  ASSERT_TRUE(Validate(p).ok()) << Validate(p).error().ToString();
  std::vector<std::int8_t> x(16);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int8_t>(i * 17 - 128);
  const auto y = ExecuteFrame(p, TinyArch(), x);
  ASSERT_TRUE(y.ok()) << y.error().ToString();
  ASSERT_EQ(y->size(), 1u);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(static_cast<std::int8_t>((*y)[0][i]), x[i]);
  EXPECT_THAT(ExecuteFrame(p, TinyArch(), std::span(x).first(15)).error().message,
              HasSubstr("the program takes 8 x 1 x 2"));
}

// Runs the program after a change of its descriptor.
Status RunChanged(const std::function<void(Program&, Descriptor&)>& change,
                  const arch::Arch& a = TinyArch()) {
  Program p = TinyProgram();
  Descriptor d = *Decode(p.layer_fields(0), 16);
  change(p, d);
  const Fields f = *Encode(d, 16);
  p.fields.assign(f.begin(), f.end());
  std::vector<std::uint8_t> memory(static_cast<std::size_t>(a.feature_words * a.c), 0);
  return Execute(p, a, memory);
}

TEST(Execute, RefusesAddressesOutsideTheMemories) {
  EXPECT_TRUE(RunChanged([](Program&, Descriptor&) {}).ok());
  const std::pair<std::function<void(Program&, Descriptor&)>, const char*> cases[] = {
      {[](Program&, Descriptor& d) { d.f_base = 8; },
       "copy: read of word 8, the feature memory has 8"},
      {[](Program&, Descriptor& d) { d.f_base = -1; }, "read of word 65535"},
      {[](Program&, Descriptor& d) { d.o_base = 7; }, "write of word 8"},
      {[](Program&, Descriptor& d) { d.w_base = 1; }, "weight word 1, the program has 1"},
      {[](Program&, Descriptor& d) { d.p_base = 1; }, "parameter entry 8, the program has 8"},
      {[](Program&, Descriptor& d) { d.residual = true, d.r_off = 6; }, "residual read of word 8"},
      {[](Program&, Descriptor& d) { d.wide = true, d.o_hi = 6; }, "write of word 8"},
      {[](Program&, Descriptor& d) { d.last = false; }, "no layer is marked as the last"},
      {[](Program& p, Descriptor&) { p.weights[3] = 0x0F; }, "reserved weight code"},
      {[](Program& p, Descriptor&) { p.params[2] = 0; }, "parameter entry 2"},
      {[](Program& p, Descriptor&) { p.params[2] |= std::uint64_t{41} << 56; },
       "parameter entry 2"},
      {[](Program&, Descriptor& d) { d.count[kIc] = 65536, d.count[kKx] = 65536; },
       "loops of more than"},
  };
  for (const auto& [change, message] : cases) {
    const Status status = RunChanged(change);
    ASSERT_FALSE(status.ok()) << message;
    EXPECT_THAT(status.error().ToString(), HasSubstr(message));
    EXPECT_EQ(status.error().code, ErrorCode::kDataLoss);
  }
  arch::Arch a = TinyArch();
  a.has_wide = false;
  EXPECT_THAT(RunChanged([](Program&, Descriptor& d) { d.wide = true; }, a).error().message,
              HasSubstr("HasWide"));
}

TEST(Execute, NegativeCodesCountOneComplement) {
  // -1 * v as ~v: -v - 1, and beta brings the missing 1.
  Program p = TinyProgram();
  for (auto& byte : p.weights) byte = byte == 0x70 ? 0x78 : byte == 0x07 ? 0x87 : byte;
  const arch::Arch a = TinyArch();
  const std::vector<std::int8_t> x(16, 5);
  EXPECT_EQ((*ExecuteFrame(p, a, x))[0],
            std::vector<std::uint8_t>(16, static_cast<std::uint8_t>(-6)));
  for (auto& entry : p.params) entry |= 1;
  EXPECT_EQ((*ExecuteFrame(p, a, x))[0],
            std::vector<std::uint8_t>(16, static_cast<std::uint8_t>(-5)));
}

TEST(Execute, PadsWithZeroOrLow) {
  // The two pixels lie in the second column of a picture of one column: the first is padding.
  Program p = TinyProgram();
  Descriptor d = *Decode(p.layer_fields(0), 16);
  d.padding = true;
  d.f_base = d.x0 = -1;
  d.str_x = 1;
  d.in_h = d.in_w = 1;
  p.needs.padding = true;
  const std::vector<std::int8_t> x(16, 5);
  for (const bool low : {false, true}) {
    d.pad_low = low;
    const Fields f = *Encode(d, 16);
    p.fields.assign(f.begin(), f.end());
    const auto y = ExecuteFrame(p, TinyArch(), x);
    ASSERT_TRUE(y.ok()) << y.error().ToString();
    for (std::size_t i = 0; i < 16; ++i)
      EXPECT_EQ(static_cast<std::int8_t>((*y)[0][i]), i % 2 == 1 ? 5 : low ? -128 : 0) << i;
  }
}

TEST(Pack, ImagesAndCommands) {
  const Program p = TinyProgram();
  EXPECT_EQ(WeightImage(p).size(), 32u);
  EXPECT_EQ(ParamImage(p).size(), 64u);
  EXPECT_EQ(ProgramImage(p).size(), 64u);
  EXPECT_EQ(PortCommand(PortOp::kWrite, PortMemory::kProgram, 5, 32),
            1u | 3u << 4 | 5u << 8 | std::uint64_t{32} << 32);
}

TEST(Pack, WideTensorsAndHolesRoundTrip) {
  Place place;
  place.c = 3;
  place.h = 2;
  place.w = 2;
  place.base = 1;
  place.plane_words = 4;
  place.planes = 2;
  place.lanes = {1, 4, 7};
  place.wide = true;
  place.hi_offset = 9;
  std::vector<std::uint8_t> tensor(24);
  for (std::size_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<std::uint8_t>(i + 1);
  std::vector<std::uint8_t> memory(4 * 20, 0xEE);
  PackTensor(place, 4, tensor, memory);
  EXPECT_EQ(UnpackTensor(place, 4, memory), tensor);
  std::vector<std::uint8_t> ranges;
  for (const WordRange& r : ReadRanges(place)) {
    ranges.insert(ranges.end(), memory.begin() + r.begin * 4,
                  memory.begin() + (r.begin + r.count) * 4);
  }
  EXPECT_EQ(UnpackRanges(place, 4, ranges), tensor);
  EXPECT_EQ(ReadRanges(place).size(), 2u);
  place.hi_offset = 8;
  EXPECT_EQ(ReadRanges(place).size(), 1u);
}

TEST(Serialize, RoundTrips) {
  const Program p = TinyProgram();
  const std::vector<std::uint8_t> bytes = Serialize(p);
  const auto back = Deserialize(bytes);
  ASSERT_TRUE(back.ok()) << back.error().ToString();
  EXPECT_EQ(*back, p);
  EXPECT_EQ(Serialize(*back), bytes);
}

TEST(Serialize, RefusesEveryTruncationAndDamage) {
  const std::vector<std::uint8_t> bytes = Serialize(TinyProgram());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto p = Deserialize(std::span(bytes).first(size));
    ASSERT_FALSE(p.ok()) << size;
    EXPECT_EQ(p.error().code, ErrorCode::kDataLoss);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::vector<std::uint8_t> damaged = bytes;
    damaged[i] ^= 0x40;
    EXPECT_FALSE(Deserialize(damaged).ok()) << i;
  }
  std::vector<std::uint8_t> newer = bytes;
  newer[8] = 3;
  EXPECT_THAT(Deserialize(newer).error().message, HasSubstr("version 3, this tf2 reads 2"));
}

TEST(Serialize, ValidateRefusesInconsistentContents) {
  const std::pair<std::function<void(Program&)>, const char*> cases[] = {
      {[](Program& p) { p.c = 3; }, "impossible lanes"},
      {[](Program& p) { p.fields.pop_back(); }, "31 fields for 1 layers"},
      {[](Program& p) { p.weights.pop_back(); }, "weight word is incomplete"},
      {[](Program& p) { p.needs.weight_words = 2; }, "needs are not those"},
      {[](Program& p) { p.fields[0] &= ~(1u << 7); }, "mark of the last layer"},
      {[](Program& p) { p.input.place.lanes[0] = 8; }, "outside the planes"},
      {[](Program& p) { p.outputs[0].place.base = 3; }, "outside the feature memory"},
      {[](Program& p) { p.input.ih = 1 << 25; }, "geometry is out of range"},
      {[](Program& p) { p.input.ic = 4; }, "8 lanes for 4 values"},
      {[](Program& p) { p.input.sh = 2; }, "layout and its size disagree"},
      {[](Program& p) { p.places[0].w = 1; }, "a plane has another size"},
  };
  for (const auto& [change, message] : cases) {
    Program p = TinyProgram();
    change(p);
    const Status status = Validate(p);
    ASSERT_FALSE(status.ok()) << message;
    EXPECT_THAT(status.error().ToString(), HasSubstr(message));
  }
}

}  // namespace
}  // namespace tf2::program
