// One node as a oneDNN primitive with its constant memories. Private to src/floatexec.
#ifndef TF2_FLOATEXEC_PRIMITIVE_H_
#define TF2_FLOATEXEC_PRIMITIVE_H_

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace tf2::floatexec {

using Desc = dnnl::memory::desc;

// A run-time input of the node, the argument that it is, the layout that the primitive wants.
struct InputArg {
  std::size_t input = 0;
  int arg = 0;
  Desc layout;
};

struct Primitive {
  dnnl::primitive primitive;
  std::vector<InputArg> inputs;
  std::unordered_map<int, dnnl::memory> constants;
  // Input 0 is put into a larger tensor of `value`s, `offsets` from its start.
  struct Padding {
    float value = 0;
    dnnl::memory::dims dims, offsets;  // of the input in it
  };
  std::optional<Padding> padding;
  // The input that is added to the output; it is copied there first.
  std::optional<std::size_t> accumulate;
  Desc output;
  Desc scratchpad;
};

// Dense row-major floats; scalars have one dimension.
Desc PlainDesc(const ir::Shape& shape);

// `node` as a primitive; `layouts[i]` is that of its input i as its producer leaves it. nullopt
// where oneDNN has no such operator. May throw dnnl::error: oneDNN has it, but not so.
std::optional<Primitive> MakePrimitive(const dnnl::engine& engine, const ir::Graph& graph,
                                       const ir::Node& node, const std::vector<Desc>& layouts);

// The parts of MakePrimitive, a file each.
std::optional<Primitive> MakeConv(const dnnl::engine& engine, const ir::Graph& graph,
                                  const ir::Node& node);
std::optional<Primitive> MakeGemm(const dnnl::engine& engine, const ir::Graph& graph,
                                  const ir::Node& node);
std::optional<Primitive> MakePool(const dnnl::engine& engine, const ir::Graph& graph,
                                  const ir::Node& node, const Desc& layout);
std::optional<Primitive> MakeRelu(const dnnl::engine& engine, const Desc& layout);
std::optional<Primitive> MakeAdd(const dnnl::engine& engine, const ir::Graph& graph,
                                 const ir::Node& node, const std::vector<Desc>& layouts);
std::optional<Primitive> MakeConcat(const dnnl::engine& engine, const ir::Graph& graph,
                                    const ir::Node& node, const std::vector<Desc>& layouts);

// A constant laid out as `wanted` from dense `data` of `plain`.
dnnl::memory LaidOut(const dnnl::engine& engine, const std::vector<float>& data, const Desc& plain,
                     const Desc& wanted);
// User-managed scratchpad, and the operations after the primitive.
dnnl::primitive_attr AttrOf(bool accumulate, bool relu);

}  // namespace tf2::floatexec

#endif  // TF2_FLOATEXEC_PRIMITIVE_H_
