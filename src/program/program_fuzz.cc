// Any bytes: the reader refuses them, or what it read packs, runs and unpacks without harm.
#include <algorithm>

#include "arch/defaults.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "program/assembler.h"
#include "program/execute.h"
#include "program/pack.h"
#include "program/serialize.h"

namespace {

constexpr std::int64_t kMaxWork = 1 << 16;  // steps, words and bytes that one input may cost

void Run(const tf2::program::Program& program) {
  namespace tp = tf2::program;
  const auto descriptors = tp::DecodeAll(program);
  std::int64_t work = program.needs.feature_words;
  for (const tp::Descriptor& d : *descriptors) work += std::min(d.Steps(), kMaxWork + 1);
  const tp::InputLayout& in = program.input;
  const std::int64_t picture = std::int64_t{in.ic} * in.ih * in.iw;
  work += std::min(picture, kMaxWork + 1) +
          std::min(std::int64_t{in.place.c} * in.place.plane_words, kMaxWork + 1);
  if (work > kMaxWork) return;
  tf2::arch::Arch arch;
  arch.n = program.n;
  arch.c = program.c;
  arch.requant_units = 1;
  arch.field_bits = program.field_bits;
  arch.count_bits = arch.coord_bits = program.field_bits;
  arch.beat_bits = arch.port_bits = program.beat_bits;
  arch = tf2::arch::SizedArch(arch, program.needs);
  if (!tf2::arch::Check(arch).ok()) return;
  const std::vector<std::int8_t> chw(static_cast<std::size_t>(picture), 1);
  const auto outputs = tp::ExecuteFrame(program, arch, chw);
  const auto text = tp::Disassemble(program);
  const auto layers = tp::Assemble(*text);
  if (!layers.ok()) __builtin_trap();
  static_cast<void>(outputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  static_cast<void>(tf2::program::Assemble({reinterpret_cast<const char*>(data), size}));
  // With the header that belongs to the bytes, so that the checksum hides nothing.
  tf2::ByteWriter whole;
  constexpr std::uint8_t kMagic[] = {'T', 'F', '2', 'P', 'R', 'O', 'G', 0};
  whole.WriteBytes(kMagic);
  whole.Write(std::uint32_t{1});
  whole.Write(tf2::Crc32(bytes));
  whole.Write(static_cast<std::uint64_t>(size));
  whole.WriteBytes(bytes);
  if (const auto program = tf2::program::Deserialize(whole.bytes()); program.ok()) Run(*program);
  static_cast<void>(tf2::program::Deserialize(bytes));
  return 0;
}
