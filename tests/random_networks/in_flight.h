// Which cases are running, so that one that crashes or hangs the program is named.
#ifndef TF2_TESTS_RANDOM_NETWORKS_IN_FLIGHT_H_
#define TF2_TESTS_RANDOM_NETWORKS_IN_FLIGHT_H_

#include <cstdint>

namespace tf2::random_networks {

// Handlers that print the running cases before the program dies of a signal, and a thread that ends
// it (status 1) when a case runs longer than `seconds`.
void WatchCases(std::int64_t seconds);

// Case `index` runs on this thread as long as the object lives.
class InFlight {
 public:
  explicit InFlight(std::int64_t index);
  ~InFlight();
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  int slot_ = -1;
};

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_IN_FLIGHT_H_
