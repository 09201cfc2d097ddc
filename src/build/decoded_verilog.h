// Makes Verilog that icebox_vlog wrote acceptable to Verilator: it declares its ports a second time
// in the module's body.
#ifndef TF2_BUILD_DECODED_VERILOG_H_
#define TF2_BUILD_DECODED_VERILOG_H_

#include <string>
#include <string_view>

namespace tf2::build {

// before  module chip (input a, output b, output c);     after  module chip (input a, output b,
// output reg c = 0);
//         wire a, n1, b;                                        wire n1;
//         reg n2 = 0, c = 0;                                    reg n2 = 0;
// Text without such a module comes back as it is.
std::string MergePortDeclarations(std::string_view verilog);

}  // namespace tf2::build

#endif  // TF2_BUILD_DECODED_VERILOG_H_
