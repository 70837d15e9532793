// The journal. One entry per happening, with structured fields; a line of stderr where there is no
// journal.
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/log_ids.hpp"
#include "base/result.hpp"

namespace gims::log {

// syslog priorities (RFC 5424, section 6.2.1).
enum class Level : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// A journal field: an upper-case name ("UID"; the journal has it as GIMS_UID) and its value. Never
// a secret, a token, or the body of a message: SecretBytes and Redacted do not convert to it, and
// scripts/lint/journal.py has the list of names with what each may hold.
struct Field {
  std::string_view name;
  std::string_view value;
};

// Writes one entry of the kind `id`. Text and values may come from a client: whatever is not
// printable ASCII is escaped, and what is long is cut (log_entry.hpp). Any thread. Never fails: an
// entry that cannot be written is dropped.
void write(Level level, MessageId id, std::string_view text,
           std::initializer_list<Field> fields = {}) noexcept;

// Entries below `level` are dropped. The start value is info.
void set_level(Level level) noexcept;

inline void notice(MessageId id, std::string_view text,
                   std::initializer_list<Field> fields = {}) noexcept {
  write(Level::notice, id, text, fields);
}
inline void info(MessageId id, std::string_view text,
                 std::initializer_list<Field> fields = {}) noexcept {
  write(Level::info, id, text, fields);
}
inline void warning(MessageId id, std::string_view text,
                    std::initializer_list<Field> fields = {}) noexcept {
  write(Level::warning, id, text, fields);
}
inline void error(MessageId id, std::string_view text,
                  std::initializer_list<Field> fields = {}) noexcept {
  write(Level::error, id, text, fields);
}
// Writes what failed with the private detail of the error.
void failure(MessageId id, std::string_view text, const Error& error) noexcept;

}  // namespace gims::log
