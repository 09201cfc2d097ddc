#include "build/decoded_verilog.h"

#include <gtest/gtest.h>

namespace tf2::build {
namespace {

TEST(MergePortDeclarations, MovesRegistersIntoTheHeaderAndDropsSecondDeclarations) {
  EXPECT_EQ(MergePortDeclarations("module chip (input a, output b, output c);\n\n"
                                  "wire a, n1, b;\n"
                                  "reg n2 = 0, c = 0;\n"
                                  "wire a;\n"
                                  "wire n3 = a & n1;\n"
                                  "assign b = n3;\n"
                                  "endmodule\n"),
            "module chip (input a, output b, output reg c = 0);\n\n"
            "wire n1;\n"
            "reg n2 = 0;\n"
            "\n"
            "wire n3 = a & n1;\n"
            "assign b = n3;\n"
            "endmodule\n");
}

TEST(MergePortDeclarations, LeavesOtherTextAlone) {
  EXPECT_EQ(MergePortDeclarations(""), "");
  EXPECT_EQ(MergePortDeclarations("wire a, b;\n"), "wire a, b;\n");
}

}  // namespace
}  // namespace tf2::build
