// tf2 inspect: the layers of a model or an artifact.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "ir/op_table.h"
#include "program/serialize.h"

namespace tf2::cli {
namespace {

struct Listing {  // NOLINT(bugprone-exception-escape): the JSON type's move cannot throw
  Json json;
  std::vector<std::vector<std::string>> rows;  // layer, kind, output, parameters, MACs
};

void AddLayer(Listing& listing, const std::string& name, const std::string& kind,
              const std::string& shape, std::int64_t parameters, std::int64_t macs) {
  listing.json["layers"].push_back({{"name", name},
                                    {"kind", kind},
                                    {"output", shape},
                                    {"parameters", parameters},
                                    {"macs", macs}});
  listing.rows.push_back({name, kind, shape, std::to_string(parameters), std::to_string(macs)});
}

Result<Listing> ListGraph(const ModelFlags& flags) {
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph, ImportModel(flags));
  Listing listing;
  listing.json = {{"model", flags.path}, {"kind", "float"}, {"layers", Json::array()}};
  std::int64_t parameters = 0;
  for (const ir::Node& node : graph.nodes) {
    std::int64_t own = 0;
    for (const ir::ValueId input : node.inputs) {
      if (graph.IsConstant(input) && graph.value(input).dtype == ir::DType::kFloat32) {
        own += ir::ElementCount(graph.value(input).shape);
      }
    }
    parameters += own;
    AddLayer(listing, node.name, std::string(ir::RowOf(node.kind).name),
             ir::ToString(graph.value(node.outputs[0]).shape), own, ir::MacsOf(graph, node));
  }
  listing.json["parameters"] = parameters;
  listing.json["macs"] = graph.macs;
  return listing;
}

std::int64_t ParametersOf(const qnet::Op& op) {
  const auto* conv = std::get_if<qnet::Conv>(&op.params);
  if (conv == nullptr) return 0;
  std::int64_t count = static_cast<std::int64_t>(conv->beta.size());
  for (const auto& term : conv->terms) count += static_cast<std::int64_t>(term.size());
  return count;
}

Result<Listing> ListArtifact(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoModelFlags(options));
  TF2_ASSIGN_OR_RETURN(const qnet::Artifact artifact, OpenArtifact(options.model.path));
  const qnet::QNet& net = artifact.net;
  Listing listing;
  listing.json = {{"model", options.model.path}, {"kind", "artifact"}, {"layers", Json::array()}};
  std::int64_t parameters = 0;
  for (const qnet::Op& op : net.ops) {
    const qnet::Tensor& out = net.tensor(op.output);
    parameters += ParametersOf(op);
    AddLayer(listing, op.name, qnet::KindName(op),
             fmt::format("[{}]{}", fmt::join(out.dims, ", "),
                         out.type == qnet::ElemType::kInt16 ? " int16" : ""),
             ParametersOf(op), qnet::MacsOf(net, op));
  }
  listing.json["parameters"] = parameters;
  listing.json["macs"] = net.macs;
  if (const auto section = artifact.extra.find(qnet::kProgramSection);
      section != artifact.extra.end()) {
    auto stored = program::Deserialize(section->second);
    if (!stored.ok()) {
      return std::move(stored.error()).At(fmt::format("{}: section program", options.model.path));
    }
    const program::Program& program = *stored;
    listing.json["program"] = {{"lanes", program.n * program.c * program.p},
                               {"layers", program.layers.size()},
                               {"feature_words", program.peak_words},
                               {"weight_words", program.weight_words()}};
  }
  return listing;
}

}  // namespace

int Inspect(const Options& options) {
  auto listing =
      qnet::IsArtifactFile(options.model.path) ? ListArtifact(options) : ListGraph(options.model);
  if (!listing.ok()) return Fail(listing.error());
  if (options.json) {
    PrintJson(listing->json);
    return 0;
  }
  Table table({"layer", "kind", "output", "parameters", "MACs"});
  for (auto& row : listing->rows) table.AddRow(std::move(row));
  std::fputs(table.ToString().c_str(), stdout);
  std::printf("%s: %s parameters, %s multiply-accumulates a frame\n", options.model.path.c_str(),
              listing->json["parameters"].dump().c_str(), listing->json["macs"].dump().c_str());
  return 0;
}

}  // namespace tf2::cli
