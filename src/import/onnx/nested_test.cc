// Sub-graphs and the model's own functions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/onnx/test_model.h"

namespace tf2::import::onnx {
namespace {

using testing::HasSubstr;

// A branch that applies `op` to x, a value of the graph around it.
onnx_pb::Graph Branch(const std::string& op) {
  onnx_pb::Graph graph;
  auto* node = graph.add_node();
  node->set_op_type(op);
  node->add_input("x");
  node->add_output("out");
  graph.add_output()->set_name("out");
  return graph;
}

TestModel Conditional(const std::string& condition) {
  TestModel m = OneNode();
  auto& node = m.Node("If", {condition}, {"y"});
  for (const auto& [name, op] : {std::pair("then_branch", "Relu"), {"else_branch", "Sigmoid"}}) {
    auto* a = node.add_attribute();
    a->set_name(name);
    a->set_type(onnx_pb::Attribute::GRAPH);
    *a->mutable_g() = Branch(op);
  }
  return m;
}

TEST(OnnxIf, TakesTheBranchOfAKnownCondition) {
  TestModel m = Conditional("yes");
  m.Ints("yes", {1});
  EXPECT_EQ(m.Text(), "%out = relu(%x) as \"Relu_out\" : f32[1, 4, 6, 6]\n");
  TestModel shape = Conditional("small");
  shape.Ints("axis", {2}).Ints("limit", {6});
  shape.Node("Shape", {"x"}, {"s"});
  shape.Node("Gather", {"s", "axis"}, {"h"});
  shape.Node("Less", {"h", "limit"}, {"small"});
  EXPECT_THAT(shape.Text(), HasSubstr("fn = \"sigmoid\""));
}

TEST(OnnxIf, RefusesConditionsOnData) {
  TestModel m = Conditional("c");
  m.Input("c", {1}, onnx_pb::Tensor::BOOL);
  EXPECT_THAT(m.Refusal(), HasSubstr("node 'y' (If): its condition depends on the data"));
}

// f(a; slope) = Relu(LeakyRelu(a; alpha = slope)), in its own domain.
onnx_pb::Function LeakyThenRelu() {
  onnx_pb::Function f;
  f.set_name("F");
  f.set_domain("own");
  f.add_input("a");
  f.add_output("b");
  auto* leaky = f.add_node();
  leaky->set_op_type("LeakyRelu");
  leaky->add_input("a");
  leaky->add_output("t");
  auto* alpha = leaky->add_attribute();
  alpha->set_name("alpha");
  alpha->set_type(onnx_pb::Attribute::FLOAT);
  alpha->set_ref_attr_name("slope");
  auto* relu = f.add_node();
  relu->set_op_type("Relu");
  relu->add_input("t");
  relu->add_output("b");
  return f;
}

TEST(OnnxFunctions, AreExpandedWithTheirAttributes) {
  TestModel m = OneNode();
  *m.model.add_functions() = LeakyThenRelu();
  auto& call = m.Node("F", {"x"}, {"y"}, {{"slope", 0.25F}});
  call.set_domain("own");
  EXPECT_EQ(m.Text(),
            "%t = unary(%x) as \"y/LeakyRelu\" {alpha = 0.25, fn = \"leaky_relu\"} : "
            "f32[1, 4, 6, 6]\n"
            "%b = relu(%t) as \"y/Relu\" : f32[1, 4, 6, 6]\n");
}

TEST(OnnxFunctions, ThatCallThemselvesAreRefused) {
  TestModel m = OneNode();
  auto* f = m.model.add_functions();
  *f = LeakyThenRelu();
  f->clear_node();
  auto* self = f->add_node();
  self->set_op_type("F");
  self->set_domain("own");
  self->add_input("a");
  self->add_output("b");
  m.Node("F", {"x"}, {"y"}).set_domain("own");
  EXPECT_THAT(m.Refusal(), HasSubstr("nested more than 32 deep"));
}

}  // namespace
}  // namespace tf2::import::onnx
