// The instruction-level oracle: runs the encoded bytes of a program exactly by docs/isa.md, on an
// image of the feature memory. It looks at fields, weights and params only, never at names, places
// or the QNet.
#ifndef TF2_PROGRAM_EXECUTE_H_
#define TF2_PROGRAM_EXECUTE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"
#include "program/program.h"

namespace tf2::program {

// Called after each layer with its index and the feature memory; an error ends the run.
using AfterLayer = std::function<Status(std::size_t layer, std::span<const std::uint8_t> memory)>;

// Runs from field 0 to the layer marked last. `memory` is the feature memory, arch.feature_words
// words of C bytes, the input already in place. Refuses (kDataLoss, with the layer) an address
// outside a memory, a reserved nibble, a missing unit, s or alpha or t out of range, or a program
// without a last layer; never reads or writes out of bounds.
Status Execute(const Program& program, const arch::Arch& arch, std::span<std::uint8_t> memory,
               const AfterLayer& after_layer = {});

// One frame: packs the picture, runs, unpacks every output (bytes as UnpackTensor gives them).
Result<std::vector<std::vector<std::uint8_t>>> ExecuteFrame(const Program& program,
                                                            const arch::Arch& arch,
                                                            std::span<const std::int8_t> chw,
                                                            const AfterLayer& after_layer = {});

}  // namespace tf2::program

#endif  // TF2_PROGRAM_EXECUTE_H_
