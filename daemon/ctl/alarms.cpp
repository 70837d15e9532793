#include "ctl/alarms.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "ctl/files.hpp"
#include "ctl/table.hpp"

namespace gims::ctl {
namespace {

// "SECONDS TEXT"
Alarm alarm_of(std::string_view line) {
  Alarm alarm;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seconds);
  if (error == std::errc{} && seconds >= 0 && seconds < INT64_MAX / 1000) {
    alarm.since = seconds * 1000;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (line.starts_with(' ')) line.remove_prefix(1);
  }
  alarm.text = printable(line);
  return alarm;
}

}  // namespace

std::vector<Alarm> parse_alarms(std::string_view text) {
  std::vector<Alarm> alarms;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty()) alarms.push_back(alarm_of(line));
  }
  return alarms;
}

Result<std::vector<Alarm>> read_alarms(const std::string& file) {
  GIMS_TRY_ASSIGN(const std::string text, read_text(file, most_alarm_bytes));
  return parse_alarms(text);
}

std::string alarms_notice(const Result<std::vector<Alarm>>& alarms) {
  if (!alarms || alarms->empty()) return {};
  if (alarms->size() == 1) return "ALARM: " + alarms->front().text + "\n";
  return "ALARM: " + std::to_string(alarms->size()) +
         " things are wrong. unit alarms tells them.\n";
}

}  // namespace gims::ctl
