// Standard error shared by messages and the progress line: a message wipes the line, which the next
// redraw brings back.
#ifndef TF2_BASE_TERMINAL_H_
#define TF2_BASE_TERMINAL_H_

#include <string_view>

namespace tf2::internal {

// Writes `line` and a newline.
void WriteTerminalLine(std::string_view line);
// Draws `text` over the progress line; an empty text wipes it.
void DrawTerminalStatus(std::string_view text);
// Columns of the terminal on standard error; 80 when unknown.
int TerminalColumns();
// Whether standard error is a terminal that understands control sequences.
bool StderrIsTerminal();

}  // namespace tf2::internal

#endif  // TF2_BASE_TERMINAL_H_
