// A progress line on a terminal: label, done/total, rate, time left. Only when standard error is a
// terminal and progress was not switched off (--json, --quiet); otherwise nothing is written.
#ifndef TF2_BASE_PROGRESS_H_
#define TF2_BASE_PROGRESS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace tf2 {

// Process-wide switch, on at the start; main turns it off for --json.
void SetProgressEnabled(bool enabled);

// One task with `total` steps (0: unknown). Advance may be called from any thread; the line is
// redrawn at most ten times a second and wiped by the destructor. At most one line is drawn: a
// Progress made while another draws is silent.
class Progress {
 public:
  Progress(std::string label, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Advance(std::int64_t steps = 1);
  // The text of the line now, without control characters.
  std::string Line() const;

 private:
  void Draw();

  const std::string label_;
  const std::int64_t total_;
  const std::chrono::steady_clock::time_point start_;
  std::atomic<std::int64_t> done_ = 0;
  std::atomic<std::int64_t> next_draw_ms_ = 300;
  bool draws_ = false;
};

}  // namespace tf2

#endif  // TF2_BASE_PROGRESS_H_
