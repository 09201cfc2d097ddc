// Operators that use threads give the same bits on any number of them; tensors without elements,
// copies of every layout, and values that change hands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/rng.h"
#include "interp/broadcast.h"
#include "interp/index_copy.h"
#include "interp/interpreter.h"
#include "interp/ranges.h"
#include "ir/op_table.h"

namespace tf2::interp {
namespace {

using ir::OpKind;
using ir::ValueId;
using testing::ElementsAre;
using Ints = std::vector<std::int64_t>;

// What a graph gives for random inputs of these shapes: with no pool, one thread and three.
void ExpectSameOnThreads(const std::vector<ir::Shape>& shapes,
                         const std::function<ValueId(ir::Graph&)>& build) {
  ir::Graph graph;
  Rng rng(1);
  std::vector<ir::Tensor> inputs;
  for (const ir::Shape& shape : shapes) {
    graph.inputs.push_back(graph.AddValue("x", ir::DType::kFloat32, shape));
    std::vector<float> data;
    for (std::int64_t i = 0; i < ir::ElementCount(shape); ++i) data.push_back(rng.Uniform(-2, 2));
    inputs.push_back(ir::Tensor::Float(shape, std::move(data)));
  }
  graph.outputs = {build(graph)};
  ASSERT_TRUE(ir::InferShapes(graph).ok());
  const auto alone = interp::Run(graph, inputs);
  ASSERT_TRUE(alone.ok());
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    const auto shared = interp::Run(graph, inputs, &pool);
    ASSERT_TRUE(shared.ok());
    EXPECT_EQ((*shared)[0], (*alone)[0]) << threads << " threads";
  }
}

// One operator on all inputs.
void ExpectSameOnThreads(const std::vector<ir::Shape>& shapes, OpKind kind,
                         const std::map<std::string, ir::Attr>& attrs = {}) {
  ExpectSameOnThreads(
      shapes, [&](ir::Graph& graph) { return graph.AddNode(kind, "y", graph.inputs, attrs); });
}

TEST(Threads, GiveTheSameBits) {
  const std::map<std::string, ir::Attr> norm = {{"axis", std::int64_t{-1}}, {"epsilon", 1e-5F}};
  ExpectSameOnThreads({{1, 70, 50, 9}, {1, 70, 1, 1}}, OpKind::kAdd);
  ExpectSameOnThreads({{1, 70, 50, 9}, {1, 70, 50, 9}}, OpKind::kMul);
  ExpectSameOnThreads({{1, 1, 50, 9}, {1, 70, 50, 1}}, OpKind::kSub);
  ExpectSameOnThreads({{1, 70, 50, 9}}, OpKind::kTranspose, {{"perm", Ints{0, 2, 3, 1}}});
  ExpectSameOnThreads({{4, 70, 131}}, OpKind::kTranspose, {{"perm", Ints{0, 2, 1}}});
  ExpectSameOnThreads({{4, 70, 131}}, OpKind::kTranspose, {{"perm", Ints{2, 0, 1}}});
  ExpectSameOnThreads({{1, 70, 131}}, OpKind::kExpand, {{"shape", Ints{5, 70, 131}}});
  ExpectSameOnThreads({{1, 70, 400}}, OpKind::kSoftmax, {{"axis", std::int64_t{1}}});
  ExpectSameOnThreads({{1, 400, 70}}, OpKind::kSoftmax, {{"axis", std::int64_t{2}}});
  ExpectSameOnThreads({{1, 400, 70}, {70}, {70}}, OpKind::kLayerNorm, norm);
  ExpectSameOnThreads({{1, 64, 30, 20}, {64}, {64}}, OpKind::kGroupNorm,
                      {{"groups", std::int64_t{8}}, {"epsilon", 1e-5F}});
  ExpectSameOnThreads({{3, 4, 150, 40}, {1, 4, 40, 150}}, OpKind::kMatMul);
}

TEST(Threads, ThrowWhatALoopThrows) {
  ThreadPool pool(3);
  const auto run = [&](ThreadPool* threads) {
    ForRanges(threads, 100, 10000, [](std::int64_t, std::int64_t end) {
      if (end > 50) throw std::runtime_error("no");
    });
  };
  EXPECT_THROW(run(&pool), std::runtime_error);
  EXPECT_THROW(run(nullptr), std::runtime_error);
}

// Integers may have axes without elements.
TEST(EmptyTensors, GiveEmptyResults) {
  for (const ir::Shape& shape : std::vector<ir::Shape>{{0, 4}, {4, 0}, {0}, {2, 0, 3}}) {
    const ir::Tensor empty = ir::Tensor::Int(shape, {});
    const auto run = [&](OpKind kind, std::size_t inputs,
                         std::map<std::string, ir::Attr> attrs = {}) {
      ir::Graph graph;
      std::vector<ir::Tensor> tensors(inputs, empty);
      for (std::size_t i = 0; i < inputs; ++i)
        graph.inputs.push_back(graph.AddValue("x", ir::DType::kInt64, shape));
      graph.outputs = {graph.AddNode(kind, "y", graph.inputs, std::move(attrs))};
      ASSERT_TRUE(ir::InferShapes(graph).ok()) << ir::NameOf(kind);
      const auto y = interp::Run(graph, tensors);
      ASSERT_TRUE(y.ok()) << ir::NameOf(kind);
      EXPECT_TRUE((*y)[0].i64.empty());
    };
    run(OpKind::kAdd, 2);
    run(OpKind::kWhere, 3);
    run(OpKind::kGatherElements, 2, {{"axis", std::int64_t{0}}});
    Ints perm;
    for (std::size_t d = shape.size(); d-- > 0;) perm.push_back(static_cast<std::int64_t>(d));
    run(OpKind::kTranspose, 1, {{"perm", perm}});
  }
}

TEST(CopyStrided, IsTheDefinition) {
  struct Case {
    ir::Shape shape;
    Strides strides;
  };
  const std::vector<Case> cases = {{{}, {}},
                                   {{7}, {1}},
                                   {{7}, {0}},
                                   {{7}, {3}},
                                   {{1, 1}, {5, 5}},
                                   {{5, 7, 70}, {490, 70, 1}},      // dense
                                   {{5, 70, 7}, {490, 1, 70}},      // planes turned
                                   {{70, 3, 90}, {1, 6300, 70}},    // the first axis dense
                                   {{3, 70, 90}, {0, 1, 70}},       // planes turned, repeated
                                   {{130, 67}, {1, 0}},             // a column for all columns
                                   {{2, 3, 4, 5}, {60, 1, 15, 3}},  // turned twice
                                   {{4, 3, 5}, {1, 40, 8}},         // every second of a row
                                   {{66, 2, 65}, {1, 66, 1}}};      // two dense axes
  for (const Case& c : cases) {
    std::int64_t most = 0;
    for (std::size_t d = 0; d < c.shape.size(); ++d) most += (c.shape[d] - 1) * c.strides[d];
    std::vector<float> x;
    for (std::int64_t i = 0; i <= most; ++i) x.push_back(static_cast<float>(i));
    const Ints integers(x.begin(), x.end());
    std::vector<float> expected;
    ForEachRow<1>(c.shape, {c.strides}, [&](std::int64_t, const std::array<std::int64_t, 1>& at) {
      for (std::int64_t i = 0; i < RowWidth(c.shape); ++i)
        expected.push_back(x[static_cast<std::size_t>(at[0] + i * RowStep(c.strides))]);
    });
    std::vector<float> y(expected.size());
    CopyStrided(x.data(), c.shape, c.strides, y.data());
    EXPECT_EQ(y, expected) << ir::ToString(c.shape);
    Ints z(expected.size());
    CopyStrided(integers.data(), c.shape, c.strides, z.data());
    EXPECT_EQ(z, Ints(expected.begin(), expected.end())) << ir::ToString(c.shape);
  }
}

TEST(CopyByIndex, TakesRowsWholeOrByElement) {
  const std::vector<float> x = {0, 1, 2, 3, 4, 5};
  const auto copy = [&](const std::vector<Ints>& map) {
    std::vector<float> y(map[0].size() * map[1].size());
    CopyByIndex<float>(x, {2, 3}, map, 9, y);
    return y;
  };
  EXPECT_THAT(copy({{1, 0}, {1, 2}}), ElementsAre(4, 5, 1, 2));
  EXPECT_THAT(copy({{0, -1}, {2, 0}}), ElementsAre(2, 0, 9, 9));
  EXPECT_THAT(copy({{1}, {-1, 0, 1, 2, -1}}), ElementsAre(9, 3, 4, 5, 9));
  EXPECT_THAT(copy({{1}, {-1, -1}}), ElementsAre(9, 9));
  EXPECT_THAT(copy({{1}, {}}), ElementsAre());
  std::vector<float> scalar(1);
  CopyByIndex<float>({7}, {}, {}, 9, scalar);
  EXPECT_THAT(scalar, ElementsAre(7));
}

// A reshape takes the data of a value that nobody else reads, and of no other.
TEST(Reshapes, LeaveWhatOthersRead) {
  ir::Graph graph;
  const auto reshape = [&](const char* name, ValueId x, Ints shape) {
    return graph.AddNode(OpKind::kReshape, name, {x}, {{"shape", std::move(shape)}});
  };
  const ValueId x = graph.AddValue("x", ir::DType::kFloat32, {4});
  graph.inputs = {x};
  const ValueId of_input = reshape("of_input", x, {2, 2});
  const ValueId sum = graph.AddNode(OpKind::kAdd, "sum", {x, x});
  const ValueId read_twice = reshape("read_twice", sum, {2, 2});
  const ValueId product = graph.AddNode(OpKind::kMul, "product", {read_twice, of_input});
  const ValueId taken = reshape("taken", product, {4});
  const ValueId last = graph.AddNode(OpKind::kAdd, "last", {taken, sum});
  graph.outputs = {last, of_input, taken};
  ASSERT_TRUE(ir::InferShapes(graph).ok());
  const std::vector<ir::Tensor> inputs = {ir::Tensor::Float({4}, {1, 2, 3, 4})};
  std::map<std::string, ir::Tensor> seen;
  const auto outputs = RunAll(graph, inputs, [&](ValueId id, const ir::Tensor& tensor) {
    seen[graph.value(id).name] = tensor;
    return Status();
  });
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ((*outputs)[0], ir::Tensor::Float({4}, {4, 12, 24, 40}));
  EXPECT_EQ((*outputs)[1], ir::Tensor::Float({2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ((*outputs)[2], ir::Tensor::Float({4}, {2, 8, 18, 32}));
  EXPECT_EQ(seen["read_twice"], ir::Tensor::Float({2, 2}, {2, 4, 6, 8}));
  EXPECT_EQ(seen["sum"], ir::Tensor::Float({4}, {2, 4, 6, 8}));
}

}  // namespace
}  // namespace tf2::interp
