// The console of an appliance, for people who have no shell: gimsctl that is called as a login
// shell is asks for one command after the other and starts gimsctl or gims-keyd with its words.
// Nothing else can be started, and no word means anything but itself: there are no variables,
// patterns, pipes or redirections.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gims::ctl {

inline constexpr std::size_t longest_line = 4096;
inline constexpr std::size_t most_words = 64;

// The words of a line. Blanks part them; what stands in "…" is one word, in which \" and \\ stand
// for the second character. Refused: an open quotation, a control character, a line or list that is
// too long.
[[nodiscard]] Result<std::vector<std::string>> words_of(std::string_view line);

// What a line of these words starts: the program's path and its arguments.
struct Started {
  std::string path;
  std::vector<std::string> arguments;  // with the program's name
};
[[nodiscard]] Started started_by(std::vector<std::string> words);

struct ConsoleSurroundings {
  // What is said before each line: the unit's alarms. Empty: nothing.
  std::function<std::string()> notice;
  // Shows the prompt and gives a line; nothing at the end of the input.
  std::function<std::optional<std::string>()> line;
  std::function<void(std::string_view)> say;
  // Runs it to its end.
  std::function<Result<int>(const Started&)> start;
};

// At this process's terminal: a line after the prompt, nothing at the end of the input; a program
// run to its end, and its exit status (255 where a signal ended it).
[[nodiscard]] std::optional<std::string> read_line(std::string_view prompt);
[[nodiscard]] Result<int> start_and_wait(const Started& started);

// Until "exit" or the end of the input.
void run_console(const ConsoleSurroundings& surroundings);

// At this process's terminal. Keys that interrupt end the command that runs, not the console.
void run_console_here();

}  // namespace gims::ctl
