#include "bench/load/meter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "bench/load/loop.hpp"

namespace gims::bench {
namespace {

sys::Fd opened(const std::string& file, int how) {
  sys::Fd fd(::open(file.c_str(), how | O_CLOEXEC));  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (!fd) give_up("cannot open " + file);
  return fd;
}

}  // namespace

Meter::Meter(std::vector<Process> processes, const std::string& perf_control)
    : processes_(std::move(processes)) {
  if (perf_control.empty()) return;
  const std::size_t comma = perf_control.find(',');
  if (comma == std::string::npos) give_up("--perf-control is COMMANDS,ANSWERS");
  commands_ = opened(perf_control.substr(0, comma), O_WRONLY);
  answers_ = opened(perf_control.substr(comma + 1), O_RDONLY);
}

void Meter::tell_perf(std::string_view command) {
  if (!commands_) return;
  const std::string line = std::string(command) + "\n";
  if (::write(commands_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    give_up("perf takes no commands");
  }
  // "ack\n", and a NUL that belongs to no line.
  std::string answer;
  while (!answer.contains('\n')) {
    std::array<char, 64> room{};
    const ssize_t got = ::read(answers_.get(), room.data(), room.size());
    if (got <= 0) give_up("perf gives no answer");
    answer.append(room.data(), static_cast<std::size_t>(got));
  }
}

void Meter::begin() {
  tell_perf("enable");
  before_ = processor_times(processes_);
}

ProcessorTimes Meter::end() {
  ProcessorTimes used = difference(before_, processor_times(processes_));
  tell_perf("disable");
  return used;
}

}  // namespace gims::bench
