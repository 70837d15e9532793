// What of the unit is wrong now, as its alarms have it (image/root/usr/lib/gims/alarms).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace gims::ctl {

inline constexpr std::string_view alarms_file = "/run/gims/alarms/now";
inline constexpr std::size_t most_alarm_bytes = std::size_t{64} * 1024;

struct Alarm {
  Millis since = 0;
  std::string text;  // printable
};

// In the text's order.
[[nodiscard]] std::vector<Alarm> parse_alarms(std::string_view text);
// Of the file. Fails where there is no such file: nobody has looked yet.
[[nodiscard]] Result<std::vector<Alarm>> read_alarms(const std::string& file);

// For the console, above its prompt; empty: nothing is wrong, or nobody has looked.
[[nodiscard]] std::string alarms_notice(const Result<std::vector<Alarm>>& alarms);

}  // namespace gims::ctl
