// What the server uses while something is measured.
#pragma once

#include <string>
#include <vector>

#include "bench/load/processes.hpp"
#include "sys/fd.hpp"

namespace gims::bench {

// Thread: one.
class Meter {
 public:
  // `perf_control`: "COMMANDS,ANSWERS", the two named pipes of a `perf record --control=fifo:...`
  // (perf-record(1)), which then records what is measured and nothing else; empty: there is none.
  // perf has opened its ends.
  Meter(std::vector<Process> processes, const std::string& perf_control);

  // What is measured begins.
  void begin();
  // It ends: processor time since begin(). There may be several such parts.
  [[nodiscard]] ProcessorTimes end();

 private:
  void tell_perf(std::string_view command);

  std::vector<Process> processes_;
  sys::Fd commands_;
  sys::Fd answers_;
  ProcessorTimes before_;
};

}  // namespace gims::bench
