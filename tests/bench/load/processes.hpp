// What the server's processes use, as the kernel counts it (proc(5)).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gims::bench {

struct Process {
  std::string name;
  int pid = 0;
};
// "gimsd=123,gims-tlsd=124"; nothing where it is written otherwise.
[[nodiscard]] std::optional<std::vector<Process>> parse_processes(std::string_view text);

// Processor time by "PROCESS" (of /proc/PID/stat, in steps of 10 ms) and by "PROCESS/THREAD", where
// threads with the same name but for a number at its end count as one.
using ProcessorTimes = std::map<std::string, std::chrono::microseconds>;
[[nodiscard]] ProcessorTimes processor_times(const std::vector<Process>& processes);
[[nodiscard]] ProcessorTimes difference(const ProcessorTimes& from, const ProcessorTimes& to);
// Of all processes together, without the threads.
[[nodiscard]] std::chrono::microseconds total(const ProcessorTimes& times);

struct Memory {
  std::int64_t anonymous = 0;     // bytes of its own in use (RssAnon): heap and stacks
  std::int64_t proportional = 0;  // bytes in use; of pages shared with others its part (Pss)
};
[[nodiscard]] Memory memory_of(const Process& process);

}  // namespace gims::bench
