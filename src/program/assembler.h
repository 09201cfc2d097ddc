// Programs as text: one block a layer, fields where they are not the default.
//
//   layer "conv1" "conv" op=0 copied=-1 macs=442368
//     conv relu padding
//     f_base -33 o_base 1024
//     n_kx 3 n_ky 3 n_ox 32 n_oy 32 n_tile 2
//     ...
//   end
//
// Counts are written as counts (not minus one). Everything from `;` to the end of a line is a
// comment.
#ifndef TF2_PROGRAM_ASSEMBLER_H_
#define TF2_PROGRAM_ASSEMBLER_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "program/program.h"

namespace tf2::program {

struct AssembledLayer {
  LayerInfo info;
  Descriptor descriptor;
  bool operator==(const AssembledLayer&) const = default;
};

std::string Disassemble(const std::vector<AssembledLayer>& layers);
// The descriptors of a program; fails only on a program that Validate refuses.
Result<std::string> Disassemble(const Program& program);

// Parses the text; errors carry "line N, column M".
Result<std::vector<AssembledLayer>> Assemble(std::string_view text);

}  // namespace tf2::program

#endif  // TF2_PROGRAM_ASSEMBLER_H_
