// What a run prints.
#ifndef TF2_TESTS_RANDOM_NETWORKS_REPORT_H_
#define TF2_TESTS_RANDOM_NETWORKS_REPORT_H_

#include "tests/random_networks/campaign.h"

namespace tf2::random_networks {

// Lines for a person; the last is "N networks, M disagreements".
void PrintText(const Campaign& campaign, double seconds);
// One object on one line.
void PrintJson(const Campaign& campaign, double seconds);

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_REPORT_H_
