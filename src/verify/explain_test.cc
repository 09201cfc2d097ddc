#include "verify/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "passes/pipeline.h"
#include "quantize/test_graphs.h"

namespace tf2::verify {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Explanation ExplainOrDie(const ir::Graph& imported) {
  ir::Graph fused = imported;
  TF2_CHECK(passes::RunPipeline(fused).ok());
  auto explanation =
      Explain(imported, fused, [](const qnet::QNet& net) { return sched::CompileSized(net); });
  TF2_CHECK(explanation.ok(), "{}", explanation.error().ToString());
  return *std::move(explanation);
}

TEST(Explain, ANetworkOfTheEngine) {
  const Explanation e = ExplainOrDie(quantize::testing::SmallNet());
  EXPECT_THAT(e.engine, IsEmpty());
  EXPECT_GT(e.frame_cycles, 0);
  ASSERT_EQ(e.nodes.size(), 8u);
  EXPECT_EQ(e.nodes[0].place, "engine");
  EXPECT_GT(e.nodes[0].cycles, 0);
  EXPECT_EQ(e.nodes[0].macs, 8 * 64 * 27);
  EXPECT_EQ(e.nodes[5].name, "flat");
  EXPECT_EQ(e.nodes[5].place, "folded");
  EXPECT_EQ(e.nodes[7].place, "head");
}

TEST(Explain, SaysWhyAndWhatDemandsOneQ) {
  quantize::testing::GraphBuilder b({1, 3, 8, 8});
  const auto first = b.Conv("first", b.input(), 3, 4, 3, false);
  const auto gate = b.Add(ir::OpKind::kUnary, "gate", {first}, {{"fn", std::string("sigmoid")}});
  const auto norm = b.Add(ir::OpKind::kGroupNorm, "norm", {gate}, {{"groups", std::int64_t{2}}});
  const Explanation e = ExplainOrDie(b.Done({b.Conv("last", norm, 4, 4, 3, false)}));
  EXPECT_THAT(e.engine, HasSubstr("the engine has convolution"));
  EXPECT_EQ(e.nodes[0].place, "cpu");
  EXPECT_EQ(e.nodes[1].place, "host");
  EXPECT_EQ(e.nodes[2].place, "host");
  EXPECT_THAT(e.nodes[2].why, HasSubstr("group_norm has no integer operator"));
  EXPECT_THAT(e.nodes[2].help, HasSubstr("batch normalisation"));
  EXPECT_EQ(e.nodes[3].place, "cpu");
  EXPECT_THAT(e.demands, IsEmpty()) << "the host operator took the sigmoid";
}

TEST(Explain, NamesWhatKeepsEachLayerFromTheEngine) {
  quantize::testing::GraphBuilder b({1, 3, 8, 8});
  const auto first = b.Conv("first", b.input(), 3, 4, 3, false);
  const auto weights = b.Constant("up/w", {4, 4, 2, 2}, std::vector<float>(64, 0.1F));
  const auto up = b.Add(ir::OpKind::kConvTranspose, "up", {first, weights},
                        {{"strides", std::vector<std::int64_t>{2, 2}}});
  const Explanation e = ExplainOrDie(b.Done({b.Conv("last", up, 4, 4, 3, false)}));
  ASSERT_EQ(e.nodes.size(), 3u);
  EXPECT_THAT(e.nodes[0].why, HasSubstr("runs whole networks only"));
  EXPECT_THAT(e.nodes[1].why, HasSubstr("zero insertion of a transposed convolution"));
  EXPECT_THAT(e.nodes[1].help, HasSubstr("nothing on the engine enlarges a map"));
  EXPECT_EQ(e.nodes[2].why, e.nodes[0].why);
}

TEST(Explain, CountsALayerOnceWhereAnotherBearsTheNameOfItsHelper) {
  quantize::testing::GraphBuilder b({1, 3, 8, 8});
  const auto block = b.Conv("block", b.input(), 3, 4, 3, true);
  const Explanation e = ExplainOrDie(b.Done({b.Conv("block/expand", block, 4, 16, 3, true)}));
  ASSERT_EQ(e.nodes.size(), 2u);
  EXPECT_EQ(e.nodes[0].place, "engine");
  EXPECT_GT(e.nodes[0].cycles, 0);
  EXPECT_GT(e.nodes[1].cycles, 0);
  EXPECT_LT(e.nodes[0].cycles, e.nodes[1].cycles) << "which are not counted again";
}

TEST(Explain, WhatIsComputedOfConstantsRunsNowhere) {
  quantize::testing::GraphBuilder b({1, 3, 8, 8});
  const auto powers =
      b.Add(ir::OpKind::kUnary, "powers", {b.Constant("c", {1, 4, 1, 1}, {0, 1, 2, 3})},
            {{"fn", std::string("exp")}});
  const auto conv = b.Conv("conv", b.input(), 3, 4, 3, false);
  const Explanation e = ExplainOrDie(
      b.Done({b.Add(ir::OpKind::kBinary, "larger", {conv, powers}, {{"fn", std::string("max")}})}));
  ASSERT_EQ(e.nodes.size(), 3u);
  EXPECT_EQ(e.nodes[0].name, "powers");
  EXPECT_EQ(e.nodes[0].place, "folded");
  EXPECT_EQ(e.nodes[0].why, "a constant, or shape arithmetic");
  EXPECT_NE(e.nodes[2].place, "folded");
}

}  // namespace
}  // namespace tf2::verify
