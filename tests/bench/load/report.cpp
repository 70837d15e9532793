#include "bench/load/report.hpp"

namespace gims::bench {
std::string to_json(const Calibration& one) {
  json::Writer out;
  out.begin_object().member("processor_ns", static_cast<std::int64_t>(one.processor.count()));
  return out.member("waiting", one.waiting).end_object().take();
}

Report::Report() : before_(calibrate()) { out_.begin_object().key("figures").begin_object(); }

void Report::figure(std::string_view name, double value) { out_.member(name, value); }

void Report::times(std::string_view name, Samples& samples) {
  const std::string prefix(name);
  figure(prefix + "_p50_ms", samples.percentile_ms(50));
  figure(prefix + "_p99_ms", samples.percentile_ms(99));
  figure(prefix + "_max_ms", samples.percentile_ms(100));
  figure(prefix + "_count", static_cast<double>(samples.size()));
}

void Report::processor(std::string_view name, const ProcessorTimes& used, double operations) {
  if (used.empty() || operations <= 0) return;
  figure(name, static_cast<double>(total(used).count()) / operations);
  json::Writer parts;
  parts.begin_object();
  for (const auto& [part, time] : used) {
    parts.member(part, static_cast<double>(time.count()) / operations);
  }
  processor_ = parts.end_object().take();
}

std::string Report::finish() {
  out_.end_object().raw_member("processor_us", processor_).key("calibration").begin_array();
  out_.raw(to_json(before_)).raw(to_json(calibrate()));
  return out_.end_array().end_object().take();
}

}  // namespace gims::bench
