// The journal. One line per happening, with structured fields; stderr where there is no journal.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::log {

// syslog priorities (RFC 5424, section 6.2.1).
enum class Level : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// A journal field: an upper-case name ("ROOM") and its value. Never a secret, a token, or the body
// of a message.
struct Field {
  std::string_view name;
  std::string_view value;
};

// Writes one entry. `message_id` names the kind of happening (32 hex digits, made with
// `systemd-id128 new`; see log_ids.hpp) or is empty. Any thread. Never fails: a line that
// cannot be written is dropped.
void write(Level level, std::string_view message_id, std::string_view text,
           std::initializer_list<Field> fields = {}) noexcept;

// Entries below `level` are dropped. The start value is info.
void set_level(Level level) noexcept;

inline void info(std::string_view text, std::initializer_list<Field> fields = {}) noexcept {
  write(Level::info, {}, text, fields);
}
inline void warning(std::string_view text, std::initializer_list<Field> fields = {}) noexcept {
  write(Level::warning, {}, text, fields);
}
// Writes what failed with the private detail of the error.
void failure(std::string_view text, const Error& error) noexcept;

}  // namespace gims::log
