#include "base/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/terminal.h"

namespace tf2 {
namespace {

std::atomic<bool> enabled = true;
std::atomic<bool> line_taken = false;

constexpr std::int64_t kRedrawMs = 100;

std::string Duration(double seconds) {
  const auto s = static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e6));
  if (s >= 3600) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
  if (s >= 60) return fmt::format("{}m{:02}s", s / 60, s % 60);
  return fmt::format("{}s", s);
}

double Seconds(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void SetProgressEnabled(bool on) { enabled = on; }

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)), total_(total), start_(std::chrono::steady_clock::now()) {
  if (enabled && internal::StderrIsTerminal()) draws_ = !line_taken.exchange(true);
}

Progress::~Progress() {
  if (!draws_) return;
  internal::DrawTerminalStatus({});
  line_taken = false;
}

void Progress::Advance(std::int64_t steps) {
  done_ += steps;
  if (!draws_) return;
  const auto now_ms = static_cast<std::int64_t>(Seconds(start_) * 1000);
  std::int64_t due = next_draw_ms_;
  // Only the thread that moves the deadline draws.
  if (now_ms >= due && next_draw_ms_.compare_exchange_strong(due, now_ms + kRedrawMs)) Draw();
}

std::string Progress::Line() const {
  const std::int64_t done = done_;
  const double seconds = Seconds(start_);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string text = total_ > 0 ? fmt::format("{} {}/{}", label_, done, total_)
                                : fmt::format("{} {}", label_, done);
  if (done > 0) text += fmt::format("  {:.{}f}/s", rate, rate < 10 ? 1 : 0);
  if (done > 0 && total_ > done) {
    text += "  " + Duration(static_cast<double>(total_ - done) / rate) + " left";
  }
  return text;
}

void Progress::Draw() {
  const auto columns = static_cast<std::size_t>(internal::TerminalColumns());
  internal::DrawTerminalStatus(Line().substr(0, columns - 1));
}

}  // namespace tf2
