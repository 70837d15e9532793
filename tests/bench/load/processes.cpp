#include "bench/load/processes.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/load/loop.hpp"

namespace gims::bench {
namespace {

using std::chrono::microseconds;

std::string folder_of(const Process& process) { return "/proc/" + std::to_string(process.pid); }

// proc(5), fields 14 and 15 of stat.
microseconds time_of(const Process& process) {
  std::ifstream file(folder_of(process) + "/stat");
  std::string text;
  if (!std::getline(file, text)) give_up("no process " + process.name);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return microseconds((user + system) * 1'000'000 / ::sysconf(_SC_CLK_TCK));
}

std::string without_number(std::string name) {
  const std::size_t end = name.find_last_not_of("0123456789-");
  if (end != std::string::npos) name.resize(end + 1);
  return name;
}

std::int64_t kilobytes(const std::string& file, std::string_view field) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(field)) continue;
    std::int64_t value = 0;
    std::istringstream(line.substr(field.size())) >> value;
    return value * 1024;
  }
  give_up(file + " has no " + std::string(field));
}

}  // namespace

std::optional<std::vector<Process>> parse_processes(std::string_view text) {
  std::vector<Process> processes;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(one.size() + (one.size() < text.size() ? 1 : 0));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    Process process{.name = std::string(one.substr(0, equals))};
    const std::string_view pid = one.substr(equals + 1);
    const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), process.pid);
    if (error != std::errc{} || end != pid.data() + pid.size() || process.pid < 1) {
      return std::nullopt;
    }
    processes.push_back(std::move(process));
  }
  return processes;
}

ProcessorTimes processor_times(const std::vector<Process>& processes) {
  ProcessorTimes times;
  for (const Process& process : processes) {
    times[process.name] = time_of(process);
    std::error_code gone;
    for (const auto& task :
         std::filesystem::directory_iterator(folder_of(process) + "/task", gone)) {
      std::string name;
      std::getline(std::ifstream(task.path() / "comm"), name);
      std::int64_t nanoseconds = 0;
      std::ifstream(task.path() / "schedstat") >> nanoseconds;
      times[process.name + "/" + without_number(name)] += microseconds(nanoseconds / 1000);
    }
  }
  return times;
}

ProcessorTimes difference(const ProcessorTimes& from, const ProcessorTimes& to) {
  ProcessorTimes used;
  for (const auto& [name, time] : to) {
    const auto before = from.find(name);
    used[name] = before == from.end() ? time : time - before->second;
  }
  return used;
}

microseconds total(const ProcessorTimes& times) {
  microseconds sum(0);
  for (const auto& [name, time] : times) {
    if (!name.contains('/')) sum += time;
  }
  return sum;
}

Memory memory_of(const Process& process) {
  return {.anonymous = kilobytes(folder_of(process) + "/status", "RssAnon:"),
          .proportional = kilobytes(folder_of(process) + "/smaps_rollup", "Pss:")};
}

}  // namespace gims::bench
