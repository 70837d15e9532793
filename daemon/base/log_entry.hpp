// The two forms of an entry, apart from writing it. For log.cpp and its tests.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"

namespace gims::log {

// Of a text or a value longer than this, in bytes, the rest is left out. It keeps an entry within
// one datagram to the journal, and a line within what a pipe takes whole, in all but extreme cases.
inline constexpr std::size_t longest_value = 1024;

// `value` in printable ASCII: a backslash is doubled, and every byte outside of it (line breaks,
// escape sequences of terminals, marks that turn the direction of writing) is \x and two digits. So
// no client can forge a line, or make one look like another. Cut after longest_value bytes, with
// "..." in place of the rest.
[[nodiscard]] std::string printable(std::string_view value);

// `<priority>text NAME=value…` and a line break (sd-daemon(3) has the prefix). A value that is
// empty or holds a space or a quote stands in quotes, so that none can pass for two fields.
[[nodiscard]] std::string stderr_line(Level level, std::string_view text,
                                      std::span<const Field> fields);

// "NAME=value" for each field of the journal (systemd.journal-fields(7)).
[[nodiscard]] std::vector<std::string> journal_entry(Level level, MessageId id,
                                                     std::string_view text,
                                                     std::span<const Field> fields);

}  // namespace gims::log
