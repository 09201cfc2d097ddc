#include "arch/arch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "arch/defaults.h"
#include "arch/device.h"
#include "base/files.h"

namespace tf2::arch {
namespace {

using ::testing::HasSubstr;

const std::string kDevices = std::string(TF2_SOURCE_DIR) + "/data/devices";

TEST(Arch, JsonRoundTripsEveryParameter) {
  Arch a;
  a.name = "x";
  a.device = "ice40-up5k";
  a.n = 16;
  a.c = 16;
  a.acc_bits = 25;
  a.feature_words = 1000;
  a.weight_words = 300;
  a.param_entries = 80;
  a.program_fields = 96;
  a.field_bits = 20;
  a.count_bits = 7;
  a.coord_bits = 9;
  a.beat_bits = 32;
  a.port_bits = 8;
  a.requant_units = 2;
  a.dual_port = a.has_padding = a.has_residual = a.has_max_pool = a.has_wide = a.has_regions =
      a.has_repeat = false;
  const auto b = ParseArch(ToJson(a));
  ASSERT_TRUE(b.ok()) << b.error().ToString();
  EXPECT_EQ(*b, a);
  EXPECT_EQ(ToJson(*b), ToJson(a));
}

TEST(Arch, AbsentKeysKeepTheSimulationDefaults) {
  const auto a = ParseArch(R"({"N": 16, "C": 8, "DualPort": 0})");
  ASSERT_TRUE(a.ok()) << a.error().ToString();
  EXPECT_EQ(a->n, 16);
  EXPECT_FALSE(a->dual_port);
  EXPECT_EQ(a->acc_bits, 32);
}

TEST(Arch, RefusesBadJsonWithOneMessage) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not JSON"},
      {"[1]", "not a JSON object"},
      {R"({"N": "8"})", "N must be an integer"},
      {R"({"N": 8.5})", "N must be an integer"},
      {R"({"FeatureWords": -1})", "FeatureWords must be between 0 and 2^30"},
      {R"({"FeatureWords": 18446744073709551615})", "FeatureWords must be at most 2^30"},
      {R"({"HasWide": "yes"})", "HasWide must be true or false"},
      {R"({"name": 3})", "name must be a string"},
      {R"({"Lanes": 3})", "unknown key \"Lanes\""},
  };
  for (const auto& [text, message] : cases) {
    const auto a = ParseArch(text);
    ASSERT_FALSE(a.ok()) << text;
    EXPECT_THAT(a.error().message, HasSubstr(message));
  }
}

TEST(Arch, RefusesEachIllegalValue) {
  const std::pair<std::function<void(Arch&)>, const char*> cases[] = {
      {[](Arch& a) { a.c = 5; }, "C is 5"},
      {[](Arch& a) { a.n = 12; }, "N is 12"},
      {[](Arch& a) { a.n = 128; }, "N is 128"},
      {[](Arch& a) { a.p = 2; }, "P is 2"},
      {[](Arch& a) { a.requant_units = 3; }, "R is 3"},
      {[](Arch& a) { a.requant_units = 0; }, "R is 0"},
      {[](Arch& a) { a.n = 16, a.has_regions = false; }, "HasRegions is false"},
      {[](Arch& a) { a.acc_bits = 33; }, "AccBits is 33"},
      {[](Arch& a) { a.acc_bits = 16; }, "AccBits is 16: it must be 17"},
      {[](Arch& a) { a.count_bits = 33; }, "CountBits is 33"},
      {[](Arch& a) { a.coord_bits = 3; }, "CoordBits is 3"},
      {[](Arch& a) { a.param_entries = 100; }, "ParamEntries is 100: it must be a multiple of 8"},
      {[](Arch& a) { a.program_fields = 32; },
       "ProgramFields is 32: it must be a multiple of 32 from 64"},
      {[](Arch& a) { a.beat_bits = 8; }, "BeatBits is 8"},
      {[](Arch& a) { a.n = a.c = 4, a.requant_units = 1; },
       "BeatBits is 64: it must divide a feature word (32 bits)"},
      {[](Arch& a) { a.port_bits = 4; }, "PortBits is 4"},
      {[](Arch& a) { a.beat_bits = 16, a.field_bits = 16; }, "PortBits is 64"},
      {[](Arch& a) { a.field_bits = 15; }, "FieldBits is 15"},
      {[](Arch& a) { a.beat_bits = 16, a.port_bits = 1; }, "FieldBits is 32"},
      {[](Arch& a) { a.feature_words = 1; }, "FeatureWords is 1"},
      {[](Arch& a) { a.weight_words = kMaxBeats; }, "WeightWords is 16777216"},
      {[](Arch& a) { a.param_entries = kMaxBeats + 1; }, "ParamEntries is"},
      {[](Arch& a) { a.program_fields = kMaxBeats + 1; }, "ProgramFields is"},
      {[](Arch& a) { a.field_bits = 16, a.feature_words = 32769; }, "FeatureWords is 32769"},
  };
  for (const auto& [change, message] : cases) {
    Arch a;
    change(a);
    const Status status = Check(a);
    ASSERT_FALSE(status.ok()) << message;
    EXPECT_THAT(status.error().message, HasSubstr(message));
  }
  EXPECT_TRUE(Check(Arch{}).ok());
}

TEST(Arch, NeedsNameTheNeedAndWhatTheConfigurationHas) {
  Arch a;
  Needs n;
  EXPECT_TRUE(CheckNeeds(a, n).ok());
  n.weight_words = 5000;
  EXPECT_EQ(CheckNeeds(a, n).error().message,
            "the program needs 5000 weight words, configuration sim-8x8x1 has 4096");
  n = {};
  n.repeat = true;
  a.has_repeat = false;
  EXPECT_EQ(CheckNeeds(a, n).error().message,
            "the program needs HasRepeat, which configuration sim-8x8x1 leaves out");
}

TEST(Arch, FingerprintSeparatesGeometries) {
  Arch a, b;
  b.feature_words = 1;
  EXPECT_EQ(Fingerprint(a), Fingerprint(b));
  b.field_bits = 16;
  EXPECT_NE(Fingerprint(a), Fingerprint(b));
}

TEST(Defaults, MemoriesArePowersOfTwo) {
  Needs n;
  n.feature_words = 1025;
  n.weight_words = 64;
  n.param_entries = 65;
  n.program_fields = 96;
  const Arch a = DefaultSimArch(n);
  EXPECT_EQ(a.feature_words, 2048);
  EXPECT_EQ(a.weight_words, 64);
  EXPECT_EQ(a.param_entries, 128);
  EXPECT_EQ(a.program_fields, 128);
  EXPECT_TRUE(Check(a).ok());
  for (const auto& [rows, lanes] : {std::pair{4, 4}, {8, 8}, {16, 8}, {16, 16}}) {
    EXPECT_TRUE(Check(UnlimitedArch(rows, lanes)).ok()) << rows << " " << lanes;
  }
}

TEST(Device, DatabaseIsValid) {
  const auto devices = ReadDevices(kDevices);
  ASSERT_TRUE(devices.ok()) << devices.error().ToString();
  ASSERT_EQ(devices->size(), 2u);
  for (const Device& device : *devices) {
    const auto limits = DeviceLimits(device);
    ASSERT_TRUE(limits.ok()) << limits.error().ToString();
    EXPECT_TRUE(DeviceArch(device, Needs{}).ok());
  }
}

TEST(Device, UnknownNameListsTheKnown) {
  const auto device = FindDevice(kDevices, "ecp5");
  ASSERT_FALSE(device.ok());
  EXPECT_THAT(device.error().hint, HasSubstr("ice40-hx8k, ice40-up5k"));
}

TEST(Device, MissingSourceIsRefused) {
  auto scratch = ScratchDir::Create();
  ASSERT_TRUE(scratch.ok());
  auto text = ReadTextFile(kDevices + "/ice40-up5k.json");
  ASSERT_TRUE(text.ok());
  const std::size_t at = text->find("\"dsp\": \"");
  ASSERT_NE(at, std::string::npos);
  text->replace(at, 5, "\"dsq\"");
  ASSERT_TRUE(WriteFileAtomically(scratch->File("ice40-up5k.json"), *text).ok());
  const auto device = ReadDeviceFile(scratch->File("ice40-up5k.json"));
  ASSERT_FALSE(device.ok());
  EXPECT_THAT(device.error().message, HasSubstr("\"dsp\" has no source"));
}

TEST(Device, ArchLeavesOutUnitsAndRefusesWhatDoesNotFit) {
  const auto up5k = FindDevice(kDevices, "ice40-up5k");
  const auto hx8k = FindDevice(kDevices, "ice40-hx8k");
  ASSERT_TRUE(up5k.ok() && hx8k.ok());
  Needs n;
  n.feature_words = 600;
  n.weight_words = 256;
  n.param_entries = 90;
  n.program_fields = 192;
  n.max_pool = true;
  n.acc_bits = 20;
  n.field_bits = 13;
  const auto a = DeviceArch(*up5k, n);
  ASSERT_TRUE(a.ok()) << a.error().ToString();
  EXPECT_EQ(a->feature_words, 16384);
  EXPECT_TRUE(a->has_max_pool);
  EXPECT_FALSE(a->has_residual);
  EXPECT_EQ(BlockRams(*up5k, *a), 16 + 3 + 1);
  EXPECT_THAT(DeviceArch(*hx8k, n).error().message,
              HasSubstr("needs 600 feature words, configuration ice40-hx8k-8x8x1 has 512"));
  n.feature_words = 500;
  const auto h = DeviceArch(*hx8k, n);
  ASSERT_TRUE(h.ok()) << h.error().ToString();
  EXPECT_EQ(h->feature_words, 512);
  EXPECT_EQ(BlockRams(*hx8k, *h), 16 + 3 + 1 + 8);
  n.weight_words = 257;
  EXPECT_THAT(DeviceArch(*hx8k, n).error().message, HasSubstr("257 weight words"));
}

}  // namespace
}  // namespace tf2::arch
