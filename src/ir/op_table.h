// The operator table of the float graph as data: one row an operator with its arity and its
// attributes. Importers write only the attributes named here, the verifier refuses any other, and
// Node::Int and its like take absent ones from the defaults. The rows come from op_table.def, the
// attributes from op_table.cc.
#ifndef TF2_IR_OP_TABLE_H_
#define TF2_IR_OP_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::ir {

// The alternatives of Attr, in their order.
enum class AttrType : std::uint8_t { kInt = 0, kFloat = 1, kString = 2, kInts = 3, kFloats = 4 };

struct AttrSpec {
  std::string_view name;
  AttrType type = AttrType::kInt;
  bool required = false;
  Attr default_value = {};                // where absent; meaningless when required
  std::vector<std::string> allowed = {};  // of a string; empty: any
  std::size_t count = 0;                  // elements of a list; 0: any number
  std::int64_t min = INT64_MIN;           // smallest legal integer or list element
  std::int64_t max = INT64_MAX;           // largest
};

struct OpRow {
  OpKind kind{};
  std::string_view name;  // in the text form and in messages
  std::size_t min_inputs = 0;
  std::size_t max_inputs = 0;
  std::size_t outputs = 0;
  std::vector<AttrSpec> attrs;  // by name

  const AttrSpec* Find(
      std::string_view attr) const;  // null where the operator has no such attribute
};

// All rows in the order of op_table.def.
std::span<const OpRow> OpTable();
const OpRow& RowOf(OpKind kind);
std::string_view NameOf(OpKind kind);
// The operator of a text name; none where no row has it.
std::optional<OpKind> OpByName(std::string_view name);

std::string_view NameOf(AttrType type);  // "int", "float", "string", "ints", "floats"
std::string_view NameOf(DType dtype);    // "f32", "i64"

// Whether `node` has every required attribute and only legal ones. Located at the node's name.
Status CheckAttrs(const Node& node);

}  // namespace tf2::ir

#endif  // TF2_IR_OP_TABLE_H_
