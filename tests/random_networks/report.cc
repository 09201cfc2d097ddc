#include "tests/random_networks/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tf2::random_networks {

void PrintText(const Campaign& campaign, double seconds) {
  for (const Tally& t : campaign.tallies)
    fmt::print("{:24} {:6} networks, {:6} refused\n", t.configuration, t.networks, t.refused);
  const Counts& n = campaign.counts;
  fmt::print("{} crashers replayed; {} networks that no configuration takes, on the CPU alone\n",
             campaign.replayed, campaign.cpu_only);
  fmt::print("{} inputs; tensors compared: cpu {}, program {}, rtl {}; cycles of {} layers\n",
             n.inputs, n.cpu_tensors, n.program_tensors, n.rtl_tensors, n.layers);
  fmt::print("{:.1f} s{}\n", seconds, campaign.interrupted ? ", interrupted" : "");
  fmt::print("{} networks, {} disagreements\n", campaign.networks, campaign.disagreements);
}

void PrintJson(const Campaign& campaign, double seconds) {
  const Counts& n = campaign.counts;
  nlohmann::ordered_json json = {{"networks", campaign.networks},
                                 {"disagreements", campaign.disagreements},
                                 {"replayed", campaign.replayed},
                                 {"cpu_only", campaign.cpu_only},
                                 {"inputs", n.inputs},
                                 {"cpu_tensors", n.cpu_tensors},
                                 {"program_tensors", n.program_tensors},
                                 {"rtl_tensors", n.rtl_tensors},
                                 {"layers", n.layers},
                                 {"cycles", n.cycles},
                                 {"seconds", seconds},
                                 {"interrupted", campaign.interrupted},
                                 {"configurations", nlohmann::ordered_json::array()}};
  for (const Tally& t : campaign.tallies) {
    json["configurations"].push_back(
        {{"name", t.configuration}, {"networks", t.networks}, {"refused", t.refused}});
  }
  fmt::print("{}\n", json.dump());
}

}  // namespace tf2::random_networks
