#include "runtime/backends/cpu/amx.h"

#include <cerrno>
#include <system_error>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/result.h"

namespace tf2::runtime::cpu {
namespace {

// arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), of Linux 5.16 on.
int RequestTileData() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long kRequestPermission = 0x1023;
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0 ? 0 : errno;
#else
  return ENOSYS;
#endif
}

AmxState StateOfMachine() {
  AmxState state;
  state.request = RequestTileData;
#if defined(__x86_64__)
  constexpr unsigned kOsxsave = 1U << 27;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & kOsxsave) != 0) {
    unsigned low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    state.xcr0 = std::uint64_t{high} << 32 | low;
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) state.leaf7_edx = d;
#endif
  return state;
}

}  // namespace

std::string AmxObstacle(const AmxState& state) {
  constexpr std::uint32_t kAmxTile = 1U << 24;
  constexpr std::uint32_t kAmxInt8 = 1U << 25;
  constexpr std::uint64_t kTileState = 3U << 17;  // XTILECFG and XTILEDATA
  if ((~state.leaf7_edx & (kAmxTile | kAmxInt8)) != 0) return "the processor lacks AMX-INT8";
  if ((~state.xcr0 & kTileState) != 0) return "the operating system does not save tile registers";
  const int refused = state.request();
  if (refused == 0) return "";
  return fmt::format("Linux refuses the use of tile registers: {}",
                     std::generic_category().message(refused));
}

const std::string& AmxObstacle() {
  static const std::string kObstacle = AmxObstacle(StateOfMachine());
  return kObstacle;
}

}  // namespace tf2::runtime::cpu
