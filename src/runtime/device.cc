#include "runtime/device.h"

#include <utility>

namespace tf2::runtime {

Result<std::unique_ptr<Device>> OpenDevice(std::string_view name, const DeviceOptions& options,
                                           std::span<const BackendFactory> backends) {
  std::string known;
  for (const BackendFactory& backend : backends) {
    if (backend.name == name) return backend.open(options);
    known += known.empty() ? "" : ", ";
    known += backend.name;
  }
  return WithHint(NotFound("there is no backend '{}'", name), "the backends are: " + known);
}

Result<std::vector<Frame>> Device::Run(Batch batch) {
  TF2_ASSIGN_OR_RETURN(const Ticket ticket, Submit(std::move(batch)));
  return Wait(ticket);
}

}  // namespace tf2::runtime
