// What a scenario found, as JSON.
#pragma once

#include <string>
#include <string_view>

#include "bench/load/calibration.hpp"
#include "bench/load/processes.hpp"
#include "bench/load/samples.hpp"
#include "json/writer.hpp"

namespace gims::bench {

[[nodiscard]] std::string to_json(const Calibration& one);

// {"figures":{NAME:NUMBER,...},"processor_us":{PROCESS or PROCESS/THREAD:NUMBER,...},
//  "calibration":[{"processor_ns":N,"waiting":X}, the same after]}
class Report {
 public:
  Report();
  void figure(std::string_view name, double value);
  // NAME_p50_ms, NAME_p99_ms, NAME_max_ms and NAME_count.
  void times(std::string_view name, Samples& samples);
  // Processor time of the server for each of `operations`, in all as the figure `name`, and apart.
  void processor(std::string_view name, const ProcessorTimes& used, double operations);
  // Ends the report; the calibration is done again.
  [[nodiscard]] std::string finish();

 private:
  json::Writer out_;
  std::string processor_ = "{}";
  Calibration before_;
};

}  // namespace gims::bench
